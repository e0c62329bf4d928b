/* Handlers of forwarded paths, on listener threads; each only names its upstream. */

#include "proxy/route_map.h"

#include "proxy/forward.h"

enum cc_code gateway_to_auth(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    return gateway_forward(req, res, GATEWAY_AUTH, err);
}

enum cc_code gateway_to_auth_by_token(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    return gateway_forward_by_token(req, res, GATEWAY_AUTH, err);
}

enum cc_code gateway_to_user(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    return gateway_forward(req, res, GATEWAY_USER, err);
}

enum cc_code gateway_to_chat(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    return gateway_forward(req, res, GATEWAY_CHAT, err);
}

enum cc_code gateway_to_message(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    return gateway_forward(req, res, GATEWAY_MESSAGE, err);
}

enum cc_code gateway_to_notification(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    return gateway_forward(req, res, GATEWAY_NOTIFICATION, err);
}
