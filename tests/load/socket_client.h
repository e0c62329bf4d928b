#ifndef LOAD_SOCKET_CLIENT_H
#define LOAD_SOCKET_CLIENT_H

/*
 * A WebSocket client for thousands of sockets on one thread: non-blocking, epoll-driven by the
 * caller, buffers only while bytes wait. It sends masked text frames and hands every complete text
 * frame to a callback. Server frames are never fragmented by the gateway; one that is ends the
 * socket. Source: RFC 6455.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

enum socket_state { SOCKET_CONNECTING, SOCKET_HANDSHAKE, SOCKET_OPEN, SOCKET_CLOSED };

struct socket_client {
    int fd;
    enum socket_state state;
    int close_code; /* of the server's close frame; 0 = none seen */
    char *in;       /* bytes of an incomplete frame or handshake; NULL when there are none */
    size_t in_count, in_capacity;
    char *out; /* bytes that the kernel did not take yet; NULL when there are none */
    size_t out_count, out_capacity;
    void *owner;
};
/* text is valid during the call and not NUL-terminated. */
typedef void (*socket_text)(struct socket_client *client, char *text, size_t length, void *arg);

/* Starts connecting and registers with epoll_fd. Returns false with errno set. */
bool socket_client_open(struct socket_client *client, int epoll_fd,
                        const struct sockaddr_in *address, void *owner);
void socket_client_close(struct socket_client *client); /* accepts a closed one */
/* Queues one text frame (up to 64 KiB) and writes what the kernel takes. */
void socket_client_send(struct socket_client *client, const char *text, size_t length);
/* Call for each epoll event. Afterwards check `state`. */
void socket_client_on_event(struct socket_client *client, uint32_t events, socket_text on_text,
                            void *arg);
/* Consumes complete frames from `bytes`; returns how many bytes were used. For tests and for
 * on_event. */
size_t socket_client_parse(struct socket_client *client, char *bytes, size_t count,
                           socket_text on_text, void *arg);

#endif
