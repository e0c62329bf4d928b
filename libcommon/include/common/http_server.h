#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

/*
 * libmicrohttpd (epoll) listeners over one route table, with a bounded worker pool for blocking
 * handlers. The service skeleton creates them; tests may too. Beyond libmicrohttpd it refuses what
 * request smuggling needs (see http_guard.c), keeps absolute deadlines (head 10 s, body 30 s,
 * response 30 s), caps bodies per route, answers problem+json, sets X-Request-Id, traceparent
 * handling, security headers, an access log line and metrics (http_server_request_duration_seconds
 * by method, route pattern, status). A caller's deadline (common/deadline.h) shortens a handler's
 * time, except on a listener that is open to clients. With a certificate the listener speaks
 * TLS 1.2 and 1.3.
 */

#include "common/clock.h"
#include "common/http_route.h"
#include "common/id.h"

struct cc_http_server;

struct cc_http_options {
    const char *host;
    int port; /* 0 = any free one, see cc_http_server_port */
    const struct cc_route *routes;
    const struct cc_http_hooks *hooks;
    void *app;
    int listener_threads;        /* 0 = 1 */
    int workers, queue;          /* blocking handlers; 0 = 8 and 64 */
    int connection_memory_bytes; /* 0 = 32 KiB */
    const struct cc_clock *clock;
    struct cc_ids *ids;
    bool open_to_clients; /* callers are strangers: their deadline header is ignored */
    const char *tls_certificate_path, *tls_key_path; /* PEM paths, both or none; NULL = plain */
    bool internal; /* an ops listener: CC_AUTH_INTERNAL routes allowed */
};

/* Errors: CC_UNAVAILABLE when the port is taken (detail names it). */
CC_MUST_CHECK enum cc_code cc_http_server_start(const struct cc_http_options *options,
                                                struct cc_http_server **out, struct cc_error *err);
int cc_http_server_port(const struct cc_http_server *server);
/* Reads certificate and key again, for connections from now on; on failure the old ones hold. */
CC_MUST_CHECK enum cc_code cc_http_server_reload_tls(struct cc_http_server *server,
                                                     struct cc_error *err);
void cc_http_server_quiesce(struct cc_http_server *server); /* stop accepting */
bool cc_http_server_wait_idle(struct cc_http_server *server,
                              int64_t deadline_mono_ms); /* no request running */
void cc_http_server_stop(struct cc_http_server *server); /* accepts NULL; joins all its threads */

#endif
