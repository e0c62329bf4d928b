/* Shared steps of the handlers about one chat. Runs on HTTP workers. */

#include "http/chat_access.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/topics.h"
#include "domain/permissions.h"
#include "http/chat_json.h"

#define DECISIONS_MAX 5

/* Absence is not an error here: `*out` stays NULL. */
static enum cc_code absent_is_null(enum cc_code code)
{
    return code == CC_NOT_FOUND ? CC_OK : code;
}

enum cc_code chat_member_find(struct cc_request *req, const char *chat_id, const char *user_id,
                              struct membership **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    *out = NULL;
    return absent_is_null(app->store->ops->find_member(app->store, chat_id, user_id,
                                                       cc_request_arena(req), out, err));
}

enum cc_code chat_activity_find(struct cc_request *req, const char *chat_id,
                                struct chat_activity **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    *out = CC_ARENA_NEW(cc_request_arena(req), struct chat_activity);
    return absent_is_null(
        app->store->ops->find_activity(app->store, chat_id, cc_request_arena(req), out, err));
}

/* head:{chat} is "<rev> <seq>"; 0 when Redis is away or does not know. */
static int64_t head_seq_in_redis(struct chat_app *app, const char *chat_id)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char key[CC_REDIS_NAME_BYTES];

    cc_redis_name_head(chat_id, key);
    if (cc_redis_do(app->redis, &reply, NULL, "GET", key, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_STRING)
        return 0;
    const char *space = strchr(reply->str, ' ');
    return space == NULL ? 0 : strtoll(space + 1, NULL, 10);
}

enum cc_code chat_head_seq(struct cc_request *req, const char *chat_id, int64_t *out,
                           struct cc_error *err)
{
    struct chat_activity *activity = NULL;

    CC_TRY(chat_activity_find(req, chat_id, &activity, err));
    *out = head_seq_in_redis(cc_request_app(req), chat_id);
    if (*out < activity->seq)
        *out = activity->seq;
    return CC_OK;
}

enum cc_code chat_access_load(struct cc_request *req, struct chat_access *out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    const char *chat_id = NULL;

    /* The version first: a change is decided for the version after this one, so a membership that
     * is newer than it does no harm; one that is older would let somebody use a right just lost. */
    *out = (struct chat_access){0};
    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(absent_is_null(
        app->store->ops->find_chat(app->store, chat_id, cc_request_arena(req), &out->chat, err)));
    if (out->chat != NULL)
        CC_TRY(chat_member_find(req, chat_id, cc_request_caller(req)->user_id, &out->actor, err));
    return chat_may_see(out->chat, out->actor, err);
}

enum cc_code chat_change_commit(struct cc_request *req, chat_decide decide, void *input,
                                enum chat_reach *out_reach, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    for (int i = 0; i < DECISIONS_MAX; i++) {
        struct chat_access access;
        struct chat_change *change = NULL;
        bool committed;

        CC_TRY(chat_access_load(req, &access, err));
        CC_TRY(decide(req, &access, input, &change, err));
        *out_reach = CHAT_REACH_ALL;
        if (change == NULL)
            return CC_OK;
        CC_TRY(
            chat_announcer_commit_or_catch_up(&app->announcer, change, &committed, out_reach, err));
        if (committed)
            return CC_OK;
    }
    return cc_fail(err, CC_UNAVAILABLE, NULL, "the chat is being changed by many at once");
}

enum cc_code chat_personal_change(struct cc_request *req, const char *chat_id,
                                  chat_personal_decide decide, const void *input,
                                  struct personal *out_result, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct personal *before = NULL;

    for (int i = 0; i < DECISIONS_MAX; i++) {
        CC_TRY(app->personals->ops->find(app->personals, chat_id, cc_request_caller(req)->user_id,
                                         cc_request_arena(req), &before, err));
        *out_result = *before;
        if (!decide(before, input, cc_wall_ms(app->clock), out_result))
            return CC_OK;
        enum cc_code code = chat_announcer_commit_personal(&app->announcer, out_result, err);
        if (code != CC_CONFLICT)
            return code;
    }
    return cc_fail(err, CC_UNAVAILABLE, NULL, "this is being changed by several devices at once");
}

const char *chat_next_place(struct cc_arena *arena, const struct chat_member_list *members,
                            size_t limit)
{
    return members->count > limit ? cc_arena_printf(arena, "%" PRId64, members->items[limit].place)
                                  : NULL;
}

/* Active members, when they are few enough to be shown. */
static enum cc_code load_members(struct cc_request *req, const struct chat *chat,
                                 struct chat_view *view, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct chat_member_query query = {
        .chat = chat, .filter = CHAT_MEMBERS_ACTIVE, .limit = CHAT_JSON_MEMBERS_MAX};
    struct chat_member_list members = {0};

    if (chat->member_count > CHAT_JSON_MEMBERS_MAX)
        return CC_OK;
    CC_TRY(app->store->ops->list_members(app->store, &query, cc_request_arena(req), &members, err));
    view->members = members.items;
    view->member_count = members.count;
    return CC_OK;
}

enum cc_code chat_respond(struct cc_request *req, struct cc_response *res, const char *chat_id,
                          struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    struct chat_activity *activity = NULL;
    struct membership *reader = NULL;
    struct personal *me = NULL;
    struct chat *chat = NULL;
    struct chat_view view = {.now_ms = cc_wall_ms(app->clock)};

    CC_TRY(app->store->ops->find_chat(app->store, chat_id, arena, &chat, err));
    if (chat->deleted)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such chat");
    CC_TRY(chat_activity_find(req, chat_id, &activity, err));
    if (activity->last_activity_at_ms == 0)
        activity->last_activity_at_ms = chat->created_at_ms;
    view.chat = *chat;
    view.activity = activity;
    CC_TRY(app->personals->ops->find(app->personals, chat_id, cc_request_caller(req)->user_id,
                                     arena, &me, err));
    view.me = me;
    CC_TRY(chat_member_find(req, chat_id, cc_request_caller(req)->user_id, &reader, err));
    view.reader = reader;
    CC_TRY(load_members(req, chat, &view, err));

    cc_response_header(res, "ETag", cc_arena_printf(arena, "\"%" PRId64 "\"", chat->version));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    chat_json_put_chat(writer, &view);
    cc_json_close_object(writer);
    return CC_OK;
}
