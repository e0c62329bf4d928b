#ifndef CHAT_STORAGE_PERSONAL_STORE_H
#define CHAT_STORAGE_PERSONAL_STORE_H

/*
 * People's states of their chats, one document for each person and chat. One instance serves all
 * threads; calls may block as long as the driver's timeouts. Results live in the given arena.
 * Common errors as in chat_store.h. Two implementations pass the same contract suite.
 */

#include "common/arena.h"
#include "common/error.h"
#include "domain/personal.h"

struct cc_mongo;
struct personal_store;

struct personal_list {
    struct personal *items;
    size_t count;
};
#define PERSONAL_PENDING_MAX 500 /* unannounced states read at once */
#define PERSONAL_LIST_MAX    5000
#define PERSONAL_CHAT_MAX    10000

struct personal_store_ops {
    /* Never CC_NOT_FOUND: of whom nothing was said has version 0. */
    enum cc_code (*find)(struct personal_store *store, const char *chat_id, const char *user_id,
                         struct cc_arena *arena, struct personal **out, struct cc_error *err);
    /* Of all chats of a person, in any order, at most PERSONAL_LIST_MAX. */
    enum cc_code (*list)(struct personal_store *store, const char *user_id, struct cc_arena *arena,
                         struct personal_list *out, struct cc_error *err);
    /* Of everybody who ever said something of the chat, in any order, at most PERSONAL_CHAT_MAX. */
    enum cc_code (*list_of_chat)(struct personal_store *store, const char *chat_id,
                                 struct cc_arena *arena, struct personal_list *out,
                                 struct cc_error *err);
    /* Stores it, unannounced, in place of the version before. CC_CONFLICT: that is not the version
     * which is there; nothing was written. */
    enum cc_code (*put)(struct personal_store *store, const struct personal *next,
                        struct cc_error *err);
    /* At most PERSONAL_PENDING_MAX. */
    enum cc_code (*list_unannounced)(struct personal_store *store, struct cc_arena *arena,
                                     struct personal_list *out, struct cc_error *err);
    /* Of this version; a newer one stays unannounced. */
    enum cc_code (*mark_announced)(struct personal_store *store, const struct personal *personal,
                                   struct cc_error *err);
    /* All that this person ever said of chats. Repeatable. */
    enum cc_code (*forget)(struct personal_store *store, const char *user_id, struct cc_error *err);
    void (*destroy)(struct personal_store *store);
};
struct personal_store {
    const struct personal_store_ops *ops;
};

/* mongo is borrowed. */
struct personal_store *personal_store_mongo_create(struct cc_mongo *mongo);
struct personal_store *personal_store_memory_create(void);
static inline void personal_store_destroy(struct personal_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

#endif
