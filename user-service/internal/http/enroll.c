/* PUT /internal/users/{user_id}: auth-service makes the profile of somebody who registers. May be
 * repeated. Runs on a worker thread. */

#include "app.h"
#include "http/handlers.h"
#include "http/user_json.h"

static enum cc_code read_enrolment(struct cc_request *req, char folded_handle[CC_HANDLE_BYTES],
                                   struct user *out, struct cc_error *err)
{
    struct cc_json_reader *reader;
    const char *user_id;
    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    CC_TRY(user_enrolment_from_json(reader, out, err));
    CC_TRY(user_check_display_name(out->display_name, err));
    CC_TRY(cc_handle_read(out->handle, folded_handle, err));
    out->user_id = user_id;
    out->handle = folded_handle;
    return CC_OK;
}

enum cc_code user_http_enroll(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    char folded_handle[CC_HANDLE_BYTES], event_id[CC_UUID_BYTES];
    struct user user;

    CC_TRY(read_enrolment(req, folded_handle, &user, err));
    user.created_at_ms = cc_wall_ms(app->clock);
    struct user_fact fact = user_app_fact(app, user.user_id, "registered", event_id);
    CC_TRY(user_store_enroll(app->store, &user, &fact, err));
    user_publisher_wake(app->publisher);
    cc_response_status(res, 204);
    return CC_OK;
}
