#ifndef CHAT_HTTP_CHAT_PAGE_H
#define CHAT_HTTP_CHAT_PAGE_H

/* One page of a person's chats by last activity; the same for the person and for the api-gateway,
 * which composes it with unread counts. */

#include "app.h"
#include "common/http_route.h"

/* Reads limit and cursor from the request and answers {"items":[Chat],"next_cursor"}. */
CC_MUST_CHECK enum cc_code chat_page_respond(struct cc_request *req, struct cc_response *res,
                                             const char *user_id, struct cc_error *err);

#endif
