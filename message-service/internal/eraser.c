/* What is left of deleted chats. Runs on the housekeeper's thread. Judges nothing: the owner does,
 * and plans. */

#include "eraser.h"

static enum cc_code drop_files(const struct eraser *eraser, const struct message_list *said,
                               struct cc_arena *arena, struct cc_error *err)
{
    for (size_t i = 0; i < said->count; i++)
        if (said->items[i].attachments_json != NULL)
            CC_TRY(media_uses_drop(&eraser->media, said->items[i].message_id, arena, err));
    return CC_OK;
}

/* The files first: what says that there are some goes with the messages. */
static enum cc_code erase_bucket(const struct eraser *eraser, const struct erasure *erasure,
                                 struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct message_store *store = eraser->store;
    int64_t first = erasure->bucket << BUCKET_BITS, last = first + (1 << BUCKET_BITS) - 1;
    struct message_list said;

    CC_TRY(store->ops->messages_by_seq(store, erasure->chat_id, first, last, arena, &said, err));
    CC_TRY(drop_files(eraser, &said, arena, err));
    return store->ops->erase(store, erasure, &said, err);
}

static enum cc_code erase_chat(const struct eraser *eraser, struct erasure erasure, size_t *count,
                               struct cc_error *err)
{
    for (; erasure.bucket <= erasure.rev >> BUCKET_BITS; erasure.bucket++) {
        if (*count == ERASE_BUCKETS_MAX)
            return CC_OK;
        CC_TRY(erase_bucket(eraser, &erasure, err));
        (*count)++;
    }
    return CC_OK;
}

enum cc_code eraser_sweep(const struct eraser *eraser, size_t *out_count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct message_store *store = eraser->store;
    struct erasure_list list;

    *out_count = 0;
    CC_TRY(store->ops->erasures(store, ERASE_CHATS_MAX, arena, &list, err));
    for (size_t i = 0; i < list.count; i++)
        CC_TRY(erase_chat(eraser, list.items[i], out_count, err));
    return CC_OK;
}
