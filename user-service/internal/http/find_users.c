/* GET /v1/users?query=&limit=&cursor=: people by the beginning of their handle, never by e-mail.
 * Runs on a worker thread. The cursor is the last handle of the page before. */

#include "app.h"
#include "http/handlers.h"
#include "http/user_json.h"

#include <string.h>

#define LIMIT_MOST    200
#define LIMIT_DEFAULT 20

/* Folded characters of handles only: what is behind them is no cursor of ours. */
static enum cc_code read_cursor(struct cc_request *req, char out[USER_HANDLE_BYTES],
                                struct cc_error *err)
{
    const char *cursor = cc_request_query(req, "cursor");
    size_t length = 0;
    out[0] = '\0';
    if (cursor == NULL || cursor[0] == '\0')
        return CC_OK;
    if (!cc_base64url_decode(cursor, strlen(cursor), out, USER_HANDLE_MAX, &length))
        return cc_fail(err, CC_INVALID, "cursor", "is not a cursor of this list");
    out[length] = '\0';
    char folded[USER_HANDLE_BYTES];
    if (strlen(out) != length || user_handle_read(out, folded, NULL) != CC_OK ||
        strcmp(folded, out) != 0)
        return cc_fail(err, CC_INVALID, "cursor", "is not a cursor of this list");
    return CC_OK;
}

static const char *make_cursor(const struct user *last, struct cc_arena *arena)
{
    char *cursor = cc_arena_alloc(arena, USER_HANDLE_BYTES * 2);
    cc_base64url_encode(last->handle, strlen(last->handle), cursor);
    return cursor;
}

enum cc_code user_http_find_users(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *query = cc_request_query(req, "query");
    char prefix[USER_HANDLE_BYTES], after[USER_HANDLE_BYTES];
    const struct user *users = NULL;
    size_t count = 0;
    int64_t limit;

    if (query == NULL || query[0] == '\0')
        return cc_fail(err, CC_INVALID, "query", "give the beginning of a handle");
    CC_TRY(cc_request_query_int(req, "limit", 1, LIMIT_MOST, LIMIT_DEFAULT, &limit, err));
    CC_TRY(read_cursor(req, after, err));
    if (user_handle_prefix(query, prefix) && prefix[0] != '\0')
        CC_TRY(user_store_find_by_prefix(app->store, cc_request_caller(req)->user_id, prefix, after,
                                         (size_t)limit + 1, arena, &users, &count, err));
    bool more = count > (size_t)limit;
    if (more)
        count = (size_t)limit;
    user_json_write_page(cc_response_json(res), users, count,
                         more ? make_cursor(&users[count - 1], arena) : NULL);
    return CC_OK;
}
