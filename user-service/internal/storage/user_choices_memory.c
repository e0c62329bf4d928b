/* What people have chosen, in memory, for tests; see user_choices.h, user_memory.h. Runs on the
 * callers' threads. */

#include "storage/user_memory.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

struct user_choices_memory {
    struct user_choices base;
    struct user_store_memory *memory;
};

static struct user_store_memory *memory_of(struct user_choices *choices)
{
    return ((struct user_choices_memory *)choices)->memory;
}

struct kept_block *user_memory_find_block(struct user_store_memory *memory, const char *blocker_id,
                                          const char *blocked_id)
{
    for (size_t i = 0; i < memory->block_count; i++) {
        struct kept_block *block = &memory->blocks[i];
        if (strcmp(block->blocker_id, blocker_id) == 0 &&
            strcmp(block->blocked_id, blocked_id) == 0)
            return block;
    }
    return NULL;
}

void user_memory_drop_blocks(struct user_store_memory *memory, const char *user_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < memory->block_count; i++) {
        const struct kept_block *block = &memory->blocks[i];
        if (strcmp(block->blocker_id, user_id) != 0 && strcmp(block->blocked_id, user_id) != 0)
            memory->blocks[kept++] = *block;
    }
    memory->block_count = kept;
}

static size_t count_blocks(const struct user_store_memory *memory, const char *blocker_id)
{
    size_t count = 0;
    for (size_t i = 0; i < memory->block_count; i++)
        count += strcmp(memory->blocks[i].blocker_id, blocker_id) == 0;
    return count;
}

static enum cc_code block_locked(struct user_store_memory *memory, const char *blocker_id,
                                 const char *blocked_id, const struct user_fact *fact,
                                 struct cc_error *err)
{
    const struct kept_user *blocker = user_memory_find_living(memory, blocker_id);
    if (blocker == NULL || user_memory_find_living(memory, blocked_id) == NULL)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
    if (user_memory_find_block(memory, blocker_id, blocked_id) != NULL)
        return CC_OK;
    if (count_blocks(memory, blocker_id) >= USER_BLOCKS_MAX)
        return cc_fail(err, CC_CONFLICT, NULL, "at most %d people can be blocked", USER_BLOCKS_MAX);
    memory->blocks = cc_realloc(memory->blocks, (memory->block_count + 1) * sizeof *memory->blocks);
    memory->blocks[memory->block_count++] =
        (struct kept_block){.blocker_id = cc_arena_strdup(memory->texts, blocker_id),
                            .blocked_id = cc_arena_strdup(memory->texts, blocked_id),
                            .created_at_ms = fact->occurred_at_ms};
    user_memory_keep_fact(memory, fact, &blocker->user, 0);
    return CC_OK;
}

static enum cc_code block(struct user_choices *choices, const char *blocker_id,
                          const char *blocked_id, const struct user_fact *fact,
                          struct cc_error *err)
{
    struct user_store_memory *memory = memory_of(choices);
    pthread_mutex_lock(&memory->lock);
    enum cc_code code = block_locked(memory, blocker_id, blocked_id, fact, err);
    pthread_mutex_unlock(&memory->lock);
    return code;
}

static enum cc_code unblock(struct user_choices *choices, const char *blocker_id,
                            const char *blocked_id, const struct user_fact *fact,
                            struct cc_error *err)
{
    struct user_store_memory *memory = memory_of(choices);
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    struct kept_block *gone = user_memory_find_block(memory, blocker_id, blocked_id);
    const struct kept_user *blocker = user_memory_find(memory, blocker_id);
    if (gone != NULL) {
        *gone = memory->blocks[--memory->block_count];
        if (blocker != NULL)
            user_memory_keep_fact(memory, fact, &blocker->user, 0);
    }
    pthread_mutex_unlock(&memory->lock);
    return CC_OK;
}

static int compare_blocks(const void *a, const void *b)
{
    return strcmp(((const struct user_block *)a)->user.user_id,
                  ((const struct user_block *)b)->user.user_id);
}

static enum cc_code list_blocks(struct user_choices *choices, const char *blocker_id,
                                const char *after_id, size_t limit, struct cc_arena *arena,
                                const struct user_block **out, size_t *out_count,
                                struct cc_error *err)
{
    struct user_store_memory *memory = memory_of(choices);
    size_t found = 0;
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    struct user_block *blocks = cc_arena_calloc(arena, memory->block_count + 1, sizeof *blocks);
    for (size_t i = 0; i < memory->block_count; i++) {
        const struct kept_block *kept = &memory->blocks[i];
        const struct kept_user *user = user_memory_find(memory, kept->blocked_id);
        if (user != NULL && strcmp(kept->blocker_id, blocker_id) == 0 &&
            strcmp(kept->blocked_id, after_id) > 0)
            blocks[found++] =
                (struct user_block){user_memory_copy(&user->user, arena), kept->created_at_ms};
    }
    pthread_mutex_unlock(&memory->lock);
    qsort(blocks, found, sizeof *blocks, compare_blocks);
    *out = blocks;
    *out_count = found < limit ? found : limit;
    return CC_OK;
}

static struct user_preferences preferences_of(struct user_store_memory *memory, const char *user_id)
{
    const struct kept_user *kept = user_memory_find(memory, user_id);
    return kept == NULL || kept->preferences.version == 0 ? user_preferences_default()
                                                          : kept->preferences;
}

static enum cc_code find_bonds(struct user_choices *choices, struct user_bond *bonds, size_t count,
                               struct cc_arena *arena, struct cc_error *err)
{
    struct user_store_memory *memory = memory_of(choices);
    (void)arena;
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < count; i++) {
        struct user_bond *bond = &bonds[i];
        bond->blocked = user_memory_find_block(memory, bond->user_id, bond->actor_id) != NULL;
        bond->blocks = user_memory_find_block(memory, bond->actor_id, bond->user_id) != NULL;
        const struct kept_user *user = user_memory_find(memory, bond->user_id);
        bond->gone = user != NULL && user->user.deleted_at_ms != 0;
        bond->preferences = preferences_of(memory, bond->user_id);
    }
    pthread_mutex_unlock(&memory->lock);
    return CC_OK;
}

static enum cc_code find_preferences(struct user_choices *choices, const char *user_id,
                                     struct cc_arena *arena, struct user_preferences *out,
                                     struct cc_error *err)
{
    struct user_store_memory *memory = memory_of(choices);
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    *out = preferences_of(memory, user_id);
    out->client = cc_arena_strdup(arena, out->client);
    pthread_mutex_unlock(&memory->lock);
    return CC_OK;
}

static enum cc_code save_locked(struct user_store_memory *memory, const char *user_id,
                                const struct user_preferences *preferences,
                                const struct user_fact *fact, struct cc_error *err)
{
    struct kept_user *kept = user_memory_find_living(memory, user_id);
    if (kept == NULL)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
    if (kept->preferences.version != preferences->version)
        return cc_fail(err, CC_VERSION_MISMATCH, NULL, "the settings have changed meanwhile");
    kept->preferences = *preferences;
    kept->preferences.client = cc_arena_strdup(memory->texts, preferences->client);
    kept->preferences.version++;
    user_memory_keep_fact(memory, fact, &kept->user, kept->preferences.version);
    return CC_OK;
}

static enum cc_code save_preferences(struct user_choices *choices, const char *user_id,
                                     const struct user_preferences *preferences,
                                     const struct user_fact *fact, struct cc_error *err)
{
    struct user_store_memory *memory = memory_of(choices);
    pthread_mutex_lock(&memory->lock);
    enum cc_code code = save_locked(memory, user_id, preferences, fact, err);
    pthread_mutex_unlock(&memory->lock);
    return code;
}

static void destroy(struct user_choices *choices)
{
    cc_free(choices);
}

static const struct user_choices_ops ops = {
    .destroy = destroy,
    .block = block,
    .unblock = unblock,
    .list_blocks = list_blocks,
    .find_bonds = find_bonds,
    .find_preferences = find_preferences,
    .save_preferences = save_preferences,
};

struct user_choices *user_choices_memory_create(struct user_store *store)
{
    struct user_choices_memory *choices = cc_calloc(1, sizeof *choices);
    choices->base.ops = &ops;
    choices->memory = user_memory_of(store);
    return &choices->base;
}
