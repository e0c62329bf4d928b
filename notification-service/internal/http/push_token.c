/* PUT and DELETE /v1/devices/{device_id}/push-token: where the caller's device is pushed to. The
 * token belongs to the session: when that ends, it goes. Worker threads. */

#include <string.h>

#include "app.h"
#include "http/routes.h"

#define TOKEN_MAX_BYTES  4096
#define DEVICE_MAX_BYTES 128

static enum cc_code read_device(struct cc_request *req, const char **out, struct cc_error *err)
{
    const char *device_id = cc_request_param(req, "device_id");

    if (strnlen(device_id, DEVICE_MAX_BYTES + 1) > DEVICE_MAX_BYTES)
        return cc_fail(err, CC_INVALID, "device_id", "is too long");
    *out = device_id;
    return CC_OK;
}

enum cc_code notification_http_put_token(struct cc_request *req, struct cc_response *res,
                                         struct cc_error *err)
{
    struct notification_app *app = cc_request_app(req);
    const struct cc_caller *caller = cc_request_caller(req);
    struct push_token token = {.user_id = caller->user_id,
                               .session_id = caller->session_id,
                               .at_ms = cc_wall_ms(app->clock)};
    struct cc_json_reader *reader;

    CC_TRY(read_device(req, &token.device_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    token.token = cc_json_text(reader, "token", CC_REQUIRED, 1, TOKEN_MAX_BYTES);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    if (strcmp(token.device_id, caller->device_id) != 0)
        return cc_fail(err, CC_FORBIDDEN, NULL, "only a device itself says where it is pushed to");
    CC_TRY(app->pushes->ops->put_token(app->pushes, &token, err));
    cc_response_status(res, 204);
    return CC_OK;
}

enum cc_code notification_http_drop_token(struct cc_request *req, struct cc_response *res,
                                          struct cc_error *err)
{
    struct notification_app *app = cc_request_app(req);
    const char *device_id = NULL;

    CC_TRY(read_device(req, &device_id, err));
    CC_TRY(app->pushes->ops->drop_device(app->pushes, cc_request_caller(req)->user_id, device_id,
                                         err));
    cc_response_status(res, 204);
    return CC_OK;
}
