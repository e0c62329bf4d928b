#ifndef CHAT_FIXTURE_H
#define CHAT_FIXTURE_H

/* chat-service with real MongoDB, Kafka and Redis, and neighbours that a test controls. A bearer
 * token is simply the user's id. */

#include <stdatomic.h>

#include "app.h"
#include "common/events/message_created.h"
#include "common/http_server.h"

#include "../builders.h"

#define FIXTURE_BLOCKS 2

struct answer {
    int status;
    const char *body;
    struct cc_http_answer raw;
};
struct chat_fixture {
    struct chat_app app;
    struct chat_settings settings;
    struct cc_http_server *public_server, *internal_server, *neighbours;
    struct cc_arena *arena; /* of the running test */
    char operations_topic[64], updates_topic[64], reads_topic[64];
    _Atomic bool outcomes_known;   /* does message-service know every operation and deletion? */
    _Atomic bool reads_unknown;    /* can message-service not say how far anybody has read? */
    const char *_Atomic read_chat; /* everybody has read this one, up to read_seq; NULL = none */
    _Atomic int read_seq;
    _Atomic bool relations_unknown; /* can user-service not say who blocks whom? */
    struct fixture_block {
        _Atomic bool holds;
        _Atomic int unseen; /* by so many of the next questions */
        const char *blocker, *blocked;
    } blocks[FIXTURE_BLOCKS]; /* besides BLOCKER's */
    _Atomic int questions;    /* about relations, so far */
    struct cc_error err;
};

int chat_fixture_start(void **state); /* group setup */
int chat_fixture_stop(void **state);
int chat_fixture_begin(void **state); /* of each test */
int chat_fixture_end(void **state);
/* Of operations and deletions. While they are not, whoever waits for one gives up soon. */
void outcomes_are_known(struct chat_fixture *f, bool known);

/* A person whom user-service does not know. */
#define NOBODY "00000000-0000-8000-8000-000000000000"
/* A person who has blocked everybody. */
#define BLOCKER "00000000-0000-8000-8000-00000000000b"

/* body NULL = none. key: Idempotency-Key or NULL. */
struct answer chat_call(struct chat_fixture *f, const char *user_id, const char *method,
                        const char *path, const char *body, const char *key);
/* With a header more. */
struct answer chat_call_with(struct chat_fixture *f, const char *user_id, const char *method,
                             const char *path, const char *body, const char *header,
                             const char *value);
/* body NULL = GET, else POST. */
struct answer chat_call_internal(struct chat_fixture *f, const char *path, const char *body);
/* POST /v1/chats; key: Idempotency-Key or NULL. */
struct answer create_group(struct chat_fixture *f, const char *owner_id, const char *const *others,
                           size_t count, const char *key);
/* Its chat_id. */
const char *must_create_group(struct chat_fixture *f, const char *owner_id,
                              const char *const *others, size_t count);
const char *must_create_direct(struct chat_fixture *f, const char *user_id, const char *other_id);
/* "/v1/chats/<chat_id><rest>" */
const char *path_of(struct chat_fixture *f, const char *chat_id, const char *rest);
/* As the consumer would, when message-service announces a message "hello". */
void say_in(struct chat_fixture *f, const char *chat_id, int64_t rev, int64_t at_ms);
/* The same of one that expires at that time. */
void say_until(struct chat_fixture *f, const char *chat_id, int64_t rev, int64_t at_ms,
               int64_t expires_at_ms);
/* As the consumers would: somebody changed `change` ("blocks", "deleted"); a chat.updated. */
enum cc_code tell_user_change(struct chat_fixture *f, const char *user_id, const char *change);
enum cc_code tell_chat_update(struct chat_fixture *f, const char *payload);
/* A text field of an object; fails the test when it isn't there. */
const char *json_text(struct chat_fixture *f, const char *json, const char *key);
int64_t json_int(struct chat_fixture *f, const char *json, const char *key);
/* JSON array of texts, as text. */
const char *json_ids(struct chat_fixture *f, const char *const *ids, size_t count);

/* Payloads of all records of a topic with this key, in order; what is there now. */
struct payloads {
    const char **items;
    size_t count;
};
struct payloads chat_records(struct chat_fixture *f, const char *topic, const char *key);
struct ev_message_created operation_in(struct chat_fixture *f, const char *payload);
/* How many changes of the chat wait to be announced. */
size_t unannounced(struct chat_fixture *f, const char *chat_id);
/* Redis GET; NULL when absent. */
const char *redis_get(struct chat_fixture *f, const char *key);

#endif
