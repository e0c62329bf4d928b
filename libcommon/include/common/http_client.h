#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

/*
 * Asynchronous HTTP/1.1 client: one curl_multi thread, kept-alive connections, TCP_NODELAY.
 * Callbacks run on that thread and must not block. cc_http_do is the blocking form for worker
 * threads. connect timeout 0.3 s.
 */

#include "common/arena.h"
#include "common/config.h"
#include "common/error.h"
#include "common/http_targets.h"
#include "common/trace.h"

struct cc_http_client;

struct cc_http_header {
    const char *name, *value;
};
struct cc_http_call { /* everything is copied by cc_http_send */
    const char *method;
    const char *url;
    const struct cc_http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_count;
    int timeout_ms;               /* total; 0 = 5000 */
    int delay_ms;                 /* waits so long before it starts; not part of timeout_ms */
    bool sends_deadline;          /* tells timeout_ms to the server (common/deadline.h) */
    size_t response_max_bytes;    /* 0 = 8 MiB */
    const struct cc_trace *trace; /* sent as traceparent; NULL = none */
};
struct cc_http_answer { /* valid during the callback (async) or as long as the arena (cc_http_do) */
    int status;
    const struct cc_http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_count;
};

struct cc_http_client *cc_http_client_create(void);

/* A descriptor that the client's thread watches beside its transfers: what is read from it may
 * start one without another thread in between. */
struct cc_http_companion {
    int (*fd)(void *arg);    /* -1 = none at present; asked before each wait */
    void (*turn)(void *arg); /* after each wait, whatever ended it; may send, must not block */
    int period_ms;           /* no wait is longer; 1..1000 */
    void *arg;               /* borrowed as long as the client lives */
};
/* At most once for a client, before anybody sends by it. */
void cc_http_client_accompany(struct cc_http_client *client,
                              const struct cc_http_companion *companion);
/* Ends the wait: the companion has another descriptor. Any thread. */
void cc_http_client_wake(struct cc_http_client *client);
void cc_http_client_destroy(
    struct cc_http_client *client); /* cancels what runs: callbacks get CC_UNAVAILABLE */

/* code: CC_OK for any complete HTTP answer, 5xx included; CC_UNAVAILABLE nothing was sent;
 * CC_TIMEOUT; CC_OUTCOME_UNKNOWN connection lost after sending; CC_BAD_GATEWAY unreadable answer.
 * answer is NULL unless CC_OK. */
typedef void (*cc_http_done)(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                             const struct cc_error *err);
void cc_http_send(struct cc_http_client *client, const struct cc_http_call *call, cc_http_done done,
                  void *arg);
CC_MUST_CHECK enum cc_code cc_http_do(struct cc_http_client *client,
                                      const struct cc_http_call *call, struct cc_arena *arena,
                                      struct cc_http_answer *out, struct cc_error *err);

const char *cc_http_answer_header(const struct cc_http_answer *answer, const char *name);

/*
 * A call to whichever instance of a service is best, with failover and retries: at once to the next
 * instance when nothing was sent; after a random wait, as often as the budget of the targets allows
 * and the deadline leaves time, when an idempotent method met a lost connection or 502, or another
 * instance is there after 503. Lives in the caller's memory until `done` has run; everything it
 * points to is borrowed until then. code as cc_http_done; CC_UNAVAILABLE also when no instance may
 * be asked.
 */
struct cc_balanced_call {
    struct cc_http_client *client;
    struct cc_targets *targets;
    const struct cc_clock *clock;
    struct cc_http_call http; /* url and delay_ms are the call's own; timeout_ms: of one attempt */
    const char *path;         /* behind the instance's URL, begins with '/' */
    int64_t deadline_mono_ms; /* of all attempts */
    bool unavailable_is_undone; /* 503 means that nothing was done, whatever the method */
    cc_http_done done;
    void *arg;
    /* Private. */
    struct cc_target_turn turn;
    int attempt_ms;
    bool maybe_done; /* an attempt ended without saying */
};
void cc_balanced_start(struct cc_balanced_call *call);

/* A named peer service with several instances behind circuit breakers (cc_balanced_call), which
 * turns a problem+json answer (status >= 400) into its code and text. A call lasts no longer than
 * the request that the calling thread works for. `path` begins with '/'. Thread-safe. */
struct cc_peer;
struct cc_peer *cc_peer_create(struct cc_http_client *client,
                               const struct cc_setting_list *base_urls);
void cc_peer_destroy(struct cc_peer *peer);
CC_MUST_CHECK enum cc_code cc_peer_call(struct cc_peer *peer, const char *method, const char *path,
                                        const void *body, size_t body_count,
                                        const struct cc_trace *trace, int timeout_ms,
                                        struct cc_arena *arena, struct cc_http_answer *out,
                                        struct cc_error *err);
/* The asynchronous form. 2xx gives CC_OK; a problem its code. */
void cc_peer_send(struct cc_peer *peer, const char *method, const char *path, const void *body,
                  size_t body_count, const struct cc_trace *trace, int timeout_ms,
                  cc_http_done done, void *arg);

#endif
