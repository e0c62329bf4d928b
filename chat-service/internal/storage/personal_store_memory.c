/* People's states in memory, for tests of everything above. One mutex around an array: any thread.
 */

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "storage/personal_store.h"

struct memory_store {
    struct personal_store base;
    pthread_mutex_t lock;
    struct cc_arena *arena; /* everything that was ever stored */
    struct personal *items;
    size_t count, capacity;
};

static struct memory_store *enter(struct personal_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    pthread_mutex_lock(&store->lock);
    return store;
}

static enum cc_code leave(struct memory_store *store, enum cc_code code)
{
    pthread_mutex_unlock(&store->lock);
    return code;
}

static struct personal *seek(struct memory_store *store, const char *chat_id, const char *user_id)
{
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->items[i].chat_id, chat_id) == 0 &&
            strcmp(store->items[i].user_id, user_id) == 0)
            return &store->items[i];
    return NULL;
}

static struct personal copy(struct cc_arena *arena, const struct personal *from)
{
    struct personal to = *from;

    to.chat_id = cc_arena_strdup(arena, from->chat_id);
    to.user_id = cc_arena_strdup(arena, from->user_id);
    return to;
}

static enum cc_code memory_find(struct personal_store *base, const char *chat_id,
                                const char *user_id, struct cc_arena *arena, struct personal **out,
                                struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct personal *found = seek(store, chat_id, user_id);
    const struct personal nothing = {.chat_id = chat_id, .user_id = user_id, .announced = true};

    (void)err; /* memory does not fail */
    *out = CC_ARENA_NEW(arena, struct personal);
    **out = copy(arena, found == NULL ? &nothing : found);
    return leave(store, CC_OK);
}

static bool is_of_user(const struct personal *one, const char *user_id)
{
    return strcmp(one->user_id, user_id) == 0;
}

static bool is_of_chat(const struct personal *one, const char *chat_id)
{
    return strcmp(one->chat_id, chat_id) == 0;
}

static bool is_unannounced(const struct personal *one, const char *nothing)
{
    (void)nothing;
    return !one->announced;
}

/* Those of which wanted(one, id) is true. */
static enum cc_code collect(struct personal_store *base,
                            bool (*wanted)(const struct personal *one, const char *id),
                            const char *id, size_t limit, struct cc_arena *arena,
                            struct personal_list *out)
{
    struct memory_store *store = enter(base);

    out->count = 0;
    out->items = cc_arena_calloc(arena, store->count + 1, sizeof(*out->items));
    for (size_t i = 0; i < store->count && out->count < limit; i++)
        if (wanted(&store->items[i], id))
            out->items[out->count++] = copy(arena, &store->items[i]);
    return leave(store, CC_OK);
}

static enum cc_code memory_list(struct personal_store *base, const char *user_id,
                                struct cc_arena *arena, struct personal_list *out,
                                struct cc_error *err)
{
    (void)err; /* memory does not fail */
    return collect(base, is_of_user, user_id, PERSONAL_LIST_MAX, arena, out);
}

static enum cc_code memory_list_of_chat(struct personal_store *base, const char *chat_id,
                                        struct cc_arena *arena, struct personal_list *out,
                                        struct cc_error *err)
{
    (void)err; /* memory does not fail */
    return collect(base, is_of_chat, chat_id, PERSONAL_CHAT_MAX, arena, out);
}

static enum cc_code memory_put(struct personal_store *base, const struct personal *next,
                               struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct personal *row = seek(store, next->chat_id, next->user_id);

    if ((row == NULL ? 0 : row->version) != next->version - 1)
        return leave(store, cc_fail(err, CC_CONFLICT, NULL, "it has changed meanwhile"));
    if (row == NULL) {
        if (store->count == store->capacity) {
            store->capacity = store->capacity == 0 ? 16 : store->capacity * 2;
            store->items = cc_realloc(store->items, store->capacity * sizeof(*store->items));
        }
        row = &store->items[store->count++];
    }
    *row = copy(store->arena, next);
    row->announced = false;
    return leave(store, CC_OK);
}

static enum cc_code memory_list_unannounced(struct personal_store *base, struct cc_arena *arena,
                                            struct personal_list *out, struct cc_error *err)
{
    (void)err; /* memory does not fail */
    return collect(base, is_unannounced, NULL, PERSONAL_PENDING_MAX, arena, out);
}

static enum cc_code memory_mark_announced(struct personal_store *base,
                                          const struct personal *personal, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct personal *row = seek(store, personal->chat_id, personal->user_id);

    (void)err; /* memory does not fail */
    if (row != NULL && row->version == personal->version)
        row->announced = true;
    return leave(store, CC_OK);
}

static enum cc_code memory_forget(struct personal_store *base, const char *user_id,
                                  struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t kept = 0;

    (void)err; /* memory does not fail */
    for (size_t i = 0; i < store->count; i++)
        if (!is_of_user(&store->items[i], user_id))
            store->items[kept++] = store->items[i];
    store->count = kept;
    return leave(store, CC_OK);
}

static void memory_destroy(struct personal_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    cc_free(store->items);
    cc_arena_destroy(store->arena);
    pthread_mutex_destroy(&store->lock);
    cc_free(store);
}

static const struct personal_store_ops memory_ops = {
    .find = memory_find,
    .list = memory_list,
    .list_of_chat = memory_list_of_chat,
    .put = memory_put,
    .list_unannounced = memory_list_unannounced,
    .mark_announced = memory_mark_announced,
    .forget = memory_forget,
    .destroy = memory_destroy,
};

struct personal_store *personal_store_memory_create(void)
{
    struct memory_store *store = cc_calloc(1, sizeof(*store));

    store->base.ops = &memory_ops;
    store->arena = cc_arena_create(0);
    pthread_mutex_init(&store->lock, NULL);
    return &store->base;
}
