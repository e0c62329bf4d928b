#ifndef EVENTS_RELAY_H
#define EVENTS_RELAY_H

/* What every consumer here does with a batch: its records are read one by one and announced on
 * Redis, all of them in few round trips. What can't be read goes to the dead letters; what is not
 * held any more is left to its next reader. */

#include "common/bus_publish.h"
#include "common/json_reader.h"
#include "common/kafka_consumer.h"

struct ws_app;

/* Reads one event and adds what is to be published for it. False: it can't be read. What it needs
 * beyond the call lives in the batch's arena. */
typedef bool (*ws_announce)(struct cc_json_reader *reader, struct cc_bus_batch *publications);

/* Consumer threads. Errors: a failed PUBLISH; then all of the batch comes again. */
CC_MUST_CHECK enum cc_code ws_relay(struct ws_app *gateway, struct cc_batch *batch,
                                    ws_announce announce, struct cc_error *err);

#endif
