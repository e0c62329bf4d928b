/*
 * delay-proxy: hands TCP bytes on to another port, towards it a fixed time later, back at once. It
 * puts a hop into a way whose length is known, so that it can be seen whether the bench measures
 * it. What comes is queued once, in the order in which it came, for all connections: with one delay
 * for all, the first that came is the first that is due. One thread, loopback only; it never looks
 * into a byte.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "common/alloc.h"
#include "common/listen.h"

enum { READ_BYTES = 65536, DELAY_MAX_MS = 10000 };

struct pair;
struct end { /* what epoll knows of a socket */
    struct pair *pair;
    int fd;
};
struct pair {
    struct end client, server;
    size_t queued; /* chunks that still name it */
    bool over;     /* closed; freed with its last chunk */
};
struct chunk {
    struct chunk *next;
    struct pair *pair;
    int64_t due_us;
    size_t count; /* 0 = the client has said all */
    char bytes[];
};
struct proxy {
    struct sockaddr_in target;
    int64_t delay_us;
    int epoll_fd, timer_fd, listener;
    struct chunk *first, **last;
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void end_pair(struct pair *pair)
{
    if (!pair->over) {
        close(pair->client.fd);
        close(pair->server.fd);
        pair->over = true;
    }
    if (pair->queued == 0)
        cc_free(pair);
}

/* The sockets block when they are written to: a reader of this tool's always reads. */
static bool put(int fd, const char *bytes, size_t count)
{
    for (size_t sent = 0; sent < count;) {
        ssize_t more = send(fd, bytes + sent, count - sent, MSG_NOSIGNAL);
        if (more < 0 && errno != EINTR)
            return false;
        sent += more > 0 ? (size_t)more : 0;
    }
    return true;
}

static void arm_timer(const struct proxy *proxy)
{
    int64_t due_us = proxy->first != NULL ? proxy->first->due_us : 0; /* 0 = never */
    const struct itimerspec when = {
        .it_value = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000}};

    timerfd_settime(proxy->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void enqueue(struct proxy *proxy, struct pair *pair, const char *bytes, size_t count)
{
    struct chunk *chunk = cc_alloc(sizeof *chunk + count);

    *chunk = (struct chunk){.pair = pair, .due_us = now_us() + proxy->delay_us, .count = count};
    memcpy(chunk->bytes, bytes, count);
    pair->queued++;
    *proxy->last = chunk;
    proxy->last = &chunk->next;
    if (proxy->first == chunk)
        arm_timer(proxy);
}

static void hand_on(struct chunk *chunk)
{
    struct pair *pair = chunk->pair;
    bool good =
        pair->over || (chunk->count > 0 && put(pair->server.fd, chunk->bytes, chunk->count));

    pair->queued--;
    if (pair->over || !good)
        end_pair(pair);
}

static void hand_on_what_is_due(struct proxy *proxy)
{
    uint64_t ticks;

    if (read(proxy->timer_fd, &ticks, sizeof ticks) < 0)
        return;
    while (proxy->first != NULL && proxy->first->due_us <= now_us()) {
        struct chunk *chunk = proxy->first;
        proxy->first = chunk->next;
        if (proxy->first == NULL)
            proxy->last = &proxy->first;
        hand_on(chunk);
        cc_free(chunk);
    }
    arm_timer(proxy);
}

static void serve(struct proxy *proxy, struct end *end)
{
    static char bytes[READ_BYTES]; /* one thread */
    struct pair *pair = end->pair;
    ssize_t got = recv(end->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (end == &pair->client) {
        if (got <= 0)
            epoll_ctl(proxy->epoll_fd, EPOLL_CTL_DEL, end->fd, NULL);
        enqueue(proxy, pair, bytes, got > 0 ? (size_t)got : 0);
    } else if (got <= 0 || !put(pair->client.fd, bytes, (size_t)got)) {
        end_pair(pair);
    }
}

static bool watch(const struct proxy *proxy, struct end *end)
{
    const int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};

    setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return epoll_ctl(proxy->epoll_fd, EPOLL_CTL_ADD, end->fd, &event) == 0;
}

static void let_in(struct proxy *proxy)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int client = accept4(proxy->listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pair *pair = cc_calloc(1, sizeof *pair);

    pair->client = (struct end){pair, client};
    pair->server = (struct end){pair, server};
    if (client < 0 || server < 0 ||
        connect(server, (const struct sockaddr *)&proxy->target, sizeof proxy->target) != 0 ||
        !watch(proxy, &pair->client) || !watch(proxy, &pair->server))
        end_pair(pair);
}

static void run(struct proxy *proxy)
{
    struct epoll_event event;

    puts("LISTENING");
    fflush(stdout);
    for (;;) {
        /* One at a time: an end may be gone by the time of its other's event. */
        if (epoll_wait(proxy->epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.ptr == &proxy->listener)
            let_in(proxy);
        else if (event.data.ptr == &proxy->timer_fd)
            hand_on_what_is_due(proxy);
        else
            serve(proxy, event.data.ptr);
    }
}

static bool start(struct proxy *proxy, int port)
{
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = &proxy->listener};
    struct epoll_event timer = {.events = EPOLLIN, .data.ptr = &proxy->timer_fd};
    struct cc_error err = {0};
    int bound = 0;

    proxy->last = &proxy->first;
    proxy->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    proxy->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (cc_listen(&(struct cc_listen_at){.host = "127.0.0.1", .port = port}, &proxy->listener,
                  &bound, &err) != CC_OK) {
        fprintf(stderr, "delay-proxy: %s\n", err.detail);
        return false;
    }
    return epoll_ctl(proxy->epoll_fd, EPOLL_CTL_ADD, proxy->listener, &listening) == 0 &&
           epoll_ctl(proxy->epoll_fd, EPOLL_CTL_ADD, proxy->timer_fd, &timer) == 0;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                          {"target", required_argument, NULL, 't'},
                                          {"delay-ms", required_argument, NULL, 'd'},
                                          {0}};
    struct proxy proxy = {0};
    long port = 0, target = 0, delay_ms = 0;

    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (option == '?')
            break;
        *(option == 'p' ? &port : option == 't' ? &target : &delay_ms) = strtol(optarg, NULL, 10);
    }
    proxy.target = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)target),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    proxy.delay_us = delay_ms * 1000;
    if (port < 1 || port > 65535 || target < 1 || target > 65535 || delay_ms < 1 ||
        delay_ms > DELAY_MAX_MS) {
        fputs("delay-proxy --port N --target PORT --delay-ms N\n", stderr);
        return 64;
    }
    if (!start(&proxy, (int)port))
        return 1;
    run(&proxy);
    return 0;
}
