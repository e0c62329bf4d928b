/* GET /v1/users/me/blocks?limit=&cursor=: whom the caller blocks, by user_id. Runs on a worker
 * thread. The cursor is the last user_id of the page before. */

#include "app.h"
#include "http/handlers.h"
#include "http/user_json.h"

#include <string.h>

#define LIMIT_MOST    200
#define LIMIT_DEFAULT 50

static enum cc_code read_cursor(struct cc_request *req, const char **out, struct cc_error *err)
{
    const char *cursor = cc_request_query(req, "cursor");
    *out = "";
    if (cursor == NULL || cursor[0] == '\0')
        return CC_OK;
    if (!cc_uuid_valid(cursor, strlen(cursor)))
        return cc_fail(err, CC_INVALID, "cursor", "is not a cursor of this list");
    char *copy = cc_arena_strdup(cc_request_arena(req), cursor);
    cc_uuid_normalise(copy);
    *out = copy;
    return CC_OK;
}

static void write_page(struct cc_json_writer *writer, const struct user_block *blocks, size_t count,
                       const char *next_cursor)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        user_json_write_public(writer, "user", &blocks[i].user);
        cc_json_put_time(writer, "blocked_at", blocks[i].blocked_at_ms);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor", next_cursor);
    cc_json_close_object(writer);
}

enum cc_code user_http_list_blocks(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const struct user_block *blocks;
    const char *after_id;
    size_t count;
    int64_t limit;

    CC_TRY(cc_request_query_int(req, "limit", 1, LIMIT_MOST, LIMIT_DEFAULT, &limit, err));
    CC_TRY(read_cursor(req, &after_id, err));
    CC_TRY(user_choices_list_blocks(app->choices, cc_request_caller(req)->user_id, after_id,
                                    (size_t)limit + 1, cc_request_arena(req), &blocks, &count,
                                    err));
    bool more = count > (size_t)limit;
    if (more)
        count = (size_t)limit;
    write_page(cc_response_json(res), blocks, count, more ? blocks[count - 1].user.user_id : NULL);
    return CC_OK;
}
