/* POST /internal/users/lookup: the public profiles of many people at once. Those that don't exist
 * are left out. Runs on a worker thread. */

#include "app.h"
#include "http/handlers.h"
#include "http/user_json.h"

static void write_items(struct cc_json_writer *writer, const struct user *users, size_t count)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++)
        user_json_write_public(writer, NULL, &users[i]);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}

enum cc_code user_http_lookup(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct cc_json_reader *reader;
    const struct user *users;
    size_t asked, count;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *const *ids =
        cc_json_uuids(reader, "user_ids", CC_REQUIRED, USER_LOOKUP_MAX, &asked);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    CC_TRY(
        user_store_find_many(app->store, ids, asked, cc_request_arena(req), &users, &count, err));
    write_items(cc_response_json(res), users, count);
    return CC_OK;
}
