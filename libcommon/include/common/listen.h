#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

/* A listening TCP socket, made in one place for every kind of server. */

#include "common/error.h"

/* host: a numeric address, NULL or "" = all. port 0 = any free one; out_port tells which. The
 * socket is non-blocking and the caller's to close.
 * Errors: CC_INVALID host is no address, CC_UNAVAILABLE the port is taken. Thread-safe. */
CC_MUST_CHECK enum cc_code cc_listen(const char *host, int port, int *out_fd, int *out_port,
                                     struct cc_error *err);

#endif
