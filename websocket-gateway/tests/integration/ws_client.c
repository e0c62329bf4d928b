/* The tests' own WebSocket client (RFC 6455), on the test's thread. */

#include "ws_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "testing.h"

#define WAIT_MS 30000 /* what a group has not consumed yet comes first */

enum { TEXT = 1, CLOSE = 8, PING = 9 };

static void write_all(int fd, const void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t n = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);

        assert_true(n > 0);
        done += (size_t)n;
    }
}

/* False at the end of the stream or the deadline. */
static bool read_more(struct ws_client *client, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - cc_mono_ms(cc_clock_system());
    struct pollfd waiting = {.fd = client->fd, .events = POLLIN};
    ssize_t n;

    if (left_ms <= 0 || poll(&waiting, 1, (int)left_ms) != 1)
        return false;
    n = recv(client->fd, client->in + client->have, sizeof client->in - client->have, 0);
    if (n <= 0)
        return false;
    client->have += (size_t)n;
    return true;
}

static void consume(struct ws_client *client, size_t count)
{
    memmove(client->in, client->in + count, client->have - count);
    client->have -= count;
}

struct ws_client *ws_client_open(int port, const char *path, const char *authorization)
{
    struct ws_client *client = cc_calloc(1, sizeof *client);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t deadline_ms = cc_mono_ms(cc_clock_system()) + WAIT_MS;
    char request[8192];
    int length;
    const char *end;

    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
    length =
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Protocol: chat.v1\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
                 path, authorization == NULL ? "" : "Authorization: Bearer ",
                 authorization == NULL ? "" : authorization, authorization == NULL ? "" : "\r\n");
    write_all(client->fd, request, (size_t)length);
    while ((end = memmem(client->in, client->have, "\r\n\r\n", 4)) == NULL) {
        if (!read_more(client, deadline_ms)) {
            ws_client_close(client);
            return NULL; /* refused */
        }
    }
    if (memmem(client->in, client->have, " 101 ", 5) == NULL) {
        ws_client_close(client);
        return NULL;
    }
    consume(client, (size_t)(end + 4 - (const char *)client->in));
    return client;
}

void ws_client_close(struct ws_client *client)
{
    if (client == NULL)
        return;
    close(client->fd);
    cc_free(client);
}

void ws_client_send_frame(struct ws_client *client, int first_byte, const void *bytes, size_t count)
{
    unsigned char *frame = cc_alloc(count + 14);
    size_t at = 2;

    frame[0] = (unsigned char)first_byte;
    if (count < 126) {
        frame[1] = (unsigned char)(0x80 | count);
    } else if (count < 65536) {
        frame[1] = 0x80 | 126;
        frame[at++] = (unsigned char)(count >> 8);
        frame[at++] = (unsigned char)count;
    } else {
        frame[1] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            frame[at++] = (unsigned char)(count >> shift);
    }
    memset(frame + at, 0, 4); /* a mask of zeroes changes nothing */
    at += 4;
    if (count > 0)
        memcpy(frame + at, bytes, count);
    write_all(client->fd, frame, at + count);
    cc_free(frame);
}

void ws_client_send(struct ws_client *client, const char *format, ...)
{
    char text[70000];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof text - 1);
    ws_client_send_frame(client, 0x80 | TEXT, text, (size_t)length);
}

/* Opcode of the next frame, its payload in client->frame; -1 when none came in time. */
static int next_frame(struct ws_client *client, int64_t deadline_ms, size_t *out_count)
{
    for (;;) {
        size_t head = 2, count = client->have >= 2 ? client->in[1] & 127u : 0;

        if (client->have >= 4 && count == 126) {
            count = (size_t)client->in[2] << 8 | client->in[3];
            head = 4;
        } else if (client->have >= 10 && count == 127) {
            count = 0;
            for (int i = 2; i < 10; i++)
                count = count << 8 | client->in[i];
            head = 10;
        }
        if (client->have >= 10 || client->have >= head + count) {
            if (client->have >= 2 && client->have >= head + count) {
                int opcode = client->in[0] & 15;

                assert_true(count < sizeof client->frame);
                memcpy(client->frame, client->in + head, count);
                client->frame[count] = '\0';
                *out_count = count;
                consume(client, head + count);
                return opcode;
            }
        }
        if (!read_more(client, deadline_ms))
            return -1;
    }
}

static int next_data(struct ws_client *client, int64_t deadline_ms, size_t *out_count)
{
    for (;;) {
        int opcode = next_frame(client, deadline_ms, out_count);

        if (opcode != PING)
            return opcode;
        ws_client_send_frame(client, 0x8a, client->frame, *out_count);
    }
}

const char *ws_client_expect(struct ws_client *client, const char *text, ...)
{
    int64_t deadline_ms = cc_mono_ms(cc_clock_system()) + WAIT_MS;
    size_t count;

    for (;;) {
        bool all = true;
        va_list more;
        int opcode = next_data(client, deadline_ms, &count);

        if (opcode != TEXT)
            fail_msg("no frame with %s came (opcode %d)", text, opcode);
        va_start(more, text);
        for (const char *part = text; part != NULL && all; part = va_arg(more, const char *))
            all = strstr(client->frame, part) != NULL;
        va_end(more);
        if (all)
            return client->frame;
    }
}

void ws_client_expect_none(struct ws_client *client, const char *text, int within_ms)
{
    int64_t deadline_ms = cc_mono_ms(cc_clock_system()) + within_ms;
    size_t count;

    while (next_data(client, deadline_ms, &count) == TEXT) {
        if (strstr(client->frame, text) != NULL)
            fail_msg("this should not have come: %s", client->frame);
    }
}

int ws_client_close_code(struct ws_client *client)
{
    int64_t deadline_ms = cc_mono_ms(cc_clock_system()) + WAIT_MS;
    size_t count;
    int opcode;

    do {
        opcode = next_data(client, deadline_ms, &count);
    } while (opcode == TEXT);
    if (opcode != CLOSE || count < 2)
        return 0;
    return (unsigned char)client->frame[0] << 8 | (unsigned char)client->frame[1];
}
