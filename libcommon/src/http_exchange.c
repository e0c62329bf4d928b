/*
 * The life of one request: head (guard, target, route, authentication), body up to its limit,
 * handler, answer, access log line and metrics. Runs on listener threads, except run_blocking (a
 * worker) and cc_request_complete (any thread), which end by resuming the connection.
 *
 * libmicrohttpd takes a response only before the body or after it. So a refused request has its
 * body read and dropped when that is cheap (the client then reads the answer and the connection
 * lives), else it is answered at once and the connection closed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/deadline.h"
#include "common/log.h"

#include "http_private.h"

#define DISCARD_MAX_BYTES (1024 * 1024)

static int64_t now_ms(const struct cc_http_server *server)
{
    return cc_mono_ms(server->options.clock);
}

static void set_deadline(struct cc_request *req, int64_t duration_ms)
{
    req->deadline_ms = now_ms(req->server) + duration_ms;
    atomic_store(&req->connection->deadline_ms, req->deadline_ms);
}

/* ---- beginning ---- */

void *cc_http_on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
    struct cc_http_server *server = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct cc_http_connection *connection = info->socket_context;
    struct cc_request *req = CC_ARENA_NEW(connection->arena, struct cc_request);

    req->server = server;
    req->connection = connection;
    req->mhd = mhd;
    req->arena = connection->arena;
    req->peer = connection->peer;
    req->app = server->options.app;
    req->method = "";
    req->target.path = "/";
    req->raw_target = cc_arena_strdup(req->arena, target);
    req->started_us = cc_mono_us(server->options.clock);
    cc_response_init(&req->response, req->arena);
    cc_strbuf_init(&req->body, 0);
    connection->request = req;
    set_deadline(req, CC_HTTP_HEAD_MS);
    atomic_fetch_add(&server->running, 1);
    return req;
}

static enum MHD_Result count_field(void *arg, enum MHD_ValueKind kind, const char *name,
                                   size_t name_length, const char *value, size_t value_length)
{
    size_t *count = arg;

    (void)kind, (void)name, (void)name_length, (void)value, (void)value_length;
    *count += 1;
    return MHD_YES;
}

static enum MHD_Result add_field(void *arg, enum MHD_ValueKind kind, const char *name,
                                 size_t name_length, const char *value, size_t value_length)
{
    struct cc_request *req = arg;

    (void)kind;
    req->fields[req->field_count++] = (struct cc_http_field){
        .name = name,
        .name_length = name_length,
        .value = value != NULL ? value : "",
        .value_length = value != NULL ? value_length : 0,
    };
    return MHD_YES;
}

static void read_fields(struct cc_request *req)
{
    size_t count = 0;

    MHD_get_connection_values_n(req->mhd, MHD_HEADER_KIND, count_field, &count);
    req->fields = cc_arena_calloc(req->arena, count + 1, sizeof(*req->fields));
    MHD_get_connection_values_n(req->mhd, MHD_HEADER_KIND, add_field, req);
}

static bool request_id_is_valid(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(text);

    return length > 0 && length <= 64 && strspn(text, allowed) == length;
}

static void identify(struct cc_request *req)
{
    const char *given = cc_request_header(req, "x-request-id");
    const char *traceparent = cc_request_header(req, "traceparent");
    struct cc_trace parent = {0};

    if (given != NULL && request_id_is_valid(given))
        memcpy(req->id, given, strlen(given) + 1);
    else
        cc_ids_next(req->server->options.ids, req->id);
    if (traceparent == NULL || !cc_trace_parse(traceparent, &parent))
        parent = (struct cc_trace){0};
    cc_span_begin(&req->span, cc_request_pattern(req), CC_SPAN_SERVER, &parent);
    req->span_begun = true;
}

/* ---- refusing and answering ---- */

static enum MHD_Result queue_response(struct cc_request *req);

static void fail(struct cc_request *req, enum cc_code code, const struct cc_error *err)
{
    struct cc_error fallback = {0};

    if (err == NULL || err->code != code) {
        cc_fail(&fallback, code, NULL, "%s", cc_code_title(code));
        err = &fallback;
    }
    req->code = code;
    req->error = *err;
    cc_response_problem(&req->response, &req->error, req->target.path, req->span.trace.trace_id);
}

static bool body_is_announced(const struct cc_request *req)
{
    const char *length = cc_request_header(req, "content-length");

    return cc_request_header(req, "transfer-encoding") != NULL ||
           (length != NULL && strspn(length, "0") != strlen(length));
}

/* No body, or a short one that is surely on its way. libmicrohttpd closes the connection after an
 * answer that was queued before the body, even when there is none. */
static bool can_wait_for_body(const struct cc_request *req)
{
    const char *length = cc_request_header(req, "content-length");

    if (!body_is_announced(req))
        return true;
    return cc_request_header(req, "expect") == NULL &&
           (length == NULL || strtoull(length, NULL, 10) <= DISCARD_MAX_BYTES);
}

/* The answer is complete before the body has come. */
static enum MHD_Result end_early(struct cc_request *req)
{
    if (!req->close_after && can_wait_for_body(req)) {
        req->phase = CC_HTTP_DISCARD;
        set_deadline(req, CC_HTTP_BODY_MS);
        return MHD_YES;
    }
    req->close_after = true;
    req->phase = CC_HTTP_READY;
    return queue_response(req);
}

static enum MHD_Result refuse(struct cc_request *req, enum cc_code code, const struct cc_error *err)
{
    fail(req, code, err);
    return end_early(req);
}

/* ---- the head ---- */

static enum cc_code check_head(struct cc_request *req, const char *version, struct cc_error *err)
{
    const struct cc_http_head head = {
        .version = version, .fields = req->fields, .field_count = req->field_count};
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *reason = cc_http_guard_check(&head);

    if (reason == NULL)
        reason = cc_http_target_read(req->arena, req->raw_target, cc_request_header(req, "host"),
                                     &req->target);
    if (reason != NULL)
        return cc_fail(err, CC_INVALID, NULL, "%s", reason);
    if (size != NULL && size->header_size > CC_HTTP_HEAD_MAX_BYTES)
        return cc_fail(err, CC_HEADERS_TOO_LARGE, NULL, "The request's head exceeds %d bytes",
                       CC_HTTP_HEAD_MAX_BYTES);
    return CC_OK;
}

static enum cc_code find_route(struct cc_request *req, struct cc_error *err)
{
    enum cc_code code = cc_http_router_match(req->server->router, req->arena, req->method,
                                             &req->target, &req->match);

    if (req->match.entry != NULL && req->match.entry->row->auth == CC_AUTH_INTERNAL &&
        !req->server->options.internal) {
        req->match = (struct cc_http_match){0};
        code = CC_NOT_FOUND;
    }
    if (code == CC_NOT_FOUND)
        return cc_fail(err, code, NULL, "There is no such resource");
    if (code == CC_METHOD_NOT_ALLOWED) {
        cc_response_header(&req->response, "Allow", req->match.allow);
        return cc_fail(err, code, NULL, "Allowed here: %s", req->match.allow);
    }
    return CC_OK;
}

static enum cc_code authenticate(struct cc_request *req, struct cc_error *err)
{
    enum cc_auth auth = req->match.entry->row->auth;
    const char *header = cc_request_header(req, "authorization");
    const char *token;

    if (auth != CC_AUTH_USER && auth != CC_AUTH_ADMIN)
        return CC_OK;
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0 ||
        req->server->hooks.authenticate == NULL)
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "A bearer token is needed");
    token = header + 7 + strspn(header + 7, " ");
    CC_TRY(req->server->hooks.authenticate(req->app, token, strlen(token), &req->caller, err));
    if (auth == CC_AUTH_ADMIN && strcmp(req->caller.role, "admin") != 0)
        return cc_fail(err, CC_FORBIDDEN, NULL, "Only administrators may do this");
    return CC_OK;
}

static enum cc_code check_length(struct cc_request *req, struct cc_error *err)
{
    const char *length = cc_request_header(req, "content-length");
    size_t max_bytes = req->match.entry->row->body_max_bytes;

    if (length != NULL && strtoull(length, NULL, 10) > max_bytes)
        return cc_fail(err, CC_TOO_LARGE, NULL, "The body may have at most %zu bytes", max_bytes);
    cc_strbuf_init(&req->body, max_bytes);
    return CC_OK;
}

static bool is_intercepted(struct cc_request *req)
{
    const struct cc_http_hooks *hooks = &req->server->hooks;
    char address[CC_ADDRESS_BYTES];

    if (hooks->client_address != NULL) {
        hooks->client_address(req->app, req, req->connection->peer, address);
        req->peer = cc_arena_strdup(req->arena, address);
    }
    if (hooks->intercept == NULL || !hooks->intercept(req->app, req, &req->response))
        return false;
    identify(req);
    return true;
}

static enum MHD_Result begin(struct cc_request *req, const char *method, const char *version)
{
    struct cc_error err = {0};
    enum cc_code code;

    req->method = method;
    read_fields(req);
    code = check_head(req, version, &err);
    req->close_after = code != CC_OK; /* after a bad head nobody knows where the next one begins */
    if (code == CC_OK && is_intercepted(req))
        return end_early(req);
    if (code == CC_OK)
        code = find_route(req, &err);
    identify(req);
    if (code == CC_OK)
        code = authenticate(req, &err);
    if (code == CC_OK)
        code = check_length(req, &err);
    if (code != CC_OK)
        return refuse(req, code, &err);
    req->phase = CC_HTTP_BODY;
    set_deadline(req, CC_HTTP_BODY_MS);
    return MHD_YES;
}

/* ---- the body ---- */

static enum MHD_Result take_body(struct cc_request *req, const char *upload, size_t count)
{
    struct cc_error err = {0};

    if (req->phase == CC_HTTP_BODY) {
        cc_strbuf_append(&req->body, upload, count);
        if (req->body.overflowed) {
            cc_fail(&err, CC_TOO_LARGE, NULL, "The body may have at most %zu bytes",
                    req->match.entry->row->body_max_bytes);
            fail(req, CC_TOO_LARGE, &err);
            req->phase = CC_HTTP_DISCARD;
        }
        return MHD_YES;
    }
    req->discarded_bytes += count;
    return req->discarded_bytes <= DISCARD_MAX_BYTES ? MHD_YES : MHD_NO;
}

/* ---- the handler ---- */

/* A caller with less patience than ours shortens the handler's time. The connection keeps its own
 * deadline, so that the answer "timeout" still gets out. */
static void apply_caller_deadline(struct cc_request *req)
{
    int64_t left_ms;

    if (!req->server->options.open_to_clients &&
        cc_deadline_parse(cc_request_header(req, CC_DEADLINE_HEADER), &left_ms) &&
        left_ms < CC_HTTP_RESPONSE_MS)
        req->deadline_ms = now_ms(req->server) + left_ms;
}

static enum cc_code run_handler(struct cc_request *req, struct cc_error *err)
{
    enum cc_code code;

    cc_deadline_enter(req->server->options.clock, req->deadline_ms);
    code = req->match.entry->row->handler(req, &req->response, err);
    cc_deadline_leave();
    return code;
}

/* Last act of whoever owns a suspended request: afterwards it belongs to the listener thread. */
static void hand_back(struct cc_request *req)
{
    struct MHD_Connection *mhd = req->mhd;

    req->phase = CC_HTTP_READY;
    MHD_resume_connection(mhd);
}

void cc_request_complete(struct cc_request *req, enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail(req, code, err);
    hand_back(req);
}

static void run_blocking(void *arg)
{
    struct cc_request *req = arg;
    struct cc_error err = {0};
    enum cc_code code;

    cc_log_set_trace(req->span.trace.trace_id);
    if (now_ms(req->server) >= req->deadline_ms)
        code = cc_fail(&err, CC_TIMEOUT, NULL, "The request waited too long");
    else
        code = run_handler(req, &err);
    cc_log_set_trace("");
    cc_request_complete(req, code, &err);
}

static void dispatch_blocking(struct cc_request *req)
{
    struct cc_error err = {0};

    if (cc_http_workers_submit(req->server->workers, run_blocking, req))
        return;
    cc_fail(&err, CC_UNAVAILABLE, NULL, "Too many requests are waiting");
    cc_fail_retry_after(&err, 1000);
    cc_request_complete(req, CC_UNAVAILABLE, &err);
}

static void dispatch_async(struct cc_request *req)
{
    struct cc_error err = {0};
    enum cc_code code = run_handler(req, &err);

    if (code == CC_OK) /* it may be gone already */
        return;
    fail(req, code, &err);
    if (req->server->hooks.settle != NULL)
        req->server->hooks.settle(req->app, req, &req->response);
    else
        hand_back(req);
}

/* From now on somebody else owns the request, perhaps on another thread at once. */
static void suspend(struct cc_request *req)
{
    set_deadline(req, CC_HTTP_RESPONSE_MS);
    req->phase = CC_HTTP_RUNNING;
    req->counted_suspended = true;
    atomic_fetch_add(&req->server->suspended, 1);
    MHD_suspend_connection(req->mhd);
}

static enum MHD_Result settle(struct cc_request *req)
{
    if (req->server->hooks.settle == NULL)
        return queue_response(req);
    suspend(req);
    req->server->hooks.settle(req->app, req, &req->response);
    return MHD_YES;
}

static enum MHD_Result run(struct cc_request *req)
{
    suspend(req);
    apply_caller_deadline(req);
    if (req->match.entry->row->handling == CC_ASYNC)
        dispatch_async(req);
    else
        dispatch_blocking(req);
    return MHD_YES;
}

/* ---- the answer ---- */

/* libmicrohttpd wants its own descriptor back through MHD_upgrade_action; the taker gets a
 * duplicate, so that the connection's pool and table entry are free as soon as the tunnel stands.
 */
static void on_upgraded(void *arg, struct MHD_Connection *mhd, void *request, const char *extra,
                        size_t extra_count, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct cc_request *req = request;
    struct cc_response *res = &req->response;
    void (*take)(int, const void *, size_t, void *) = res->upgrade_take;

    (void)arg, (void)mhd;
    res->upgrade_take = NULL;
    take(dup(fd), extra, extra_count, res->upgrade_arg);
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

static int response_status(const struct cc_response *res)
{
    if (res->status != 0)
        return res->status;
    return res->content_type == NULL ? 204 : 200;
}

static void add_headers(struct cc_request *req, struct MHD_Response *mhd_response)
{
    const struct cc_response *res = &req->response;

    for (const struct cc_response_header *h = res->headers; h != NULL; h = h->next)
        MHD_add_response_header(mhd_response, h->name, h->value);
    if (res->content_type != NULL && !cc_response_has_header(res, "Content-Type"))
        MHD_add_response_header(mhd_response, "Content-Type", res->content_type);
    if (!cc_response_has_header(res, "Cache-Control"))
        MHD_add_response_header(mhd_response, "Cache-Control", "no-store");
    MHD_add_response_header(mhd_response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(mhd_response, "X-Request-Id", req->id);
    if (req->close_after || (atomic_load(&req->server->quiesced) && res->upgrade_take == NULL))
        MHD_add_response_header(mhd_response, "Connection", "close");
}

static enum MHD_Result queue_response(struct cc_request *req)
{
    struct cc_response *res = &req->response;
    struct MHD_Response *mhd_response;
    enum MHD_Result queued;

    if (res->body.overflowed)
        fail(req, CC_INTERNAL, NULL);
    if (req->server->hooks.decorate != NULL && res->upgrade_take == NULL)
        req->server->hooks.decorate(req->app, req, res);
    if (res->upgrade_take != NULL) {
        mhd_response = MHD_create_response_for_upgrade(on_upgraded, NULL);
        atomic_store(&req->connection->deadline_ms, INT64_MAX); /* the socket changes hands */
    } else {
        mhd_response = MHD_create_response_from_buffer(res->body.length, res->body.data,
                                                       MHD_RESPMEM_PERSISTENT);
    }
    if (mhd_response == NULL)
        return MHD_NO;
    add_headers(req, mhd_response);
    req->sent_status = response_status(res);
    queued = MHD_queue_response(req->mhd, (unsigned)req->sent_status, mhd_response);
    MHD_destroy_response(mhd_response);
    return queued;
}

/* The listener thread has the request again: to answer it, or because its client has gone. */
static void uncount_suspended(struct cc_request *req)
{
    if (req->counted_suspended)
        atomic_fetch_sub(&req->server->suspended, 1);
    req->counted_suspended = false;
}

enum MHD_Result cc_http_on_request(void *arg, struct MHD_Connection *mhd, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_count, void **request)
{
    struct cc_request *req = *request;
    size_t count = *upload_count;

    (void)arg, (void)mhd, (void)url;
    if (req->phase == CC_HTTP_HEAD)
        return begin(req, method, version);
    *upload_count = 0;
    if (count > 0)
        return take_body(req, upload, count);
    switch (req->phase) {
    case CC_HTTP_BODY:
        return run(req);
    case CC_HTTP_RUNNING:
        return MHD_YES;
    case CC_HTTP_DISCARD:
        return settle(req);
    default:
        uncount_suspended(req);
        return queue_response(req);
    }
}

/* ---- the end ---- */

static const char *method_label(const char *method)
{
    static const char *const known[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(method, known[i]) == 0)
            return known[i];
    return "other"; /* a label must not grow with what clients invent */
}

static void log_access(const struct cc_request *req, int64_t duration_us)
{
    char status[12], duration[24], bytes[24];
    const char *route = cc_request_pattern(req);

    snprintf(status, sizeof(status), "%d", req->sent_status);
    snprintf(duration, sizeof(duration), "%" PRId64, duration_us);
    snprintf(bytes, sizeof(bytes), "%zu", req->response.body.length);
    if (req->sent_status >= 500 || req->sent_status == 0)
        cc_log_error(CC_LOG_WARN, "request failed", &req->error, "method", req->method, "route",
                     route, "status", status, "duration_us", duration, "request_id", req->id,
                     "peer", req->peer, "user", req->caller.user_id, NULL);
    else
        cc_log(req->server->options.internal ? CC_LOG_DEBUG : CC_LOG_INFO, "request", "method",
               req->method, "route", route, "status", status, "duration_us", duration, "request_id",
               req->id, "peer", req->peer, "user", req->caller.user_id, "bytes", bytes, "reason",
               req->code != CC_OK ? req->error.detail : "", NULL);
}

static void observe(const struct cc_request *req, int64_t duration_us)
{
    char status[12];

    snprintf(status, sizeof(status), "%d", req->sent_status);
    cc_histogram_observe_us(
        cc_histogram_get("http_server_request_duration_seconds",
                         "Time from a request's first line to the end of its answer", "method",
                         method_label(req->method), "route", cc_request_pattern(req), "status",
                         status, NULL),
        duration_us);
}

void cc_http_on_completed(void *arg, struct MHD_Connection *mhd, void **request,
                          enum MHD_RequestTerminationCode reason)
{
    struct cc_request *req = *request;
    struct cc_http_server *server = arg;
    struct cc_http_connection *connection;
    int64_t duration_us;

    (void)mhd, (void)reason;
    if (req == NULL)
        return;
    uncount_suspended(req);
    connection = req->connection;
    duration_us = cc_mono_us(server->options.clock) - req->started_us;
    if (req->span_begun) {
        cc_log_set_trace(req->span.trace.trace_id);
        log_access(req, duration_us);
        cc_log_set_trace("");
        observe(req, duration_us);
        cc_span_end(&req->span, req->sent_status >= 500 ? cc_code_name(req->code) : NULL, NULL);
    }
    cc_request_finish(req);
    connection->request = NULL;
    cc_arena_reset(connection->arena);
    atomic_store(&connection->deadline_ms, now_ms(server) + CC_HTTP_IDLE_MS);
    atomic_fetch_sub(&server->running, 1);
    *request = NULL;
}
