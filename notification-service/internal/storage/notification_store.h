#ifndef NOTIFICATION_STORE_H
#define NOTIFICATION_STORE_H

/*
 * What people were told, and what was done to tell them. One instance serves all threads; calls
 * block up to the driver's timeouts. Everything is kept in weeks, because a store that knows only
 * equality can page through and throw away whole weeks: older ones than NOTIFICATION_WEEKS_KEPT go.
 * Errors of every call: CC_UNAVAILABLE, CC_OUTCOME_UNKNOWN, CC_TIMEOUT; repeating one is harmless.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/id.h"

#define NOTIFICATION_WEEK_MS    (INT64_C(7) * 24 * 60 * 60 * 1000)
#define NOTIFICATION_WEEKS_KEPT 5

struct notification {
    const char *notification_id;
    const char *user_id;
    const char *kind;
    const char *chat_id, *message_id; /* message_id may be NULL */
    int64_t seq;
    const char *title, *preview;
    int64_t created_at_ms; /* decides its week: at most a week ahead of the reader's clock */
    bool read;
};

struct notification_delivery { /* one row per notification and channel */
    const char *notification_id;
    const char *user_id;
    const char *channel; /* in_app */
    const char *outcome; /* delivered, cancelled */
    int64_t at_ms;
};

struct notification_position { /* after the last one of a page */
    int64_t created_at_ms;
    char notification_id[CC_UUID_BYTES];
};

struct notification_query {
    const char *user_id;
    const struct notification_position *after; /* NULL = from the newest */
    size_t limit;
    int64_t now_ms; /* where the newest week is looked for */
};

struct notification_list {
    struct notification *items; /* in the arena, as are their texts */
    size_t count;
};

struct notification_store;
struct notification_store_ops {
    /* Stores those whose id is not there yet; the stored ones stay as they are. What tells of a
     * retracted message or chat does not stay. */
    enum cc_code (*insert)(struct notification_store *store, const struct notification *rows,
                           size_t count, struct cc_error *err);
    /* The same for deliveries, by notification and channel. */
    enum cc_code (*log_deliveries)(struct notification_store *store,
                                   const struct notification_delivery *rows, size_t count,
                                   struct cc_error *err);
    /* Newest first, by created_at_ms and then id, both descending. */
    enum cc_code (*list)(struct notification_store *store, const struct notification_query *query,
                         struct cc_arena *arena, struct notification_list *out,
                         struct cc_error *err);
    /* Marks the person's own; ids that are unknown or another's are passed over. */
    enum cc_code (*mark_read)(struct notification_store *store, const char *user_id,
                              const char *const *ids, size_t count, struct cc_error *err);
    /* These messages are gone: nothing tells of them any more, what was stored before and what is
     * stored later. */
    enum cc_code (*retract)(struct notification_store *store, const char *const *message_ids,
                            size_t count, int64_t now_ms, struct cc_error *err);
    /* The same of whole chats: nothing tells of any message of theirs. */
    enum cc_code (*retract_chats)(struct notification_store *store, const char *const *chat_ids,
                                  size_t count, int64_t now_ms, struct cc_error *err);
    /* Nothing that this person was told stays. now_ms: whose newest week is looked for. */
    enum cc_code (*forget_person)(struct notification_store *store, const char *user_id,
                                  int64_t now_ms, struct cc_error *err);
    /* Throws away everything of one week, by its number. */
    enum cc_code (*purge_week)(struct notification_store *store, int64_t week,
                               struct cc_error *err);
    void (*destroy)(struct notification_store *store);
};
struct notification_store {
    const struct notification_store_ops *ops;
};

/* Number of the week since the epoch. */
static inline int64_t notification_week(int64_t epoch_ms)
{
    return epoch_ms / NOTIFICATION_WEEK_MS;
}

struct cc_mongo;
struct notification_store *notification_store_mongo_create(struct cc_mongo *mongo); /* borrowed */
struct notification_store *notification_store_memory_create(void);

static inline void notification_store_destroy(struct notification_store *store) /* accepts NULL */
{
    if (store != NULL)
        store->ops->destroy(store);
}

#endif
