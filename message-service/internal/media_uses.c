/* Media and messages. Runs on the message.created consumer's thread, and the housekeeper's. Removes
 * nothing from the object store: the sweep does. */

#include "media_uses.h"

static enum cc_code is_used(const struct media_uses *uses, const char *media_id,
                            struct cc_arena *arena, bool *out, struct cc_error *err)
{
    struct media_use_list found;

    CC_TRY(uses->store->ops->uses_of(uses->store, media_id, arena, &found, err));
    *out = found.count > 0;
    return CC_OK;
}

static enum cc_code allow_one(const struct media_uses *uses, const char *media_id,
                              const char *sender_id, struct cc_arena *arena, bool *out,
                              struct cc_error *err)
{
    int64_t now_ms = cc_wall_ms(uses->clock);
    struct media *media;
    bool used;

    CC_TRY(uses->store->ops->find(uses->store, media_id, arena, &media, err));
    *out = media != NULL && media_may_be_sent(media, sender_id, false, &uses->limits, now_ms);
    if (media == NULL || *out)
        return CC_OK;
    CC_TRY(is_used(uses, media_id, arena, &used, err));
    *out = media_may_be_sent(media, sender_id, used, &uses->limits, now_ms);
    return CC_OK;
}

enum cc_code media_uses_allow(const struct media_uses *uses, const struct ev_message_created *ask,
                              struct cc_arena *arena, bool *out, struct cc_error *err)
{
    const char *const *ids;
    size_t count;

    *out = true;
    if (uses->store == NULL || ask->op != CC_OP_CREATE || ask->attachments_json == NULL)
        return CC_OK;
    *out = cc_attachment_ids(ask->attachments_json, arena, &ids, &count);
    for (size_t i = 0; i < count && *out; i++)
        CC_TRY(allow_one(uses, ids[i], ask->sender_id, arena, out, err));
    return CC_OK;
}

static enum cc_code put_uses(const struct media_uses *uses, const struct change *change,
                             struct cc_arena *arena, struct cc_error *err)
{
    const struct cc_message *message = &change->message;
    const char *const *ids;
    size_t count;

    (void)cc_attachment_ids(message->attachments_json, arena, &ids, &count);
    if (count == 0)
        return CC_OK;
    struct media_use *shown = cc_arena_calloc(arena, count, sizeof *shown);
    for (size_t i = 0; i < count; i++)
        shown[i] = (struct media_use){ids[i], message->message_id, message->chat_id};
    return uses->store->ops->put_uses(uses->store, shown, count, err);
}

static enum cc_code plan_look(const struct media_uses *uses, const char *media_id,
                              struct cc_arena *arena, struct cc_error *err)
{
    struct media *media;

    CC_TRY(uses->store->ops->find(uses->store, media_id, arena, &media, err));
    if (media == NULL)
        return CC_OK;
    int64_t at_ms = media_look_at_ms(media, &uses->limits, cc_wall_ms(uses->clock));
    return uses->store->ops->plan_look(uses->store, media_id, at_ms, err);
}

/* The looks are planned first: who dies in between leaves no file without one. */
enum cc_code media_uses_drop(const struct media_uses *uses, const char *message_id,
                             struct cc_arena *arena, struct cc_error *err)
{
    struct media_use_list shown;

    CC_TRY(uses->store->ops->shown_by(uses->store, message_id, arena, &shown, err));
    for (size_t i = 0; i < shown.count; i++)
        CC_TRY(plan_look(uses, shown.items[i].media_id, arena, err));
    return shown.count == 0 ? CC_OK : uses->store->ops->drop_uses(uses->store, message_id, err);
}

static enum cc_code follow_one(const struct media_uses *uses, const struct change *change,
                               struct cc_arena *arena, struct cc_error *err)
{
    if (change->op == CC_OP_CREATE && change->message.attachments_json != NULL)
        return put_uses(uses, change, arena, err);
    if (change->op == CC_OP_DELETE)
        return media_uses_drop(uses, change->message.message_id, arena, err);
    return CC_OK;
}

enum cc_code media_uses_follow(const struct media_uses *uses, const struct change *const *changes,
                               size_t count, struct cc_error *err)
{
    if (uses->store == NULL)
        return CC_OK;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    for (size_t i = 0; i < count; i++)
        CC_TRY(follow_one(uses, changes[i], arena, err));
    return CC_OK;
}
