/* The sweep of media. Runs on a ticker's thread. */

#include "media_sweeper.h"

static enum cc_code take_away(const struct media_sweeper *sweeper, const struct media *media,
                              size_t *count, struct cc_error *err)
{
    CC_TRY(sweeper->objects->ops->remove(sweeper->objects, media, err));
    CC_TRY(sweeper->media->ops->remove(sweeper->media, media->media_id, err));
    (*count)++;
    return CC_OK;
}

static enum cc_code look_at(const struct media_sweeper *sweeper, const char *media_id,
                            struct cc_arena *arena, size_t *count, struct cc_error *err)
{
    struct media_store *store = sweeper->media;
    int64_t now_ms = cc_wall_ms(sweeper->clock);
    struct media *media;
    struct media_use_list uses;

    CC_TRY(store->ops->find(store, media_id, arena, &media, err));
    if (media == NULL)
        return CC_OK;
    CC_TRY(store->ops->uses_of(store, media_id, arena, &uses, err));
    bool forlorn = media_is_forlorn(media, uses.count > 0, &sweeper->limits, now_ms);
    return forlorn ? take_away(sweeper, media, count, err) : CC_OK;
}

enum cc_code media_sweep(const struct media_sweeper *sweeper, size_t *out_count,
                         struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct media_store *store = sweeper->media;
    struct media_look_list due;

    *out_count = 0;
    CC_TRY(store->ops->looks_due(store, cc_wall_ms(sweeper->clock), MEDIA_SWEEP_MAX, arena, &due,
                                 err));
    for (size_t i = 0; i < due.count; i++) {
        CC_TRY(look_at(sweeper, due.items[i].media_id, arena, out_count, err));
        CC_TRY(store->ops->forget_look(store, due.items[i].look_id, err));
    }
    return CC_OK;
}
