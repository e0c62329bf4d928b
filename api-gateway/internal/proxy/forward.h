#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

/*
 * Requests to the services behind the gateway, made from an incoming one: serialised anew from an
 * allow-list of headers, so that nothing a client invents (identity headers, connection options,
 * smuggled bytes) travels on. Nothing here blocks.
 */

#include "app.h"

/* Body limit of everything forwarded. */
#define GATEWAY_BODY_MAX_BYTES ((size_t)128 * 1024)

/* code as cc_balanced_call. `done` runs on the HTTP client's thread, or on the caller's when no
 * instance may be asked. */
struct gateway_call {
    struct cc_request *req;
    enum gateway_upstream upstream;
    const char *method;
    const char *target; /* path and query; borrowed until done */
    const void *body;   /* borrowed until done */
    size_t body_count;
    cc_http_done done;
    void *arg;
    struct cc_balanced_call balanced; /* private from here */
    struct cc_http_header headers[16];
    size_t header_count;
};
/* Starts the call; `call` lives in the request's arena. Failover and retries: cc_balanced_call. */
void gateway_call_start(struct gateway_call *call);

/* A request's target without scheme and authority, which the absolute form has. */
const char *gateway_origin_form(const char *target);

/* Copies status, allowed headers and body of an upstream's answer into the response. */
void gateway_copy_answer(struct cc_response *res, const struct cc_http_answer *answer);

/* Route handler's body: limits the rate, forwards to the upstream, answers with its answer. */
CC_MUST_CHECK enum cc_code gateway_forward(struct cc_request *req, struct cc_response *res,
                                           enum gateway_upstream upstream, struct cc_error *err);
/* The same, limited by the refresh token that the body presents: people behind one address don't
 * share a bucket. A body without one counts like a log-in. */
CC_MUST_CHECK enum cc_code gateway_forward_by_token(struct cc_request *req, struct cc_response *res,
                                                    enum gateway_upstream upstream,
                                                    struct cc_error *err);

/* Takes a token for the request's caller (its address for GATEWAY_RATE_AUTH, nobody's for
 * GATEWAY_RATE_ADDRESS), one of its address and one of all, sets the RateLimit fields, then runs
 * `proceed(arg)` on any thread, or ends the request with 429. */
void gateway_admit(struct cc_request *req, struct cc_response *res, enum gateway_rate_class which,
                   void (*proceed)(void *arg), void *arg);
/* What is answered without a service counts too (hooks.settle): address and all. */
void gateway_settle(void *app, struct cc_request *req, struct cc_response *res);

#endif
