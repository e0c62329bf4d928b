#ifndef COMMON_EVENTS_ENVELOPE_H
#define COMMON_EVENTS_ENVELOPE_H

/*
 * Every Kafka payload is one JSON object: the envelope's fields first, then the event's own, flat
 * (so an event's own type or version has another name there). ev_*_write writes the whole object.
 * Decoders ignore unknown fields. Strings in decoded events live in the reader's arena; encoders
 * borrow. One codec per type, used by both ends; golden examples: docs/events/golden/. Source:
 * docs/events/<topic>.schema.json.
 */

#include <stdint.h>

#include "common/json_reader.h"
#include "common/json_writer.h"

#define CC_EVENT_MAX_BYTES (256 * 1024)

struct cc_envelope {
    const char *event_id; /* UUIDv7 */
    const char *type;     /* equals the topic's name */
    int version;          /* 1 */
    int64_t occurred_at_ms;
    const char *producer; /* service name */
    const char *key;
};
void cc_envelope_read(struct cc_json_reader *reader, const char *expected_type,
                      struct cc_envelope *out);
void cc_envelope_write(struct cc_json_writer *writer, const struct cc_envelope *envelope);

/* Where the outcome of an operation is awaited; node "" = nowhere. */
struct cc_origin {
    const char *node;
    const char *conn_id;
    const char *client_msg_id;
};
void cc_origin_read(struct cc_json_reader *reader,
                    struct cc_origin *out); /* object "origin", optional */
void cc_origin_write(struct cc_json_writer *writer, const struct cc_origin *origin);

#endif
