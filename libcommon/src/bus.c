/* Reading and writing the header line of what travels through Redis pub/sub. Pure functions, any
 * thread. Does not look into the frame behind the line. */

#include "common/bus.h"

#include <inttypes.h>
#include <string.h>

#define FIELDS_MIN 10 /* without counts, which came later */
#define FIELDS_MAX 11 /* what comes behind them is another version's */

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

/* Cuts the line at single spaces, and counts the fields that are kept; 0 when one is empty. */
static int split_line(const char *line, size_t length, struct field fields[FIELDS_MAX])
{
    const char *end = line + length;
    int count = 0;

    for (bool more = true; more; count++) {
        const char *space = memchr(line, ' ', (size_t)(end - line));
        const char *stop = space == NULL ? end : space;
        if (stop == line)
            return 0;
        if (count < FIELDS_MAX)
            fields[count] = (struct field){line, (size_t)(stop - line)};
        more = space != NULL;
        line = stop + 1;
    }
    return count < FIELDS_MAX ? count : FIELDS_MAX;
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

/* A sender of before says nothing of what it does to counts: message-service is asked. */
static bool read_counts(const struct field *field, enum cc_bus_kind kind, enum cc_bus_counts *out)
{
    int64_t counts = kind == CC_BUS_MESSAGE ? CC_COUNTS_OTHERWISE : CC_COUNTS_SAME;

    if (field != NULL && (!read_number(*field, &counts) || counts > CC_COUNTS_CROWD))
        return false;
    *out = (enum cc_bus_counts)counts;
    return true;
}

bool cc_bus_read(const char *payload, size_t count, struct cc_bus_message *out)
{
    size_t searched = count < CC_BUS_HEADER_MAX_BYTES ? count : CC_BUS_HEADER_MAX_BYTES;
    const char *newline = searched == 0 ? NULL : memchr(payload, '\n', searched);
    struct field fields[FIELDS_MAX];
    struct cc_bus_message message = {0};
    int64_t since_joining;

    int given = newline == NULL ? 0 : split_line(payload, (size_t)(newline - payload), fields);
    if (given < FIELDS_MIN)
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
        since_joining > 1 ||
        !read_counts(given > FIELDS_MIN ? &fields[FIELDS_MIN] : NULL, message.kind,
                     &message.counts))
        return false;
    message.since_joining = since_joining == 1;
    message.frame = newline + 1;
    message.frame_count = count - (size_t)(message.frame - payload);
    *out = message;
    return true;
}

void cc_bus_carry(struct cc_bus_message *message, const struct cc_strbuf *frame)
{
    message->frame = cc_strbuf_text(frame);
    message->frame_count = frame->length;
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
