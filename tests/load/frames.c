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
