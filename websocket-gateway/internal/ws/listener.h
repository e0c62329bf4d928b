#ifndef WS_LISTENER_H
#define WS_LISTENER_H

/* The plain listener: accepts on the loop and hands each connection over. libwebsockets has one of
 * its own, which can't be closed while its connections go on, as a drain wants it. */

#include <stdbool.h>
#include <uv.h>

struct ws_listener {
    uv_poll_t poll;
    int fd; /* -1 = none */
    bool paused;
    void (*accepted)(void *arg, int fd); /* takes fd; non-blocking, prepared (common/tcp.h) */
    void *arg;
};
/* Takes listen_fd. Before the loop runs, or on it, as everything here. `accepted` and `arg` are
 * set. */
void ws_listener_start(struct ws_listener *listener, uv_loop_t *loop, int listen_fd);
/* Goes on after descriptors had run out. */
void ws_listener_tick(struct ws_listener *listener);
/* Accepts no more; what stands in the kernel's line is reset. Idempotent. */
void ws_listener_stop(struct ws_listener *listener);

#endif
