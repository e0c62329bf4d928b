#ifndef MESSAGE_HTTP_ROUTES_H
#define MESSAGE_HTTP_ROUTES_H

#include "common/http_route.h"

extern const struct cc_route message_routes[];
extern const struct cc_route message_internal_routes[];

#define MESSAGE_PAGE_MAX     200
#define MESSAGE_PAGE_DEFAULT 50

/* One file per use case, of the same name without the prefix. */
enum cc_code message_http_send(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_list(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_changes(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);
enum cc_code message_http_internal_changes(struct cc_request *req, struct cc_response *res,
                                           struct cc_error *err);
enum cc_code message_http_read(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_heads(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code message_http_operation(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);

#endif
