#ifndef MESSAGE_FIXTURE_H
#define MESSAGE_FIXTURE_H

/* message-service with real MongoDB, Kafka and Redis, topics of its own, and a chat-service that a
 * test controls. A bearer token is simply the user's id. */

#include <stdatomic.h>

#include "app.h"
#include "common/events/message_persisted.h"
#include "common/http_server.h"
#include "storage/message_store_failing.h"

#define PARTITIONS 3

struct answer {
    int status;
    const char *body;
    struct cc_http_answer raw;
};
struct message_fixture {
    struct message_app app;
    struct message_settings settings;
    struct cc_runtime runtime;
    struct message_names names;
    struct cc_ids *ids;
    struct cc_mongo *mongo;       /* to look, and for stores that fail */
    struct message_store *store;  /* to look */
    struct cc_producer *producer; /* the gateways' */
    struct cc_http_client *client;
    struct cc_http_server *public_server, *internal_server, *chat_service;
    struct cc_arena *arena; /* of the running test */
    const char *members[3]; /* of every chat, as the chat-service here answers */
    _Atomic bool chat_service_away;
    struct cc_error err;
};

int message_fixture_start(void **state); /* group setup */
int message_fixture_stop(void **state);
int message_fixture_begin(void **state); /* of each test: new members, nobody removed */
int message_fixture_end(void **state);

/* Stops the service and starts it again; another group sees all topics from their beginning. */
void message_restart(struct message_fixture *f, bool another_group);
/* The same with a store that fails as planned, once (see message_store_failing.h). */
void message_restart_failing(struct message_fixture *f, enum store_call call,
                             enum store_failure when);

const char *a_new_id(struct message_fixture *f);

/* A send as a gateway would produce it. */
struct ev_message_created a_gateway_send(struct message_fixture *f, const char *chat_id,
                                         const char *sender_id, const char *client_msg_id);
/* chat-service's operation: the chat is deleted for everybody. */
struct ev_message_created a_chat_deletion(struct message_fixture *f, const char *chat_id);
void must_produce(struct message_fixture *f, const struct ev_message_created *operations,
                  size_t count);
void must_produce_raw(struct message_fixture *f, const char *key, const char *payload);

/* All of message.persisted so far, in order per partition; in the arena. */
struct persisted_list {
    struct ev_message_persisted *items;
    size_t count;
};
struct persisted_list persisted(struct message_fixture *f);
struct message_list stored_messages(struct message_fixture *f, const char *chat_id);

/* body NULL = none. key: Idempotency-Key or NULL. */
struct answer call(struct message_fixture *f, const char *user_id, const char *method,
                   const char *path, const char *body, const char *key);
struct answer call_internal(struct message_fixture *f, const char *method, const char *path,
                            const char *body);
/* POSTs a text message; body without anything that JSON escapes. */
struct answer send_text(struct message_fixture *f, const char *user_id, const char *chat_id,
                        const char *body, const char *key);
/* A number or text in an object; fails the test when it isn't there. */
int64_t number_in(struct message_fixture *f, const char *json, const char *key);
const char *text_in(struct message_fixture *f, const char *json, const char *key);

#endif
