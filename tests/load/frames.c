/* See frames.h. Runs on the only thread. */

#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AUTH_FRAME_MAX_BYTES = 6000 };

static const char *value_of(const char *text, size_t length, const char *key)
{
    char quoted[64];
    int count = snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *found = memmem(text, length, quoted, (size_t)count);
    return found != NULL ? found + count : NULL;
}

bool frame_is(const char *text, size_t length, const char *type)
{
    const char *value = frame_text(text, length, "t");
    size_t wanted = strlen(type);
    return value != NULL && (size_t)(text + length - value) > wanted &&
           memcmp(value, type, wanted) == 0 && value[wanted] == '"';
}

int64_t frame_int(const char *text, size_t length, const char *key)
{
    const char *value = value_of(text, length, key);
    return value != NULL ? strtoll(value, NULL, 10) : -1;
}

const char *frame_text(const char *text, size_t length, const char *key)
{
    const char *value = value_of(text, length, key);
    return value != NULL && value < text + length && *value == '"' ? value + 1 : NULL;
}

bool login_on_frame(struct socket_client *client, const struct person *person,
                    const char *device_id, const char *text, size_t length)
{
    if (frame_is(text, length, "hello")) {
        char frame[AUTH_FRAME_MAX_BYTES];
        int count =
            snprintf(frame, sizeof frame, "{\"id\":0,\"t\":\"auth\",\"token\":\"%s\"%s%s%s}",
                     person->token, device_id != NULL ? ",\"device_id\":\"" : "",
                     device_id != NULL ? device_id : "", device_id != NULL ? "\"" : "");
        socket_client_send(client, frame, (size_t)count);
    }
    return frame_is(text, length, "ready");
}

size_t frame_write_send(char *out, size_t out_bytes, const char *chat_id, uint32_t nonce,
                        size_t index, const char *text)
{
    int length = snprintf(out, out_bytes,
                          "{\"id\":%zu,\"t\":\"send\",\"chat_id\":\"%s\",\"client_msg_id\":\"%08x-"
                          "0000-4000-8000-%012zx\",\"type\":\"text\",\"body\":\"%08x %zu %s\"}",
                          index + 1, chat_id, nonce, index, nonce, index, text);
    return length > 0 && (size_t)length < out_bytes ? (size_t)length : 0;
}

int64_t frame_message_index(const char *text, size_t length, uint32_t nonce)
{
    const char *body = frame_text(text, length, "body");
    bool ours = body != NULL && (uint32_t)strtoul(body, NULL, 16) == nonce;
    return ours ? strtoll(body + 9, NULL, 10) : -1;
}
