#ifndef CHAT_EVENTS_OUTLET_H
#define CHAT_EVENTS_OUTLET_H

/*
 * Where the world hears of a change: Redis, Kafka, and message-service for what became of it. An
 * interface, so that the order in which things are told can be tested without servers.
 */

#include "common/arena.h"
#include "common/error.h"
#include "domain/change.h"
#include "domain/personal.h"
#include "storage/chat_store.h"

struct cc_redis;
struct cc_producer;
struct cc_peer;
struct cc_ids;

/* A change with the chat as it is now (perhaps newer) and all who are or were in it; members NULL:
 * more than CHAT_RIGHTS_CACHED_MAX. */
struct chat_announcement {
    const struct chat_change *change;
    const struct chat *chat;
    const struct chat_member_list *members;
};

struct chat_outlet;
struct chat_outlet_ops {
    /* Puts memberships of one chat, which the store has, where their people's lists are read from.
     * Repeatable. */
    enum cc_code (*note_members)(struct chat_outlet *outlet, const struct membership *members,
                                 size_t count, struct cc_error *err);
    /* Makes the new rights count: members:{chat}, mver:{chat}; everybody who holds older ones is
     * told. Repeatable. */
    enum cc_code (*raise_rights)(struct chat_outlet *outlet,
                                 const struct chat_announcement *announcement,
                                 struct cc_error *err);
    /* The system operation and chat.updated; CC_OK only when the broker has both. Repeatable. */
    enum cc_code (*publish)(struct chat_outlet *outlet,
                            const struct chat_announcement *announcement, struct cc_error *err);
    /* chat.updated for that person alone and, of a chat that was deleted for oneself, message.read
     * with cleared_seq; CC_OK only when the broker has them. Repeatable. */
    enum cc_code (*publish_personal)(struct chat_outlet *outlet, const struct personal *personal,
                                     struct cc_error *err);
    /* Waits until the system operation is in the timeline. CC_TIMEOUT: not within the limit, but
     * it will be. */
    enum cc_code (*await_persisted)(struct chat_outlet *outlet, const struct chat_change *change,
                                    struct cc_error *err);
    /* Waits until message-service shows that person nothing up to cleared_seq. CC_TIMEOUT as above.
     */
    enum cc_code (*await_cleared)(struct chat_outlet *outlet, const struct personal *personal,
                                  struct cc_error *err);
};
struct chat_outlet {
    const struct chat_outlet_ops *ops;
};

/* The real one; everything in it is borrowed. */
struct chat_outlet_servers {
    struct chat_outlet base;
    struct cc_redis *redis;
    struct cc_producer *producer;
    struct cc_peer *message_service;
    struct cc_ids *ids;
    const char *operations_topic; /* message.created */
    const char *updates_topic;    /* chat.updated */
    const char *reads_topic;      /* message.read */
    int persisted_wait_ms;
};
void chat_outlet_servers_init(struct chat_outlet_servers *outlet);

#endif
