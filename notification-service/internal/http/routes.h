#ifndef NOTIFICATION_HTTP_ROUTES_H
#define NOTIFICATION_HTTP_ROUTES_H

/* The HTTP surface of notification-service. */

#include "common/http_route.h"

extern const struct cc_route notification_routes[];

enum cc_code notification_http_list(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code notification_http_put_token(struct cc_request *req, struct cc_response *res,
                                         struct cc_error *err);
enum cc_code notification_http_drop_token(struct cc_request *req, struct cc_response *res,
                                          struct cc_error *err);
enum cc_code notification_http_mark_read(struct cc_request *req, struct cc_response *res,
                                         struct cc_error *err);

#endif
