/* What other daemons ask: who is in a chat, and which chats somebody has. Their listener is not
 * reachable from outside; nothing is checked about the asker. */

#include "common/hash_map.h"
#include "common/log.h"
#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/chat_page.h"
#include "http/routes.h"
#include "member_cache.h"

#define RIGHTS_PAGE_DEFAULT 1000
#define RIGHTS_PAGE_MAX     1000

enum cc_code chat_http_user_page(struct cc_request *req, struct cc_response *res,
                                 struct cc_error *err)
{
    const char *user_id = NULL;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    return chat_page_respond(req, res, user_id, err);
}

static void put_membership(struct cc_json_writer *writer, const struct membership *member,
                           int64_t cleared_seq)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "chat_id", member->chat_id);
    cc_json_put_text(writer, "role", cc_chat_role_names[member->role]);
    cc_json_put_int(writer, "member_version", member->version);
    cc_json_put_int(writer, "joined_seq", member->joined_seq);
    cc_json_put_int(writer, "cleared_seq", cleared_seq);
    cc_json_close_object(writer);
}

static void put_memberships(struct cc_json_writer *writer, const struct chat_member_list *mine,
                            const struct personal_list *states)
{
    struct cc_hash_map *by_chat = cc_hash_map_create();

    for (size_t i = 0; i < states->count; i++)
        cc_hash_map_put(by_chat, states->items[i].chat_id, &states->items[i]);
    for (size_t i = 0; i < mine->count; i++) {
        const struct personal *state = cc_hash_map_get(by_chat, mine->items[i].chat_id);

        put_membership(writer, &mine->items[i], state == NULL ? 0 : state->cleared_seq);
    }
    cc_hash_map_destroy(by_chat);
}

enum cc_code chat_http_user_chats(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct chat_member_list mine = {0};
    struct personal_list states = {0};
    const char *user_id = NULL;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(app->store->ops->list_memberships(app->store, user_id, CHAT_MEMBERS_ACTIVE,
                                             cc_request_arena(req), &mine, err));
    CC_TRY(app->personals->ops->list(app->personals, user_id, cc_request_arena(req), &states, err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    put_memberships(writer, &mine, &states);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}

/* Who asks here found nothing in Redis: next time there shall be something. */
static void fill_cache(struct chat_app *app, const struct chat_rights *rights)
{
    struct cc_error fault;

    if (chat_member_cache_put(app->redis, rights, &fault) != CC_OK)
        cc_log_error(CC_LOG_DEBUG, "the rights were not cached", &fault, "chat_id",
                     rights->chat->chat_id, NULL);
}

enum cc_code chat_http_rights(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *chat_id = NULL;
    struct chat_member_list members = {0};
    struct chat *chat = NULL;
    struct chat_member_query query = {.filter = CHAT_MEMBERS_EVER};
    int64_t limit = 0;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_query_int(req, "after", 0, INT32_MAX, 0, &query.from_place, err));
    CC_TRY(
        cc_request_query_int(req, "limit", 1, RIGHTS_PAGE_MAX, RIGHTS_PAGE_DEFAULT, &limit, err));
    query.limit = (size_t)limit + 1;
    /* The version first: members that are newer than it do no harm, older ones would. */
    CC_TRY(app->store->ops->find_chat(app->store, chat_id, arena, &chat, err));
    query.chat = chat;
    CC_TRY(app->store->ops->list_members(app->store, &query, arena, &members, err));

    bool more = members.count > (size_t)limit;
    size_t shown = more ? (size_t)limit : members.count;
    struct chat_rights rights = {.chat = chat,
                                 .members = members.items,
                                 .count = shown,
                                 .next_cursor = chat_next_place(arena, &members, (size_t)limit)};
    if (query.from_place == 0 && !more)
        fill_cache(app, &rights);
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    chat_json_put_rights(writer, &rights);
    cc_json_close_object(writer);
    return CC_OK;
}

/* How loud the chat is for somebody; who said nothing of it is not told. */
static void put_state(struct cc_json_writer *writer, const struct personal *personal)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "user_id", personal->user_id);
    cc_json_put_time(writer, "mute_until", personal->wish.mute_until_ms);
    cc_json_put_text(writer, "notify", personal_notify_names[personal->wish.notify]);
    cc_json_put_int(writer, "version", personal->version);
    cc_json_close_object(writer);
}

enum cc_code chat_http_states(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct personal_list states = {0};
    const char *chat_id = NULL;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(app->personals->ops->list_of_chat(app->personals, chat_id, cc_request_arena(req),
                                             &states, err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < states.count; i++)
        put_state(writer, &states.items[i]);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}
