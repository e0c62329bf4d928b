/* Forwarding. The handler runs on a listener thread and asks whether the request is admitted; the
 * rest is on the HTTP client's thread. One request is on one of them at a time. */

#include "proxy/forward.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/sha.h>

#include "proxy/body_check.h"
#include "proxy/client_address.h"

static const char *const request_headers[] = {
    "Authorization", "Content-Type",    "Accept",          "If-Match",
    "If-None-Match", "Idempotency-Key", "Accept-Language",
};
static const char *const answer_headers[] = {
    "ETag", "Location",         "Retry-After", "Idempotent-Replayed",
    "Link", "WWW-Authenticate", "Allow",       "Cache-Control",
};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

#define TOKEN_MAX_BYTES 1024
#define KEY_BYTES       16 /* of a hash: enough that nobody finds another token for it */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- calls ---- */

static void add_header(struct gateway_call *call, const char *name, const char *value)
{
    if (value != NULL && call->header_count < COUNT_OF(call->headers))
        call->headers[call->header_count++] = (struct cc_http_header){.name = name, .value = value};
}

/* What other vendors keep beside the trace; without a trace that can be read it means nothing.
 * Source: W3C Trace Context, section 3.3. */
static const char *trace_state(const struct cc_request *req)
{
    const char *traceparent = cc_request_header(req, "traceparent");
    struct cc_trace trace;

    if (traceparent == NULL || !cc_trace_parse(traceparent, &trace))
        return NULL;
    return cc_request_header(req, "tracestate");
}

static void choose_headers(struct gateway_call *call)
{
    struct cc_request *req = call->req;

    call->header_count = 0;
    for (size_t i = 0; i < COUNT_OF(request_headers); i++)
        add_header(call, request_headers[i], cc_request_header(req, request_headers[i]));
    add_header(call, "tracestate", trace_state(req));
    add_header(call, "X-Request-Id", cc_request_id(req));
    add_header(call, "X-Forwarded-For", cc_request_peer(req));
}

void gateway_call_start(struct gateway_call *call)
{
    const struct gateway_app *app = cc_request_app(call->req);

    choose_headers(call);
    call->balanced = (struct cc_balanced_call){
        .client = app->client,
        .targets = gateway_upstream_targets(app->upstreams, call->upstream),
        .clock = app->clock,
        .path = call->target,
        .deadline_mono_ms = cc_request_deadline_mono_ms(call->req),
        .done = call->done,
        .arg = call->arg,
        .http = {.method = call->method,
                 .headers = call->headers,
                 .header_count = call->header_count,
                 .body = call->body,
                 .body_count = call->body_count,
                 .timeout_ms = (int)app->settings->upstream_timeout_ms,
                 .trace = cc_request_trace(call->req)},
    };
    cc_balanced_start(&call->balanced);
}

void gateway_copy_answer(struct cc_response *res, const struct cc_http_answer *answer)
{
    const char *type = cc_http_answer_header(answer, "Content-Type");

    cc_response_status(res, answer->status);
    for (size_t i = 0; i < COUNT_OF(answer_headers); i++) {
        const char *value = cc_http_answer_header(answer, answer_headers[i]);

        if (value != NULL)
            cc_response_header(res, answer_headers[i], value);
    }
    if (answer->body_count > 0)
        cc_response_body(res, type != NULL ? type : "application/octet-stream", answer->body,
                         answer->body_count);
}

/* ---- admission ---- */

struct admission {
    struct cc_request *req;
    struct cc_response *res;
    void (*proceed)(void *arg);
    void *arg;
};

static void set_rate_fields(struct cc_response *res, const struct gateway_rate_verdict *verdict)
{
    char text[96];

    snprintf(text, sizeof(text), "\"%s\";q=%lld;w=%lld", verdict->name, (long long)verdict->burst,
             (long long)verdict->window_s);
    cc_response_header(res, "RateLimit-Policy", text);
    snprintf(text, sizeof(text), "\"%s\";r=%lld;t=%lld", verdict->name,
             (long long)verdict->remaining, (long long)((verdict->retry_after_ms + 999) / 1000));
    cc_response_header(res, "RateLimit", text);
}

static void on_verdict(void *arg, const struct gateway_rate_verdict *verdict)
{
    struct admission *admission = arg;
    struct cc_error err = {0};

    if (verdict->burst > 0)
        set_rate_fields(admission->res, verdict);
    if (verdict->admitted) {
        admission->proceed(admission->arg);
        return;
    }
    cc_fail(&err, CC_RATE_LIMITED, NULL, "Too many requests; try again in %lld ms",
            (long long)verdict->retry_after_ms);
    cc_fail_retry_after(&err, (int)verdict->retry_after_ms);
    cc_request_complete(admission->req, CC_RATE_LIMITED, &err);
}

/* token: of GATEWAY_RATE_TOKEN. */
static void admit(struct cc_request *req, struct cc_response *res, enum gateway_rate_class which,
                  const char *token, void (*proceed)(void *arg), void *arg)
{
    const struct gateway_app *app = cc_request_app(req);
    struct admission *admission = CC_ARENA_NEW(cc_request_arena(req), struct admission);
    const char *address = gateway_address_key(cc_request_arena(req), cc_request_peer(req));
    const char *key = which == GATEWAY_RATE_AUTH    ? address
                      : which == GATEWAY_RATE_TOKEN ? token
                                                    : cc_request_caller(req)->user_id;

    *admission = (struct admission){.req = req, .res = res, .proceed = proceed, .arg = arg};
    gateway_rate_limiter_take(app->limiter, which, key, address, on_verdict, admission);
}

void gateway_admit(struct cc_request *req, struct cc_response *res, enum gateway_rate_class which,
                   void (*proceed)(void *arg), void *arg)
{
    admit(req, res, which, "", proceed, arg);
}

static void answer_as_it_is(void *req)
{
    cc_request_complete(req, CC_OK, NULL);
}

void gateway_settle(void *app, struct cc_request *req, struct cc_response *res)
{
    (void)app;
    gateway_admit(req, res, GATEWAY_RATE_ADDRESS, answer_as_it_is, req);
}

/* ---- forwarding ---- */

struct forwarding {
    struct gateway_call call;
    struct cc_response *res;
};

static void finish(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                   const struct cc_error *err)
{
    struct forwarding *forwarding = arg;

    if (code == CC_OK)
        gateway_copy_answer(forwarding->res, answer);
    cc_request_complete(forwarding->call.req, code, err);
}

static void start(void *arg)
{
    gateway_call_start(&((struct forwarding *)arg)->call);
}

const char *gateway_origin_form(const char *target)
{
    const char *scheme_end = *target == '/' ? NULL : strstr(target, "://");
    const char *path = scheme_end != NULL ? strchr(scheme_end + 3, '/') : target;

    return path != NULL ? path : "/";
}

static struct forwarding *prepare(struct cc_request *req, struct cc_response *res,
                                  enum gateway_upstream upstream)
{
    struct forwarding *forwarding = CC_ARENA_NEW(cc_request_arena(req), struct forwarding);
    struct gateway_call *call = &forwarding->call;

    forwarding->res = res;
    call->req = req;
    call->upstream = upstream;
    call->method = cc_request_method(req);
    call->target = gateway_origin_form(cc_request_target(req));
    call->body = cc_request_body(req, &call->body_count);
    call->done = finish;
    call->arg = forwarding;
    return forwarding;
}

static bool is_read(const struct cc_request *req)
{
    return strcmp(cc_request_method(req), "GET") == 0 ||
           strcmp(cc_request_method(req), "HEAD") == 0;
}

/* Rows with "*" take any token as a method; only these travel on. */
static enum cc_code check_method(struct cc_request *req, struct cc_response *res,
                                 struct cc_error *err)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (strcmp(cc_request_method(req), methods[i]) == 0)
            return CC_OK;
    cc_response_header(res, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE");
    return cc_fail(err, CC_METHOD_NOT_ALLOWED, NULL, "This method is not spoken here");
}

enum cc_code gateway_forward(struct cc_request *req, struct cc_response *res,
                             enum gateway_upstream upstream, struct cc_error *err)
{
    enum gateway_rate_class which = is_read(req) ? GATEWAY_RATE_READ : GATEWAY_RATE_WRITE;

    CC_TRY(check_method(req, res, err));
    CC_TRY(gateway_body_check(req, err));
    if (cc_request_caller(req)->user_id[0] == '\0') /* nobody yet: counted by address */
        which = GATEWAY_RATE_AUTH;
    gateway_admit(req, res, which, start, prepare(req, res, upstream));
    return CC_OK;
}

/* NULL when the body presents none: whether that is an error is the service's business. */
static const char *presented_token(struct cc_request *req)
{
    struct cc_arena *arena = cc_request_arena(req);
    struct cc_json_reader *reader;
    const char *token;
    size_t count;
    const void *body = cc_request_body(req, &count);

    reader = cc_json_reader_create(arena, body, count, CC_IGNORE_UNKNOWN);
    token = cc_json_text(reader, "refresh_token", CC_OPTIONAL, 1, TOKEN_MAX_BYTES);
    cc_json_reader_destroy(reader);
    return token;
}

/* The token itself belongs into no key of Redis. */
static const char *hash_of(struct cc_arena *arena, const char *token)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *text = cc_arena_alloc(arena, 2 * KEY_BYTES + 1);

    SHA256((const unsigned char *)token, strlen(token), digest);
    for (size_t i = 0; i < KEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

enum cc_code gateway_forward_by_token(struct cc_request *req, struct cc_response *res,
                                      enum gateway_upstream upstream, struct cc_error *err)
{
    const char *token;

    CC_TRY(gateway_body_check(req, err));
    token = presented_token(req);
    if (token == NULL)
        admit(req, res, GATEWAY_RATE_AUTH, "", start, prepare(req, res, upstream));
    else
        admit(req, res, GATEWAY_RATE_TOKEN, hash_of(cc_request_arena(req), token), start,
              prepare(req, res, upstream));
    return CC_OK;
}
