#ifndef CHAT_EVENTS_CONSUME_PERSISTED_H
#define CHAT_EVENTS_CONSUME_PERSISTED_H

/* message.persisted to each chat's last message and time of last activity. */

#include "common/kafka_consumer.h"

#define CHAT_CONSUMER_GROUP "chat-service"

extern const struct cc_consumer_row chat_persisted_row;

/* Folds the batch per chat and tells the list cache. Idempotent: what is not newer changes nothing.
 * app: struct chat_app (its activities and redis are used). */
enum cc_code chat_persisted_apply(void *app, struct cc_batch *batch, struct cc_error *err);
/* Stores what the batches since the last time have moved: one write for each chat. */
enum cc_code chat_persisted_save(void *app, struct cc_arena *arena, struct cc_error *err);

#endif
