#ifndef PEOPLE_H
#define PEOPLE_H

/* People who register, log in and so on at the service of the fixture. */

#include "service_fixture.h"

#define PASSWORD "engines of 1843"

struct person {
    const char *email, *handle;
};

struct device {
    const char *access_token, *refresh_token, *session_id, *user_id;
};

struct person a_person(struct fixture *f);
struct answer register_as(struct fixture *f, struct person person, const char *password);
struct answer verify(struct fixture *f, struct person person, const char *code);
struct answer resend(struct fixture *f, struct person person);
struct answer log_in(struct fixture *f, struct person person, const char *password,
                     const char *device_id);
const char *refresh_body(struct fixture *f, const char *refresh_token);
/* POST /v1/auth/refresh */
struct answer refresh(struct fixture *f, const char *refresh_token);
struct answer list_sessions(struct fixture *f, const char *access_token);
size_t count_sessions(struct fixture *f, const char *access_token);
struct person must_join(struct fixture *f);
struct device must_log_in(struct fixture *f, struct person person, const char *device_id);

struct refusal { /* for test_wait_for(is_refused, ...): the token is refused by now */
    struct fixture *f;
    const char *access_token;
};
bool is_refused(void *refusal);
int64_t waiting_mails(struct fixture *f);
bool no_mail_waits(void *fixture); /* for test_wait_for */

#endif
