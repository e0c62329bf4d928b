#ifndef PEOPLE_H
#define PEOPLE_H

/* People who register, log in and so on at the service of the fixture. */

#include "service_fixture.h"

#define PASSWORD "engines of 1843"

struct person {
    const char *email, *handle;
    const char *verification_id; /* of the last code that he asked for; NULL = he does not say it */
};

struct device {
    const char *access_token, *refresh_token, *session_id, *user_id, *device_token;
};

struct person a_person(struct fixture *f);
struct answer register_as(struct fixture *f, struct person *person, const char *password);
struct answer verify(struct fixture *f, struct person person, const char *code);
struct answer verify_as(struct fixture *f, struct person person, const char *code,
                        const char *handle); /* NULL = as it was registered */
struct answer resend(struct fixture *f, struct person person);
struct answer log_in(struct fixture *f, struct person person, const char *password,
                     const char *device_id);
const char *logout_body(struct fixture *f, const char *refresh_token);
const char *refresh_body(struct fixture *f, const char *refresh_token, const char *device_id);
/* POST /v1/auth/refresh; of the device "telephone" */
struct answer refresh(struct fixture *f, const char *refresh_token);
struct answer refresh_on(struct fixture *f, const char *refresh_token, const char *device_id);
struct answer list_sessions(struct fixture *f, const char *access_token);
/* POST /v1/auth/password/forgot and .../reset */
struct answer forgot(struct fixture *f, struct person *person);
struct answer reset(struct fixture *f, struct person person, const char *code,
                    const char *password);
struct answer change_password(struct fixture *f, const char *access_token, const char *current,
                              const char *fresh);
/* log_in() with the device's token of an earlier log-in. */
struct answer log_in_known(struct fixture *f, struct person person, const char *password,
                           const char *device_id, const char *device_token);
/* {"verification_id", "email", and what `more` says} */
const char *code_body(struct fixture *f, struct person person, const char *more);
/* Redis key of the last code that he asked for; removes it, as a Redis that was emptied does. */
const char *code_key(struct fixture *f, struct person person, const char *purpose);
void forget_code(struct fixture *f, struct person person);
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
