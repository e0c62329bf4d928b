/* POST /v1/chats/{chat_id}/members {user_ids}: adding somebody who is in it already changes
 * nothing. */

#include "blocks.h"
#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/routes.h"
#include "people.h"

/* Those of the input who aren't members now. */
static enum cc_code find_newcomers(struct cc_request *req, const char *chat_id,
                                   const struct chat_people_input *in, struct chat_newcomer *out,
                                   size_t *out_count, struct cc_error *err)
{
    *out_count = 0;
    for (size_t i = 0; i < in->count; i++) {
        struct membership *known = NULL;

        CC_TRY(chat_member_find(req, chat_id, in->user_ids[i], &known, err));
        if (membership_active(known))
            continue;
        if (known != NULL && known->state == CC_MEMBER_BANNED)
            return cc_fail(err, CC_FORBIDDEN, "/user_ids", "somebody of these is banned");
        out[(*out_count)++] = (struct chat_newcomer){.user_id = in->user_ids[i], .former = known};
    }
    return CC_OK;
}

static const char *const *ids_of(struct cc_arena *arena, const struct chat_newcomer *newcomers,
                                 size_t count)
{
    const char **ids = cc_arena_calloc(arena, count + 1, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = newcomers[i].user_id;
    return ids;
}

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const struct chat_people_input *in = input;
    struct chat_newcomer *newcomers = cc_arena_calloc(arena, in->count, sizeof(*newcomers));
    size_t count = 0;
    int64_t head_seq = 0;

    CC_TRY(chat_may(access->chat, access->actor, CHAT_ACT_ADD, err));
    CC_TRY(find_newcomers(req, access->chat->chat_id, in, newcomers, &count, err));
    if (count == 0)
        return CC_OK;
    if (access->chat->member_count + (int64_t)count > CHAT_MEMBERS_MAX)
        return cc_fail(err, CC_CONFLICT, "/user_ids", "a group has at most %d members",
                       CHAT_MEMBERS_MAX);
    const char *const *ids = ids_of(arena, newcomers, count);
    CC_TRY(chat_people_must_exist(app->user_service, ids, count, "/user_ids", cc_request_trace(req),
                                  arena, err));
    CC_TRY(chat_blocks_must_allow(app->user_service, access->actor->user_id, ids, count,
                                  "/user_ids", cc_request_trace(req), arena, err));
    CC_TRY(chat_head_seq(req, access->chat->chat_id, &head_seq, err));
    *out = change_add(arena, access->chat, access->actor->user_id, newcomers, count, head_seq,
                      cc_wall_ms(app->clock));
    return CC_OK;
}

enum cc_code chat_http_add_members(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct cc_json_reader *reader = NULL;
    struct chat_people_input in;
    const char *chat_id = NULL;
    enum chat_reach reach;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!chat_json_read_people(reader, &in))
        return cc_json_reader_error(reader, err);
    CC_TRY(chat_change_commit(req, decide, &in, &reach, err));
    return chat_respond(req, res, chat_id, err);
}
