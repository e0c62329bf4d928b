#ifndef WORLD_PRIVATE_H
#define WORLD_PRIVATE_H

/* What the files of the world share; tests see world.h. */

#include "common/http_route.h"
#include "common/kafka_consumer.h"

#include "publish.h"
#include "world.h"

#define TEXT_MAX (512 * 1024)

extern const struct cc_route world_routes[]; /* of the services that answer by HTTP */

/* NULL: another test's. The lock is held. */
struct world_chat *world_find_chat(struct world *world, const char *chat_id);
/* Numbers the message and puts the change into the log. The lock is held. */
struct world_change *world_append(struct world_chat *chat, enum cc_op op,
                                  struct cc_message *message);
void world_publish(struct world *world, enum ws_channel channel, const char *id,
                   const struct cc_bus_message *message);
/* Rows of the owner's consumers: message.created and message.read. */
enum cc_code world_apply_created(void *world, struct cc_batch *batch, struct cc_error *err);
enum cc_code world_apply_read(void *world, struct cc_batch *batch, struct cc_error *err);

#endif
