/* The public message, as REST, WebSocket frames and events show it. Pure functions, any thread.
 * Judges only shape and size, not what a message may say. */

#include "common/events/message.h"

#include <string.h>

#include "event_fields.h"

#define KEYS_MAX            32 /* of one attachment */
#define REACTIONS_MAX_BYTES (64 * 1024)

static const char *const type_names[] = {"text", "media", "system", NULL};

struct cc_message cc_message_tombstone(const struct cc_message *message)
{
    return (struct cc_message){
        .message_id = message->message_id,
        .chat_id = message->chat_id,
        .seq = message->seq,
        .rev = message->rev,
        .sender_id = message->sender_id,
        .type = message->type,
        .body = "",
        .created_at_ms = message->created_at_ms,
        .edited_at_ms = message->edited_at_ms,
        .version = message->version,
        .deleted = true,
    };
}

struct cc_message cc_message_as_of(const struct cc_message *message, int64_t now_ms)
{
    bool over = message->expires_at_ms != 0 && now_ms >= message->expires_at_ms;

    return over ? cc_message_tombstone(message) : *message;
}

void cc_message_read(struct cc_json_reader *reader, struct cc_message *out)
{
    struct cc_message message = {
        .message_id = cc_json_uuid(reader, "message_id", CC_REQUIRED),
        .chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED),
        .seq = event_count(reader, "seq"),
        .rev = event_count(reader, "rev"),
        .sender_id = event_actor(reader, "sender_id"),
        .type = type_names[cc_json_choice(reader, "type", CC_REQUIRED, type_names, 0)],
        .body = event_text(reader, "body", CC_MESSAGE_BODY_MAX_BYTES),
        .system_json = event_raw(reader, "system", EVENT_SYSTEM_MAX_BYTES),
        .created_at_ms = cc_json_time(reader, "created_at", CC_REQUIRED),
        .edited_at_ms = cc_json_time(reader, "edited_at", CC_OPTIONAL),
        .version = event_count(reader, "version"),
        .deleted = cc_json_bool(reader, "deleted", CC_OPTIONAL, false),
        .pinned = cc_json_bool(reader, "pinned", CC_OPTIONAL, false),
        .expires_at_ms = cc_json_time(reader, "expires_at", CC_OPTIONAL),
        .reply_to = cc_json_uuid(reader, "reply_to", CC_OPTIONAL),
        .mention_all = cc_json_bool(reader, "mention_all", CC_OPTIONAL, false),
        .attachments_json = event_raw(reader, "attachments", CC_MESSAGE_ATTACHMENTS_MAX_BYTES),
        .reactions_json = event_raw(reader, "reactions", REACTIONS_MAX_BYTES),
    };
    message.mentions = cc_json_uuids(reader, "mentions", CC_OPTIONAL, CC_MESSAGE_MENTIONS_MAX,
                                     &message.mention_count);
    *out = message;
}

static size_t read_media_ids(struct cc_json_reader *reader, size_t max_count, const char **out_ids)
{
    size_t count = cc_json_array_count(reader, "attachments", CC_OPTIONAL, max_count), keys;

    for (size_t i = 0; i < count; i++) {
        if (!cc_json_enter_element(reader, "attachments", i))
            return i;
        out_ids[i] = cc_json_uuid(reader, "media_id", CC_REQUIRED);
        (void)cc_json_keys(reader, KEYS_MAX, &keys); /* the rest is the clients' own */
        cc_json_leave(reader);
    }
    return count;
}

const char *cc_attachments_read(struct cc_json_reader *reader, size_t max_count, size_t *out_count)
{
    const char **ids = cc_arena_calloc(cc_json_reader_arena(reader), max_count + 1, sizeof *ids);

    *out_count = read_media_ids(reader, max_count, ids);
    return cc_json_raw(reader, "attachments", CC_OPTIONAL, CC_MESSAGE_ATTACHMENTS_MAX_BYTES);
}

bool cc_attachment_ids(const char *attachments_json, struct cc_arena *arena,
                       const char *const **out, size_t *out_count)
{
    const char **ids = cc_arena_calloc(arena, CC_MESSAGE_ATTACHMENTS_MAX + 1, sizeof *ids);

    *out = ids;
    *out_count = 0;
    if (attachments_json == NULL)
        return true;
    const char *wrapped = cc_arena_printf(arena, "{\"attachments\":%s}", attachments_json);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, wrapped, strlen(wrapped), CC_IGNORE_UNKNOWN);
    size_t count = read_media_ids(reader, CC_MESSAGE_ATTACHMENTS_MAX, ids);
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    *out_count = readable ? count : 0;
    return readable;
}

void cc_message_write(struct cc_json_writer *writer, const struct cc_message *message)
{
    cc_json_put_text(writer, "message_id", message->message_id);
    cc_json_put_text(writer, "chat_id", message->chat_id);
    cc_json_put_int(writer, "seq", message->seq);
    cc_json_put_int(writer, "rev", message->rev);
    cc_json_put_text(writer, "sender_id", message->sender_id);
    cc_json_put_text(writer, "type", message->type);
    cc_json_put_text(writer, "body", message->body == NULL ? "" : message->body);
    event_put_raw(writer, "system", message->system_json, NULL);
    cc_json_put_time(writer, "created_at", message->created_at_ms);
    cc_json_put_time(writer, "edited_at", message->edited_at_ms);
    cc_json_put_int(writer, "version", message->version);
    cc_json_put_bool(writer, "deleted", message->deleted);
    cc_json_put_bool(writer, "pinned", message->pinned);
    cc_json_put_time(writer, "expires_at", message->expires_at_ms);
    cc_json_put_text(writer, "reply_to", message->reply_to);
    cc_json_put_texts(writer, "mentions", message->mentions, message->mention_count);
    event_put_flag_opt(writer, "mention_all", message->mention_all);
    event_put_raw(writer, "attachments", message->attachments_json, "[]");
    event_put_raw(writer, "reactions", message->reactions_json, "{}");
}

void cc_reaction_read(struct cc_json_reader *reader, struct cc_reaction *out)
{
    *out = (struct cc_reaction){NULL, "", false};
    if (!cc_json_enter(reader, "reaction", CC_OPTIONAL))
        return;
    out->user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    out->emoji = cc_json_text(reader, "emoji", CC_REQUIRED, 1, CC_REACTION_MAX_BYTES);
    out->on = cc_json_bool(reader, "on", CC_REQUIRED, false);
    cc_json_leave(reader);
}

void cc_reaction_write(struct cc_json_writer *writer, const struct cc_reaction *reaction)
{
    if (reaction->user_id == NULL)
        return;
    cc_json_open_object(writer, "reaction");
    cc_json_put_text(writer, "user_id", reaction->user_id);
    cc_json_put_text(writer, "emoji", reaction->emoji);
    cc_json_put_bool(writer, "on", reaction->on);
    cc_json_close_object(writer);
}

bool cc_reaction_valid(const char *emoji)
{
    size_t length = strnlen(emoji, CC_REACTION_MAX_BYTES + 1);

    if (length == 0 || length > CC_REACTION_MAX_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)emoji[i];
        if (byte <= ' ' || byte == 0x7F || strchr("\"'\\.$", byte) != NULL)
            return false;
    }
    return true;
}
