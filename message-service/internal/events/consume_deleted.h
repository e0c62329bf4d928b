#ifndef MESSAGE_EVENTS_CONSUME_DELETED_H
#define MESSAGE_EVENTS_CONSUME_DELETED_H

/* user.updated: of who has deleted their account, read positions, mentions, and what they hid and
 * reacted with are erased. What they wrote stays in its chats, under an id whose profile is a
 * tombstone. app: struct message_store. */

#include "common/kafka_consumer.h"

enum cc_code consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err);

#endif
