/*
 * Profiles in memory, for tests; see user_store.h. Runs on the callers' threads under one lock,
 * which is not held while facts are told. What is replaced is freed only with the store.
 */

#include "storage/user_memory.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

struct user user_memory_copy(const struct user *user, struct cc_arena *arena)
{
    struct user copy = *user;
    const char **const texts[] = {
        &copy.user_id, &copy.handle,    &copy.display_name,    &copy.email,   &copy.bio,
        &copy.locale,  &copy.time_zone, &copy.avatar_media_id, &copy.metadata};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = cc_arena_strdup(arena, *texts[i] == NULL ? "" : *texts[i]);
    return copy;
}

struct kept_user *user_memory_find(struct user_store_memory *memory, const char *user_id)
{
    for (size_t i = 0; i < memory->user_count; i++) {
        if (strcmp(memory->users[i].user.user_id, user_id) == 0)
            return &memory->users[i];
    }
    return NULL;
}

struct kept_user *user_memory_find_living(struct user_store_memory *memory, const char *user_id)
{
    struct kept_user *kept = user_memory_find(memory, user_id);
    return kept == NULL || kept->user.deleted_at_ms != 0 ? NULL : kept;
}

static struct kept_hold *find_hold(struct user_store_memory *memory, const char *handle)
{
    for (size_t i = 0; i < memory->hold_count; i++) {
        if (strcmp(memory->holds[i].handle, handle) == 0)
            return &memory->holds[i];
    }
    return NULL;
}

static void hold_handle(struct user_store_memory *memory, const char *handle, const char *user_id,
                        int64_t until_ms)
{
    struct kept_hold *hold = find_hold(memory, handle);
    if (hold == NULL) {
        memory->holds = cc_realloc(memory->holds, (memory->hold_count + 1) * sizeof *memory->holds);
        hold = &memory->holds[memory->hold_count++];
    }
    *hold = (struct kept_hold){handle, user_id, until_ms};
}

static bool handle_is_taken(struct user_store_memory *memory, const struct user *user,
                            int64_t now_ms)
{
    const struct kept_hold *hold = find_hold(memory, user->handle);
    for (size_t i = 0; i < memory->user_count; i++) {
        const struct user *other = &memory->users[i].user;
        if (strcmp(other->handle, user->handle) == 0 && strcmp(other->user_id, user->user_id) != 0)
            return true;
    }
    return hold != NULL && strcmp(hold->user_id, user->user_id) != 0 && hold->until_ms > now_ms;
}

void user_memory_keep_fact(struct user_store_memory *memory, const struct user_fact *fact,
                           const struct user *user, int64_t version)
{
    struct cc_arena *texts = memory->texts;
    memory->facts = cc_realloc(memory->facts, (memory->fact_count + 1) * sizeof *memory->facts);
    memory->facts[memory->fact_count++] =
        (struct kept_fact){.fact = {.event_id = cc_arena_strdup(texts, fact->event_id),
                                    .user_id = cc_arena_strdup(texts, user->user_id),
                                    .change = cc_arena_strdup(texts, fact->change),
                                    .handle = cc_arena_strdup(texts, user->handle),
                                    .display_name = cc_arena_strdup(texts, user->display_name),
                                    .occurred_at_ms = fact->occurred_at_ms,
                                    .change_version = version}};
}

static enum cc_code find(struct user_store *store, const char *user_id, struct cc_arena *arena,
                         struct user *out, struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    pthread_mutex_lock(&memory->lock);
    const struct kept_user *kept = user_memory_find(memory, user_id);
    if (kept != NULL)
        *out = user_memory_copy(&kept->user, arena);
    pthread_mutex_unlock(&memory->lock);
    return kept != NULL ? CC_OK : cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
}

static enum cc_code find_many(struct user_store *store, const char *const *user_ids, size_t count,
                              struct cc_arena *arena, const struct user **out, size_t *out_count,
                              struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    struct user *users = cc_arena_calloc(arena, count + 1, sizeof *users);
    size_t found = 0;
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->user_count; i++) {
        bool wanted = false;
        for (size_t j = 0; j < count && !wanted; j++)
            wanted = strcmp(memory->users[i].user.user_id, user_ids[j]) == 0;
        if (wanted)
            users[found++] = user_memory_copy(&memory->users[i].user, arena);
    }
    pthread_mutex_unlock(&memory->lock);
    *out = users;
    *out_count = found;
    return CC_OK;
}

static int compare_handles(const void *a, const void *b)
{
    return strcmp(((const struct user *)a)->handle, ((const struct user *)b)->handle);
}

static enum cc_code find_by_prefix(struct user_store *store, const char *asker_id,
                                   const char *prefix, const char *after, size_t limit,
                                   struct cc_arena *arena, const struct user **out,
                                   size_t *out_count, struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    size_t found = 0;
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    struct user *users = cc_arena_calloc(arena, memory->user_count + 1, sizeof *users);
    for (size_t i = 0; i < memory->user_count; i++) {
        const struct user *user = &memory->users[i].user;
        if (strncmp(user->handle, prefix, strlen(prefix)) == 0 && strcmp(user->handle, after) > 0 &&
            user->deleted_at_ms == 0 &&
            user_memory_find_block(memory, user->user_id, asker_id) == NULL)
            users[found++] = user_memory_copy(user, arena);
    }
    pthread_mutex_unlock(&memory->lock);
    qsort(users, found, sizeof *users, compare_handles);
    *out = users;
    *out_count = found < limit ? found : limit;
    return CC_OK;
}

/* The least key of the name that has the prefix; NULL when none has. */
static const char *least_key(const struct user *user, const char *prefix, struct cc_arena *arena)
{
    const char *keys[USER_NAME_KEYS_MAX], *least = NULL;
    size_t count = user_name_keys(user->display_name, arena, keys);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(keys[i], prefix, strlen(prefix)) == 0 &&
            (least == NULL || strcmp(keys[i], least) < 0))
            least = keys[i];
    }
    return least;
}

static int compare_found(const void *a, const void *b)
{
    const struct user_found *one = a, *other = b;
    int by_key = strcmp(one->key, other->key);
    return by_key != 0 ? by_key : strcmp(one->user.user_id, other->user.user_id);
}

static bool is_behind(const struct user_found *found, const struct user_name_query *query)
{
    int by_key = strcmp(found->key, query->after_key);
    return by_key > 0 || (by_key == 0 && strcmp(found->user.user_id, query->after_id) > 0);
}

static bool is_left_out(struct user_store_memory *memory, const struct user *user,
                        const struct user_name_query *query)
{
    bool by_handle = query->but_handles[0] != '\0' &&
                     strncmp(user->handle, query->but_handles, strlen(query->but_handles)) == 0;
    return by_handle || user->deleted_at_ms != 0 ||
           user_memory_find_block(memory, user->user_id, query->asker_id) != NULL;
}

static enum cc_code find_by_name(struct user_store *store, const struct user_name_query *query,
                                 struct cc_arena *arena, const struct user_found **out,
                                 size_t *out_count, struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    size_t count = 0;
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    struct user_found *found = cc_arena_calloc(arena, memory->user_count + 1, sizeof *found);
    for (size_t i = 0; i < memory->user_count; i++) {
        const struct user *user = &memory->users[i].user;
        struct user_found one = {.user = *user, .key = least_key(user, query->prefix, arena)};
        if (one.key == NULL || is_left_out(memory, user, query) || !is_behind(&one, query))
            continue;
        one.user = user_memory_copy(user, arena);
        found[count++] = one;
    }
    pthread_mutex_unlock(&memory->lock);
    qsort(found, count, sizeof *found, compare_found);
    *out = found;
    *out_count = count < query->limit ? count : query->limit;
    return CC_OK;
}

static void insert(struct user_store_memory *memory, const struct user *user,
                   const struct user_fact *fact)
{
    memory->users = cc_realloc(memory->users, (memory->user_count + 1) * sizeof *memory->users);
    struct kept_user *kept = &memory->users[memory->user_count++];
    *kept = (struct kept_user){.user = user_memory_copy(user, memory->texts)};
    kept->user.version = 1;
    kept->user.metadata = "{}";
    user_memory_keep_fact(memory, fact, &kept->user, 1);
}

static bool same_enrolment(const struct user *a, const struct user *b)
{
    return strcmp(a->handle, b->handle) == 0 && strcmp(a->display_name, b->display_name) == 0 &&
           strcmp(a->email, b->email) == 0;
}

static enum cc_code enroll_locked(struct user_store_memory *memory, const struct user *user,
                                  const struct user_fact *fact, struct cc_error *err)
{
    struct kept_user *kept = user_memory_find(memory, user->user_id);
    if (kept != NULL && (kept->edited || same_enrolment(&kept->user, user)))
        return CC_OK;
    if (handle_is_taken(memory, user, user->created_at_ms))
        return cc_fail(err, CC_CONFLICT, "/handle", "this handle is taken");
    if (kept == NULL) {
        insert(memory, user, fact);
        return CC_OK;
    }
    struct user copy = user_memory_copy(user, memory->texts);
    kept->user.handle = copy.handle;
    kept->user.display_name = copy.display_name;
    kept->user.email = copy.email;
    kept->user.version++;
    user_memory_keep_fact(memory, fact, &kept->user, kept->user.version);
    return CC_OK;
}

static enum cc_code enroll(struct user_store *store, const struct user *user,
                           const struct user_fact *fact, struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    pthread_mutex_lock(&memory->lock);
    enum cc_code code = enroll_locked(memory, user, fact, err);
    pthread_mutex_unlock(&memory->lock);
    return code;
}

static enum cc_code update_locked(struct user_store_memory *memory, const struct user *after,
                                  const struct user_fact *fact, const struct user_hold *hold,
                                  struct cc_error *err)
{
    struct kept_user *kept = user_memory_find_living(memory, after->user_id);
    if (kept == NULL || kept->user.version != after->version)
        return cc_fail(err, CC_VERSION_MISMATCH, NULL, "the profile has changed meanwhile");
    if (handle_is_taken(memory, after, hold->now_ms))
        return cc_fail(err, CC_CONFLICT, "/handle", "this handle is taken");
    const struct user before = kept->user;
    kept->user = user_memory_copy(after, memory->texts);
    kept->user.email = before.email;
    kept->user.created_at_ms = before.created_at_ms;
    kept->user.version = before.version + 1;
    kept->edited = true;
    if (strcmp(before.handle, kept->user.handle) != 0)
        hold_handle(memory, before.handle, before.user_id, hold->until_ms);
    if (fact != NULL)
        user_memory_keep_fact(memory, fact, &kept->user, kept->user.version);
    return CC_OK;
}

static enum cc_code update(struct user_store *store, const struct user *after,
                           const struct user_fact *fact, const struct user_hold *hold,
                           struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    pthread_mutex_lock(&memory->lock);
    enum cc_code code = update_locked(memory, after, fact, hold, err);
    pthread_mutex_unlock(&memory->lock);
    return code;
}

static void bury_locked(struct user_store_memory *memory, struct kept_user *kept,
                        const struct user_fact *fact, const struct user_hold *hold)
{
    const struct user before = kept->user;
    char handle[CC_HANDLE_BYTES];
    user_tombstone_handle(before.user_id, handle);
    struct user tombstone = {.user_id = before.user_id,
                             .handle = handle,
                             .display_name = USER_TOMBSTONE_NAME,
                             .metadata = "{}",
                             .version = before.version + 1,
                             .created_at_ms = before.created_at_ms,
                             .handle_changed_at_ms = before.handle_changed_at_ms,
                             .deleted_at_ms = fact->occurred_at_ms};
    kept->user = user_memory_copy(&tombstone, memory->texts);
    kept->edited = true;
    kept->preferences = (struct user_preferences){0};
    hold_handle(memory, before.handle, before.user_id, hold->until_ms);
    user_memory_drop_blocks(memory, before.user_id);
    struct user told = {.user_id = before.user_id, .handle = "", .display_name = ""};
    user_memory_keep_fact(memory, fact, &told, kept->user.version);
}

static enum cc_code bury(struct user_store *store, const char *user_id,
                         const struct user_fact *fact, const struct user_hold *hold,
                         struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    (void)err; /* memory does not fail */
    pthread_mutex_lock(&memory->lock);
    struct kept_user *kept = user_memory_find_living(memory, user_id);
    if (kept != NULL)
        bury_locked(memory, kept, fact, hold);
    pthread_mutex_unlock(&memory->lock);
    return CC_OK;
}

/* Is an older fact about the same person still there? */
static bool has_earlier(const struct user_store_memory *memory, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(memory->facts[i].fact.user_id, memory->facts[index].fact.user_id) == 0)
            return true;
    }
    return false;
}

static size_t take_facts(struct user_store_memory *memory, struct user_fact *out)
{
    size_t count = 0;
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->fact_count && count < USER_FACTS_AT_ONCE; i++) {
        if (memory->facts[i].being_told || has_earlier(memory, i))
            continue;
        memory->facts[i].being_told = true;
        out[count++] = memory->facts[i].fact;
    }
    pthread_mutex_unlock(&memory->lock);
    return count;
}

static bool is_among(const struct user_fact *facts, size_t count, const char *event_id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(facts[i].event_id, event_id) == 0)
            return true;
    }
    return false;
}

/* Forgets taken facts, or gives them back. */
static void settle_facts(struct user_store_memory *memory, const struct user_fact *facts,
                         size_t count, bool told)
{
    size_t kept = 0;
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->fact_count; i++) {
        bool ours = is_among(facts, count, memory->facts[i].fact.event_id);
        if (ours && told)
            continue;
        if (ours)
            memory->facts[i].being_told = false;
        memory->facts[kept++] = memory->facts[i];
    }
    memory->fact_count = kept;
    pthread_mutex_unlock(&memory->lock);
}

static enum cc_code tell_facts(struct user_store *store, user_tell tell, void *arg,
                               size_t *out_count, struct cc_error *err)
{
    struct user_store_memory *memory = user_memory_of(store);
    struct user_fact facts[USER_FACTS_AT_ONCE];
    size_t count = take_facts(memory, facts);
    enum cc_code code = count == 0 ? CC_OK : tell(arg, facts, count, err);
    settle_facts(memory, facts, count, code == CC_OK);
    *out_count = code == CC_OK ? count : 0;
    return code;
}

static void destroy(struct user_store *store)
{
    struct user_store_memory *memory = user_memory_of(store);
    cc_arena_destroy(memory->texts);
    cc_free(memory->users);
    cc_free(memory->facts);
    cc_free(memory->blocks);
    cc_free(memory->holds);
    pthread_mutex_destroy(&memory->lock);
    cc_free(memory);
}

static const struct user_store_ops ops = {
    .destroy = destroy,
    .find = find,
    .find_many = find_many,
    .find_by_prefix = find_by_prefix,
    .find_by_name = find_by_name,
    .enroll = enroll,
    .update = update,
    .bury = bury,
    .tell_facts = tell_facts,
};

struct user_store *user_store_memory_create(void)
{
    struct user_store_memory *memory = cc_calloc(1, sizeof *memory);
    memory->base.ops = &ops;
    memory->texts = cc_arena_create(0);
    pthread_mutex_init(&memory->lock, NULL);
    return &memory->base;
}
