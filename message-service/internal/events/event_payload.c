/* Envelopes, payloads and bus messages. Pure functions, any thread. */

#include "events/event_payload.h"

#include <stdio.h>

#define EVENT_VERSION 1

struct cc_envelope event_envelope(const char *type, const char *event_id, int64_t now_ms,
                                  const char *key)
{
    return (struct cc_envelope){event_id, type, EVENT_VERSION, now_ms, EVENT_PRODUCER_NAME, key};
}

void event_payload_start(struct event_payload *payload)
{
    cc_strbuf_init(&payload->text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&payload->writer, &payload->text);
}

struct cc_produce event_payload_finish(struct event_payload *payload, struct cc_arena *arena)
{
    struct cc_produce record = {
        .payload = cc_arena_strndup(arena, cc_strbuf_text(&payload->text), payload->text.length),
        .payload_count = payload->text.length,
        .version = EVENT_VERSION,
    };
    cc_strbuf_finish(&payload->text);
    return record;
}

struct cc_bus_message event_answer(const char *chat_id, const char *sender_id,
                                   const struct cc_origin *origin)
{
    struct cc_bus_message message = {.kind = CC_BUS_OUTCOME};

    (void)snprintf(message.chat_id, sizeof message.chat_id, "%s", chat_id);
    (void)snprintf(message.sender_id, sizeof message.sender_id, "%s", sender_id);
    (void)snprintf(message.conn_id, sizeof message.conn_id, "%s", origin->conn_id);
    return message;
}
