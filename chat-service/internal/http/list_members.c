/* GET /v1/chats/{chat_id}/members: the active ones, by place; with ?state=banned, for those who
 * may lift a ban, the banned ones. */

#include <string.h>

#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/routes.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     200

static enum cc_code choose_filter(struct cc_request *req, const struct chat_access *access,
                                  enum chat_member_filter *out, struct cc_error *err)
{
    const char *state = cc_request_query(req, "state");

    *out = CHAT_MEMBERS_ACTIVE;
    if (state == NULL || strcmp(state, cc_member_state_names[CC_MEMBER_ACTIVE]) == 0)
        return CC_OK;
    if (strcmp(state, cc_member_state_names[CC_MEMBER_BANNED]) != 0)
        return cc_fail(err, CC_INVALID, "state", "must be active or banned");
    *out = CHAT_MEMBERS_BANNED;
    return chat_may(access->chat, access->actor, CHAT_ACT_LIST_BANNED, err);
}

static enum cc_code read_query(struct cc_request *req, const struct chat_access *access,
                               struct chat_member_query *out, int64_t *out_limit,
                               struct cc_error *err)
{
    CC_TRY(cc_request_query_int(req, "limit", 1, PAGE_MAX, PAGE_DEFAULT, out_limit, err));
    *out = (struct chat_member_query){.chat = access->chat, .limit = (size_t)*out_limit + 1};
    CC_TRY(cc_request_query_int(req, "cursor", 0, INT32_MAX, 0, &out->from_place, err));
    return choose_filter(req, access, &out->filter, err);
}

enum cc_code chat_http_list_members(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct chat_access access;
    struct chat_member_query query;
    struct chat_member_list members = {0};
    int64_t limit = 0;

    CC_TRY(chat_access_load(req, &access, err));
    CC_TRY(read_query(req, &access, &query, &limit, err));
    CC_TRY(app->store->ops->list_members(app->store, &query, cc_request_arena(req), &members, err));

    size_t shown = members.count > (size_t)limit ? (size_t)limit : members.count;
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < shown; i++)
        chat_json_put_member(writer, &members.items[i]);
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor",
                     chat_next_place(cc_request_arena(req), &members, (size_t)limit));
    cc_json_close_object(writer);
    return CC_OK;
}
