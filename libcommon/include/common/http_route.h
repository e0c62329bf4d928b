#ifndef COMMON_HTTP_ROUTE_H
#define COMMON_HTTP_ROUTE_H

/*
 * The route table is the whole HTTP surface of a service: method, pattern, authentication, rate
 * class and body limit are columns, applied by the server before a handler runs, so that a handler
 * cannot forget them. 404, 405 (with Allow), 413 and 415 come from the same table; metric and span
 * names use the pattern.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_writer.h"
#include "common/trace.h"

struct cc_request;
struct cc_response;

enum cc_auth {
    CC_AUTH_NONE,
    CC_AUTH_USER,
    CC_AUTH_ADMIN,
    CC_AUTH_INTERNAL /* ops listener only */
};
enum cc_rate_class { CC_RATE_NONE, CC_RATE_READ, CC_RATE_WRITE, CC_RATE_SEND, CC_RATE_AUTH };
enum cc_handling {
    CC_BLOCKING, /* runs on a worker thread, may block up to the request's deadline; returning ends
                    the request */
    CC_ASYNC, /* runs on a listener thread, must not block; ends with cc_request_complete from any
                 thread */
};

/* CC_BLOCKING: the returned code ends the request (not CC_OK: a problem+json from *err).
 * CC_ASYNC: CC_OK means "cc_request_complete will be called exactly once"; anything else ends it
 * now. */
typedef enum cc_code (*cc_handler)(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err);

struct cc_route {
    const char *method;  /* NULL ends the table; "*" = any method */
    const char *pattern; /* "/v1/chats/{chat_id}/messages"; a last segment "{rest...}" takes the
                            rest of the path */
    enum cc_auth auth;
    enum cc_rate_class rate;
    size_t body_max_bytes; /* 0 = a body is refused */
    cc_handler handler;
    enum cc_handling handling;
};

#define CC_ADDRESS_BYTES 46 /* a numeric IPv4 or IPv6 address and NUL */

struct cc_caller { /* who the access token says it is; all "" for CC_AUTH_NONE */
    char user_id[CC_UUID_BYTES];
    char session_id[CC_UUID_BYTES];
    char device_id[65];
    char role[16]; /* "user", "admin" */
    int64_t token_expires_at_ms;
};

/* What a service may add to the server; every member may be NULL. Called on listener threads: must
 * not block. */
struct cc_http_hooks {
    /* Turns a bearer token into a caller. Default: none (CC_AUTH_USER routes answer 401). */
    enum cc_code (*authenticate)(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err);
    /* Whom cc_request_peer names, when the TCP peer is a proxy. The rest is for the service
     * listener alone. */
    void (*client_address)(void *app, struct cc_request *req, const char *tcp_peer,
                           char out[CC_ADDRESS_BYTES]);
    /* Looks at every well-formed request before its route; true = `res` is the answer. */
    bool (*intercept)(void *app, struct cc_request *req, struct cc_response *res);
    /* Asked before a request that no handler takes, or whose CC_ASYNC handler refuses it, is
     * answered (401, 404, 413, what `intercept` answered ...): like a CC_ASYNC handler it ends with
     * cc_request_complete; CC_OK = `res` as it is. Not asked about a head that can't be read, whose
     * connection is closed. */
    void (*settle)(void *app, struct cc_request *req, struct cc_response *res);
    /* A connection has come, before anything of it is read and before TLS; false closes it. Each
     * gets one peer_left, refused or not. Any thread. */
    bool (*peer_came)(void *app, const char *tcp_peer);
    void (*peer_left)(void *app, const char *tcp_peer);
    /* Adds to every answer, refusals included, except a 101. */
    void (*decorate)(void *app, const struct cc_request *req, struct cc_response *res);
};

/* Request, borrowed for the duration of the handler (until cc_request_complete for CC_ASYNC). */
void *cc_request_app(const struct cc_request *req);
struct cc_arena *cc_request_arena(struct cc_request *req);
const char *cc_request_method(const struct cc_request *req);
const char *cc_request_path(const struct cc_request *req);   /* decoded, without the query */
const char *cc_request_target(const struct cc_request *req); /* as received: path and query */
const char *cc_request_pattern(const struct cc_request *req);
const char *cc_request_param(const struct cc_request *req,
                             const char *name); /* path parameter; never NULL */
/* Path parameter that must be a UUID (else CC_NOT_FOUND, as for a missing one); lower-cased. */
CC_MUST_CHECK enum cc_code cc_request_uuid(struct cc_request *req, const char *name,
                                           const char **out, struct cc_error *err);
const char *cc_request_query(const struct cc_request *req,
                             const char *name); /* decoded; NULL when absent */
/* Query integer in min..max; fallback when absent; CC_INVALID with the name otherwise. */
CC_MUST_CHECK enum cc_code cc_request_query_int(struct cc_request *req, const char *name,
                                                int64_t min, int64_t max, int64_t fallback,
                                                int64_t *out, struct cc_error *err);
const char *cc_request_header(const struct cc_request *req,
                              const char *name); /* case-insensitive; NULL when absent */
const void *cc_request_body(const struct cc_request *req, size_t *out_length);
const char *cc_request_id(const struct cc_request *req);
const char *cc_request_peer(const struct cc_request *req); /* numeric address of the client */
const struct cc_caller *cc_request_caller(const struct cc_request *req);
const struct cc_trace *cc_request_trace(const struct cc_request *req);
int64_t cc_request_deadline_mono_ms(const struct cc_request *req);
/* Calls each(name, value, arg) for every request header, in order. */
void cc_request_each_header(const struct cc_request *req,
                            void (*each)(const char *name, const char *value, void *arg),
                            void *arg);

/* Parses the body as one JSON object (Content-Type must be application/json or one given by
 * `media_type`, NULL = only JSON; else CC_UNSUPPORTED_MEDIA). The reader is freed with the request.
 */
CC_MUST_CHECK enum cc_code cc_request_json(struct cc_request *req, const char *media_type,
                                           struct cc_json_reader **out, struct cc_error *err);

/* Response. Status defaults to 200; 204 when nothing was written. */
void cc_response_status(struct cc_response *res, int status);
void cc_response_header(struct cc_response *res, const char *name,
                        const char *value); /* both copied */
struct cc_json_writer *
cc_response_json(struct cc_response *res); /* application/json; the same writer each call */
void cc_response_body(struct cc_response *res, const char *content_type, const void *bytes,
                      size_t count); /* copied */
/* 101 for a request that asked to upgrade: `take` runs once, on a listener thread, owns `fd`
 * (non-blocking) from then on and gets the bytes already read behind the request; fd is -1 when the
 * client went away before the answer. The header is usually "Upgrade: websocket"; others are added
 * with cc_response_header. */
void cc_response_upgrade(struct cc_response *res, const char *protocol_header_name,
                         const char *protocol_header_value,
                         void (*take)(int fd, const void *extra, size_t extra_count, void *arg),
                         void *arg);

/* Ends an asynchronous request; `code` not CC_OK answers a problem from *err. Any thread, exactly
 * once. */
void cc_request_complete(struct cc_request *req, enum cc_code code, const struct cc_error *err);

#endif
