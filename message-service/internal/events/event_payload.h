#ifndef MESSAGE_EVENTS_EVENT_PAYLOAD_H
#define MESSAGE_EVENTS_EVENT_PAYLOAD_H

/* What the events of this service share: the envelope, the payload in the arena, the
 * address of an answer. Pure. */

#include "common/bus.h"
#include "common/events/envelope.h"
#include "common/kafka_producer.h"

#define EVENT_PRODUCER_NAME "message-service"

struct cc_envelope event_envelope(const char *type, const char *event_id, int64_t now_ms,
                                  const char *key);

struct event_payload {
    struct cc_strbuf text;
    struct cc_json_writer writer; /* write the whole object */
};
void event_payload_start(struct event_payload *payload);
/* The record's payload and version are set, in the arena; topic, key and type are the caller's. */
struct cc_produce event_payload_finish(struct event_payload *payload, struct cc_arena *arena);

/* An answer for one connection, addressed; rev, seq, version and frame are the caller's. */
struct cc_bus_message event_answer(const char *chat_id, const char *sender_id,
                                   const struct cc_origin *origin);

#endif
