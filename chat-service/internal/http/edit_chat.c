/* PATCH /v1/chats/{chat_id}: title, description, avatar, settings; with If-Match when the caller
 * wants to lose to others. */

#include <inttypes.h>
#include <string.h>

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/routes.h"

static enum cc_code check_version(struct cc_request *req, const struct chat *chat,
                                  struct cc_error *err)
{
    const char *wanted = cc_request_header(req, "If-Match");
    const char *current = cc_arena_printf(cc_request_arena(req), "\"%" PRId64 "\"", chat->version);

    if (wanted != NULL && strcmp(wanted, "*") != 0 && strcmp(wanted, current) != 0)
        return cc_fail(err, CC_VERSION_MISMATCH, "If-Match", "the chat's version is %" PRId64,
                       chat->version);
    return CC_OK;
}

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    const struct chat_edit *edit = input;

    CC_TRY(chat_may(access->chat, access->actor, CHAT_ACT_EDIT, err));
    if (chat_edit_sets_rules(edit))
        CC_TRY(chat_may(access->chat, access->actor, CHAT_ACT_CONFIGURE, err));
    CC_TRY(check_version(req, access->chat, err));
    *out = change_edit(cc_request_arena(req), access->chat, access->actor->user_id, edit,
                       cc_wall_ms(app->clock));
    return CC_OK;
}

enum cc_code chat_http_edit(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_json_reader *reader = NULL;
    const char *chat_id = NULL;
    struct chat_edit edit;
    enum chat_reach reach;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_json(req, "application/merge-patch+json", &reader, err));
    if (!chat_json_read_edit(reader, &edit))
        return cc_json_reader_error(reader, err);
    CC_TRY(chat_change_commit(req, decide, &edit, &reach, err));
    return chat_respond(req, res, chat_id, err);
}
