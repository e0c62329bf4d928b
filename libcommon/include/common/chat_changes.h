#ifndef COMMON_CHAT_CHANGES_H
#define COMMON_CHAT_CHANGES_H

/*
 * What happened to chats, as a service hears of it: the records of chat.updated of one kind of
 * change. On the consumer's thread.
 * Source: docs/contracts.md "Topics".
 */

#include "common/events/chat_updated.h"
#include "common/kafka_consumer.h"

/* The ids of the chats that the batch tells this change of, in its order, as often as it does.
 * Records that can't be read are rejected. They live in the batch's arena; *out_count <=
 * batch->count. */
const char **cc_chat_changes_of(struct cc_batch *batch, enum cc_chat_change change,
                                size_t *out_count);

#endif
