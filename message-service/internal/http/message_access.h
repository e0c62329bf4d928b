#ifndef MESSAGE_HTTP_MESSAGE_ACCESS_H
#define MESSAGE_HTTP_MESSAGE_ACCESS_H

/* Routes that name a message: its id says nothing of its chat, so it is looked up, and whoever may
 * not read that chat is told what he would be told of a message that isn't there. */

#include "app.h"

/* The message of the path's {message_id}, in the request's arena. CC_NOT_FOUND: there is none, or
 * not for this caller. Worker threads. */
CC_MUST_CHECK enum cc_code message_access(struct cc_request *req, struct cc_message **out,
                                          struct cc_error *err);
/* The same, of any message. */
CC_MUST_CHECK enum cc_code message_access_one(struct cc_request *req, const char *message_id,
                                              struct cc_message **out, struct cc_error *err);

/* Answers with the message as the caller sees it. */
CC_MUST_CHECK enum cc_code message_answer(struct cc_request *req, struct cc_response *res,
                                          const struct cc_message *message, struct cc_error *err);

#endif
