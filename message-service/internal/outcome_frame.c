/* Answers for one connection, written and read. Pure functions, any thread. */

#include "outcome_frame.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64

static const char *or_none(const char *text)
{
    return text == NULL ? "" : text;
}

static void put_persisted(struct cc_json_writer *writer, const struct operation *operation)
{
    const struct cc_message *message = &operation->outcome->message;

    cc_json_put_text(writer, "t", "persisted");
    cc_json_put_text_opt(writer, "client_msg_id", operation->ask.client_msg_id);
    cc_json_put_text(writer, "chat_id", operation->ask.chat_id);
    cc_json_put_text(writer, "message_id", message->message_id);
    if (message->seq > 0)
        cc_json_put_int(writer, "seq", message->seq);
    cc_json_put_int(writer, "rev", operation->outcome->rev);
    cc_json_put_time(writer, "created_at", message->created_at_ms);
    cc_json_put_int(writer, "version", message->version);
    cc_json_put_bool(writer, "duplicate", operation->duplicate);
}

static void put_rejected(struct cc_json_writer *writer, const struct operation *operation)
{
    enum cc_code code = operation->outcome->refusal;

    cc_json_put_text(writer, "t", "rejected");
    cc_json_put_text_opt(writer, "client_msg_id", operation->ask.client_msg_id);
    cc_json_put_text(writer, "chat_id", operation->ask.chat_id);
    cc_json_put_text(writer, "code", cc_code_name(code));
    cc_json_put_text(writer, "message", cc_code_title(code));
}

void outcome_frame_operation(struct cc_strbuf *out, const struct operation *operation)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    if (change_accepted(operation->outcome))
        put_persisted(&writer, operation);
    else
        put_rejected(&writer, operation);
    cc_json_close_object(&writer);
}

/* A frame id is a number; whatever else came as one is left out. */
static void put_frame_id(struct cc_json_writer *writer, const char *frame_id)
{
    size_t length = strlen(or_none(frame_id));
    if (length > 0 && length < 19 && strspn(frame_id, "0123456789") == length)
        cc_json_put_int(writer, "re", strtoll(frame_id, NULL, 10));
}

static void put_counts(struct cc_json_writer *writer, const struct read_answer *answer)
{
    cc_json_put_text(writer, "chat_id", answer->chat_id);
    cc_json_put_int(writer, "read_seq", answer->read_seq);
    cc_json_put_int(writer, "head_seq", answer->head_seq);
    cc_json_put_int(writer, "unread", answer->unread.count);
    cc_json_put_bool(writer, "capped", answer->unread.capped);
    cc_json_put_int(writer, "unread_mentions", answer->unread.mentions);
}

void outcome_frame_read(struct cc_strbuf *out, const struct read_answer *answer)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    put_frame_id(&writer, answer->frame_id);
    cc_json_put_bool(&writer, "ok", true);
    put_counts(&writer, answer);
    cc_json_close_object(&writer);
}

void outcome_frame_unread(struct cc_strbuf *out, const struct read_answer *counts)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "t", "unread");
    put_counts(&writer, counts);
    cc_json_close_object(&writer);
}

void outcome_frame_read_error(struct cc_strbuf *out, const char *frame_id,
                              const struct cc_error *err)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "t", "error");
    put_frame_id(&writer, frame_id);
    cc_json_put_bool(&writer, "ok", false);
    cc_json_put_text(&writer, "code", cc_code_name(err->code));
    cc_json_put_text(&writer, "message", err->public_text);
    cc_json_put_bool(&writer, "retryable", cc_code_retryable(err->code));
    cc_json_close_object(&writer);
}

static void read_seen(struct cc_json_reader *reader, struct outcome_seen *out)
{
    const char *code = cc_json_text(reader, "code", CC_OPTIONAL, 1, NAME_MAX_BYTES);

    *out = (struct outcome_seen){
        .refused = code != NULL,
        .code = code == NULL ? CC_OK : cc_code_from_name(code),
        .read_seq = cc_json_int(reader, "read_seq", CC_OPTIONAL, 0, INT64_MAX),
        .head_seq = cc_json_int(reader, "head_seq", CC_OPTIONAL, 0, INT64_MAX),
        .unread = cc_json_int(reader, "unread", CC_OPTIONAL, 0, INT64_MAX),
        .capped = cc_json_bool(reader, "capped", CC_OPTIONAL, false),
        .mentions = cc_json_int(reader, "unread_mentions", CC_OPTIONAL, 0, INT64_MAX),
    };
}

bool outcome_frame_parse(const char *frame, size_t count, struct outcome_seen *out)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = cc_json_reader_create(arena, frame, count, CC_IGNORE_UNKNOWN);

    read_seen(reader, out);
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}
