/* The sockets of tunnels: what is waited for, closing. */

#include "proxy/tunnel_private.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A side that waits for nothing leaves the epoll set, which would go on telling of its hang-up. */
void tunnel_watch(struct side *side, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = side};
    int operation = events == 0          ? EPOLL_CTL_DEL
                    : side->watched == 0 ? EPOLL_CTL_ADD
                                         : EPOLL_CTL_MOD;

    if (side->fd < 0 || side->watched == events)
        return;
    if (epoll_ctl(side->tunnel->tunnels->epoll_fd, operation, side->fd, &event) == 0)
        side->watched = events;
}

/* The client's descriptor is a duplicate: closing it would leave neither the epoll set nor the wire
 * as long as the listener still holds its own, hence both are said aloud. */
void tunnel_close_side(struct side *side)
{
    if (side->fd >= 0) {
        tunnel_watch(side, 0);
        shutdown(side->fd, SHUT_RDWR);
        close(side->fd);
    }
    side->fd = -1;
    side->watched = 0;
    cc_unsent_finish(&side->pending);
}
