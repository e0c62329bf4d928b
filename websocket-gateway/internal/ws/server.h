#ifndef WS_SERVER_H
#define WS_SERVER_H

/* The WebSocket listener and the thread that owns every connection. */

#include <stdint.h>

#include "common/error.h"

struct ws_app;
struct ws_server;

/* Listens on host:port of the settings, with TLS when they name a certificate; the loop runs when
 * this returns, and app->server is set. app->queue and app->hub exist already. Errors:
 * CC_UNAVAILABLE the port is taken, CC_INVALID certificate or key. */
CC_MUST_CHECK enum cc_code ws_server_start(struct ws_app *app, struct cc_error *err);
void ws_server_reload(struct ws_server *server); /* certificate and key; main thread */
/* Any thread; returns at once. For ws_loop_queue_create. */
void ws_server_wake(void *app);
/* Says `moved` to everybody, then waits until all are gone or the deadline. Main thread. */
void ws_server_drain(struct ws_server *server, int64_t deadline_mono_ms);
/* Ends every connection and the loop, joins. Waking it afterwards does nothing. Accepts NULL. */
void ws_server_stop(struct ws_server *server);
void ws_server_destroy(struct ws_server *server); /* accepts NULL; when no thread wakes it */

#endif
