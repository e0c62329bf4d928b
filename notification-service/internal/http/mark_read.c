/* POST /v1/notifications/read: idempotent; ids that are not the caller's are passed over. */

#include "app.h"
#include "http/notification_json.h"
#include "http/routes.h"

enum cc_code notification_http_mark_read(struct cc_request *req, struct cc_response *res,
                                         struct cc_error *err)
{
    struct notification_app *app = cc_request_app(req);
    struct notification_read_input input;
    struct cc_json_reader *reader;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!notification_json_read_ids(reader, &input))
        return cc_json_reader_error(reader, err);
    CC_TRY(app->store->ops->mark_read(app->store, cc_request_caller(req)->user_id, input.ids,
                                      input.count, err));
    cc_response_status(res, 204);
    return CC_OK;
}
