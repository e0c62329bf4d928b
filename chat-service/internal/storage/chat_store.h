#ifndef CHAT_STORAGE_CHAT_STORE_H
#define CHAT_STORAGE_CHAT_STORE_H

/*
 * The log of changes and what follows from it: chats, memberships, and each chat's last message.
 * The log is the truth: a change happens when its version is appended, and everything else here can
 * be made again from it. One instance serves all threads; every call may block as long as the
 * driver's timeouts. Results live in the given arena. Common errors: CC_UNAVAILABLE nothing was
 * done; CC_OUTCOME_UNKNOWN the connection broke after sending (every call may be repeated).
 * Two implementations pass the same contract suite (tests/contract).
 * Source: docs/contracts.md "Making a chat".
 */

#include "common/arena.h"
#include "common/error.h"
#include "domain/activity.h"
#include "domain/change.h"

struct cc_mongo;
struct chat_store;

struct chat_change_list {
    struct chat_change **items; /* by chat id, then version, ascending */
    size_t count;
};
struct chat_member_list {
    struct membership *items;
    size_t count;
};

#define CHAT_PENDING_MAX     500  /* unannounced changes read at once */
#define CHAT_MEMBERSHIPS_MAX 5000 /* chats of one person that are looked at */

enum chat_member_filter { CHAT_MEMBERS_ACTIVE, CHAT_MEMBERS_BANNED, CHAT_MEMBERS_EVER };
struct chat_member_query {
    const struct chat *chat; /* as it was read: says how many places there are */
    int64_t from_place;      /* 0 = from the beginning */
    enum chat_member_filter filter;
    size_t limit;
};

struct chat_store_ops {
    /* CC_CONFLICT: the chat has a change of this version already; nothing was written. */
    enum cc_code (*append)(struct chat_store *store, const struct chat_change *change,
                           struct cc_error *err);
    /* CC_NOT_FOUND. */
    enum cc_code (*find_change)(struct chat_store *store, const char *chat_id, int64_t version,
                                struct cc_arena *arena, struct chat_change **out,
                                struct cc_error *err);
    /* At most CHAT_PENDING_MAX; chat_id NULL: of all chats. */
    enum cc_code (*list_unannounced)(struct chat_store *store, const char *chat_id,
                                     struct cc_arena *arena, struct chat_change_list *out,
                                     struct cc_error *err);
    enum cc_code (*mark_announced)(struct chat_store *store, const struct chat_change *change,
                                   struct cc_error *err);
    /* Brings the chat and the memberships that the change names up to it; what is newer stays.
     * Repeatable. */
    enum cc_code (*materialise)(struct chat_store *store, const struct chat_change *change,
                                struct cc_error *err);
    /* Removes whoever is in a deleted chat, as of its version. CC_TIMEOUT: not all of them within
     * about budget_ms; what is done stays done, repeat for the rest. */
    enum cc_code (*end_members)(struct chat_store *store, const struct chat *chat,
                                int64_t budget_ms, struct cc_error *err);
    /* Takes what a deleted chat said out: title, description and avatar of every version, and its
     * last message. Ids, versions, and who was in it stay. Repeatable. */
    enum cc_code (*erase)(struct chat_store *store, const char *chat_id, struct cc_error *err);
    /* Every deletion that was announced counts as not announced: the sweep tells and erases again.
     * out_count: how many. Repeatable. */
    enum cc_code (*forget_deletions_announced)(struct chat_store *store, size_t *out_count,
                                               struct cc_error *err);
    /* CC_NOT_FOUND. */
    enum cc_code (*find_chat)(struct chat_store *store, const char *chat_id, struct cc_arena *arena,
                              struct chat **out, struct cc_error *err);
    /* CC_NOT_FOUND. */
    enum cc_code (*find_member)(struct chat_store *store, const char *chat_id, const char *user_id,
                                struct cc_arena *arena, struct membership **out,
                                struct cc_error *err);
    /* By place, ascending. Reads little more than what it returns, however large the chat. */
    enum cc_code (*list_members)(struct chat_store *store, const struct chat_member_query *query,
                                 struct cc_arena *arena, struct chat_member_list *out,
                                 struct cc_error *err);
    /* Of a person, at most CHAT_MEMBERSHIPS_MAX, by chat id. filter: CHAT_MEMBERS_ACTIVE, _EVER. */
    enum cc_code (*list_memberships)(struct chat_store *store, const char *user_id,
                                     enum chat_member_filter filter, struct cc_arena *arena,
                                     struct chat_member_list *out, struct cc_error *err);
    /* CC_NOT_FOUND: nothing happened in that chat yet. */
    enum cc_code (*find_activity)(struct chat_store *store, const char *chat_id,
                                  struct cc_arena *arena, struct chat_activity **out,
                                  struct cc_error *err);
    /* Stores each unless what is there has the same rev or a newer one. */
    enum cc_code (*save_activities)(struct chat_store *store,
                                    const struct chat_activity *const *activities, size_t count,
                                    struct cc_error *err);
    void (*destroy)(struct chat_store *store);
};
struct chat_store {
    const struct chat_store_ops *ops;
};

/* mongo is borrowed. */
struct chat_store *chat_store_mongo_create(struct cc_mongo *mongo);
struct chat_store *chat_store_memory_create(void);
static inline void chat_store_destroy(struct chat_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

#endif
