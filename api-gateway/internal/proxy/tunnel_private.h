#ifndef GATEWAY_TUNNEL_PRIVATE_H
#define GATEWAY_TUNNEL_PRIVATE_H

/* What the files tunnel*.c share. Everything runs on the tunnels' thread unless it says otherwise;
 * what it is about is in tunnel.c. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app.h"
#include "common/metrics.h"
#include "common/strbuf.h"
#include "common/unsent.h"
#include "proxy/address_counts.h"
#include "proxy/tunnel.h"

#define TUNNEL_SCRATCH_BYTES (64 * 1024)

enum state { CONNECTING, ASKING, ANSWERED, PUMPING, GONE };

struct tunnel;
struct side {
    struct tunnel *tunnel;
    int fd; /* -1 = none */
    uint32_t watched;
    bool ended;   /* it sends no more */
    bool shut;    /* we send no more to it */
    bool deaf;    /* it takes no more; what it has said still goes on */
    bool hung_up; /* it has closed while the other one was behind */
    struct cc_unsent pending;
    int64_t behind_until_ms; /* to have taken all there is; drips don't renew it; 0 = not behind */
};
struct tunnel {
    struct gateway_tunnels *tunnels;
    struct tunnel **list; /* the one it is in */
    struct tunnel *previous, *next;
    enum state state;
    struct side client, server;
    struct cc_target_turn turn; /* which websocket-gateway */
    bool reported;              /* whether it answered has been told */
    struct gateway_address *address;
    struct asking *asking; /* until the request is completed */
};

/* The part that is only needed before the pump runs. */
struct asking {
    struct gateway_tunnel_request request;
    char *head; /* what is being sent */
    size_t head_count, head_sent;
    struct cc_strbuf answer;
    int64_t deadline_ms;
};

struct mail {
    struct mail *next;
    struct tunnel *tunnel; /* the client's socket for it ... */
    int fd;
    struct gateway_tunnel_request request; /* ... or, with tunnel NULL, a new one */
    struct gateway_address *address;
    size_t extra_count;
    char extra[];
};

struct gateway_tunnels {
    const struct cc_clock *clock;
    struct gateway_upstreams *upstreams;
    struct gateway_addresses *addresses; /* how many each holds */
    int64_t max_count;
    _Atomic int64_t count;
    int epoll_fd, event_fd;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* the mailbox, stopping, the drain */
    struct mail *mail_first, *mail_last;
    bool stopping;
    int64_t drain_from_ms, drain_until_ms, drain_count; /* until_ms 0 = not draining */
    /* The thread's own. */
    struct tunnel *asking, *answered, *behind; /* in the first and the last a deadline runs */
    int64_t behind_ms;
    struct tunnel *gone; /* freed after the current batch of events */
    int64_t next_expiry_ms;
    struct cc_gauge *open_gauge;
    struct cc_counter *failed_counter, *behind_counter;
    char scratch[TUNNEL_SCRATCH_BYTES];
};

/* -- sockets (tunnel_socket.c) -- */

/* Epoll events of a side; 0 takes it out of the set. */
void tunnel_watch(struct side *side, uint32_t events);
void tunnel_close_side(struct side *side);

/* -- from the beginning to the end (tunnel_life.c) -- */

/* Into a list of tunnels, and out of the one it is in. */
void tunnel_link(struct tunnel *tunnel, struct tunnel **list);
void tunnel_unlink(struct tunnel *tunnel);
/* Among those that ask, without an address, a request or a socket. */
struct tunnel *tunnel_create(struct gateway_tunnels *tunnels);
void tunnel_free_asking(struct tunnel *tunnel);
struct cc_targets *tunnel_targets(const struct tunnel *tunnel);
/* Tells, once a turn, how its websocket-gateway behaved. */
void tunnel_report(struct tunnel *tunnel, enum cc_outcome outcome, bool unreachable);
/* The same if it was not told, and gives the turn back. */
void tunnel_leave_instance(struct tunnel *tunnel, enum cc_outcome outcome, bool unreachable);
/* Closes both sides; the memory lives until tunnels_free_gone, so that no event of the current
 * batch mentions what is not there. */
void tunnel_end(struct tunnel *tunnel);
void tunnels_free_gone(struct gateway_tunnels *tunnels);
/* Ends the tunnel and completes its request with an error; `reason` is for the log. */
void tunnel_refuse(struct tunnel *tunnel, enum cc_code code, const char *reason);

/* -- connecting and asking (tunnel_ask.c) -- */

/* Tries the next websocket-gateway; without any the request is refused. */
void tunnel_connect_next(struct tunnel *tunnel);
void tunnel_on_connecting(struct tunnel *tunnel);
void tunnel_on_asking(struct tunnel *tunnel);

/* -- pumping (tunnel_pump.c) -- */

/* Passes an end of stream on, once everything before it is through; ends the tunnel after both. */
void tunnel_settle(struct tunnel *tunnel);
void tunnel_on_pumping(struct side *side, uint32_t events);

/* -- the mailbox (tunnel_mail.c) -- */

/* Any thread. The mail is owned by the tunnels' thread from here on. */
void tunnels_post(struct gateway_tunnels *tunnels, struct mail *mail);
/* On a listener thread, after the 101 was written; fd -1 when it could not be. arg: the tunnel. */
void tunnel_take_client(int fd, const void *extra, size_t extra_count, void *arg);
void tunnels_read_mail(struct gateway_tunnels *tunnels);

#endif
