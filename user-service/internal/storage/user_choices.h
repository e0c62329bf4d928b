#ifndef USER_USER_CHOICES_H
#define USER_USER_CHOICES_H

/*
 * What people have chosen: whom they block, and their settings. A change and the fact that tells it
 * (topic user.updated) are stored as one; the facts are told by user_store. One instance serves all
 * threads; every call may block up to 3 s. Both implementations pass
 * tests/contract/user_choices_contract.c.
 *
 * Errors of every call: CC_UNAVAILABLE nothing was done, CC_TIMEOUT, CC_OUTCOME_UNKNOWN (writes),
 * CC_INTERNAL.
 */

#include <stddef.h>

#include "common/arena.h"
#include "domain/relation.h"
#include "domain/user.h"

struct cc_pg_pool;
struct user_store;

struct user_choices {
    const struct user_choices_ops *ops;
};

struct user_block {
    struct user user; /* who is blocked */
    int64_t blocked_at_ms;
};

struct user_choices_ops {
    void (*destroy)(struct user_choices *choices);
    enum cc_code (*block)(struct user_choices *choices, const char *blocker_id,
                          const char *blocked_id, const struct user_fact *fact,
                          struct cc_error *err);
    enum cc_code (*unblock)(struct user_choices *choices, const char *blocker_id,
                            const char *blocked_id, const struct user_fact *fact,
                            struct cc_error *err);
    enum cc_code (*list_blocks)(struct user_choices *choices, const char *blocker_id,
                                const char *after_id, size_t limit, struct cc_arena *arena,
                                const struct user_block **out, size_t *out_count,
                                struct cc_error *err);
    enum cc_code (*find_bonds)(struct user_choices *choices, struct user_bond *bonds, size_t count,
                               struct cc_arena *arena, struct cc_error *err);
    enum cc_code (*find_preferences)(struct user_choices *choices, const char *user_id,
                                     struct cc_arena *arena, struct user_preferences *out,
                                     struct cc_error *err);
    enum cc_code (*save_preferences)(struct user_choices *choices, const char *user_id,
                                     const struct user_preferences *preferences,
                                     const struct user_fact *fact, struct cc_error *err);
};

/* pool: borrowed; its schema holds migrations/. */
struct user_choices *user_choices_pg_create(struct cc_pg_pool *pool);
/* store: one in memory, borrowed; it knows the people and keeps the facts. */
struct user_choices *user_choices_memory_create(struct user_store *store);

static inline void user_choices_destroy(struct user_choices *choices)
{
    if (choices != NULL)
        choices->ops->destroy(choices);
}

/* Stores that one person blocks another at fact->occurred_at_ms, and the fact. Once more changes
 * nothing and tells nothing. Errors: CC_NOT_FOUND when either has no profile; CC_CONFLICT beyond
 * USER_BLOCKS_MAX (concurrent calls may pass it by a few). */
CC_MUST_CHECK static inline enum cc_code
user_choices_block(struct user_choices *choices, const char *blocker_id, const char *blocked_id,
                   const struct user_fact *fact, struct cc_error *err)
{
    return choices->ops->block(choices, blocker_id, blocked_id, fact, err);
}

/* The opposite; who was not blocked changes nothing and is not told. */
CC_MUST_CHECK static inline enum cc_code
user_choices_unblock(struct user_choices *choices, const char *blocker_id, const char *blocked_id,
                     const struct user_fact *fact, struct cc_error *err)
{
    return choices->ops->unblock(choices, blocker_id, blocked_id, fact, err);
}

/* Up to `limit` whom somebody blocks, by their user_id, behind `after_id` ("" = from the first). */
CC_MUST_CHECK static inline enum cc_code
user_choices_list_blocks(struct user_choices *choices, const char *blocker_id, const char *after_id,
                         size_t limit, struct cc_arena *arena, const struct user_block **out,
                         size_t *out_count, struct cc_error *err)
{
    return choices->ops->list_blocks(choices, blocker_id, after_id, limit, arena, out, out_count,
                                     err);
}

/* Completes bonds whose actor_id and user_id are set (valid UUIDs, in lower case). */
CC_MUST_CHECK static inline enum cc_code
user_choices_find_bonds(struct user_choices *choices, struct user_bond *bonds, size_t count,
                        struct cc_arena *arena, struct cc_error *err)
{
    return choices->ops->find_bonds(choices, bonds, count, arena, err);
}

/* Those of somebody who never set any, or does not exist, are the defaults. */
CC_MUST_CHECK static inline enum cc_code user_choices_find_preferences(struct user_choices *choices,
                                                                       const char *user_id,
                                                                       struct cc_arena *arena,
                                                                       struct user_preferences *out,
                                                                       struct cc_error *err)
{
    return choices->ops->find_preferences(choices, user_id, arena, out, err);
}

/* Replaces them if their version is still preferences->version, which the store then raises by one,
 * and stores the fact. Errors: CC_VERSION_MISMATCH; CC_NOT_FOUND without a profile. */
CC_MUST_CHECK static inline enum cc_code
user_choices_save_preferences(struct user_choices *choices, const char *user_id,
                              const struct user_preferences *preferences,
                              const struct user_fact *fact, struct cc_error *err)
{
    return choices->ops->save_preferences(choices, user_id, preferences, fact, err);
}

#endif
