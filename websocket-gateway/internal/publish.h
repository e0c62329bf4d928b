#ifndef PUBLISH_H
#define PUBLISH_H

/* PUBLISH on a Redis channel: from the loop thread by the worker, from a consumer for a whole batch
 * in one round trip. */

#include "common/bus_publish.h"

struct ws_app;

enum ws_channel { WS_CHANNEL_CHAT, WS_CHANNEL_USER, WS_CHANNEL_NODE };

/* Loop thread; returns at once. Lost when Redis is away: for what is only of the moment. */
void ws_publish(struct ws_app *app, enum ws_channel channel, const char *id,
                const struct cc_bus_message *message);
/* The kind of a channel's name, and the id in it. False: another channel. */
bool ws_channel_parse(const char *name, enum ws_channel *out_channel, const char **out_id);
void ws_channel_name(enum ws_channel channel, const char *id, char out[64]);

/* Consumer threads: one more in a batch that is sent later. */
void ws_publish_with(struct cc_bus_batch *batch, enum ws_channel channel, const char *id,
                     const struct cc_bus_message *message);

#endif
