#ifndef STORAGE_KEY_STORE_H
#define STORAGE_KEY_STORE_H

/*
 * The signing keys that all replicas share, private parts sealed (key_seal.h). Implementations:
 * key_store_pg.c, key_store_memory.c (tests); one contract suite. Errors as in account_store.h.
 * Thread-safe; may block up to 2 s.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

#define KEY_ID_BYTES 17
#define KEYS_MAX     8 /* published at the same time */

struct stored_key {
    char kid[KEY_ID_BYTES];
    const char *sealed;
    int64_t signs_from_ms;     /* published before that, so that every verifier has it in time */
    int64_t verifies_until_ms; /* 0 = it has no successor yet */
};
struct stored_key_list { /* in an arena */
    const struct stored_key *items;
    size_t count;
};

struct key_store;
struct key_store_ops {
    enum cc_code (*add_first)(struct key_store *, const struct stored_key *, struct cc_error *);
    enum cc_code (*rotate)(struct key_store *, const struct stored_key *, int64_t now_ms,
                           int64_t others_until_ms, struct cc_error *);
    enum cc_code (*list)(struct key_store *, int64_t now_ms, struct cc_arena *,
                         struct stored_key_list *out, struct cc_error *);
    void (*destroy)(struct key_store *);
};
struct key_store {
    const struct key_store_ops *ops;
};

/* Adds the key if there is none yet: replicas that start together agree. */
CC_MUST_CHECK static inline enum cc_code
key_store_add_first(struct key_store *store, const struct stored_key *key, struct cc_error *err)
{
    return store->ops->add_first(store, key, err);
}
/* Adds a key without an end; all others verify until others_until_ms at most, and those that are
 * over at now_ms go. Rotations take turns. CC_CONFLICT, and nothing changes: KEYS_MAX of them are
 * not over; one more would push one out that signs, or whose tokens are still in use. */
CC_MUST_CHECK static inline enum cc_code key_store_rotate(struct key_store *store,
                                                          const struct stored_key *key,
                                                          int64_t now_ms, int64_t others_until_ms,
                                                          struct cc_error *err)
{
    return store->ops->rotate(store, key, now_ms, others_until_ms, err);
}
/* Those that are not over, the last to sign first. */
CC_MUST_CHECK static inline enum cc_code key_store_list(struct key_store *store, int64_t now_ms,
                                                        struct cc_arena *arena,
                                                        struct stored_key_list *out,
                                                        struct cc_error *err)
{
    return store->ops->list(store, now_ms, arena, out, err);
}
/* For implementations. */
static inline enum cc_code key_store_refuse(struct cc_error *err)
{
    return cc_fail(err, CC_CONFLICT, NULL,
                   "There are too many signing keys already. Wait until the oldest has ended.");
}
static inline void key_store_destroy(struct key_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

struct cc_pg_pool;
struct key_store *key_store_pg_create(struct cc_pg_pool *pool); /* borrows the pool */
struct key_store *key_store_memory_create(void);

#endif
