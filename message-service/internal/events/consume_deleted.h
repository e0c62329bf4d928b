#ifndef MESSAGE_EVENTS_CONSUME_DELETED_H
#define MESSAGE_EVENTS_CONSUME_DELETED_H

/* user.updated: of who has deleted their account, read positions, mentions, what they hid and
 * reacted with, avatars and files that were never sent are erased. What they wrote stays in its
 * chats, under an id whose profile is a tombstone. */

#include "common/kafka_consumer.h"
#include "media_uses.h"
#include "storage/message_store.h"

struct deleted_consumer { /* filled by the app (or a test); borrowed parts */
    struct message_store *store;
    struct media_uses media;
};
/* app: struct deleted_consumer. */
enum cc_code consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err);

#endif
