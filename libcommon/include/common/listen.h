#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

/* A listening TCP socket, made in one place for every kind of server. */

#include <stdbool.h>

#include "common/error.h"

struct cc_listen_at {
    const char *host; /* a numeric address; NULL or "" = all */
    int port;         /* 0 = any free one */
    /* Other processes that say so too listen there as well, and the kernel gives each connection to
     * one of them (SO_REUSEPORT, all of the same user). */
    bool shared;
};
/* out_port: of the socket, which is non-blocking and the caller's to close.
 * Errors: CC_INVALID host is no address, CC_UNAVAILABLE the port is taken. Thread-safe. */
CC_MUST_CHECK enum cc_code cc_listen(const struct cc_listen_at *at, int *out_fd, int *out_port,
                                     struct cc_error *err);

#endif
