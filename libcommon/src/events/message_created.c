/* Codec of message.created and the hash of what a client asked for. Pure functions, any thread.
 * Fields that an operation does not use are left out of its JSON. */

#include "common/events/message_created.h"

#include <string.h>

#include "common/topics.h"
#include "event_fields.h"

#define ROLE_MAX_BYTES      16
#define DEVICE_ID_MAX_BYTES 64
#define HASH_INPUT_MAX      (64 * 1024)

const char *const cc_op_names[] = {
    [CC_OP_CREATE] = "create",
    [CC_OP_EDIT] = "edit",
    [CC_OP_DELETE] = "delete",
    [CC_OP_REACT] = "react",
    [CC_OP_PIN] = "pin",
    [CC_OP_SYSTEM] = "system",
    NULL,
};

static const char *const type_names[] = {"text", "media", "system", NULL};

static void read_content(struct cc_json_reader *reader, struct ev_message_created *event)
{
    event->type = "";
    if (cc_json_has(reader, "message_type"))
        event->type =
            type_names[cc_json_choice(reader, "message_type", CC_REQUIRED, type_names, 0)];
    event->body = event_text(reader, "body", CC_MESSAGE_BODY_MAX_BYTES);
    event->attachments_json = event_raw(reader, "attachments", CC_MESSAGE_ATTACHMENTS_MAX_BYTES);
    event->reply_to = cc_json_uuid(reader, "reply_to", CC_OPTIONAL);
    event->mentions = cc_json_uuids(reader, "mentions", CC_OPTIONAL, CC_MESSAGE_MENTIONS_MAX,
                                    &event->mention_count);
    event->mention_all = cc_json_bool(reader, "mention_all", CC_OPTIONAL, false);
    event->ttl_s = event_count_or(reader, "ttl_s", 0);
    event->silent = cc_json_bool(reader, "silent", CC_OPTIONAL, false);
}

static void read_target(struct cc_json_reader *reader, struct ev_message_created *event)
{
    event->target_message_id = cc_json_uuid(reader, "target_message_id", CC_OPTIONAL);
    event->expected_version = event_count_or(reader, "expected_version", 0);
    event->emoji = event_text(reader, "emoji", CC_REACTION_MAX_BYTES);
    event->on = cc_json_bool(reader, "on", CC_OPTIONAL, false);
}

static void read_members(struct cc_json_reader *reader, struct cc_arena *arena,
                         struct ev_message_created *event)
{
    size_t count = cc_json_array_count(reader, "members", CC_OPTIONAL, CC_MEMBER_CHANGES_MAX);
    if (count == 0)
        return;
    struct cc_member_change *members = cc_arena_calloc(arena, count, sizeof *members);
    for (size_t i = 0; i < count; i++) {
        if (!cc_json_enter_element(reader, "members", i))
            return;
        members[i] = (struct cc_member_change){
            .user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED),
            .role = cc_json_text(reader, "role", CC_REQUIRED, 1, ROLE_MAX_BYTES),
            .state = cc_json_text(reader, "state", CC_REQUIRED, 1, ROLE_MAX_BYTES),
        };
        cc_json_leave(reader);
    }
    event->members = members;
    event->member_count = count;
}

bool ev_message_created_read(struct cc_json_reader *reader, struct ev_message_created *out)
{
    struct ev_message_created event = {0};

    /* First, so that a record which breaks a later rule can still be refused by its op_id. */
    event.op_id = cc_json_uuid(reader, "op_id", CC_REQUIRED);
    event.chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
    event.sender_id = event_actor(reader, "sender_id");
    event.client_msg_id =
        cc_json_text(reader, "client_msg_id", CC_REQUIRED, 1, EVENT_NAME_MAX_BYTES);
    event.op = (enum cc_op)cc_json_choice(reader, "op", CC_REQUIRED, cc_op_names, CC_OP_CREATE);
    cc_envelope_read(reader, CC_TOPIC_MESSAGE_CREATED, &event.envelope);
    cc_origin_read(reader, &event.origin);
    event.device_id = event_text(reader, "device_id", DEVICE_ID_MAX_BYTES);
    event.request_hash = event_text(reader, "request_hash", 64);
    event.received_at_ms = cc_json_time(reader, "received_at", CC_REQUIRED);
    read_content(reader, &event);
    read_target(reader, &event);
    event.system_json = event_raw(reader, "system", EVENT_SYSTEM_MAX_BYTES);
    event.member_version = event_count_or(reader, "member_version", 0);
    event.counted = cc_json_bool(reader, "counted", CC_OPTIONAL, false);
    read_members(reader, cc_json_reader_arena(reader), &event);
    *out = event;
    return cc_json_reader_done(reader);
}

static void write_content(struct cc_json_writer *writer, const struct ev_message_created *event)
{
    cc_json_put_text_opt(writer, "message_type", event->type);
    cc_json_put_text_opt(writer, "body", event->body);
    event_put_raw(writer, "attachments", event->attachments_json, NULL);
    cc_json_put_text_opt(writer, "reply_to", event->reply_to);
    if (event->mention_count > 0)
        cc_json_put_texts(writer, "mentions", event->mentions, event->mention_count);
    event_put_flag_opt(writer, "mention_all", event->mention_all);
    event_put_count_opt(writer, "ttl_s", event->ttl_s);
    event_put_flag_opt(writer, "silent", event->silent);
}

static void write_target(struct cc_json_writer *writer, const struct ev_message_created *event)
{
    cc_json_put_text_opt(writer, "target_message_id", event->target_message_id);
    event_put_count_opt(writer, "expected_version", event->expected_version);
    cc_json_put_text_opt(writer, "emoji", event->emoji);
    event_put_flag_opt(writer, "on", event->on);
}

static void write_system(struct cc_json_writer *writer, const struct ev_message_created *event)
{
    event_put_raw(writer, "system", event->system_json, NULL);
    event_put_count_opt(writer, "member_version", event->member_version);
    event_put_flag_opt(writer, "counted", event->counted);
    if (event->member_count == 0)
        return;
    cc_json_open_array(writer, "members");
    for (size_t i = 0; i < event->member_count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", event->members[i].user_id);
        cc_json_put_text(writer, "role", event->members[i].role);
        cc_json_put_text(writer, "state", event->members[i].state);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
}

void ev_message_created_write(struct cc_json_writer *writer, const struct ev_message_created *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "op", cc_op_names[event->op]);
    cc_json_put_text(writer, "op_id", event->op_id);
    cc_json_put_text(writer, "client_msg_id", event->client_msg_id);
    cc_json_put_text(writer, "chat_id", event->chat_id);
    cc_json_put_text(writer, "sender_id", event->sender_id);
    cc_json_put_text_opt(writer, "device_id", event->device_id);
    cc_origin_write(writer, &event->origin);
    write_content(writer, event);
    write_target(writer, event);
    cc_json_put_text_opt(writer, "request_hash", event->request_hash);
    cc_json_put_time(writer, "received_at", event->received_at_ms);
    write_system(writer, event);
    cc_json_close_object(writer);
}

/* Four bytes of length, big-endian, then the bytes: no two lists of fields give the same input. */
static void hash_text(struct cc_strbuf *input, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    unsigned char prefix[4] = {(unsigned char)(length >> 24), (unsigned char)(length >> 16),
                               (unsigned char)(length >> 8), (unsigned char)length};
    cc_strbuf_append(input, prefix, sizeof prefix);
    cc_strbuf_append(input, text == NULL ? "" : text, length);
}

static void hash_number(struct cc_strbuf *input, int64_t number)
{
    struct cc_strbuf text;
    cc_strbuf_init(&text, 32);
    cc_strbuf_printf(&text, "%lld", (long long)number);
    hash_text(input, cc_strbuf_text(&text));
    cc_strbuf_finish(&text);
}

void cc_request_hash(const struct ev_message_created *event, char out[65])
{
    struct cc_strbuf input;
    cc_strbuf_init(&input, HASH_INPUT_MAX);
    hash_text(&input, cc_op_names[event->op]);
    hash_text(&input, event->target_message_id);
    hash_text(&input, event->type);
    hash_text(&input, event->body);
    hash_text(&input, event->attachments_json);
    hash_text(&input, event->reply_to);
    hash_number(&input, (int64_t)event->mention_count);
    for (size_t i = 0; i < event->mention_count; i++)
        hash_text(&input, event->mentions[i]);
    hash_number(&input, event->ttl_s);
    hash_text(&input, event->emoji);
    hash_number(&input, event->on ? 1 : 0);
    if (event->mention_all) /* younger than the others: hashes of those without it stay as they were
                             */
        hash_text(&input, "mention_all");
    cc_sha256_hex(cc_strbuf_text(&input), input.length, out);
    cc_strbuf_finish(&input);
}
