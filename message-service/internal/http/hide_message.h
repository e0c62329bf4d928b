#ifndef MESSAGE_HTTP_HIDE_MESSAGE_H
#define MESSAGE_HTTP_HIDE_MESSAGE_H

/* "Delete for me": the message is gone for one person, on all his devices, and for nobody else. */

#include "app.h"

#define MESSAGE_HIDDEN_MAX 1000 /* so many of a person's are looked at, over all chats */

/* Stores it, then tells his other devices. Worker threads. */
CC_MUST_CHECK enum cc_code message_hide(struct message_app *app, const char *user_id,
                                        const struct cc_message *message, struct cc_arena *arena,
                                        struct cc_error *err);

#endif
