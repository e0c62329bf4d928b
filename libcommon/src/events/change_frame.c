/* The live frame of a change and its publication. Pure functions, any thread. It does not decide
 * who gets what. */

#include "common/events/change_frame.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/json_writer.h"

#define OCCURRED_AT_KEY "\",\"at\":\""

static const char *frame_type(enum cc_op op)
{
    switch (op) {
    case CC_OP_CREATE:
    case CC_OP_SYSTEM:
        return "message";
    case CC_OP_DELETE:
        return "message_deleted";
    case CC_OP_EDIT:
    case CC_OP_REACT:
    case CC_OP_PIN:
        return "message_updated";
    }
    return "message_updated";
}

void cc_change_write(struct cc_json_writer *json, const struct cc_change *change)
{
    if (change->message_json != NULL)
        cc_json_put_raw(json, "message", change->message_json, strlen(change->message_json));
    cc_reaction_write(json, &change->reaction);
}

static void open_frame(struct cc_json_writer *json, const struct cc_change *change,
                       const char *chat_id, int64_t occurred_at_ms)
{
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "t", frame_type(change->op));
    if (occurred_at_ms != 0) /* second, where cc_change_frame_occurred_at looks for it */
        cc_json_put_time(json, "at", occurred_at_ms);
    cc_json_put_text(json, "chat_id", chat_id);
    if (change->seq > 0)
        cc_json_put_int(json, "seq", change->seq);
    cc_json_put_int(json, "rev", change->rev);
}

void cc_change_frame_write(struct cc_strbuf *out, const struct cc_change *change,
                           const char *chat_id, int64_t occurred_at_ms)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    open_frame(&json, change, chat_id, occurred_at_ms);
    cc_change_write(&json, change);
    cc_json_close_object(&json);
}

int64_t cc_change_frame_occurred_at(const char *frame, size_t count)
{
    size_t key_length = strlen(OCCURRED_AT_KEY);
    size_t searched = count < 64 ? count : 64; /* the type's name is in front */
    const char *key = memmem(frame, searched, OCCURRED_AT_KEY, key_length);
    const char *text, *end;
    int64_t at_ms;

    if (key == NULL)
        return 0;
    text = key + key_length;
    end = memchr(text, '"', count - (size_t)(text - frame));
    if (end == NULL || !cc_time_parse(text, (size_t)(end - text), &at_ms))
        return 0;
    return at_ms;
}

/* ---- publications ---- */

static void write_frame(const struct ev_message_persisted *event, struct cc_strbuf *out)
{
    const struct cc_change change = {.rev = event->rev, .seq = event->message.seq, .op = event->op};
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    open_frame(&json, &change, event->chat_id, event->envelope.occurred_at_ms);
    cc_json_open_object(&json, "message");
    cc_message_write(&json, &event->message);
    cc_json_close_object(&json);
    cc_reaction_write(&json, &event->reaction);
    cc_json_close_object(&json);
}

static void set_text(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
}

/* An outcome announced again may come without its chat's members; it is counted by its rev, once.
 */
static enum cc_bus_counts counts_of(const struct ev_message_persisted *event)
{
    const struct cc_message *message = &event->message;

    switch (event->op) {
    case CC_OP_CREATE:
        if (event->recipients_omitted && !event->duplicate)
            return CC_COUNTS_CROWD;
        return message->mention_count > 0 || message->mention_all ? CC_COUNTS_MENTIONS
                                                                  : CC_COUNTS_ONE_MORE;
    case CC_OP_SYSTEM:
        return message->seq > 0 ? CC_COUNTS_OTHERWISE : CC_COUNTS_SAME;
    case CC_OP_EDIT: /* other people may be mentioned now */
    case CC_OP_DELETE:
        return CC_COUNTS_OTHERWISE;
    case CC_OP_REACT:
    case CC_OP_PIN:
        return CC_COUNTS_SAME;
    }
    return CC_COUNTS_OTHERWISE;
}

struct cc_bus_message cc_change_publication(const struct ev_message_persisted *event,
                                            struct cc_strbuf *frame)
{
    struct cc_bus_message message = {.kind = CC_BUS_MESSAGE,
                                     .rev = event->rev,
                                     .seq = event->head_seq,
                                     .member_version = event->member_version,
                                     .message_seq = event->message.seq,
                                     .since_joining = event->since_joining,
                                     .counts = counts_of(event)};

    write_frame(event, frame);
    set_text(message.chat_id, sizeof message.chat_id, event->chat_id);
    set_text(message.sender_id, sizeof message.sender_id, event->sender_id);
    set_text(message.conn_id, sizeof message.conn_id, event->origin.conn_id);
    cc_bus_carry(&message, frame);
    return message;
}
