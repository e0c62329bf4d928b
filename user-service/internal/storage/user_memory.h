#ifndef USER_USER_MEMORY_H
#define USER_USER_MEMORY_H

/* What the stores in memory share: one set of tables under one lock, as in PostgreSQL one schema.
 * Private to storage. Everything but the lock itself is used under the lock. */

#include <pthread.h>

#include "storage/user_choices.h"
#include "storage/user_store.h"

struct kept_user {
    struct user user;
    bool edited;
    struct user_preferences preferences; /* version 0 = none */
};

struct kept_fact {
    struct user_fact fact;
    bool being_told;
};

struct kept_block {
    const char *blocker_id, *blocked_id;
    int64_t created_at_ms;
};

struct kept_hold {
    const char *handle, *user_id;
    int64_t until_ms;
};

struct user_store_memory {
    struct user_store base;
    pthread_mutex_t lock;
    struct cc_arena *texts;
    struct kept_user *users;
    size_t user_count;
    struct kept_fact *facts; /* oldest first */
    size_t fact_count;
    struct kept_block *blocks;
    size_t block_count;
    struct kept_hold *holds; /* the last one of a handle counts */
    size_t hold_count;
};

static inline struct user_store_memory *user_memory_of(struct user_store *store)
{
    return (struct user_store_memory *)store;
}

struct user user_memory_copy(const struct user *user, struct cc_arena *arena);
struct kept_user *user_memory_find(struct user_store_memory *memory, const char *user_id);
/* Keeps the fact, with the handle and name that `user` has now. version: of what has changed. */
void user_memory_keep_fact(struct user_store_memory *memory, const struct user_fact *fact,
                           const struct user *user, int64_t version);
/* Somebody who is not deleted. */
struct kept_user *user_memory_find_living(struct user_store_memory *memory, const char *user_id);
/* Forgets whom somebody blocks, and who blocks them. */
void user_memory_drop_blocks(struct user_store_memory *memory, const char *user_id);
struct kept_block *user_memory_find_block(struct user_store_memory *memory, const char *blocker_id,
                                          const char *blocked_id);

#endif
