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
#define CC_REACTION_MAX_BYTES            64
#define CC_MESSAGE_ATTACHMENTS_MAX_BYTES 16384
#define CC_MESSAGE_ATTACHMENTS_MAX       10
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
    bool deleted;                        /* a tombstone: what it said is gone */
    bool pinned;
    int64_t expires_at_ms; /* 0 = never */
    const char *reply_to;  /* message id or NULL */
    const char *const *mentions;
    size_t mention_count;
    bool mention_all;             /* everybody in the chat is mentioned */
    const char *attachments_json; /* array as compact JSON, NULL = none */
    const char *reactions_json;   /* {"<emoji>":{"count":n}}, NULL = none; answers for one person
                                     add "mine" */
};
/* What stays of a message that is deleted. Strings are borrowed. */
struct cc_message cc_message_tombstone(const struct cc_message *message);
/* The message as it is at that time: a tombstone from its expires_at_ms on, whether or not the
 * sweep of what has expired has come to it. */
struct cc_message cc_message_as_of(const struct cc_message *message, int64_t now_ms);

void cc_message_read(struct cc_json_reader *reader,
                     struct cc_message *out); /* of the current object */
void cc_message_write(struct cc_json_writer *writer,
                      const struct cc_message *message); /* the fields, into an open object */

/* The array "attachments" of what somebody sends: at most max_count objects, each with the media_id
 * of a file. Compact JSON; NULL (and 0) when there is none. */
const char *cc_attachments_read(struct cc_json_reader *reader, size_t max_count, size_t *out_count);
/* The media ids in such an array, in the arena, lower case; false, and none, when it is no such
 * array. attachments_json NULL gives none. */
bool cc_attachment_ids(const char *attachments_json, struct cc_arena *arena,
                       const char *const **out, size_t *out_count);

/* Who reacted how: what one operation did. */
struct cc_reaction {
    const char *user_id; /* NULL = none */
    const char *emoji;
    bool on;
};
void cc_reaction_read(struct cc_json_reader *reader,
                      struct cc_reaction *out); /* object "reaction", optional */
void cc_reaction_write(struct cc_json_writer *writer, const struct cc_reaction *reaction);
/* True for 1..CC_REACTION_MAX_BYTES bytes without ASCII control characters, spaces, quotes,
 * backslashes, '.' and '$': an emoji (or a short name) that may be a key anywhere. Not NULL. */
bool cc_reaction_valid(const char *emoji);

#endif
