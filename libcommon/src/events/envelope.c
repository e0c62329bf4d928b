/* The fields that every event begins with, where its outcome is awaited, and what the codecs share.
 * Pure functions, any thread. Knows no event of its own. */

#include "common/events/envelope.h"

#include <string.h>

#include "common/events/message.h"
#include "event_fields.h"

#define ENVELOPE_VERSION 1

void cc_envelope_read(struct cc_json_reader *reader, const char *expected_type,
                      struct cc_envelope *out)
{
    *out = (struct cc_envelope){
        .event_id = cc_json_uuid(reader, "event_id", CC_REQUIRED),
        .type = cc_json_text(reader, "type", CC_REQUIRED, 1, EVENT_NAME_MAX_BYTES),
        .version =
            (int)cc_json_int(reader, "version", CC_REQUIRED, ENVELOPE_VERSION, ENVELOPE_VERSION),
        .occurred_at_ms = cc_json_time(reader, "occurred_at", CC_REQUIRED),
        .producer = cc_json_text(reader, "producer", CC_REQUIRED, 1, EVENT_NAME_MAX_BYTES),
        .key = cc_json_text(reader, "key", CC_REQUIRED, 1, EVENT_NAME_MAX_BYTES),
    };
    if (out->type != NULL && strcmp(out->type, expected_type) != 0)
        cc_json_reject(reader, "type", "must be %s", expected_type);
}

void cc_envelope_write(struct cc_json_writer *writer, const struct cc_envelope *envelope)
{
    cc_json_put_text(writer, "event_id", envelope->event_id);
    cc_json_put_text(writer, "type", envelope->type);
    cc_json_put_int(writer, "version", envelope->version);
    cc_json_put_time(writer, "occurred_at", envelope->occurred_at_ms);
    cc_json_put_text(writer, "producer", envelope->producer);
    cc_json_put_text(writer, "key", envelope->key);
}

void cc_origin_read(struct cc_json_reader *reader, struct cc_origin *out)
{
    *out = (struct cc_origin){"", "", ""};
    if (!cc_json_enter(reader, "origin", CC_OPTIONAL))
        return;
    out->node = event_text(reader, "node", EVENT_NAME_MAX_BYTES);
    out->conn_id = event_text(reader, "conn_id", EVENT_NAME_MAX_BYTES);
    out->client_msg_id = event_text(reader, "client_msg_id", EVENT_NAME_MAX_BYTES);
    cc_json_leave(reader);
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

void cc_origin_write(struct cc_json_writer *writer, const struct cc_origin *origin)
{
    if (is_empty(origin->node))
        return;
    cc_json_open_object(writer, "origin");
    cc_json_put_text(writer, "node", origin->node);
    cc_json_put_text_opt(writer, "conn_id", origin->conn_id);
    cc_json_put_text_opt(writer, "client_msg_id", origin->client_msg_id);
    cc_json_close_object(writer);
}

const char *event_text(struct cc_json_reader *reader, const char *key, size_t max_bytes)
{
    const char *text = cc_json_text(reader, key, CC_OPTIONAL, 0, max_bytes);
    return text == NULL ? "" : text;
}

const char *event_actor(struct cc_json_reader *reader, const char *key)
{
    const char *text = cc_json_text(reader, key, CC_REQUIRED, 1, EVENT_ID_MAX_BYTES);
    if (text != NULL && strcmp(text, CC_SYSTEM_SENDER) != 0)
        return cc_json_uuid(reader, key, CC_REQUIRED);
    return text;
}

int64_t event_count(struct cc_json_reader *reader, const char *key)
{
    return cc_json_int(reader, key, CC_REQUIRED, 0, INT64_MAX);
}

int64_t event_count_or(struct cc_json_reader *reader, const char *key, int64_t fallback)
{
    return cc_json_has(reader, key) ? event_count(reader, key) : fallback;
}

const char *event_raw(struct cc_json_reader *reader, const char *key, size_t max_bytes)
{
    const char *json = cc_json_raw(reader, key, CC_OPTIONAL, max_bytes);
    bool empty = json != NULL && (strcmp(json, "[]") == 0 || strcmp(json, "{}") == 0);
    return empty ? NULL : json;
}

void event_put_count_opt(struct cc_json_writer *writer, const char *key, int64_t value)
{
    if (value != 0)
        cc_json_put_int(writer, key, value);
}

void event_put_flag_opt(struct cc_json_writer *writer, const char *key, bool value)
{
    if (value)
        cc_json_put_bool(writer, key, true);
}

void event_put_raw(struct cc_json_writer *writer, const char *key, const char *json,
                   const char *empty)
{
    const char *text = json == NULL ? empty : json;
    if (text != NULL)
        cc_json_put_raw(writer, key, text, strlen(text));
}
