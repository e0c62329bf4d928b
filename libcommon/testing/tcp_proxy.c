/*
 * See tcp_proxy.h. The thread polls with a short timeout and looks at the wanted mode each time; it
 * never interprets a byte.
 */

#include "tcp_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "testing.h"

#define PAIRS_MAX 32
#define POLL_MS   5

enum mode { FORWARDING, SILENT, CUT, STOPPED };

struct tcp_proxy {
    char uri[256];
    struct sockaddr_in server;
    int listener;
    int pairs[PAIRS_MAX][2]; /* client, server; -1 = free */
    _Atomic int wanted, obeyed;
    pthread_t thread;
};

static void close_pair(int pair[2])
{
    if (pair[0] < 0)
        return;
    close(pair[0]);
    close(pair[1]);
    pair[0] = pair[1] = -1;
}

static void accept_one(struct tcp_proxy *proxy, enum mode mode)
{
    int client = accept(proxy->listener, NULL, NULL);
    int server = mode == CUT ? -1 : socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr *address = (const struct sockaddr *)&proxy->server;
    for (int i = 0; i < PAIRS_MAX && server >= 0 && client >= 0; i++) {
        if (proxy->pairs[i][0] >= 0)
            continue;
        if (connect(server, address, sizeof proxy->server) != 0)
            break;
        proxy->pairs[i][0] = client;
        proxy->pairs[i][1] = server;
        return;
    }
    if (client >= 0)
        close(client);
    if (server >= 0)
        close(server);
}

/* Moves what there is from one side to the other; false at the end of the stream. */
static bool forward(int from, int to)
{
    char bytes[16384];
    ssize_t count = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    for (ssize_t sent = 0; count > 0 && sent < count;) {
        ssize_t more = send(to, bytes + sent, (size_t)(count - sent), MSG_NOSIGNAL);
        if (more < 0)
            return false;
        sent += more;
    }
    return count > 0;
}

/* Silent, it still sees who hangs up. */
static short wanted_events(enum mode mode)
{
    return mode == FORWARDING ? POLLIN : POLLRDHUP;
}

static void serve_pair(int pair[2], const struct pollfd fds[2], enum mode mode)
{
    bool open = true;
    for (int side = 0; side < 2; side++) {
        if (open && fds[side].revents != 0)
            open = mode == FORWARDING && forward(pair[side], pair[1 - side]);
    }
    if (!open)
        close_pair(pair);
}

static void serve(struct tcp_proxy *proxy, enum mode mode)
{
    struct pollfd fds[1 + 2 * PAIRS_MAX] = {{.fd = proxy->listener, .events = POLLIN}};
    for (int i = 0; i < PAIRS_MAX; i++) {
        for (int side = 0; side < 2; side++)
            fds[1 + 2 * i + side] =
                (struct pollfd){.fd = proxy->pairs[i][side], .events = wanted_events(mode)};
    }
    poll(fds, 1 + 2 * PAIRS_MAX, POLL_MS);
    for (int i = 0; i < PAIRS_MAX; i++)
        serve_pair(proxy->pairs[i], &fds[1 + 2 * i], mode);
    if (fds[0].revents != 0)
        accept_one(proxy, mode);
}

static void *run(void *arg)
{
    struct tcp_proxy *proxy = arg;
    for (;;) {
        int mode = proxy->wanted;
        if (mode == CUT || mode == STOPPED) {
            for (int i = 0; i < PAIRS_MAX; i++)
                close_pair(proxy->pairs[i]);
        }
        proxy->obeyed = mode;
        if (mode == STOPPED)
            return NULL;
        serve(proxy, (enum mode)mode);
    }
}

static void listen_anywhere(struct tcp_proxy *proxy, int *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(proxy->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(proxy->listener, PAIRS_MAX) != 0 ||
        getsockname(proxy->listener, (struct sockaddr *)&address, &size) != 0)
        fail_msg("the proxy can't listen");
    *out_port = ntohs(address.sin_port);
}

struct tcp_proxy *tcp_proxy_start(const char *uri)
{
    struct tcp_proxy *proxy = cc_calloc(1, sizeof *proxy);
    const char *authority = strstr(uri, "://") + 3;
    const char *at = memchr(authority, '@', strcspn(authority, "/"));
    const char *host = at == NULL ? authority : at + 1;
    size_t host_length = strcspn(host, ":/");
    char *rest, numeric[64];
    snprintf(numeric, sizeof numeric, "%.*s", (int)host_length, host);
    proxy->server.sin_family = AF_INET;
    proxy->server.sin_port = htons((uint16_t)strtol(host + host_length + 1, &rest, 10));
    if (inet_pton(AF_INET, numeric, &proxy->server.sin_addr) != 1)
        fail_msg("the proxy needs a numeric host with a port, got %s", uri);
    int port = 0;
    listen_anywhere(proxy, &port);
    snprintf(proxy->uri, sizeof proxy->uri, "%.*s127.0.0.1:%d%s", (int)(host - uri), uri, port,
             rest);
    memset(proxy->pairs, 0xff, sizeof proxy->pairs);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

static void want(struct tcp_proxy *proxy, enum mode mode)
{
    proxy->wanted = mode;
    while (proxy->obeyed != (int)mode)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void tcp_proxy_cut(struct tcp_proxy *proxy)
{
    want(proxy, CUT);
}

void tcp_proxy_silence(struct tcp_proxy *proxy)
{
    want(proxy, SILENT);
}

void tcp_proxy_resume(struct tcp_proxy *proxy)
{
    want(proxy, FORWARDING);
}

void tcp_proxy_stop(struct tcp_proxy *proxy)
{
    if (proxy == NULL)
        return;
    want(proxy, STOPPED);
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    cc_free(proxy);
}

const char *tcp_proxy_uri(const struct tcp_proxy *proxy)
{
    return proxy->uri;
}
