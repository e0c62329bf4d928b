/* Files by whose they are. Runs on worker threads and the user.updated consumer's. Removes nothing
 * from the object store: the sweep does. */

#include "media_owners.h"

#include <stdlib.h>

#define PORTION     200
#define ROUNDS_MAX  1000 /* of portions: nobody holds more */
#define AVATARS_MAX 1024

/* The look is planned first: who dies in between leaves none without one. */
static enum cc_code retire(const struct media_uses *media, struct media *file, struct cc_error *err)
{
    struct media_store *store = media->store;
    int64_t now_ms = cc_wall_ms(media->clock);

    file->retired_at_ms = now_ms;
    CC_TRY(store->ops->plan_look(store, file->media_id,
                                 media_look_at_ms(file, &media->limits, now_ms), err));
    return store->ops->retire(store, file->media_id, now_ms, err);
}

enum cc_code media_forget_owner(const struct media_uses *media, const char *owner_id,
                                struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct media_list held;

    for (int round = 0; round < ROUNDS_MAX; round++) {
        cc_arena_reset(arena);
        CC_TRY(media->store->ops->held_by(media->store, owner_id, PORTION, arena, &held, err));
        if (held.count == 0)
            return CC_OK;
        for (size_t i = 0; i < held.count; i++)
            CC_TRY(retire(media, &held.items[i], err));
    }
    return cc_fail_detail(err, CC_UNAVAILABLE, "the files of %s become no fewer", owner_id);
}

static int by_completion(const void *a, const void *b)
{
    const struct media *left = a, *right = b;
    return (left->completed_at_ms > right->completed_at_ms) -
           (left->completed_at_ms < right->completed_at_ms);
}

/* What is only announced is not counted: the sweep takes it if it does not come. */
enum cc_code media_keep_avatars(const struct media_uses *media, const char *owner_id, size_t most,
                                struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct media_list avatars;
    size_t first = 0;

    CC_TRY(
        media->store->ops->avatars_of(media->store, owner_id, AVATARS_MAX, arena, &avatars, err));
    qsort(avatars.items, avatars.count, sizeof *avatars.items, by_completion);
    while (first < avatars.count && avatars.items[first].completed_at_ms == 0)
        first++;
    for (; avatars.count - first > most; first++)
        CC_TRY(retire(media, &avatars.items[first], err));
    return CC_OK;
}
