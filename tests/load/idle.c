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

enum { EVENTS_MAX = 256, READY_SECONDS = 60 };

struct idle_seat {
    struct socket_client socket;
    const struct person *person;
    bool ready;
};

struct idle_run {
    int epoll_fd;
    const struct load_options *options;
    struct idle_seat *seats;
    struct idle_seat **again; /* sent away before they were ready: they come back, as clients do */
    size_t opened, ready, again_count, retried, closed;
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

static void on_closed(struct idle_run *run, struct idle_seat *seat)
{
    if (run->closed + run->retried == 0)
        fprintf(stderr, "chat-load: a socket was closed, code %d\n", seat->socket.close_code);
    if (seat->ready) {
        run->closed++;
    } else {
        run->retried++;
        run->again[run->again_count++] = seat;
    }
}

static void poll_once(struct idle_run *run, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(run->epoll_fd, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct socket_client *client = events[i].data.ptr;
        socket_client_on_event(client, events[i].events, on_text, run);
        if (client->state == SOCKET_CLOSED)
            on_closed(run, client->owner);
    }
}

static bool open_one(struct idle_run *run, const struct people *people)
{
    const struct load_options *options = run->options;
    struct idle_seat *seat;
    if (run->again_count > 0) {
        seat = run->again[--run->again_count];
    } else {
        seat = &run->seats[run->opened];
        seat->person = &people->people[run->opened++ % people->person_count];
    }
    const struct sockaddr_in *gateway =
        &options->gateways[(size_t)(seat - run->seats) % options->gateway_count];
    return socket_client_open(&seat->socket, run->epoll_fd, gateway, seat);
}

/* At a bounded rate; a minute more than that takes, for those who have to come back. */
static bool open_all(struct idle_run *run, const struct people *people)
{
    const struct load_options *options = run->options;
    size_t wanted = (size_t)options->sockets, tried = 0;
    int64_t start = monotonic_us();
    int64_t patience_s = READY_SECONDS + options->sockets / options->connects_per_s;
    while (run->ready < wanted && run->closed == 0 &&
           monotonic_us() - start < patience_s * 1000000) {
        int64_t due = (monotonic_us() - start) * options->connects_per_s / 1000000;
        for (; (int64_t)tried < due && (run->opened < wanted || run->again_count > 0); tried++)
            if (!open_one(run, people))
                return false;
        poll_once(run, 2);
    }
    return run->ready == wanted;
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
    struct idle_run run = {
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .options = options,
        .seats = cc_calloc((size_t)options->sockets, sizeof(struct idle_seat)),
        .again = cc_calloc((size_t)options->sockets, sizeof(struct idle_seat *)),
    };
    bool good = open_all(&run, people);
    puts("MEASURE BEGIN");
    fflush(stdout);
    for (int64_t end = monotonic_us() + options->seconds * 1000000; good && monotonic_us() < end;)
        poll_once(&run, 100);
    puts("MEASURE END");
    printf("{\"sockets\":%zu,\"ready\":%zu,\"retried\":%zu,\"closed\":%zu}\n", run.opened,
           run.ready, run.retried, run.closed);
    fflush(stdout);
    for (size_t i = 0; i < run.opened; i++)
        socket_client_close(&run.seats[i].socket);
    close(run.epoll_fd);
    cc_free(run.again);
    cc_free(run.seats);
    return good && run.closed == 0 ? 0 : 1;
}
