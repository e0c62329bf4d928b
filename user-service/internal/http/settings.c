/* GET and PUT /v1/users/me/settings: one document for all devices of a person, replaced as a whole
 * under If-Match. Run on worker threads. */

#include "app.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/preferences_json.h"

static void respond(struct cc_response *res, const struct user_preferences *preferences)
{
    user_etag_put(res, preferences->version);
    user_json_write_preferences(cc_response_json(res), preferences);
}

enum cc_code user_http_get_settings(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct user_preferences mine;

    CC_TRY(user_choices_find_preferences(app->choices, cc_request_caller(req)->user_id,
                                         cc_request_arena(req), &mine, err));
    respond(res, &mine);
    return CC_OK;
}

enum cc_code user_http_put_settings(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const char *caller_id = cc_request_caller(req)->user_id;
    struct user_preferences before, after;
    struct cc_json_reader *reader;
    char event_id[CC_UUID_BYTES];

    CC_TRY(user_choices_find_preferences(app->choices, caller_id, cc_request_arena(req), &before,
                                         err));
    CC_TRY(user_etag_check(req, before.version, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    CC_TRY(user_preferences_from_json(reader, &after, err));
    after.version = before.version;
    struct user_fact fact = user_app_fact(app, caller_id, "settings", event_id);
    CC_TRY(user_choices_save_preferences(app->choices, caller_id, &after, &fact, err));
    user_publisher_wake(app->publisher);
    after.version++;
    respond(res, &after);
    return CC_OK;
}
