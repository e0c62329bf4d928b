#ifndef SERVICE_FIXTURE_H
#define SERVICE_FIXTURE_H

/* user-service with real PostgreSQL, Redis and Kafka behind it, asked over HTTP. One service for
 * all tests of a program; each test has people of its own. */

#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "app.h"
#include "common/http_server.h"
#include "common/kafka_consumer.h"

#define EVENTS_MAX 128

struct heard {
    char user_id[CC_UUID_BYTES], change[16], handle[CC_HANDLE_BYTES];
    int64_t change_version;
};

struct fixture {
    struct user_app app;
    struct cc_arena *arena;
    struct cc_http_server *service, *ops, *neighbours;
    atomic_bool chats_are_shared; /* chat-service: everybody is in a chat with everybody */
    atomic_bool chat_service_away;
    struct cc_jwt_signer *signer;
    struct cc_consumer *consumer;
    const char *schema;
    int next_handle;
    pthread_mutex_t lock;
    struct heard heard[EVENTS_MAX];
    size_t heard_count;
};

struct person {
    const char *user_id, *handle, *token;
};

int start_service(void **state);
int stop_service(void **state);

/* Fails the test unless the code is CC_OK. */
void must(enum cc_code code, const struct cc_error *err);
const char *new_id(struct fixture *f);
/* Somebody with a token; enrolled: with a profile, too. */
struct person somebody(struct fixture *f);
struct person somebody_enrolled(struct fixture *f);
/* The status of enrolling somebody called Ada. */
int enroll(struct fixture *f, const struct person *person, const char *handle);

/* A request with what most of them need; NULL members are left out. */
struct ask {
    struct cc_http_server *server; /* NULL = the service's */
    const char *method, *path, *token, *body, *if_match, *media_type;
};
struct cc_http_answer send_ask(struct fixture *f, const struct ask *ask);
#define ASK(...) send_ask(f, &(struct ask){__VA_ARGS__})
/* The status alone. */
#define STATUS(...) ASK(__VA_ARGS__).status

const char *text_of(struct fixture *f, const struct cc_http_answer *answer);
void must_hold(struct fixture *f, const struct cc_http_answer *answer, const char *part);
void must_not_hold(struct fixture *f, const struct cc_http_answer *answer, const char *part);
/* The value of a member that is a text without escapes; NULL when it is null. */
const char *member(struct fixture *f, const struct cc_http_answer *answer, const char *name);

/* A command on a key, which then lives for a minute. */
void redis(struct fixture *f, const char *command, const char *key, const char *first,
           const char *second);
/* Waits until Kafka has told `count` facts about somebody; the first ones. */
void wait_heard(struct fixture *f, const char *user_id, struct heard *out, size_t count);

const char *block_path(struct fixture *f, const char *user_id);
int block(struct fixture *f, const struct person *who, const char *user_id); /* the status */
#define SETTINGS "/v1/users/me/settings"
struct cc_http_answer put_settings(struct fixture *f, const struct person *who, const char *body,
                                   const char *if_match);
/* The answer to one pair, as other daemons get it. */
struct cc_http_answer relation(struct fixture *f, const char *route, const char *actor_id,
                               const char *user_id);

#endif
