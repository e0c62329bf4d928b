#ifndef LOAD_CROWD_H
#define LOAD_CROWD_H

/*
 * Thousands of sockets, each logged in as one of the people in turn, on one thread. Those who are
 * sent away before they are ready come back within a second, as clients do. What a mode wants to
 * see beyond that it sees through `on_frame` and `on_hello`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load.h"
#include "socket_client.h"

struct crowd_seat {
    struct socket_client socket;
    const struct person *person;
    bool ready;
    bool settled;          /* storm: has been told all that it missed */
    int64_t last_seq;      /* fanout: of the one chat that is watched */
    int64_t not_before_us; /* when one that was sent away comes back */
};

struct crowd {
    const struct load_options *options;
    const struct people *people;
    int epoll_fd;
    struct crowd_seat *seats;
    struct crowd_seat **again; /* closed before they were ready, in turn */
    size_t again_first, again_count;
    size_t wanted, opened, ready, retried, closed;
    /* Frames after `ready`; text is not NUL-terminated. NULL = nobody looks. */
    void (*on_frame)(struct crowd *crowd, struct crowd_seat *seat, const char *text, size_t length);
    /* Answers `hello` in place of a plain sign-in; NULL = the plain one. */
    void (*on_hello)(struct crowd *crowd, struct crowd_seat *seat);
    void *arg;
};

/* False with a line on stderr when the limit of open files can't be raised to what is needed. */
bool crowd_create(struct crowd *crowd, const struct load_options *options,
                  const struct people *people, size_t wanted);
/* Opens until all are ready, `per_s` connects a second; false when they are not within a minute
 * more than that takes, or when one that was ready is closed. */
bool crowd_open(struct crowd *crowd, int64_t per_s);
void crowd_poll(struct crowd *crowd, int timeout_ms); /* handles what has come */
/* The last `count` read no more from now on, and take no more than a few KB beforehand: what they
 * are sent stays with the server. */
void crowd_deafen(struct crowd *crowd, size_t count);
void crowd_cut(struct crowd *crowd); /* closes all without a word; they may be opened again */
void crowd_destroy(struct crowd *crowd);

#endif
