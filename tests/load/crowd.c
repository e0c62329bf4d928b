/* See crowd.h. One thread. */

#include "crowd.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/id.h"
#include "frames.h"

enum { EVENTS_MAX = 256, READY_SECONDS = 60, SPARE_FILES = 100, PAUSE_US = 1000000 };

static void on_text(struct socket_client *client, char *text, size_t length, void *arg)
{
    struct crowd *crowd = arg;
    struct crowd_seat *seat = client->owner;

    if (seat->ready) {
        if (crowd->on_frame != NULL)
            crowd->on_frame(crowd, seat, text, length);
    } else if (crowd->on_hello != NULL && frame_is(text, length, "hello")) {
        crowd->on_hello(crowd, seat);
    } else if (login_on_frame(client, seat->person, NULL, text, length)) {
        seat->ready = true;
        crowd->ready++;
    }
}

static void on_closed(struct crowd *crowd, struct crowd_seat *seat)
{
    if (crowd->closed + crowd->retried == 0)
        fprintf(stderr, "chat-load: a socket was closed, code %d\n", seat->socket.close_code);
    if (seat->ready) {
        crowd->closed++;
    } else {
        crowd->retried++;
        seat->not_before_us =
            monotonic_us() + (int64_t)cc_random_below(cc_random_system(), PAUSE_US);
        crowd->again[(crowd->again_first + crowd->again_count++) % crowd->wanted] = seat;
    }
}

void crowd_poll(struct crowd *crowd, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(crowd->epoll_fd, events, EVENTS_MAX, timeout_ms);

    for (int i = 0; i < count; i++) {
        struct socket_client *client = events[i].data.ptr;
        socket_client_on_event(client, events[i].events, on_text, crowd);
        if (client->state == SOCKET_CLOSED)
            on_closed(crowd, client->owner);
    }
}

static struct crowd_seat *who_comes_back(struct crowd *crowd)
{
    struct crowd_seat *seat = crowd->again_count > 0 ? crowd->again[crowd->again_first] : NULL;

    if (seat == NULL || seat->not_before_us > monotonic_us())
        return NULL;
    crowd->again_first = (crowd->again_first + 1) % crowd->wanted;
    crowd->again_count--;
    return seat;
}

static struct crowd_seat *who_comes(struct crowd *crowd)
{
    struct crowd_seat *seat = who_comes_back(crowd);

    if (seat != NULL || crowd->opened == crowd->wanted)
        return seat;
    seat = &crowd->seats[crowd->opened];
    seat->person = &crowd->people->people[crowd->opened++ % crowd->people->person_count];
    return seat;
}

/* Up to `count` of those who wait outside; false when a socket can't be had. */
static bool let_in(struct crowd *crowd, int64_t count)
{
    const struct load_options *options = crowd->options;

    for (int64_t i = 0; i < count; i++) {
        struct crowd_seat *seat = who_comes(crowd);
        if (seat == NULL)
            return true;
        size_t turn = (size_t)(seat - crowd->seats) % options->gateway_count;
        if (!socket_client_open(&seat->socket, crowd->epoll_fd, &options->gateways[turn], seat))
            return false;
    }
    return true;
}

bool crowd_open(struct crowd *crowd, int64_t per_s)
{
    int64_t start = monotonic_us(), tried = 0;
    int64_t patience_us = (READY_SECONDS + (int64_t)crowd->wanted / per_s) * 1000000;

    while (crowd->ready < crowd->wanted && crowd->closed == 0 &&
           monotonic_us() - start < patience_us) {
        int64_t due = (monotonic_us() - start) * per_s / 1000000;
        if (due > tried && !let_in(crowd, due - tried))
            return false;
        tried = due > tried ? due : tried;
        crowd_poll(crowd, 2);
    }
    return crowd->ready == crowd->wanted;
}

void crowd_deafen(struct crowd *crowd, size_t count)
{
    const int least = 1; /* the kernel makes of it what it can't do without */

    for (size_t i = crowd->wanted - count; i < crowd->wanted; i++) {
        int fd = crowd->seats[i].socket.fd;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
        epoll_ctl(crowd->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    }
}

void crowd_cut(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->opened; i++) {
        struct crowd_seat *seat = &crowd->seats[i];
        socket_client_close(&seat->socket);
        seat->ready = seat->settled = false;
    }
    crowd->opened = crowd->ready = crowd->again_count = crowd->retried = 0;
}

static bool allow_files(rlim_t wanted)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max >= wanted) {
        files.rlim_cur = wanted;
        if (setrlimit(RLIMIT_NOFILE, &files) == 0)
            return true;
    }
    fprintf(stderr, "chat-load: %llu open files are needed, see ulimit -Hn\n",
            (unsigned long long)wanted);
    return false;
}

bool crowd_create(struct crowd *crowd, const struct load_options *options,
                  const struct people *people, size_t wanted)
{
    *crowd = (struct crowd){.options = options, .people = people, .wanted = wanted};
    if (!allow_files((rlim_t)wanted + SPARE_FILES))
        return false;
    crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    crowd->seats = cc_calloc(wanted, sizeof(struct crowd_seat));
    crowd->again = cc_calloc(wanted, sizeof(struct crowd_seat *));
    return crowd->epoll_fd >= 0;
}

void crowd_destroy(struct crowd *crowd)
{
    if (crowd->seats == NULL)
        return;
    for (size_t i = 0; i < crowd->opened; i++)
        socket_client_close(&crowd->seats[i].socket);
    close(crowd->epoll_fd);
    cc_free(crowd->again);
    cc_free(crowd->seats);
}
