#ifndef WS_SECURE_H
#define WS_SECURE_H

/* TLS in front, when the settings name a certificate: libcommon's TLS thread accepts and carries,
 * and hands each connection's plain side to the loop. Main thread but for `adopt`. */

#include <stdbool.h>

#include "common/error.h"

struct ws_app;
struct ws_secure;

/* Takes listen_fd, also when it fails. adopt: loop thread; takes the socket.
 * Errors: CC_INVALID for certificate or key. */
CC_MUST_CHECK enum cc_code ws_secure_start(struct ws_app *app, int listen_fd,
                                           void (*adopt)(struct ws_app *app, int fd),
                                           struct ws_secure **out, struct cc_error *err);
bool ws_secure_wanted(const struct ws_app *app);
/* The files' present content for new connections; what is unusable is logged and the old holds.
 * Accepts NULL. */
void ws_secure_reload(struct ws_secure *secure);
void ws_secure_quiesce(struct ws_secure *secure); /* no new connections; accepts NULL */
void ws_secure_stop(struct ws_secure *secure);    /* once the loop has closed its sides; NULL too */

#endif
