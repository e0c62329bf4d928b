/* See socket_client.h. One thread; no allocation while a socket is idle. */

#include "socket_client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"

enum {
    READ_BYTES = 65536,
    FRAME_TEXT = 0x1,
    FRAME_CLOSE = 0x8,
    FRAME_PING = 0x9,
    FRAME_PONG = 0xA
};

static const char handshake[] =
    "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: chat.v1\r\n\r\n";

static void append(char **buffer, size_t *count, size_t *capacity, const void *bytes, size_t added)
{
    if (*buffer == NULL || *count + added > *capacity) {
        *capacity = (*count + added) * 2;
        *buffer = cc_realloc(*buffer, *capacity);
    }
    memcpy(*buffer + *count, bytes, added);
    *count += added;
}

static void drop_buffer(char **buffer, size_t *count, size_t *capacity)
{
    cc_free(*buffer);
    *buffer = NULL;
    *count = *capacity = 0;
}

bool socket_client_open(struct socket_client *client, int epoll_fd,
                        const struct sockaddr_in *address, void *owner)
{
    *client = (struct socket_client){
        .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .owner = owner};
    if (client->fd < 0)
        return false;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(client->fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
        errno != EINPROGRESS)
        return false;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event) == 0;
}

void socket_client_close(struct socket_client *client)
{
    if (client->state == SOCKET_CLOSED)
        return;
    close(client->fd);
    client->state = SOCKET_CLOSED;
    drop_buffer(&client->in, &client->in_count, &client->in_capacity);
    drop_buffer(&client->out, &client->out_count, &client->out_capacity);
}

static void flush(struct socket_client *client)
{
    size_t done = 0;
    while (done < client->out_count) {
        ssize_t written =
            send(client->fd, client->out + done, client->out_count - done, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno != EAGAIN)
            socket_client_close(client);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    if (client->state == SOCKET_CLOSED)
        return;
    memmove(client->out, client->out + done, client->out_count - done);
    client->out_count -= done;
    if (client->out_count == 0)
        drop_buffer(&client->out, &client->out_count, &client->out_capacity);
}

static void queue(struct socket_client *client, const void *bytes, size_t count)
{
    append(&client->out, &client->out_count, &client->out_capacity, bytes, count);
}

/* The mask is fixed: masking protects proxies from hostile scripts, and there are neither here (RFC
 * 6455 10.3). */
static void queue_frame(struct socket_client *client, int opcode, const char *payload,
                        size_t length)
{
    static const unsigned char mask[4] = {0x5A, 0xA5, 0x3C, 0xC3};
    unsigned char head[8] = {(unsigned char)(0x80 | opcode)};
    size_t head_count = 2;
    if (length < 126) {
        head[1] = (unsigned char)(0x80 | length);
    } else {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        head_count = 4;
    }
    queue(client, head, head_count);
    queue(client, mask, sizeof mask);
    queue(client, payload, length);
    unsigned char *masked = (unsigned char *)client->out + client->out_count - length;
    for (size_t i = 0; i < length; i++)
        masked[i] ^= mask[i & 3];
}

void socket_client_send(struct socket_client *client, const char *text, size_t length)
{
    if (client->state != SOCKET_OPEN)
        return;
    queue_frame(client, FRAME_TEXT, text, length);
    flush(client);
}

static size_t frame_head(const unsigned char *bytes, size_t count, size_t *out_length)
{
    if (count < 2)
        return 0;
    size_t length = bytes[1] & 0x7F;
    size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (count < 2 + extra)
        return 0;
    if (extra > 0) {
        length = 0;
        for (size_t i = 0; i < extra; i++)
            length = length << 8 | bytes[2 + i];
    }
    *out_length = length;
    return 2 + extra;
}

static void take_frame(struct socket_client *client, int opcode, char *payload, size_t length,
                       socket_text on_text, void *arg)
{
    if (opcode == FRAME_TEXT) {
        on_text(client, payload, length, arg);
    } else if (opcode == FRAME_PING) {
        queue_frame(client, FRAME_PONG, payload, length);
        flush(client);
    } else if (opcode == FRAME_CLOSE) {
        client->close_code =
            length >= 2 ? (unsigned char)payload[0] << 8 | (unsigned char)payload[1] : 1005;
        socket_client_close(client);
    }
}

size_t socket_client_parse(struct socket_client *client, char *bytes, size_t count,
                           socket_text on_text, void *arg)
{
    size_t used = 0;
    while (client->state == SOCKET_OPEN) {
        size_t length = 0;
        size_t head = frame_head((const unsigned char *)bytes + used, count - used, &length);
        if (head == 0 || count - used - head < length)
            break;
        int first = (unsigned char)bytes[used];
        if ((first & 0x80) == 0)
            socket_client_close(client);
        else
            take_frame(client, first & 0x0F, bytes + used + head, length, on_text, arg);
        used += head + length;
    }
    return used;
}

/* Length of the answer's head, 0 while it is incomplete; an answer that is not 101 closes the
 * socket. */
static size_t end_of_handshake(struct socket_client *client, const char *bytes, size_t count)
{
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    if (count < 12 || memcmp(bytes + 8, " 101", 4) != 0)
        socket_client_close(client);
    else
        client->state = SOCKET_OPEN;
    return (size_t)(end - bytes) + 4;
}

static void take_bytes(struct socket_client *client, char *bytes, size_t count, socket_text on_text,
                       void *arg)
{
    size_t used = 0;
    if (client->state == SOCKET_HANDSHAKE)
        used = end_of_handshake(client, bytes, count);
    if (client->state == SOCKET_OPEN)
        used += socket_client_parse(client, bytes + used, count - used, on_text, arg);
    if (client->state == SOCKET_CLOSED)
        return;
    if (bytes == client->in) {
        memmove(client->in, client->in + used, client->in_count - used);
        client->in_count -= used;
        if (client->in_count == 0)
            drop_buffer(&client->in, &client->in_count, &client->in_capacity);
    } else if (used < count) {
        append(&client->in, &client->in_count, &client->in_capacity, bytes + used, count - used);
    }
}

static void read_all(struct socket_client *client, socket_text on_text, void *arg)
{
    static char bytes[READ_BYTES]; /* one thread: one buffer serves all sockets */
    while (client->state != SOCKET_CLOSED) {
        ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            socket_client_close(client);
            return;
        }
        if (client->in_count == 0) {
            take_bytes(client, bytes, (size_t)got, on_text, arg);
        } else {
            append(&client->in, &client->in_count, &client->in_capacity, bytes, (size_t)got);
            take_bytes(client, client->in, client->in_count, on_text, arg);
        }
    }
}

void socket_client_on_event(struct socket_client *client, uint32_t events, socket_text on_text,
                            void *arg)
{
    if (client->state == SOCKET_CONNECTING && (events & EPOLLOUT) != 0 &&
        (events & (EPOLLERR | EPOLLHUP)) == 0) {
        client->state = SOCKET_HANDSHAKE;
        queue(client, handshake, sizeof handshake - 1);
    }
    if (client->state != SOCKET_CLOSED && client->out_count > 0)
        flush(client);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        read_all(client, on_text, arg);
}
