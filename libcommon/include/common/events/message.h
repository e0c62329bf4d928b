#ifndef COMMON_EVENTS_MESSAGE_H
#define COMMON_EVENTS_MESSAGE_H

/* The public message: one shape for REST, WebSocket frames and events (docs/contracts.md). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/json_reader.h"
#include "common/json_writer.h"

#define CC_MESSAGE_BODY_MAX_BYTES        16384
#define CC_MESSAGE_MENTIONS_MAX          50
#define CC_MESSAGE_ATTACHMENTS_MAX_BYTES 16384
#define CC_SYSTEM_SENDER                 "system"

struct cc_message {
    const char *message_id, *chat_id;
    int64_t seq, rev;
    const char *sender_id;   /* user id or "system" */
    const char *type;        /* text, media, system */
    const char *body;        /* "" when none */
    const char *system_json; /* type system: {"event","actor_id","targets":[...],...} compact JSON;
                                NULL otherwise */
    int64_t created_at_ms, edited_at_ms; /* edited_at_ms 0 = never */
    int64_t version;                     /* 1, +1 per edit */
    bool deleted;
    const char *reply_to; /* message id or NULL */
    const char *const *mentions;
    size_t mention_count;
    const char *attachments_json; /* array as compact JSON, NULL = none */
    const char *reactions_json;   /* object, NULL = none */
};
void cc_message_read(struct cc_json_reader *reader,
                     struct cc_message *out); /* of the current object */
void cc_message_write(struct cc_json_writer *writer,
                      const struct cc_message *message); /* the fields, into an open object */

#endif
