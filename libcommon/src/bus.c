/* Reading and writing the header line of what travels through Redis pub/sub. Pure functions, any
 * thread. Does not look into the frame behind the line. */

#include "common/bus.h"

#include <inttypes.h>
#include <string.h>

#define HEADER_MAX_BYTES 256
#define FIELD_COUNT      11

static const char *const kind_names[] = {
    [CC_BUS_MESSAGE] = "message",   [CC_BUS_RECEIPT] = "receipt",
    [CC_BUS_TYPING] = "typing",     [CC_BUS_PRESENCE] = "presence",
    [CC_BUS_CHAT] = "chat",         [CC_BUS_UNREAD] = "unread",
    [CC_BUS_MEMBER] = "member",     [CC_BUS_NOTIFICATION] = "notification",
    [CC_BUS_REVOKED] = "revoked",   [CC_BUS_OUTCOME] = "outcome",
    [CC_BUS_CANARY] = "canary",     [CC_BUS_USER] = "user",
    [CC_BUS_PERSONAL] = "personal",
};

struct field {
    const char *text;
    size_t length;
};

/* Cuts the line at single spaces; false unless there are exactly FIELD_COUNT non-empty fields. */
static bool split_line(const char *line, size_t length, struct field fields[FIELD_COUNT])
{
    const char *end = line + length;
    for (int i = 0; i < FIELD_COUNT; i++) {
        const char *space = memchr(line, ' ', (size_t)(end - line));
        const char *stop = space == NULL ? end : space;
        bool last = i == FIELD_COUNT - 1;
        if (stop == line || last != (space == NULL))
            return false;
        fields[i] = (struct field){line, (size_t)(stop - line)};
        line = stop + 1;
    }
    return true;
}

static bool read_number(struct field field, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < field.length; i++) {
        if (field.text[i] < '0' || field.text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(field.text[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

/* "-" means none. A NUL would make it another name. */
static bool read_name(struct field field, char *out, size_t out_size)
{
    if (field.length >= out_size || memchr(field.text, '\0', field.length) != NULL)
        return false;
    bool none = field.length == 1 && field.text[0] == '-';
    size_t length = none ? 0 : field.length;
    memcpy(out, field.text, length);
    out[length] = '\0';
    return true;
}

static enum cc_bus_kind read_kind(struct field field)
{
    for (int kind = 0; kind < CC_BUS_UNKNOWN; kind++)
        if (strlen(kind_names[kind]) == field.length &&
            memcmp(kind_names[kind], field.text, field.length) == 0)
            return (enum cc_bus_kind)kind;
    return CC_BUS_UNKNOWN;
}

bool cc_bus_read(const char *payload, size_t count, struct cc_bus_message *out)
{
    size_t searched = count < HEADER_MAX_BYTES ? count : HEADER_MAX_BYTES;
    const char *newline = searched == 0 ? NULL : memchr(payload, '\n', searched);
    struct field fields[FIELD_COUNT];
    struct cc_bus_message message = {0};
    int64_t since_joining, counts;

    if (newline == NULL || !split_line(payload, (size_t)(newline - payload), fields))
        return false;
    if (fields[0].length != 1 || fields[0].text[0] != '1')
        return false;
    message.kind = read_kind(fields[1]);
    if (!read_name(fields[2], message.chat_id, sizeof message.chat_id) ||
        !read_number(fields[3], &message.rev) || !read_number(fields[4], &message.seq) ||
        !read_name(fields[5], message.sender_id, sizeof message.sender_id) ||
        !read_name(fields[6], message.conn_id, sizeof message.conn_id) ||
        !read_number(fields[7], &message.member_version) ||
        !read_number(fields[8], &message.message_seq) || !read_number(fields[9], &since_joining) ||
        since_joining > 1 || !read_number(fields[10], &counts) || counts > CC_COUNTS_CROWD)
        return false;
    message.since_joining = since_joining == 1;
    message.counts = (enum cc_bus_counts)counts;
    message.frame = newline + 1;
    message.frame_count = count - (size_t)(message.frame - payload);
    *out = message;
    return true;
}

static const char *or_dash(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

void cc_bus_write(const struct cc_bus_message *message, struct cc_strbuf *out)
{
    const char *kind = message->kind < CC_BUS_UNKNOWN ? kind_names[message->kind] : "unknown";
    cc_strbuf_printf(out, "1 %s %s %" PRId64 " %" PRId64 " %s %s %" PRId64 " %" PRId64 " %d %d\n",
                     kind, or_dash(message->chat_id), message->rev, message->seq,
                     or_dash(message->sender_id), or_dash(message->conn_id),
                     message->member_version, message->message_seq, message->since_joining,
                     (int)message->counts);
    cc_strbuf_append(out, message->frame, message->frame_count);
}
void cc_bus_carry(struct cc_bus_message *message, const struct cc_strbuf *frame)
{
    message->frame = cc_strbuf_text(frame);
    message->frame_count = frame->length;
}

