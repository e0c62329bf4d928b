/* From who blocks whom to who may post; see direct_posting.h. On consumers' threads. */

#include "direct_posting.h"

#include "blocks.h"
#include "common/relations.h"

#define ROUNDS_MAX 5

struct direct {
    const struct chat *chat;
    const char *one_id, *other_id;
};
struct directs {
    struct direct *items;
    size_t count;
};

static enum cc_code look(struct chat_store *store, const char *chat_id, struct cc_arena *arena,
                         struct directs *found, struct cc_error *err)
{
    struct chat_member_query both = {.filter = CHAT_MEMBERS_ACTIVE, .limit = 2};
    struct chat_member_list members = {0};
    struct chat *chat = NULL;
    enum cc_code code = store->ops->find_chat(store, chat_id, arena, &chat, err);

    if (code == CC_NOT_FOUND)
        return CC_OK; /* not visible yet: its `created` comes later */
    if (code != CC_OK || chat->type != CHAT_DIRECT)
        return code;
    both.chat = chat;
    CC_TRY(store->ops->list_members(store, &both, arena, &members, err));
    if (members.count == 2)
        found->items[found->count++] = (struct direct){
            .chat = chat, .one_id = members.items[0].user_id, .other_id = members.items[1].user_id};
    return CC_OK;
}

/* Two pairs for each chat, one after the other: either may have blocked the other. */
static enum cc_code ask(struct chat_app *app, const struct directs *directs, struct cc_arena *arena,
                        struct cc_relation **out, struct cc_error *err)
{
    struct cc_relation *pairs = cc_arena_calloc(arena, 2 * directs->count + 1, sizeof(*pairs));

    for (size_t i = 0; i < directs->count; i++) {
        const struct direct *direct = &directs->items[i];

        pairs[2 * i] =
            (struct cc_relation){.actor_id = direct->one_id, .user_id = direct->other_id};
        pairs[2 * i + 1] =
            (struct cc_relation){.actor_id = direct->other_id, .user_id = direct->one_id};
    }
    *out = pairs;
    return cc_relations_ask(app->user_service, CC_RELATIONS_CONTACT, pairs, 2 * directs->count,
                            NULL, BLOCKS_TIMEOUT_MS, arena, err);
}

/* out_moved: it was not so yet, whoever has made it so now. */
static enum cc_code set(struct chat_app *app, const struct chat *chat, enum cc_chat_posting post,
                        struct cc_arena *arena, bool *out_moved, struct cc_error *err)
{
    struct chat_change *change = change_posting(arena, chat, post, cc_wall_ms(app->clock));
    enum chat_reach reach;
    bool committed;

    *out_moved = change != NULL;
    if (change == NULL)
        return CC_OK;
    return chat_announcer_commit_or_catch_up(&app->announcer, change, &committed, &reach, err);
}

/* The chat ids become those of the chats that moved. The chat is read before the question is asked:
 * what the answer is stored over can't be newer than it. */
static enum cc_code settle_once(struct chat_app *app, const char **chat_ids, size_t *count,
                                struct cc_arena *arena, struct cc_error *err)
{
    struct directs directs = {.items = cc_arena_calloc(arena, *count + 1, sizeof(struct direct))};
    struct cc_relation *pairs = NULL;

    for (size_t i = 0; i < *count; i++)
        CC_TRY(look(app->store, chat_ids[i], arena, &directs, err));
    CC_TRY(ask(app, &directs, arena, &pairs, err));
    *count = 0;
    for (size_t i = 0; i < directs.count; i++) {
        bool blocked = pairs[2 * i].blocked || pairs[2 * i + 1].blocked, moved = false;

        CC_TRY(set(app, directs.items[i].chat, blocked ? CC_POST_NOBODY : CC_POST_ALL, arena,
                   &moved, err));
        if (moved)
            chat_ids[(*count)++] = directs.items[i].chat->chat_id;
    }
    return CC_OK;
}

enum cc_code chat_direct_posting_settle(struct chat_app *app, const char *const *chat_ids,
                                        size_t count, struct cc_arena *arena, struct cc_error *err)
{
    const char **left = cc_arena_calloc(arena, count + 1, sizeof(*left));

    for (size_t i = 0; i < count; i++)
        left[i] = chat_ids[i];
    for (int i = 0; i < ROUNDS_MAX && count > 0; i++)
        CC_TRY(settle_once(app, left, &count, arena, err));
    if (count > 0)
        return cc_fail_detail(err, CC_UNAVAILABLE, "%s is being changed by many at once", left[0]);
    return CC_OK;
}
