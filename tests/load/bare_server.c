/*
 * bare-server: a WebSocket endpoint with nothing behind it, the reference for whatever is measured
 * at the sockets of a websocket-gateway. Whoever comes is let in; what one of them says goes to all
 * others, as one prepared frame of a given length and one system call each. No JSON is read,
 * nothing is looked up or stored, nothing waits: who can't take a frame at once is closed. With a
 * certificate each connection is OpenSSL's alone, with the settings of the daemons' listeners.
 * One thread, loopback only; for chat-load, whose frames are whole, masked and below 64 KiB.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "common/alloc.h"
#include "common/listen.h"
#include "common/strbuf.h"
#include "tls_context.h"

enum { EVENTS_MAX = 256, FILES_MAX = 65536, READ_BYTES = 65536, MASK_BYTES = 4, TEXT = 0x81 };

/* To the one key that chat-load sends (RFC 6455, 1.3). */
static const char welcome[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "Sec-WebSocket-Protocol: chat.v1\r\n\r\n";
static const char hello[] = "{\"t\":\"hello\"}";
static const char ready[] = "{\"t\":\"ready\"}";
static const char sync_done[] = "{\"t\":\"sync_done\",\"reload\":[]}";

struct guest {
    struct guest *next_gone;
    SSL *ssl; /* NULL without TLS */
    int fd;   /* -1 = gone */
    bool shaken, upgraded, ready;
    char *rest; /* an incomplete frame; NULL when there is none */
    size_t rest_count;
};

struct server {
    int epoll_fd, listener;
    SSL_CTX *tls;
    long frame_bytes, lose_every; /* lose_every: one message in so many goes to nobody; 0 = none */
    long seq;
    int highest_fd;
    struct guest *guests[FILES_MAX]; /* by fd */
    struct guest *gone;              /* freed when no event of this turn can mention them */
};

static void part_from(struct server *server, struct guest *guest)
{
    server->guests[guest->fd] = NULL;
    SSL_free(guest->ssl);
    close(guest->fd);
    guest->fd = -1;
    cc_free(guest->rest);
    guest->next_gone = server->gone;
    server->gone = guest;
}

static void free_gone(struct server *server)
{
    while (server->gone != NULL) {
        struct guest *next = server->gone->next_gone;
        cc_free(server->gone);
        server->gone = next;
    }
}

static bool put(struct guest *guest, const void *bytes, size_t count)
{
    if (guest->ssl != NULL)
        return SSL_write(guest->ssl, bytes, (int)count) == (int)count;
    return send(guest->fd, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

/* Head and payload of a text frame. */
static void append_frame(struct cc_strbuf *out, const char *text, size_t length)
{
    const unsigned char head[] = {TEXT, 126, (unsigned char)(length >> 8), (unsigned char)length};
    const unsigned char short_head[] = {TEXT, (unsigned char)length};

    if (length < 126)
        cc_strbuf_append(out, short_head, sizeof short_head);
    else
        cc_strbuf_append(out, head, sizeof head);
    cc_strbuf_append(out, text, length);
}

static bool put_frame(struct guest *guest, const char *text, size_t length)
{
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, READ_BYTES);
    append_frame(&frame, text, length);
    bool good = put(guest, cc_strbuf_text(&frame), frame.length);
    cc_strbuf_finish(&frame);
    return good;
}

/* What was said, whole, inside of a `message` that is filled up to the wanted length. */
static void write_message(const struct server *server, const char *said, size_t length,
                          struct cc_strbuf *out)
{
    cc_strbuf_printf(out, "{\"t\":\"message\",\"seq\":%ld,\"message\":", server->seq);
    cc_strbuf_append(out, said, length);
    cc_strbuf_append_text(out, ",\"filler\":\"");
    while ((long)out->length + 2 < server->frame_bytes)
        cc_strbuf_append_text(out, "x");
    cc_strbuf_append_text(out, "\"}");
}

static void tell_the_others(struct server *server, const struct guest *speaker, const char *said,
                            size_t length)
{
    struct cc_strbuf message, frame;

    server->seq++;
    if (server->lose_every > 0 && server->seq % server->lose_every == 0)
        return;
    cc_strbuf_init(&message, READ_BYTES);
    cc_strbuf_init(&frame, READ_BYTES);
    write_message(server, said, length, &message);
    append_frame(&frame, cc_strbuf_text(&message), message.length);
    for (int fd = 0; fd <= server->highest_fd; fd++) {
        struct guest *guest = server->guests[fd];
        if (guest == NULL || guest == speaker || !guest->ready)
            continue;
        if (!put(guest, cc_strbuf_text(&frame), frame.length))
            part_from(server, guest);
    }
    cc_strbuf_finish(&message);
    cc_strbuf_finish(&frame);
}

/* The first thing that a guest says is its sign-in. */
static bool take_text(struct server *server, struct guest *guest, const char *text, size_t length)
{
    if (guest->ready) {
        tell_the_others(server, guest, text, length);
        return true;
    }
    guest->ready = true;
    return put_frame(guest, ready, sizeof ready - 1) &&
           put_frame(guest, sync_done, sizeof sync_done - 1);
}

/* Bytes of the frame at the front, head and mask included; 0 while they are not all there. */
static size_t whole_frame(const unsigned char *bytes, size_t count, size_t *out_head)
{
    if (count < 2)
        return 0;
    size_t length = bytes[1] & 0x7F, head = 2 + MASK_BYTES;
    if (length == 126) {
        if (count < 4)
            return 0;
        length = (size_t)bytes[2] << 8 | bytes[3];
        head += 2;
    }
    *out_head = head;
    return count >= head + length ? head + length : 0;
}

/* How many bytes were used; false when the guest has to go. */
static bool take_frames(struct server *server, struct guest *guest, char *bytes, size_t count,
                        size_t *out_used)
{
    size_t head, whole;

    *out_used = 0;
    while ((whole = whole_frame((const unsigned char *)bytes + *out_used, count - *out_used,
                                &head)) > 0) {
        char *text = bytes + *out_used + head;
        const char *mask = text - MASK_BYTES;
        bool is_text = (unsigned char)bytes[*out_used] == TEXT;
        for (size_t i = 0; i < whole - head; i++)
            text[i] ^= mask[i & 3];
        *out_used += whole;
        if (is_text && !take_text(server, guest, text, whole - head))
            return false;
    }
    return true;
}

static bool upgrade(struct guest *guest, const char *bytes, size_t count, size_t *out_used)
{
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);

    *out_used = end != NULL ? (size_t)(end - bytes) + 4 : 0;
    if (end == NULL)
        return true;
    guest->upgraded = true;
    return put(guest, welcome, sizeof welcome - 1) && put_frame(guest, hello, sizeof hello - 1);
}

/* What is left of it waits for more. */
static bool take_bytes(struct server *server, struct guest *guest, char *bytes, size_t count)
{
    size_t used = 0, more = 0;

    if (!guest->upgraded && !upgrade(guest, bytes, count, &used))
        return false;
    if (guest->upgraded && !take_frames(server, guest, bytes + used, count - used, &more))
        return false;
    used += more;
    cc_free(guest->rest);
    guest->rest_count = count - used;
    guest->rest = guest->rest_count > 0 ? cc_alloc(guest->rest_count) : NULL;
    if (guest->rest != NULL)
        memcpy(guest->rest, bytes + used, guest->rest_count);
    return true;
}

/* As recv: 0 at the end, -1 when there is nothing now (errno EAGAIN) or it is broken. */
static ssize_t get(struct guest *guest, char *bytes, size_t room)
{
    if (guest->ssl == NULL)
        return recv(guest->fd, bytes, room, 0);
    int got = SSL_read(guest->ssl, bytes, (int)room);
    if (got > 0)
        return got;
    int error = SSL_get_error(guest->ssl, got);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

static bool shake_hands(struct guest *guest)
{
    int done = SSL_accept(guest->ssl);

    guest->shaken = done == 1;
    return done == 1 || SSL_get_error(guest->ssl, done) == SSL_ERROR_WANT_READ;
}

/* Reads until nothing is there: one TLS record may hide behind another. */
static bool serve(struct server *server, struct guest *guest)
{
    static char bytes[READ_BYTES]; /* one thread */

    if (guest->ssl != NULL && !guest->shaken && !shake_hands(guest))
        return false;
    while (guest->ssl == NULL || guest->shaken) {
        size_t kept = guest->rest_count;
        if (kept == sizeof bytes)
            return false;
        if (kept > 0)
            memcpy(bytes, guest->rest, kept);
        ssize_t got = get(guest, bytes + kept, sizeof bytes - kept);
        if (got < 0 && errno == EAGAIN)
            return true;
        if (got <= 0 || !take_bytes(server, guest, bytes, kept + (size_t)got))
            return false;
    }
    return true;
}

static bool welcome_guest(struct server *server, int fd)
{
    const int on = 1;
    struct guest *guest = cc_calloc(1, sizeof *guest);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = guest};

    guest->fd = fd;
    server->guests[fd] = guest;
    server->highest_fd = fd > server->highest_fd ? fd : server->highest_fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    guest->ssl = server->tls != NULL ? SSL_new(server->tls) : NULL;
    if (server->tls != NULL && (guest->ssl == NULL || SSL_set_fd(guest->ssl, fd) != 1))
        return false;
    return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void let_in(struct server *server)
{
    struct sockaddr_in peer;

    for (;;) {
        socklen_t length = sizeof peer;
        int fd = accept4(server->listener, (struct sockaddr *)&peer, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (fd >= FILES_MAX)
            close(fd);
        else if (!welcome_guest(server, fd))
            part_from(server, server->guests[fd]);
    }
}

static int run(struct server *server)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};

    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listener, &listening) != 0)
        return 1;
    puts("LISTENING");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct guest *guest = events[i].data.ptr;
            if (guest == NULL)
                let_in(server);
            else if (guest->fd >= 0 && !serve(server, guest) && guest->fd >= 0)
                part_from(server, guest);
        }
        free_gone(server);
    }
}

/* As many files as the hard limit allows, and a queue for a crowd that comes at once. */
static bool start(struct server *server, int port)
{
    struct rlimit files;
    struct cc_error err = {0};
    int bound = 0;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (cc_listen(&(struct cc_listen_at){.host = "127.0.0.1", .port = port}, &server->listener,
                  &bound, &err) != CC_OK ||
        listen(server->listener, SOMAXCONN) != 0) {
        fprintf(stderr, "bare-server: %s\n", err.detail);
        return false;
    }
    return server->epoll_fd >= 0;
}

int main(int argc, char **argv)
{
    static struct server server; /* large */
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},       {"certificate", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},        {"frame-bytes", required_argument, NULL, 'f'},
        {"lose-every", required_argument, NULL, 'l'}, {0}};
    struct cc_tls_files files = {0};
    struct cc_error err = {0};
    long port = 0;

    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (option == 'c')
            files.certificate = optarg;
        else if (option == 'k')
            files.key = optarg;
        else if (option == 'p')
            port = strtol(optarg, NULL, 10);
        else if (option == 'f')
            server.frame_bytes = strtol(optarg, NULL, 10);
        else if (option == 'l')
            server.lose_every = strtol(optarg, NULL, 10);
        else
            port = -1;
    }
    if (port < 1 || port > 65535 || server.frame_bytes > READ_BYTES / 2) {
        fputs("bare-server --port N [--certificate FILE --key FILE] [--frame-bytes N] "
              "[--lose-every N]\n",
              stderr);
        return 64;
    }
    if (files.certificate != NULL && cc_tls_context_create(&files, &server.tls, &err) != CC_OK) {
        fprintf(stderr, "bare-server: %s\n", err.public_text);
        return 1;
    }
    return start(&server, (int)port) ? run(&server) : 1;
}
