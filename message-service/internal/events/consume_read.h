#ifndef MESSAGE_EVENTS_CONSUME_READ_H
#define MESSAGE_EVENTS_CONSUME_READ_H

/* message.read to read positions: the only writer of receipts. Positions only grow, never past the
 * end of the chat. Then the authors are told (`receipt`) and the asker is answered. */

#include "common/kafka_consumer.h"
#include "common/write_behind.h"
#include "events/redis_hints.h"
#include "members.h"
#include "storage/message_store.h"

struct read_consumer { /* filled by the app (or a test); one thread */
    struct message_store *store;
    struct message_members *members;
    struct redis_outlet outlet;
    struct cc_write_behind *known; /* "<chat>/<user>" to where it stands */
};
void read_consumer_init(struct read_consumer *consumer);
void read_consumer_finish(struct read_consumer *consumer);

/* For cc_consumer_row; app: struct read_consumer. */
enum cc_code consume_read(void *app, struct cc_batch *batch, struct cc_error *err);
enum cc_code consume_read_save(void *app, struct cc_arena *arena, struct cc_error *err);
void consume_read_rebalanced(void *app, int32_t partition); /* assigned and revoked alike */

#endif
