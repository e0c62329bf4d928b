/* The head of an HTTP/1.1 answer, strictly: status line, fields, CRLF. Used by the tunnels' thread.
 * Chunked bodies are not read: a refusal of our own websocket-gateway has a length or ends the
 * connection. */

#include "proxy/upgrade_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct field {
    const char *name, *value;
    size_t name_length, value_length;
};

/* False for a value that does not fit: then it counts as absent. */
static void keep(const struct field *field, const char *name, char *out, size_t size)
{
    if (field->name_length != strlen(name) ||
        strncasecmp(field->name, name, field->name_length) != 0 || field->value_length >= size)
        return;
    memcpy(out, field->value, field->value_length);
    out[field->value_length] = '\0';
}

static bool split_field(const char *line, size_t length, struct field *out)
{
    const char *colon = memchr(line, ':', length);
    const char *value, *end = line + length;

    if (colon == NULL || colon == line)
        return false;
    for (value = colon + 1; value < end && (*value == ' ' || *value == '\t');)
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *out = (struct field){line, value, (size_t)(colon - line), (size_t)(end - value)};
    return true;
}

static bool read_status(const char *line, size_t length, int *out)
{
    if (length < 12 || memcmp(line, "HTTP/1.1 ", 9) != 0 || strspn(line + 9, "0123456789") < 3)
        return false;
    *out = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return *out >= 101 && (length == 12 || line[12] == ' ');
}

static bool read_head(const char *bytes, size_t count, struct gateway_upgrade_answer *out,
                      char length_text[16])
{
    const char *line = bytes, *end = bytes + count - 2;
    const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);

    if (stop == NULL || !read_status(line, (size_t)(stop - line), &out->status))
        return false;
    for (line = stop + 2; line < end; line = stop + 2) {
        struct field field;

        stop = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        if (stop == NULL || !split_field(line, (size_t)(stop - line), &field))
            return false;
        keep(&field, "Sec-WebSocket-Accept", out->accept, sizeof(out->accept));
        keep(&field, "Sec-WebSocket-Protocol", out->protocol, sizeof(out->protocol));
        keep(&field, "Content-Type", out->content_type, sizeof(out->content_type));
        keep(&field, "Retry-After", out->retry_after, sizeof(out->retry_after));
        keep(&field, "Content-Length", length_text, 16);
    }
    return true;
}

enum gateway_upgrade_verdict gateway_upgrade_answer_read(const char *bytes, size_t count,
                                                         bool at_end,
                                                         struct gateway_upgrade_answer *out)
{
    const char *head_end = memmem(bytes, count, "\r\n\r\n", 4);
    char length_text[16] = "";
    size_t there, wanted;

    *out = (struct gateway_upgrade_answer){0};
    if (head_end == NULL)
        return GATEWAY_UPGRADE_INCOMPLETE;
    out->head_count = (size_t)(head_end - bytes) + 4;
    if (!read_head(bytes, out->head_count, out, length_text))
        return GATEWAY_UPGRADE_MALFORMED;
    if (out->status == 101)
        return out->accept[0] != '\0' ? GATEWAY_UPGRADE_ACCEPTED : GATEWAY_UPGRADE_MALFORMED;
    if (out->status < 200)
        return GATEWAY_UPGRADE_MALFORMED;
    there = count - out->head_count;
    wanted = length_text[0] != '\0' ? strtoul(length_text, NULL, 10) : there;
    if (there < wanted || (length_text[0] == '\0' && !at_end))
        return at_end ? GATEWAY_UPGRADE_MALFORMED : GATEWAY_UPGRADE_INCOMPLETE;
    out->body_count = wanted;
    if (out->content_type[0] == '\0')
        memcpy(out->content_type, "text/plain", 11);
    return GATEWAY_UPGRADE_REFUSED;
}
