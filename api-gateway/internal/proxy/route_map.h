#ifndef GATEWAY_ROUTE_MAP_H
#define GATEWAY_ROUTE_MAP_H

/* Which upstream a group of paths belongs to: one handler for each, used by the rows of
 * http/routes.c. Source: docs/contracts.md "Edge routes". */

#include "common/http_route.h"

enum cc_code gateway_to_auth(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code gateway_to_auth_by_token(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err);
enum cc_code gateway_to_user(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code gateway_to_chat(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code gateway_to_message(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code gateway_to_notification(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err);

#endif
