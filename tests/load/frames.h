#ifndef LOAD_FRAMES_H
#define LOAD_FRAMES_H

/*
 * A quick look into frames of the gateway: it finds a key by its bytes instead of parsing, so that
 * the generator stays far below the cost of what it measures. That is exact for keys that come
 * before any client's text, and for all others too: inside a JSON string a quote is escaped, so the
 * bytes "key": can't occur there. Texts are not NUL-terminated. Pure, except login_on_frame.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "people.h"
#include "socket_client.h"

/* Is it a frame of this type? */
bool frame_is(const char *text, size_t length, const char *type);
/* Value behind the first "key": as an integer; -1 when absent. */
int64_t frame_int(const char *text, size_t length, const char *key);
/* First byte behind "key":" ; NULL when absent or no text. */
const char *frame_text(const char *text, size_t length, const char *key);

/* Answers "hello" with the person's token; true when the frame was "ready". device_id NULL: the
 * socket stands beside others of the same device instead of replacing them. */
bool login_on_frame(struct socket_client *client, const struct person *person,
                    const char *device_id, const char *text, size_t length);

/* A `send` frame whose body begins with the run's nonce and the message's number, which also make
 * its client_msg_id. Returns its length, 0 when `out` is too small. `text` is JSON-escaped. */
size_t frame_write_send(char *out, size_t out_bytes, const char *chat_id, uint32_t nonce,
                        size_t index, const char *text);
/* The number in the body of such a message of this run; -1 when it is another's. */
int64_t frame_message_index(const char *text, size_t length, uint32_t nonce);

#endif
