/* Accepts connections. Runs on the loop thread. It knows nothing of WebSockets. */

#include "ws/listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tcp.h"

#define ACCEPTS_AT_ONCE 64

/* Without descriptors it would be called for ever. */
static void pause_listening(struct ws_listener *listener)
{
    uv_poll_stop(&listener->poll);
    listener->paused = true;
}

static void accept_some(uv_poll_t *poll, int status, int events)
{
    struct ws_listener *listener = poll->data;

    (void)status, (void)events; /* accept() says it better */
    for (int i = 0; i < ACCEPTS_AT_ONCE && listener->fd >= 0; i++) {
        struct sockaddr_storage peer; /* nobody asks who it is before a token says so */
        socklen_t length = sizeof peer;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                pause_listening(listener);
            return;
        }
        cc_tcp_prepare(fd);
        listener->accepted(listener->arg, fd);
    }
}

static void watch(struct ws_listener *listener)
{
    uv_poll_start(&listener->poll, UV_READABLE, accept_some);
}

void ws_listener_start(struct ws_listener *listener, uv_loop_t *loop, int listen_fd)
{
    listener->fd = listen_fd;
    uv_poll_init(loop, &listener->poll, listen_fd);
    listener->poll.data = listener;
    watch(listener);
}

void ws_listener_tick(struct ws_listener *listener)
{
    if (!listener->paused)
        return;
    listener->paused = false;
    watch(listener);
}

void ws_listener_stop(struct ws_listener *listener)
{
    if (listener->fd < 0)
        return;
    listener->paused = false;
    uv_poll_stop(&listener->poll);
    uv_close((uv_handle_t *)&listener->poll, NULL);
    close(listener->fd);
    listener->fd = -1;
}
