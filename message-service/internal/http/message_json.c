/* JSON of messages and changes. Pure functions, on worker threads. Checks shape; whether a sender
 * may say it is domain/decide.c's. */

#include "http/message_json.h"

#include "domain/decide.h"

static void read_mentions(struct cc_json_reader *reader, struct ev_message_created *out)
{
    out->mentions = cc_json_uuids(reader, "mentions", CC_OPTIONAL, CC_MESSAGE_MENTIONS_MAX,
                                  &out->mention_count);
    out->mention_all = cc_json_bool(reader, "mention_all", CC_OPTIONAL, false);
}

bool message_json_read_send(struct cc_json_reader *reader, struct ev_message_created *out)
{
    static const char *const types[] = {"text", "media", NULL};
    int type = cc_json_choice(reader, "type", CC_REQUIRED, types, 0);
    const char *body = cc_json_text(reader, "body", CC_OPTIONAL, 0, CC_MESSAGE_BODY_MAX_BYTES);
    size_t attachment_count;
    const char *attachments =
        cc_attachments_read(reader, CC_MESSAGE_ATTACHMENTS_MAX, &attachment_count);
    bool says_nothing = (body == NULL || body[0] == '\0') && attachment_count == 0;

    out->type = types[type];
    out->body = body == NULL ? "" : body;
    out->attachments_json = attachment_count == 0 ? NULL : attachments;
    out->reply_to = cc_json_uuid(reader, "reply_to", CC_OPTIONAL);
    read_mentions(reader, out);
    out->ttl_s = cc_json_int(reader, "ttl_s", CC_OPTIONAL, 0, MESSAGE_TTL_MAX_S);
    out->silent = cc_json_bool(reader, "silent", CC_OPTIONAL, false);
    if (says_nothing)
        cc_json_reject(reader, "body", "there is neither a body nor an attachment");
    return cc_json_reader_done(reader);
}

bool message_json_read_edit(struct cc_json_reader *reader, struct ev_message_created *out)
{
    const char *body = cc_json_text(reader, "body", CC_REQUIRED, 0, CC_MESSAGE_BODY_MAX_BYTES);

    out->body = body == NULL ? "" : body;
    read_mentions(reader, out);
    out->expected_version = cc_json_int(reader, "expected_version", CC_OPTIONAL, 0, INT64_MAX);
    return cc_json_reader_done(reader);
}

void message_json_put_message(struct cc_json_writer *writer, const char *key,
                              const struct cc_message *message, int64_t now_ms)
{
    struct cc_message shown = cc_message_as_of(message, now_ms);

    cc_json_open_object(writer, key);
    cc_message_write(writer, &shown);
    cc_json_close_object(writer);
}

void message_json_put_version(struct cc_json_writer *writer, const struct cc_message *message)
{
    bool first = message->edited_at_ms == 0;

    cc_json_open_object(writer, NULL);
    cc_json_put_int(writer, "version", message->version);
    cc_json_put_text(writer, "body", message->body);
    cc_json_put_texts(writer, "mentions", message->mentions, message->mention_count);
    cc_json_put_time(writer, "at", first ? message->created_at_ms : message->edited_at_ms);
    cc_json_close_object(writer);
}

void message_json_put_change(struct cc_json_writer *writer, const struct change *change,
                             bool hidden, int64_t now_ms)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_int(writer, "rev", change->rev);
    cc_json_put_int(writer, "seq", change->message.seq);
    cc_json_put_text(writer, "op", cc_op_names[change->op]);
    if (!hidden) {
        message_json_put_message(writer, "message", &change->message, now_ms);
        cc_reaction_write(writer, &change->reaction);
    }
    cc_json_close_object(writer);
}
