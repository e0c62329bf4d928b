#ifndef WORLD_H
#define WORLD_H

/*
 * What surrounds a gateway in its integration tests: real Kafka and Redis, two gateways in this
 * process, and one small stand-in each for chat-service, message-service (which really numbers and
 * announces what comes through Kafka) and auth-service's keys. One world per test program.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "app.h"

#define WORLD_GATEWAYS  2
#define WORLD_LOG_MAX   6000
#define WORLD_PEOPLE    4
#define WORLD_CHATS_MAX 64

struct world_change {
    int64_t rev, seq;
    char op[12];
    char *message_json;
};
struct world_gate { /* where questions of a kind can be held up */
    bool held;
    unsigned asked, waiting;
};
struct world_chat {
    char chat_id[CC_UUID_BYTES];
    char members[WORLD_PEOPLE][CC_UUID_BYTES]; /* "" = none */
    int64_t member_version;
    int64_t rev, seq;
    char hides[CC_UUID_BYTES]; /* who has deleted all of it for themselves; "" = nobody */
    bool since_joining;
    bool purged; /* the log begins after all that was in it */
    bool closed; /* nobody may post in it */
    bool crowd;  /* message-service names nobody as recipient: there are too many */
    struct world_change log[WORLD_LOG_MAX];
};
struct world {
    pthread_mutex_t lock;
    struct world_chat chats[WORLD_CHATS_MAX];
    size_t chat_count;
    char hidden[CC_UUID_BYTES]; /* user-service: nobody may see this person */
    bool user_service_away;
    _Atomic bool owner_lost_redis; /* what it stores is left to the gateways to publish */
    char busy[CC_UUID_BYTES];      /* who is in so many more chats; "" = nobody */
    unsigned busy_chats;
    bool no_chats;                /* chat-service refuses lists of chats */
    bool heads_unknown;           /* message-service names none */
    struct world_gate chats_gate; /* chat-service: lists of chats */
    struct world_gate pages_gate; /* message-service: pages of changes */
    bool no_pages;                /* it refuses them */
    pthread_cond_t released;
    struct cc_ids *ids;
    struct cc_producer *producer;
    struct cc_redis *redis;
    struct cc_health *health;
    struct cc_jwt_signer *signer;
    struct cc_http_server *stub;
    struct cc_consumer *owner, *marks;
    struct ws_settings settings[WORLD_GATEWAYS];
    struct ws_app gateways[WORLD_GATEWAYS];
};
struct world *world_create(void);
void world_destroy(struct world *world);

struct world_chat *world_add_chat(struct world *world, const char *a, const char *b);
/* Closes or opens the chat for posting, and tells it as a gateway's consumer does. */
void world_close(struct world *world, struct world_chat *chat, bool closed);
/* Removes a member; nobody is told. */
void world_remove(struct world *world, struct world_chat *chat, const char *user_id);
/* chat-service lists so many more chats for that person, of which nothing else is known. */
void world_set_many(struct world *world, const char *user_id, unsigned count);
/* Sets mver:{chat}, as chat-service does before it tells the gateways. */
void world_say_members(struct world *world, const struct world_chat *chat);
/* The gateways lose their connections to the bus, and with them what is published meanwhile. */
void world_cut_bus(struct world *world);
void world_new_id(struct world *world, char out[CC_UUID_BYTES]);
int world_port(const struct world *world, int gateway);
/* An access token; session_id is chosen by the caller. */
char *world_token(struct world *world, const char *user_id, const char *session_id,
                  int64_t issued_at_ms);
/* Appends a message to the chat's log as if it had been stored; returns its rev. announce: on the
 * chat's channel, as a gateway's consumer does. */
int64_t world_store(struct world *world, struct world_chat *chat, const char *body, bool announce);
/* The last message says something else now; announced. */
void world_edit_last(struct world *world, struct world_chat *chat, const char *body);
/* Publishes a frame for all sockets of a person. */
void world_notify(struct world *world, const char *user_id, const char *frame);
/* Tells somebody how far another one has read, as of the chat's membership now. */
void world_tell_receipt(struct world *world, const struct world_chat *chat, const char *user_id,
                        const char *reader_id);
/* From now on user-service says that nobody may see this person; "" = everybody sees everybody. */
void world_hide(struct world *world, const char *user_id);
void world_set(struct world *world, bool *flag, bool value); /* one of the world's or a chat's */
/* That person has deleted all messages of the chat for themselves. */
void world_hide_all(struct world *world, struct world_chat *chat, const char *user_id);
/* Questions of that kind are not answered until they are released. */
void world_hold(struct world *world, struct world_gate *gate, bool held);
struct world_gate world_look(struct world *world, const struct world_gate *gate);
/* Produces user.updated; version 0 = none. */
void world_update_user(struct world *world, const char *user_id, const char *change,
                       int64_t version);
void world_produce(struct world *world, const char *topic, const char *key,
                   const struct cc_strbuf *payload);

#endif
