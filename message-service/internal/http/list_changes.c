/* GET /v1/chats/{chat_id}/changes and its internal twin: the log after a rev, contiguous. Who is no
 * member is refused by both; the twin without a reader shows everybody's page and says as of which
 * membership version, so that whoever hands it on can tell who is gone. What the
 * reader has deleted for himself, and what was before he came where the chat says so, is told by
 * its rev alone. Worker threads. */

#include "app.h"
#include "http/message_json.h"
#include "http/personal.h"
#include "http/routes.h"
#include "standing.h"

struct change_page {
    const char *chat_id;
    const char *user_id; /* who reads; NULL = everybody */
    int64_t after_rev, limit;
    bool internal;
    struct standing standing; /* of the reader */
};

static enum cc_code read_page(struct cc_request *req, struct change_page *out, struct cc_error *err)
{
    CC_TRY(cc_request_uuid(req, "chat_id", &out->chat_id, err));
    CC_TRY(cc_request_query_int(req, "after_rev", 0, INT64_MAX, 0, &out->after_rev, err));
    return cc_request_query_int(req, "limit", 1, MESSAGE_PAGE_MAX, MESSAGE_PAGE_MAX, &out->limit,
                                err);
}

/* A full page may not be the end: then the log is asked where it ends. */
static enum cc_code find_head(struct message_app *app, const struct change_page *page,
                              const struct change_list *list, int64_t *out, struct cc_error *err)
{
    int64_t last = page->after_rev + (int64_t)list->count;
    struct chat_head head;

    *out = last;
    if ((int64_t)list->count < page->limit && list->count > 0)
        return CC_OK;
    CC_TRY(heads_read(app->store, page->chat_id, &head, err));
    *out = list->count > 0 && head.rev < last ? last : head.rev;
    chat_head_finish(&head);
    return CC_OK;
}

/* Where the log begins is looked at after it was read: it is raised before rows go, so that no page
 * has a hole that nobody is told of. */
static enum cc_code begins_later(struct message_app *app, const struct change_page *page,
                                 struct change_list *list, bool *out, struct cc_error *err)
{
    int64_t first_rev;

    CC_TRY(app->store->ops->first_rev(app->store, page->chat_id, &first_rev, err));
    *out = page->after_rev < first_rev - 1;
    if (*out)
        list->count = 0;
    return CC_OK;
}

static enum cc_code answer(struct message_app *app, struct cc_request *req, struct cc_response *res,
                           const struct change_page *page, struct cc_error *err)
{
    struct cc_arena *arena = cc_request_arena(req);
    bool *hidden = cc_arena_calloc(arena, (size_t)page->limit, sizeof *hidden);
    struct change_list list;
    int64_t head_rev, now_ms = cc_wall_ms(app->clock);
    bool reload;

    CC_TRY(app->store->ops->changes_after(app->store, page->chat_id, page->after_rev,
                                          (size_t)page->limit, arena, &list, err));
    CC_TRY(begins_later(app, page, &list, &reload, err));
    if (page->user_id != NULL)
        CC_TRY(personal_changes(app->store, page->user_id, page->standing.floor_seq, &list, arena,
                                hidden, err));
    CC_TRY(find_head(app, page, &list, &head_rev, err));
    struct cc_json_writer *writer = cc_response_json(res);
    int64_t next_rev = page->after_rev + (int64_t)list.count;
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < list.count; i++)
        message_json_put_change(writer, list.items[i], hidden[i], now_ms);
    cc_json_close_array(writer);
    cc_json_put_int(writer, "head_rev", head_rev);
    cc_json_put_int(writer, "next_rev", next_rev);
    cc_json_put_bool(writer, "more", next_rev < head_rev && !reload);
    cc_json_put_bool(writer, "reload", reload);
    cc_json_put_bool(writer, "since_joining", page->standing.since_joining);
    if (page->internal)
        cc_json_put_int(writer, "member_version", page->standing.member_version);
    cc_json_close_object(writer);
    return CC_OK;
}

enum cc_code message_http_changes(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct change_page page = {.user_id = cc_request_caller(req)->user_id};

    CC_TRY(read_page(req, &page, err));
    CC_TRY(standing_of_member(app->members, app->store, page.chat_id, page.user_id, &page.standing,
                              err));
    return answer(app, req, res, &page, err);
}

enum cc_code message_http_internal_changes(struct cc_request *req, struct cc_response *res,
                                           struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct change_page page = {.user_id = cc_request_query(req, "user_id"), .internal = true};

    CC_TRY(read_page(req, &page, err));
    CC_TRY(page.user_id == NULL
               ? standing_of_nobody(app->members, page.chat_id, &page.standing, err)
               : standing_of_member(app->members, app->store, page.chat_id, page.user_id,
                                    &page.standing, err));
    return answer(app, req, res, &page, err);
}
