#ifndef GATEWAY_COMPOSE_H
#define GATEWAY_COMPOSE_H

/* Answers put together from several services. A part that can't be had is left out and named in
 * `partial`; only without its main part does the answer fail. */

#include "common/http_route.h"

/* GET /v1/chats: chat-service's page, each chat with message-service's head_seq, read_seq, unread.
 */
enum cc_code gateway_http_list_chats(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err);
/* GET /v1/bootstrap: {me, chats, limits, partial?}. */
enum cc_code gateway_http_bootstrap(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err);

#endif
