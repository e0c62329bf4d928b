/* Leaving a chat, asked for or because the account is deleted. Blocks. Whether somebody may leave
 * is said elsewhere (permissions.h). */

#include "leaving.h"

#define DECISIONS_MAX 5

static enum cc_code find_successor(struct chat_store *store, const struct chat *chat,
                                   const struct membership *leaver, struct cc_arena *arena,
                                   const struct membership **out, struct cc_error *err)
{
    struct chat_member_query everybody = {
        .chat = chat, .filter = CHAT_MEMBERS_ACTIVE, .limit = CHAT_MEMBERS_MAX};
    struct chat_member_list members = {0};

    *out = NULL;
    if (leaver->role != CC_ROLE_OWNER || chat->owner_count > 1)
        return CC_OK;
    CC_TRY(store->ops->list_members(store, &everybody, arena, &members, err));
    *out = membership_successor(members.items, members.count, leaver->user_id);
    return CC_OK;
}

enum cc_code chat_leaving_change(struct chat_store *store, const struct chat *chat,
                                 const struct membership *leaver, int64_t at_ms,
                                 struct cc_arena *arena, struct chat_change **out,
                                 struct cc_error *err)
{
    const struct membership *successor = NULL;

    CC_TRY(find_successor(store, chat, leaver, arena, &successor, err));
    *out = change_leave(arena, chat, leaver, successor, at_ms);
    return CC_OK;
}

/* *out NULL: there is nothing to leave. The version first, as in chat_access_load. */
static enum cc_code decide(struct chat_store *store, const char *chat_id, const char *user_id,
                           int64_t at_ms, struct cc_arena *arena, struct chat_change **out,
                           struct cc_error *err)
{
    struct chat *chat = NULL;
    struct membership *leaver = NULL;

    *out = NULL;
    enum cc_code code = store->ops->find_chat(store, chat_id, arena, &chat, err);
    if (code == CC_OK)
        code = store->ops->find_member(store, chat_id, user_id, arena, &leaver, err);
    if (code == CC_NOT_FOUND)
        return CC_OK;
    if (code != CC_OK || chat->deleted || !membership_active(leaver))
        return code;
    return chat_leaving_change(store, chat, leaver, at_ms, arena, out, err);
}

enum cc_code chat_leaving_commit(struct chat_announcer *announcer, const char *chat_id,
                                 const char *user_id, int64_t at_ms, struct cc_arena *arena,
                                 struct cc_error *err)
{
    for (int i = 0; i < DECISIONS_MAX; i++) {
        struct chat_change *change = NULL;
        enum chat_reach reach;
        bool committed;

        CC_TRY(decide(announcer->store, chat_id, user_id, at_ms, arena, &change, err));
        if (change == NULL)
            return CC_OK;
        CC_TRY(chat_announcer_commit_or_catch_up(announcer, change, &committed, &reach, err));
        if (committed)
            return CC_OK;
    }
    return cc_fail_detail(err, CC_UNAVAILABLE, "%s is being changed by many at once", chat_id);
}
