#ifndef MESSAGE_HTTP_ROUTES_H
#define MESSAGE_HTTP_ROUTES_H

#include "common/http_route.h"

extern const struct cc_route message_routes[];
extern const struct cc_route message_internal_routes[];

#define MESSAGE_PAGE_MAX     200
#define MESSAGE_PAGE_DEFAULT 50

/* One file per use case, of the same name without the prefix; those that alter a message share
 * alter_message.c. */
enum cc_code message_http_send(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_list(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_get(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code message_http_history(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);
enum cc_code message_http_receipts(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err);
enum cc_code message_http_edit(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_delete(struct cc_request *req, struct cc_response *res,
                                 struct cc_error *err);
enum cc_code message_http_react(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code message_http_unreact(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);
enum cc_code message_http_pin(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code message_http_unpin(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code message_http_changes(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);
enum cc_code message_http_begin_upload(struct cc_request *req, struct cc_response *res,
                                       struct cc_error *err);
enum cc_code message_http_complete_upload(struct cc_request *req, struct cc_response *res,
                                          struct cc_error *err);
enum cc_code message_http_media_url(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code message_http_internal_changes(struct cc_request *req, struct cc_response *res,
                                           struct cc_error *err);
enum cc_code message_http_read(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code message_http_internal_hide(struct cc_request *req, struct cc_response *res,
                                        struct cc_error *err);
enum cc_code message_http_hidden_by(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code message_http_reads_by(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err);
enum cc_code message_http_heads(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code message_http_operation(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);

#endif
