#ifndef MESSAGE_STORAGE_MEDIA_STORE_H
#define MESSAGE_STORAGE_MEDIA_STORE_H

/*
 * Which files there are, where they were sent, and when a sweep is to look at them. The bytes are
 * in the object store (object_store.h). One instance serves all threads; each call may block as
 * long as the driver's timeouts. Common errors: CC_UNAVAILABLE nothing was done; CC_OUTCOME_UNKNOWN
 * the connection broke after sending (every call may be repeated). Two implementations pass one
 * contract suite (tests/contract).
 */

#include "common/arena.h"
#include "domain/media.h"

#define MEDIA_USES_MAX 64 /* of one uses_of */

struct cc_mongo;
struct media_store;

struct media_list {
    struct media *items; /* in no order */
    size_t count;
};
struct media_use { /* a message that shows it */
    const char *media_id, *message_id, *chat_id;
};
struct media_use_list {
    struct media_use *items; /* in no order */
    size_t count;
};
struct media_look {
    const char *look_id, *media_id;
};
struct media_look_list {
    struct media_look *items; /* in no order */
    size_t count;
};

struct media_store_ops {
    /* CC_CONFLICT: one with that id is there. */
    enum cc_code (*add)(struct media_store *store, const struct media *media, struct cc_error *err);
    /* *out = NULL when there is none. */
    enum cc_code (*find)(struct media_store *store, const char *media_id, struct cc_arena *arena,
                         struct media **out, struct cc_error *err);
    /* It is in the object store. Repeatable: the first time stays. */
    enum cc_code (*complete)(struct media_store *store, const char *media_id, int64_t at_ms,
                             struct cc_error *err);
    /* Its owner needs it no more: it loses its name, and is listed under nobody. Repeatable. */
    enum cc_code (*retire)(struct media_store *store, const char *media_id, int64_t at_ms,
                           struct cc_error *err);
    /* What that person announced and is not retired, and the avatars among it; at most limit. */
    enum cc_code (*held_by)(struct media_store *store, const char *owner_id, size_t limit,
                            struct cc_arena *arena, struct media_list *out, struct cc_error *err);
    enum cc_code (*avatars_of)(struct media_store *store, const char *owner_id, size_t limit,
                               struct cc_arena *arena, struct media_list *out,
                               struct cc_error *err);
    enum cc_code (*remove)(struct media_store *store, const char *media_id, struct cc_error *err);
    /* Repeatable. */
    enum cc_code (*put_uses)(struct media_store *store, const struct media_use *uses, size_t count,
                             struct cc_error *err);
    /* At most MEDIA_USES_MAX. */
    enum cc_code (*uses_of)(struct media_store *store, const char *media_id, struct cc_arena *arena,
                            struct media_use_list *out, struct cc_error *err);
    /* What one message shows. */
    enum cc_code (*shown_by)(struct media_store *store, const char *message_id,
                             struct cc_arena *arena, struct media_use_list *out,
                             struct cc_error *err);
    /* The message shows nothing any more. Repeatable. */
    enum cc_code (*drop_uses)(struct media_store *store, const char *message_id,
                              struct cc_error *err);
    /* A sweep is to look at it then. Repeatable. */
    enum cc_code (*plan_look)(struct media_store *store, const char *media_id, int64_t at_ms,
                              struct cc_error *err);
    /* Looks planned up to now, at most limit; they are listed until they are forgotten. */
    enum cc_code (*looks_due)(struct media_store *store, int64_t now_ms, size_t limit,
                              struct cc_arena *arena, struct media_look_list *out,
                              struct cc_error *err);
    enum cc_code (*forget_look)(struct media_store *store, const char *look_id,
                                struct cc_error *err);
    void (*destroy)(struct media_store *store);
};
struct media_store {
    const struct media_store_ops *ops;
};

struct media_store *media_store_mongo_create(struct cc_mongo *mongo); /* borrowed */
struct media_store *media_store_memory_create(void);
static inline void media_store_destroy(struct media_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

#endif
