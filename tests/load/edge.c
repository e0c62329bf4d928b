/* Requests at a fixed rate to several doors of the same service, each in turn, so that what one
 * adds to the other is measured in one run. Open loop: a request's time counts from when it was
 * due. One thread, kept-alive connections, "MEASURE BEGIN" and "MEASURE END" around the counted
 * part. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "common/alloc.h"
#include "histogram.h"
#include "load.h"

enum { EVENTS_MAX = 64, LINES_PER_DOOR = 16, ANSWER_BYTES = 8192, REQUEST_BYTES = 6144 };

struct line { /* one kept-alive connection */
    int fd;
    size_t door;
    int64_t due_us; /* of the request under way; 0 = free */
    size_t used;
    char answer[ANSWER_BYTES];
};

struct edge_run {
    const struct load_options *options;
    int epoll_fd, timer_fd;
    char request[REQUEST_BYTES];
    size_t request_bytes;
    struct line *lines;
    struct histogram *latency; /* one each door */
    struct histogram *lateness;
    size_t sent, missed, failed; /* missed: no line was free when it was due */
    bool counting;
};

static bool open_line(struct edge_run *run, struct line *line)
{
    const int on = 1;
    const struct sockaddr_in *address = &run->options->gateways[line->door];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};

    line->due_us = 0;
    line->used = 0;
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connect(line->fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
           epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, line->fd, &event) == 0;
}

static bool reopen(struct edge_run *run, struct line *line)
{
    close(line->fd);
    if (line->due_us != 0) /* else only an idle line was closed, which a server may do */
        run->failed++;
    return open_line(run, line);
}

static void send_due(struct edge_run *run, size_t door, int64_t due_us)
{
    for (size_t i = 0; i < LINES_PER_DOOR; i++) {
        struct line *line = &run->lines[door * LINES_PER_DOOR + i];
        if (line->due_us != 0)
            continue;
        line->due_us = due_us;
        if (send(line->fd, run->request, run->request_bytes, MSG_NOSIGNAL) !=
            (ssize_t)run->request_bytes) {
            reopen(run, line);
            return;
        }
        run->sent++;
        if (run->counting)
            histogram_record(run->lateness, monotonic_us() - due_us);
        return;
    }
    run->missed++;
}

/* Whole when the head is there and as many bytes behind it as it says. */
static bool answer_is_whole(const struct line *line)
{
    const char *body = strstr(line->answer, "\r\n\r\n");
    const char *field = strcasestr(line->answer, "\r\nContent-Length: ");
    size_t length = 0;

    if (body == NULL)
        return false;
    if (field != NULL && field < body)
        length = strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
    return line->used >= (size_t)(body + 4 - line->answer) + length;
}

static void receive(struct edge_run *run, struct line *line)
{
    ssize_t got = recv(line->fd, line->answer + line->used, ANSWER_BYTES - 1 - line->used, 0);
    if (got <= 0) {
        reopen(run, line);
        return;
    }
    line->used += (size_t)got;
    line->answer[line->used] = '\0';
    if (!answer_is_whole(line))
        return;
    if (strncmp(line->answer, "HTTP/1.1 200 ", 13) != 0)
        run->failed++;
    else if (run->counting)
        histogram_record(&run->latency[line->door], monotonic_us() - line->due_us);
    line->due_us = 0;
    line->used = 0;
}

static void arm_timer(const struct edge_run *run, int64_t at_us)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000}};
    timerfd_settime(run->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void poll_once(struct edge_run *run)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(run->epoll_fd, events, EVENTS_MAX, 100);
    uint64_t ticks;

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr != NULL)
            receive(run, events[i].data.ptr);
        else if (read(run->timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
            run->failed++;
    }
}

static void offer(struct edge_run *run, int64_t seconds)
{
    size_t doors = run->options->gateway_count;
    int64_t step_us = 1000000 / (run->options->rate_per_s * (int64_t)doors);
    int64_t due_us = monotonic_us() + 1000, end_us = due_us + seconds * 1000000;

    for (size_t turn = 0; due_us < end_us; turn++, due_us += step_us) {
        arm_timer(run, due_us);
        while (monotonic_us() < due_us)
            poll_once(run);
        send_due(run, turn % doors, due_us);
    }
    for (int i = 0; i < 10; i++)
        poll_once(run);
}

static void print_report(const struct edge_run *run)
{
    char name[32];

    printf("{\"sent\":%zu,\"missed\":%zu,\"failed\":%zu,", run->sent, run->missed, run->failed);
    for (size_t door = 0; door < run->options->gateway_count; door++) {
        snprintf(name, sizeof name, "door_%zu", door);
        histogram_print(name, &run->latency[door]);
        putchar(',');
    }
    histogram_print("generator_lateness", run->lateness);
    puts("}");
    fflush(stdout);
}

static bool open_all(struct edge_run *run)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, run->timer_fd, &event) != 0)
        return false;
    for (size_t i = 0; i < run->options->gateway_count * LINES_PER_DOOR; i++) {
        run->lines[i].door = i / LINES_PER_DOOR;
        if (!open_line(run, &run->lines[i]))
            return false;
    }
    return true;
}

int run_edge(const struct load_options *options, const struct people *people)
{
    size_t doors = options->gateway_count;
    struct edge_run run = {
        .options = options,
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
        .lines = cc_calloc(doors * LINES_PER_DOOR, sizeof(struct line)),
        .latency = cc_calloc(doors, sizeof(struct histogram)),
        .lateness = cc_calloc(1, sizeof(struct histogram)),
    };
    run.request_bytes = (size_t)snprintf(
        run.request, sizeof run.request,
        "GET /v1/users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
        people->people[0].token);
    bool good = run.request_bytes < sizeof run.request && open_all(&run);

    if (good) {
        offer(&run, options->warmup_s);
        run.counting = true;
        puts("MEASURE BEGIN");
        fflush(stdout);
        offer(&run, options->seconds);
        puts("MEASURE END");
        print_report(&run);
    }
    for (size_t i = 0; i < doors * LINES_PER_DOOR; i++)
        if (run.lines[i].fd > 0)
            close(run.lines[i].fd);
    close(run.timer_fd);
    close(run.epoll_fd);
    cc_free(run.lines);
    cc_free(run.latency);
    cc_free(run.lateness);
    return good && run.failed == 0 ? 0 : 1;
}
