#ifndef CHAT_EVENTS_CONSUME_DELETED_H
#define CHAT_EVENTS_CONSUME_DELETED_H

/* user.updated: who has deleted their account leaves every chat, and what they said of their chats
 * is erased. app: struct chat_app. */

#include "common/kafka_consumer.h"

extern const struct cc_consumer_row chat_deleted_row;

enum cc_code chat_deleted_apply(void *app, struct cc_batch *batch, struct cc_error *err);

#endif
