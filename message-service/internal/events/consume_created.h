#ifndef MESSAGE_EVENTS_CONSUME_CREATED_H
#define MESSAGE_EVENTS_CONSUME_CREATED_H

/* message.created to the owner: decoding, dead letters, and the ports that the owner asks for. The
 * group is the service; who has a partition is the one writer of its chats. */

#include "common/kafka_consumer.h"
#include "events/announce.h"
#include "head_saver.h"
#include "members.h"
#include "owner.h"

struct created_consumer { /* filled by the app (or a test); one thread */
    struct owner *owner;
    struct announcer *announcer;
    struct message_members *members;
    struct head_saver *heads;
};
/* For cc_consumer_row; app: struct created_consumer. */
enum cc_code consume_created(void *app, struct cc_batch *batch, struct cc_error *err);
void consume_created_assigned(void *app, int32_t partition);
void consume_created_revoked(void *app, int32_t partition);

#endif
