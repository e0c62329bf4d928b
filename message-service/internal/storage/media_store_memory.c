/* Media in memory, for tests: as strict as the server (one contract suite runs against both). Any
 * thread: one lock around everything. */

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "storage/media_store.h"

#define ITEMS_MAX 1024 /* of each kind; a test that needs more says so here */

struct planned {
    struct media_look look;
    int64_t at_ms;
};
struct memory_store {
    struct media_store base;
    pthread_mutex_t lock;
    struct cc_arena *arena;
    struct media media[ITEMS_MAX];
    struct media_use uses[ITEMS_MAX];
    struct planned planned[ITEMS_MAX];
    size_t media_count, use_count, planned_count;
};

static struct memory_store *enter(struct media_store *base)
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

static struct media *media_with(struct memory_store *store, const char *media_id)
{
    for (size_t i = 0; i < store->media_count; i++)
        if (strcmp(store->media[i].media_id, media_id) == 0)
            return &store->media[i];
    return NULL;
}

static struct media copy_of(struct cc_arena *arena, const struct media *media)
{
    struct media copy = *media;

    copy.media_id = cc_arena_strdup(arena, media->media_id);
    copy.owner_id = cc_arena_strdup(arena, media->owner_id);
    copy.name = cc_arena_strdup(arena, media->name);
    copy.content_type = cc_arena_strdup(arena, media->content_type);
    copy.sha256 = cc_arena_strdup(arena, media->sha256);
    return copy;
}

static enum cc_code add(struct media_store *base, const struct media *media, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    if (media_with(store, media->media_id) != NULL)
        return leave(store, cc_fail_detail(err, CC_CONFLICT, "that media id is taken"));
    store->media[store->media_count++] = copy_of(store->arena, media);
    return leave(store, CC_OK);
}

static enum cc_code find(struct media_store *base, const char *media_id, struct cc_arena *arena,
                         struct media **out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct media *found = media_with(store, media_id);

    (void)err;
    *out = NULL;
    if (found != NULL) {
        *out = CC_ARENA_NEW(arena, struct media);
        **out = copy_of(arena, found);
    }
    return leave(store, CC_OK);
}

static enum cc_code complete(struct media_store *base, const char *media_id, int64_t at_ms,
                             struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct media *found = media_with(store, media_id);

    (void)err;
    if (found != NULL && found->completed_at_ms == 0)
        found->completed_at_ms = at_ms;
    return leave(store, CC_OK);
}

static enum cc_code retire(struct media_store *base, const char *media_id, int64_t at_ms,
                           struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct media *found = media_with(store, media_id);

    (void)err;
    if (found != NULL) {
        found->retired_at_ms = at_ms;
        found->name = MEDIA_RETIRED_NAME;
    }
    return leave(store, CC_OK);
}

static bool is_avatar(const struct media *media)
{
    return media->purpose == MEDIA_AVATAR;
}

static bool is_any(const struct media *media)
{
    return media != NULL;
}

static struct media_list media_where(const struct memory_store *store, const char *owner_id,
                                     bool (*fits)(const struct media *media), size_t limit,
                                     struct cc_arena *arena)
{
    struct media_list list = {cc_arena_calloc(arena, limit + 1, sizeof *list.items), 0};

    for (size_t i = 0; i < store->media_count && list.count < limit; i++) {
        const struct media *media = &store->media[i];
        if (media->retired_at_ms == 0 && strcmp(media->owner_id, owner_id) == 0 && fits(media))
            list.items[list.count++] = copy_of(arena, media);
    }
    return list;
}

static enum cc_code held_by(struct media_store *base, const char *owner_id, size_t limit,
                            struct cc_arena *arena, struct media_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    *out = media_where(store, owner_id, is_any, limit, arena);
    return leave(store, CC_OK);
}

static enum cc_code avatars_of(struct media_store *base, const char *owner_id, size_t limit,
                               struct cc_arena *arena, struct media_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    *out = media_where(store, owner_id, is_avatar, limit, arena);
    return leave(store, CC_OK);
}

static enum cc_code remove_media(struct media_store *base, const char *media_id,
                                 struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct media *found = media_with(store, media_id);

    (void)err;
    if (found != NULL)
        *found = store->media[--store->media_count];
    return leave(store, CC_OK);
}

static bool is_same_use(const struct media_use *a, const struct media_use *b)
{
    return strcmp(a->media_id, b->media_id) == 0 && strcmp(a->message_id, b->message_id) == 0;
}

static struct media_use use_copy(struct cc_arena *arena, const struct media_use *use)
{
    return (struct media_use){cc_arena_strdup(arena, use->media_id),
                              cc_arena_strdup(arena, use->message_id),
                              cc_arena_strdup(arena, use->chat_id)};
}

static void put_use(struct memory_store *store, const struct media_use *use)
{
    for (size_t i = 0; i < store->use_count; i++)
        if (is_same_use(&store->uses[i], use))
            return;
    store->uses[store->use_count++] = use_copy(store->arena, use);
}

static enum cc_code put_uses(struct media_store *base, const struct media_use *uses, size_t count,
                             struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        put_use(store, &uses[i]);
    return leave(store, CC_OK);
}

/* Uses of that media, or by that message; NULL = any. */
static struct media_use_list uses_where(const struct memory_store *store, const char *media_id,
                                        const char *message_id, struct cc_arena *arena)
{
    struct media_use_list list = {cc_arena_calloc(arena, ITEMS_MAX, sizeof *list.items), 0};

    for (size_t i = 0; i < store->use_count && list.count < MEDIA_USES_MAX; i++) {
        const struct media_use *use = &store->uses[i];
        bool fits = (media_id == NULL || strcmp(use->media_id, media_id) == 0) &&
                    (message_id == NULL || strcmp(use->message_id, message_id) == 0);
        if (fits)
            list.items[list.count++] = use_copy(arena, use);
    }
    return list;
}

static enum cc_code uses_of(struct media_store *base, const char *media_id, struct cc_arena *arena,
                            struct media_use_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    *out = uses_where(store, media_id, NULL, arena);
    return leave(store, CC_OK);
}

static enum cc_code shown_by(struct media_store *base, const char *message_id,
                             struct cc_arena *arena, struct media_use_list *out,
                             struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    *out = uses_where(store, NULL, message_id, arena);
    return leave(store, CC_OK);
}

static enum cc_code drop_uses(struct media_store *base, const char *message_id,
                              struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t kept = 0;

    (void)err;
    for (size_t i = 0; i < store->use_count; i++)
        if (strcmp(store->uses[i].message_id, message_id) != 0)
            store->uses[kept++] = store->uses[i];
    store->use_count = kept;
    return leave(store, CC_OK);
}

static enum cc_code plan_look(struct media_store *base, const char *media_id, int64_t at_ms,
                              struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const char *look_id = cc_arena_printf(store->arena, "%s/%lld", media_id, (long long)at_ms);

    (void)err;
    for (size_t i = 0; i < store->planned_count; i++)
        if (strcmp(store->planned[i].look.look_id, look_id) == 0)
            return leave(store, CC_OK);
    store->planned[store->planned_count++] =
        (struct planned){{look_id, cc_arena_strdup(store->arena, media_id)}, at_ms};
    return leave(store, CC_OK);
}

static enum cc_code looks_due(struct media_store *base, int64_t now_ms, size_t limit,
                              struct cc_arena *arena, struct media_look_list *out,
                              struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct media_look_list list = {cc_arena_calloc(arena, limit + 1, sizeof *list.items), 0};

    (void)err;
    for (size_t i = 0; i < store->planned_count && list.count < limit; i++)
        if (store->planned[i].at_ms <= now_ms)
            list.items[list.count++] = (struct media_look){
                cc_arena_strdup(arena, store->planned[i].look.look_id),
                cc_arena_strdup(arena, store->planned[i].look.media_id),
            };
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code forget_look(struct media_store *base, const char *look_id, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < store->planned_count; i++)
        if (strcmp(store->planned[i].look.look_id, look_id) == 0)
            store->planned[i--] = store->planned[--store->planned_count];
    return leave(store, CC_OK);
}

static void destroy(struct media_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    pthread_mutex_destroy(&store->lock);
    cc_arena_destroy(store->arena);
    cc_free(store);
}

static const struct media_store_ops memory_ops = {
    .add = add,
    .find = find,
    .complete = complete,
    .retire = retire,
    .held_by = held_by,
    .avatars_of = avatars_of,
    .remove = remove_media,
    .put_uses = put_uses,
    .uses_of = uses_of,
    .shown_by = shown_by,
    .drop_uses = drop_uses,
    .plan_look = plan_look,
    .looks_due = looks_due,
    .forget_look = forget_look,
    .destroy = destroy,
};

struct media_store *media_store_memory_create(void)
{
    struct memory_store *store = cc_calloc(1, sizeof *store);

    store->base.ops = &memory_ops;
    store->arena = cc_arena_create(0);
    pthread_mutex_init(&store->lock, NULL);
    return &store->base;
}
