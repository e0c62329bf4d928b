#ifndef CHAT_HTTP_FOUNDING_H
#define CHAT_HTTP_FOUNDING_H

/* Making a chat whose id follows from who makes it: the first request makes it, each later one, or
 * one at the same moment, finds it. */

#include "http/chat_access.h"

/* The change that made the chat, NULL when there is none; one that waits is announced first. */
CC_MUST_CHECK enum cc_code chat_founding_find(struct cc_request *req, const char *chat_id,
                                              struct chat_change **out, struct cc_error *err);
/* Makes it. out_found: NULL = made now; else the change of whoever was faster. */
CC_MUST_CHECK enum cc_code chat_founding_commit(struct cc_request *req,
                                                const struct chat_change *change,
                                                struct chat_change **out_found,
                                                struct cc_error *err);

#endif
