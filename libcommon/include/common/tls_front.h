#ifndef COMMON_TLS_FRONT_H
#define COMMON_TLS_FRONT_H

/*
 * TLS in front of a listener: a thread of its own accepts, shakes hands, and hands the inside of
 * the connection over as a plain socket, through which it then carries bytes both ways. The server
 * behind never sees TLS, so upgrades, deadlines and back-pressure work as without it. TLS 1.2 and
 * 1.3, ALPN http/1.1; idle connections keep no buffers of OpenSSL. The process must ignore SIGPIPE,
 * as the skeleton does.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/error.h"

struct cc_tls_files {
    const char *certificate, *key; /* PEM; the certificate with its chain */
};
struct cc_tls;
struct cc_tls_options {
    int listen_fd; /* borrowed, non-blocking */
    struct cc_tls_files files;
    const struct cc_clock *clock;
    /* May both be NULL: a connection has come, false closes it before a handshake; each gets one
     * peer_left, refused or not. On the TLS thread. */
    bool (*peer_came)(void *arg, const struct sockaddr *peer);
    void (*peer_left)(void *arg, const struct sockaddr *peer);
    /* Takes the plain side of a connection; false: it was closed. On the TLS thread. */
    bool (*hand_over)(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_length);
    void *arg;
};
/* Errors: CC_INVALID for files that can't be read or don't belong together. */
CC_MUST_CHECK enum cc_code cc_tls_start(const struct cc_tls_options *options, struct cc_tls **out,
                                        struct cc_error *err);
/* New connections get the files' present content; on failure the old one holds. Thread-safe. */
CC_MUST_CHECK enum cc_code cc_tls_reload(struct cc_tls *tls, struct cc_error *err);
/* Accepts no more and hands nothing over any more; what is open goes on. */
void cc_tls_quiesce(struct cc_tls *tls);
/* After the plain sides were closed: sends what is on its way, at most half a second, and joins. */
void cc_tls_stop(struct cc_tls *tls); /* accepts NULL */

#endif
