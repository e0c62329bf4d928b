#ifndef HTTP_PRIVATE_H
#define HTTP_PRIVATE_H

/*
 * What the parts of the HTTP server share: the checked head, the decoded target, the compiled route
 * table, one request with its response, and the worker pool. Nothing outside libcommon/src includes
 * this.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>
#include <pthread.h>

#include "common/arena.h"
#include "common/http_route.h"
#include "common/http_server.h"
#include "common/metrics.h"
#include "common/strbuf.h"

#define CC_HTTP_SEGMENTS_MAX       16
#define CC_HTTP_QUERY_MAX          32
#define CC_HTTP_HEAD_MAX_BYTES     (16 * 1024)
#define CC_HTTP_RESPONSE_MAX_BYTES (16 * 1024 * 1024)

struct cc_http_field {
    const char *name, *value; /* NUL-terminated, borrowed */
    size_t name_length, value_length;
};
struct cc_http_head {
    const char *version;
    const struct cc_http_field *fields;
    size_t field_count;
};

/* Why the head must be refused (static text, fit for the client), or NULL. Pure. */
const char *cc_http_guard_check(const struct cc_http_head *head);
/* The only value of a field, or NULL; names compare without case. */
const char *cc_http_field_find(const struct cc_http_field *fields, size_t count, const char *name);

struct cc_http_pair {
    const char *name, *value;
};
struct cc_http_target {
    const char *path; /* decoded */
    const char *segments[CC_HTTP_SEGMENTS_MAX];
    size_t segment_count;
    struct cc_http_pair query[CC_HTTP_QUERY_MAX];
    size_t query_count;
};
/* Splits first, decodes then, so that %2F never makes a segment. `host` is what an absolute-form
 * target must name. Everything lives in the arena. Returns the reason of a refusal, or NULL. */
const char *cc_http_target_read(struct cc_arena *arena, const char *target, const char *host,
                                struct cc_http_target *out);

/* One row, compiled. `series` remembers the histograms already looked up. */
struct cc_http_entry {
    const struct cc_route *row;
    const char *segments[CC_HTTP_SEGMENTS_MAX]; /* literal text, or the parameter's name */
    bool is_param[CC_HTTP_SEGMENTS_MAX];
    size_t segment_count;
    bool takes_rest; /* the last segment is {name...} */
    uint32_t rank;   /* literal before parameter before rest, from the left */
};
struct cc_http_match {
    const struct cc_http_entry *entry; /* NULL: no row has this path */
    struct cc_http_pair params[CC_HTTP_SEGMENTS_MAX];
    size_t param_count;
    const char *allow; /* CC_METHOD_NOT_ALLOWED only */
};
struct cc_http_router;
struct cc_http_router *cc_http_router_create(const struct cc_route *rows);
void cc_http_router_destroy(struct cc_http_router *router);
/* CC_OK, CC_NOT_FOUND or CC_METHOD_NOT_ALLOWED. */
enum cc_code cc_http_router_match(const struct cc_http_router *router, struct cc_arena *arena,
                                  const char *method, const struct cc_http_target *target,
                                  struct cc_http_match *out);

/* Bounded pool. submit returns false when the queue is full or the pool is stopping; destroy runs
 * what is queued, then joins. */
struct cc_http_workers;
struct cc_http_workers *cc_http_workers_create(int threads, int queue);
void cc_http_workers_destroy(struct cc_http_workers *workers);
bool cc_http_workers_submit(struct cc_http_workers *workers, void (*run)(void *arg), void *arg);

struct cc_response_header {
    const char *name, *value;
    struct cc_response_header *next;
};
struct cc_response {
    struct cc_arena *arena;
    int status; /* 0 = by content */
    struct cc_response_header *headers;
    const char *content_type; /* NULL = no body */
    struct cc_strbuf body;
    struct cc_json_writer writer;
    bool writing_json;
    void (*upgrade_take)(int fd, const void *extra, size_t extra_count, void *arg);
    void *upgrade_arg;
};
void cc_response_init(struct cc_response *res, struct cc_arena *arena);
void cc_response_finish(struct cc_response *res);
bool cc_response_has_header(const struct cc_response *res, const char *name);
/* Drops the body that a failed handler wrote and writes the problem instead; headers it set stay.
 */
void cc_response_problem(struct cc_response *res, const struct cc_error *err, const char *instance,
                         const char *trace_id);

enum cc_http_phase {
    CC_HTTP_HEAD,    /* the request line is read */
    CC_HTTP_BODY,    /* accepted, the body is arriving */
    CC_HTTP_DISCARD, /* refused, the body is read and dropped so that the answer arrives */
    CC_HTTP_RUNNING, /* suspended, a handler owns it */
    CC_HTTP_READY,   /* the response is complete */
};
struct cc_http_connection;

struct cc_request {
    struct cc_http_server *server;
    struct cc_http_connection *connection;
    struct MHD_Connection *mhd;
    struct cc_arena *arena; /* the connection's */
    enum cc_http_phase phase;
    const char *method, *raw_target, *peer;
    struct cc_http_field *fields;
    size_t field_count;
    struct cc_http_target target;
    struct cc_http_match match;
    struct cc_strbuf body;
    size_t discarded_bytes;
    struct cc_caller caller;
    struct cc_span span;
    bool span_begun;
    char id[65];
    int64_t started_us, deadline_ms;
    struct cc_json_reader *reader;
    struct cc_response response;
    int sent_status; /* 0 until a response is queued */
    bool close_after, counted_suspended;
    enum cc_code code;
    struct cc_error error;
    void *app;
};
/* Frees what is not in the arena. */
void cc_request_finish(struct cc_request *req);

/* ---- connections and the server: http_server.c makes them, http_exchange.c serves on them ---- */

struct cc_http_connection {
    struct cc_http_connection *previous, *next; /* guarded by the server's lock */
    int fd;
    char peer[CC_ADDRESS_BYTES];
    struct cc_arena *arena;      /* reset after each request */
    struct cc_request *request;  /* in the arena; NULL between requests */
    _Atomic int64_t deadline_ms; /* monotonic; the watchdog shuts the socket down after it */
};

struct cc_tls;
struct cc_http_server {
    struct cc_http_options options;
    struct cc_http_hooks hooks;
    struct MHD_Daemon *daemon;
    struct cc_tls *tls; /* NULL = plain */
    struct cc_http_router *router;
    struct cc_http_workers *workers;
    int listen_fd, port;
    _Atomic int running;   /* requests between their head and their end */
    _Atomic int suspended; /* of these, in the hands of a handler */
    _Atomic bool quiesced;

    pthread_mutex_t lock; /* connections, watchdog_stop */
    pthread_cond_t wake;
    struct cc_http_connection *connections;
    bool watchdog_stop;
    pthread_t watchdog;
};

/* libmicrohttpd's callbacks, all on a listener thread. */
void *cc_http_on_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result cc_http_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_count, void **request);
void cc_http_on_completed(void *server, struct MHD_Connection *mhd, void **request,
                          enum MHD_RequestTerminationCode reason);

#define CC_HTTP_HEAD_MS     10000
#define CC_HTTP_BODY_MS     30000
#define CC_HTTP_RESPONSE_MS 30000
#define CC_HTTP_IDLE_MS     75000

#endif
