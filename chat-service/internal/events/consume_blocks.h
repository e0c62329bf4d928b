#ifndef CHAT_EVENTS_CONSUME_BLOCKS_H
#define CHAT_EVENTS_CONSUME_BLOCKS_H

/* What closes a direct chat and opens it again (direct_posting.h): user.updated, when a person has
 * blocked somebody or ended a block, and chat.updated, when a chat was made. app: struct chat_app.
 */

#include "common/kafka_consumer.h"

extern const struct cc_consumer_row chat_blocks_row;
extern const struct cc_consumer_row chat_created_row;

enum cc_code chat_blocks_apply(void *app, struct cc_batch *batch, struct cc_error *err);
enum cc_code chat_created_apply(void *app, struct cc_batch *batch, struct cc_error *err);

#endif
