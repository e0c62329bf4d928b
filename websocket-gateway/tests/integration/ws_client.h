#ifndef WS_CLIENT_H
#define WS_CLIENT_H

/* A small blocking WebSocket client for tests: text frames, close codes, answers pings. Fails the
 * test at the caller's line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_client {
    int fd;
    unsigned char in[512 * 1024];
    size_t have;
    char frame[512 * 1024]; /* the last text frame, NUL-terminated */
};
struct ws_client *ws_client_open(int port, const char *path, const char *authorization);
void ws_client_close(struct ws_client *client); /* accepts NULL; without a close frame */
void ws_client_send(struct ws_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ws_client_send_frame(struct ws_client *client, int first_byte, const void *bytes,
                          size_t count);
/* The next text frame that holds every one of the texts (NULL ends them); others are passed over.
 * Valid until the next call. */
const char *ws_client_expect(struct ws_client *client, const char *text, ...)
    __attribute__((sentinel));
/* Fails when a frame with this text comes within the time. */
void ws_client_expect_none(struct ws_client *client, const char *text, int within_ms);
/* Reads until the server's close frame and returns its code; 0 = closed without one. */
int ws_client_close_code(struct ws_client *client);

#endif
