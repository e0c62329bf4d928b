/* Idle sockets: opens them at a bounded rate, logs each in, holds them for a while, so that the
 * gateway's memory can be read from outside between "MEASURE BEGIN" and "MEASURE END". One thread.
 */

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/alloc.h"
#include "frames.h"
#include "load.h"
#include "socket_client.h"

enum { EVENTS_MAX = 256, READY_SECONDS = 180 };

struct idle_seat {
    struct socket_client socket;
    const struct person *person;
    bool ready;
};

struct idle_run {
    int epoll_fd;
    struct idle_seat *seats;
    size_t opened, ready, closed;
};

static void on_text(struct socket_client *client, char *text, size_t length, void *arg)
{
    struct idle_run *run = arg;
    struct idle_seat *seat = client->owner;
    if (!seat->ready && login_on_frame(client, seat->person, NULL, text, length)) {
        seat->ready = true;
        run->ready++;
    }
}

static void poll_once(struct idle_run *run, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(run->epoll_fd, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct socket_client *client = events[i].data.ptr;
        socket_client_on_event(client, events[i].events, on_text, run);
        if (client->state == SOCKET_CLOSED && run->closed++ == 0)
            fprintf(stderr, "chat-load: a socket was closed, code %d\n", client->close_code);
    }
}

static bool open_all(struct idle_run *run, const struct load_options *options,
                     const struct people *people)
{
    int64_t start = monotonic_us(), deadline = start + READY_SECONDS * 1000000LL;
    while (run->ready < (size_t)options->sockets && run->closed == 0 && monotonic_us() < deadline) {
        int64_t due = (monotonic_us() - start) * options->connects_per_s / 1000000;
        while (run->opened < (size_t)options->sockets && (int64_t)run->opened < due) {
            struct idle_seat *seat = &run->seats[run->opened];
            seat->person = &people->people[run->opened % people->person_count];
            if (!socket_client_open(&seat->socket, run->epoll_fd,
                                    &options->gateways[run->opened % options->gateway_count], seat))
                return false;
            run->opened++;
        }
        poll_once(run, 2);
    }
    return run->ready == (size_t)options->sockets;
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

int run_idle(const struct load_options *options, const struct people *people)
{
    if (!allow_files((rlim_t)options->sockets + 100))
        return 1;
    struct idle_run run = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                           .seats = cc_calloc((size_t)options->sockets, sizeof(struct idle_seat))};
    bool good = open_all(&run, options, people);
    puts("MEASURE BEGIN");
    fflush(stdout);
    for (int64_t end = monotonic_us() + options->seconds * 1000000; good && monotonic_us() < end;)
        poll_once(&run, 100);
    puts("MEASURE END");
    printf("{\"sockets\":%zu,\"ready\":%zu,\"closed\":%zu}\n", run.opened, run.ready, run.closed);
    fflush(stdout);
    for (size_t i = 0; i < run.opened; i++)
        socket_client_close(&run.seats[i].socket);
    close(run.epoll_fd);
    cc_free(run.seats);
    return good && run.closed == 0 ? 0 : 1;
}
