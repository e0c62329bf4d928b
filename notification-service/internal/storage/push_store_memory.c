/* Push in memory, for tests of what uses it; it passes the same contract suite as MongoDB's.
 * Thread-safe by one mutex. Forgets everything when it is destroyed. */

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "storage/push_store.h"

struct memory_push {
    struct push_store base; /* first */
    pthread_mutex_t mutex;
    struct cc_arena *arena;     /* keys and values */
    struct cc_hash_map *tokens; /* user/device to struct push_token */
    struct cc_hash_map *claims; /* notification/device to its outcome */
};

static struct memory_push *lock(struct push_store *base)
{
    struct memory_push *store = (struct memory_push *)base;

    pthread_mutex_lock(&store->mutex);
    return store;
}

static enum cc_code unlock(struct memory_push *store)
{
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static const char *pair(struct memory_push *store, const char *one, const char *other)
{
    return cc_arena_printf(store->arena, "%s/%s", one, other);
}

static bool has_token(const struct push_token *token, const char *wanted)
{
    return strcmp(token->token, wanted) == 0;
}

static bool has_session(const struct push_token *token, const char *wanted)
{
    return strcmp(token->session_id, wanted) == 0;
}

/* Drops the tokens that `goes` names. */
static void drop_where(struct memory_push *store,
                       bool (*goes)(const struct push_token *token, const char *arg),
                       const char *arg)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(store->tokens, &at, &value)) {
        struct push_token *token = value;
        if (!goes(token, arg))
            cc_hash_map_put(kept, pair(store, token->user_id, token->device_id), token);
    }
    cc_hash_map_destroy(store->tokens);
    store->tokens = kept;
}

static struct push_token copy_token(struct cc_arena *arena, const struct push_token *token)
{
    return (struct push_token){
        .user_id = cc_arena_strdup(arena, token->user_id),
        .device_id = cc_arena_strdup(arena, token->device_id),
        .session_id = cc_arena_strdup(arena, token->session_id),
        .token = cc_arena_strdup(arena, token->token),
        .at_ms = token->at_ms,
    };
}

static enum cc_code put_token(struct push_store *base, const struct push_token *token,
                              struct cc_error *err)
{
    struct memory_push *store = lock(base);
    struct push_token *copy = CC_ARENA_NEW(store->arena, struct push_token);

    (void)err;
    drop_where(store, has_token, token->token);
    *copy = copy_token(store->arena, token);
    cc_hash_map_put(store->tokens, pair(store, copy->user_id, copy->device_id), copy);
    return unlock(store);
}

static enum cc_code drop_device(struct push_store *base, const char *user_id, const char *device_id,
                                struct cc_error *err)
{
    struct memory_push *store = lock(base);

    (void)err;
    cc_hash_map_remove(store->tokens, pair(store, user_id, device_id));
    return unlock(store);
}

static enum cc_code drop_session(struct push_store *base, const char *session_id,
                                 struct cc_error *err)
{
    struct memory_push *store = lock(base);

    (void)err;
    drop_where(store, has_session, session_id);
    return unlock(store);
}

static enum cc_code drop_token(struct push_store *base, const char *token, struct cc_error *err)
{
    struct memory_push *store = lock(base);

    (void)err;
    drop_where(store, has_token, token);
    return unlock(store);
}

static bool has_owner(const struct push_token *token, const char *wanted)
{
    return strcmp(token->user_id, wanted) == 0;
}

static enum cc_code drop_person(struct push_store *base, const char *user_id, struct cc_error *err)
{
    struct memory_push *store = lock(base);

    (void)err;
    drop_where(store, has_owner, user_id);
    return unlock(store);
}

static enum cc_code tokens_of(struct push_store *base, const char *user_id, struct cc_arena *arena,
                              struct push_token_list *out, struct cc_error *err)
{
    struct memory_push *store = lock(base);
    struct push_token_list list = {cc_arena_calloc(arena, PUSH_DEVICES_MAX, sizeof *list.items), 0};
    size_t at = 0;
    void *value;

    (void)err;
    while (list.count < PUSH_DEVICES_MAX && cc_hash_map_next(store->tokens, &at, &value)) {
        const struct push_token *token = value;
        if (has_owner(token, user_id))
            list.items[list.count++] = copy_token(arena, token);
    }
    *out = list;
    return unlock(store);
}

static enum cc_code claim(struct push_store *base, const struct push_claim *claim, bool *out_first,
                          struct cc_error *err)
{
    struct memory_push *store = lock(base);
    const char *key = pair(store, claim->notification_id, claim->device_id);

    (void)err;
    *out_first = cc_hash_map_get(store->claims, key) == NULL;
    if (*out_first)
        cc_hash_map_put(store->claims, key, cc_arena_strdup(store->arena, "claimed"));
    return unlock(store);
}

static enum cc_code settle(struct push_store *base, const struct push_claim *claim,
                           const char *outcome, struct cc_error *err)
{
    struct memory_push *store = lock(base);
    const char *key = pair(store, claim->notification_id, claim->device_id);

    (void)err;
    if (outcome == NULL)
        cc_hash_map_remove(store->claims, key);
    else
        cc_hash_map_put(store->claims, key, cc_arena_strdup(store->arena, outcome));
    return unlock(store);
}

static void destroy(struct push_store *base)
{
    struct memory_push *store = (struct memory_push *)base;

    cc_hash_map_destroy(store->tokens);
    cc_hash_map_destroy(store->claims);
    cc_arena_destroy(store->arena);
    pthread_mutex_destroy(&store->mutex);
    cc_free(store);
}

struct push_store *push_store_memory_create(void)
{
    static const struct push_store_ops ops = {
        .put_token = put_token,
        .drop_device = drop_device,
        .drop_session = drop_session,
        .drop_token = drop_token,
        .drop_person = drop_person,
        .tokens_of = tokens_of,
        .claim = claim,
        .settle = settle,
        .destroy = destroy,
    };
    struct memory_push *store = cc_calloc(1, sizeof *store);

    store->base.ops = &ops;
    pthread_mutex_init(&store->mutex, NULL);
    store->arena = cc_arena_create(0);
    store->tokens = cc_hash_map_create();
    store->claims = cc_hash_map_create();
    return &store->base;
}
