/* GET /v1/notifications: the caller's own, newest first. */

#include "app.h"
#include "http/notification_json.h"
#include "http/routes.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX     200

static enum cc_code read_query(struct cc_request *req, struct notification_position *position,
                               struct notification_query *out, struct cc_error *err)
{
    struct notification_app *app = cc_request_app(req);
    const char *cursor = cc_request_query(req, "cursor");
    int64_t limit = 0;

    CC_TRY(cc_request_query_int(req, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err));
    if (cursor != NULL && !notification_cursor_read(cursor, position))
        return cc_fail(err, CC_INVALID, "cursor", "is not one of ours");
    *out = (struct notification_query){
        .user_id = cc_request_caller(req)->user_id,
        .after = cursor == NULL ? NULL : position,
        .limit = (size_t)limit + 1, /* one more tells whether there is another page */
        .now_ms = cc_wall_ms(app->clock),
    };
    return CC_OK;
}

enum cc_code notification_http_list(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct notification_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    struct notification_position position;
    struct notification_query query;
    struct notification_list list;

    CC_TRY(read_query(req, &position, &query, err));
    CC_TRY(app->store->ops->list(app->store, &query, arena, &list, err));

    bool more = list.count == query.limit;
    size_t shown = more ? list.count - 1 : list.count;
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < shown; i++)
        notification_json_put(writer, &list.items[i]);
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor",
                     more ? notification_cursor(arena, &list.items[shown - 1]) : NULL);
    cc_json_close_object(writer);
    return CC_OK;
}
