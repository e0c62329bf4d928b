#ifndef CHAT_HTTP_ROUTES_H
#define CHAT_HTTP_ROUTES_H

/* The whole HTTP surface of chat-service. */

#include "common/http_route.h"

extern const struct cc_route chat_routes[];
extern const struct cc_route chat_internal_routes[];

/* One use case each; all block. */
enum cc_code chat_http_create(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code chat_http_create_direct(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err);
enum cc_code chat_http_list(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code chat_http_get(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code chat_http_edit(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code chat_http_list_members(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code chat_http_add_members(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err);
enum cc_code chat_http_remove_member(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err);
enum cc_code chat_http_change_member(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err);
enum cc_code chat_http_leave(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code chat_http_transfer(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);

enum cc_code chat_http_list_changes(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code chat_http_delete(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code chat_http_put_me(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);

enum cc_code chat_http_user_chats(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);
enum cc_code chat_http_user_page(struct cc_request *req, struct cc_response *res,
                                 struct cc_error *err);
enum cc_code chat_http_shared(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code chat_http_states(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code chat_http_rights(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);

#endif
