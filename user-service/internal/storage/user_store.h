#ifndef USER_USER_STORE_H
#define USER_USER_STORE_H

/*
 * Where profiles are kept, together with the facts about them that Kafka has yet to hear: a change
 * and its fact are stored as one. One instance serves all threads; every call may block up to
 * 3 s. Both implementations pass tests/contract/user_store_contract.c.
 *
 * Errors of every call: CC_UNAVAILABLE nothing was done, CC_TIMEOUT, CC_OUTCOME_UNKNOWN (writes),
 * CC_INTERNAL.
 */

#include <stddef.h>

#include "common/arena.h"
#include "domain/name.h"
#include "domain/user.h"

#define USER_FACTS_AT_ONCE 100

struct cc_pg_pool;

struct user_store {
    const struct user_store_ops *ops;
};

/* Tells facts to the world; CC_OK when all of them are safe there. */
typedef enum cc_code (*user_tell)(void *arg, const struct user_fact *facts, size_t count,
                                  struct cc_error *err);

/* What happens to a handle that is given up: nobody else may take it until then. */
struct user_hold {
    int64_t now_ms, until_ms;
};

struct user_name_query {
    const char *asker_id;
    const char *prefix;      /* folded (domain/name.h), not empty */
    const char *but_handles; /* leaves out handles that begin so; "" = none */
    const char *after_key,
        *after_id; /* the last one of the page before; both "" = the first page */
    size_t limit;
};

struct user_found {
    struct user user;
    const char *key; /* under which the person was found */
};

struct user_store_ops {
    void (*destroy)(struct user_store *store);
    enum cc_code (*find)(struct user_store *store, const char *user_id, struct cc_arena *arena,
                         struct user *out, struct cc_error *err);
    enum cc_code (*find_many)(struct user_store *store, const char *const *user_ids, size_t count,
                              struct cc_arena *arena, const struct user **out, size_t *out_count,
                              struct cc_error *err);
    enum cc_code (*find_by_prefix)(struct user_store *store, const char *asker_id,
                                   const char *prefix, const char *after, size_t limit,
                                   struct cc_arena *arena, const struct user **out,
                                   size_t *out_count, struct cc_error *err);
    enum cc_code (*find_by_name)(struct user_store *store, const struct user_name_query *query,
                                 struct cc_arena *arena, const struct user_found **out,
                                 size_t *out_count, struct cc_error *err);
    enum cc_code (*enroll)(struct user_store *store, const struct user *user,
                           const struct user_fact *fact, struct cc_error *err);
    enum cc_code (*update)(struct user_store *store, const struct user *after,
                           const struct user_fact *fact, const struct user_hold *hold,
                           struct cc_error *err);
    enum cc_code (*bury)(struct user_store *store, const char *user_id,
                         const struct user_fact *fact, const struct user_hold *hold,
                         struct cc_error *err);
    enum cc_code (*tell_facts)(struct user_store *store, user_tell tell, void *arg,
                               size_t *out_count, struct cc_error *err);
};

/* pool: borrowed; its schema holds migrations/. */
struct user_store *user_store_pg_create(struct cc_pg_pool *pool);
struct user_store *user_store_memory_create(void);

static inline void user_store_destroy(struct user_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

/* Errors: CC_NOT_FOUND. */
CC_MUST_CHECK static inline enum cc_code user_store_find(struct user_store *store,
                                                         const char *user_id,
                                                         struct cc_arena *arena, struct user *out,
                                                         struct cc_error *err)
{
    return store->ops->find(store, user_id, arena, out, err);
}

/* Those that exist, in no order. user_ids: valid UUIDs. */
CC_MUST_CHECK static inline enum cc_code
user_store_find_many(struct user_store *store, const char *const *user_ids, size_t count,
                     struct cc_arena *arena, const struct user **out, size_t *out_count,
                     struct cc_error *err)
{
    return store->ops->find_many(store, user_ids, count, arena, out, out_count, err);
}

/* Up to `limit` whose handle begins with `prefix` (folded, not empty), by handle, behind `after`
 * ("" = from the first); without those who have blocked the asker. */
CC_MUST_CHECK static inline enum cc_code
user_store_find_by_prefix(struct user_store *store, const char *asker_id, const char *prefix,
                          const char *after, size_t limit, struct cc_arena *arena,
                          const struct user **out, size_t *out_count, struct cc_error *err)
{
    return store->ops->find_by_prefix(store, asker_id, prefix, after, limit, arena, out, out_count,
                                      err);
}

/* People by the beginning of a word of their name, by key and user_id, each once; without those who
 * have blocked the asker. */
CC_MUST_CHECK static inline enum cc_code
user_store_find_by_name(struct user_store *store, const struct user_name_query *query,
                        struct cc_arena *arena, const struct user_found **out, size_t *out_count,
                        struct cc_error *err)
{
    return store->ops->find_by_name(store, query, arena, out, out_count, err);
}

/* Stores user_id, handle, display_name, email and created_at_ms of a new person, and the fact. The
 * same once more changes nothing; something else for the same user_id replaces it as long as its
 * owner has not updated it, and changes nothing afterwards. Errors: CC_CONFLICT with field
 * "/handle" when somebody else has it, or it is held for somebody else at created_at_ms. */
CC_MUST_CHECK static inline enum cc_code user_store_enroll(struct user_store *store,
                                                           const struct user *user,
                                                           const struct user_fact *fact,
                                                           struct cc_error *err)
{
    return store->ops->enroll(store, user, fact, err);
}

/* Replaces the profile if its version is still after->version, which the store then raises by one,
 * and stores the fact (NULL = nothing to tell). The handle that it had, when it gets another, is
 * held for its owner. Errors: CC_VERSION_MISMATCH (also when there is no such person), CC_CONFLICT
 * as above, at hold->now_ms. */
CC_MUST_CHECK static inline enum cc_code
user_store_update(struct user_store *store, const struct user *after, const struct user_fact *fact,
                  const struct user_hold *hold, struct cc_error *err)
{
    return store->ops->update(store, after, fact, hold, err);
}

/* Leaves a tombstone of somebody whose account is deleted, with the fact: ids and times stay, the
 * rest is emptied, whom they blocked, who blocked them and their settings are gone, nobody finds
 * them. The handle is held, for nobody. Once more, or for somebody unknown,
 * changes nothing and tells nothing. */
CC_MUST_CHECK static inline enum cc_code
user_store_bury(struct user_store *store, const char *user_id, const struct user_fact *fact,
                const struct user_hold *hold, struct cc_error *err)
{
    return store->ops->bury(store, user_id, fact, hold, err);
}

/* Hands up to USER_FACTS_AT_ONCE stored facts to `tell` and forgets them when it succeeds; at least
 * once each, those of one person in their order, and never the same to two callers at the same
 * time. out_count: how many were told. Errors: also those of `tell`. */
CC_MUST_CHECK static inline enum cc_code user_store_tell_facts(struct user_store *store,
                                                               user_tell tell, void *arg,
                                                               size_t *out_count,
                                                               struct cc_error *err)
{
    return store->ops->tell_facts(store, tell, arg, out_count, err);
}

#endif
