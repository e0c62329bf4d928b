#ifndef USER_HANDLERS_H
#define USER_HANDLERS_H

/* One handler per use case, each in a file of its name. All are blocking: they run on worker
 * threads. */

#include "common/http_route.h"

#define USER_PRESENCE_MAX 100
#define USER_LOOKUP_MAX   200

enum cc_code user_http_get_me(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code user_http_patch_me(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code user_http_get_user(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err);
enum cc_code user_http_find_users(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);
enum cc_code user_http_get_presence(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code user_http_block(struct cc_request *req, struct cc_response *res, struct cc_error *err);
enum cc_code user_http_unblock(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code user_http_list_blocks(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err);
enum cc_code user_http_enroll(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code user_http_delete(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code user_http_lookup(struct cc_request *req, struct cc_response *res,
                              struct cc_error *err);
enum cc_code user_http_get_settings(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code user_http_put_settings(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);
enum cc_code user_http_contact(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err);
enum cc_code user_http_sight(struct cc_request *req, struct cc_response *res, struct cc_error *err);

#endif
