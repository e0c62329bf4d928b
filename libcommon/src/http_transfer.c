/* One transfer: what curl is told, what it tells, and what that means. Follows no redirect, reads
 * no proxy setting and never resends a body. */

#include "http_transfer.h"

#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/deadline.h"

#define CONNECT_TIMEOUT_MS   300L
#define DEFAULT_TIMEOUT_MS   5000
#define DEFAULT_RESPONSE_MAX ((size_t)8 * 1024 * 1024)
/* Below the servers' own 75 s, so that they don't hang up first. */
#define CONNECTION_MAX_IDLE_S 60L

/* ---- curl's callbacks ---- */

static size_t read_body(char *out, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    size_t room = size * count, rest = transfer->body_count - transfer->body_sent;
    size_t given = rest < room ? rest : room;

    memcpy(out, transfer->body + transfer->body_sent, given);
    transfer->body_sent += given;
    return given;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;

    cc_strbuf_append(&transfer->response, bytes, size * count);
    return transfer->response.overflowed ? 0 : size * count;
}

static size_t take_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    size_t length = size * count;
    const char *colon = memchr(line, ':', length);
    const char *value, *end = line + length;

    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        transfer->header_count = 0; /* what came before belonged to a 1xx */
        transfer->head_ended = false;
    }
    if (length <= 2 && line[length - 1] == '\n')
        transfer->head_ended = true;
    if (colon == NULL || colon == line || transfer->header_count == HTTP_RESPONSE_HEADERS_MAX)
        return length;
    for (value = colon + 1; value < end && (*value == ' ' || *value == '\t');)
        value++;
    while (end > value && strchr("\r\n \t", end[-1]) != NULL)
        end--;
    transfer->headers[transfer->header_count++] = (struct cc_http_header){
        .name = cc_arena_strndup(transfer->arena, line, (size_t)(colon - line)),
        .value = cc_arena_strndup(transfer->arena, value, (size_t)(end - value)),
    };
    return length;
}

/* ---- life ---- */

struct http_transfer *http_transfer_create(void)
{
    struct http_transfer *transfer = cc_calloc(1, sizeof(*transfer));
    CURL *easy = curl_easy_init();

    transfer->easy = easy;
    transfer->arena = cc_arena_create(0);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_MAX_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    return transfer;
}

void http_transfer_destroy(struct http_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->header_list);
    cc_strbuf_finish(&transfer->response);
    cc_arena_destroy(transfer->arena);
    cc_free(transfer);
}

/* ---- preparing ---- */

static void add_header(struct http_transfer *transfer, const char *name, const char *value)
{
    const char *line = *value != '\0' ? cc_arena_printf(transfer->arena, "%s: %s", name, value)
                                      : cc_arena_printf(transfer->arena, "%s;", name);

    transfer->header_list = curl_slist_append(transfer->header_list, line);
}

static int effective_timeout_ms(const struct cc_http_call *call)
{
    return call->timeout_ms > 0 ? call->timeout_ms : DEFAULT_TIMEOUT_MS;
}

static void prepare_headers(struct http_transfer *transfer, const struct cc_http_call *call)
{
    bool has_type = false;

    for (size_t i = 0; i < call->header_count; i++) {
        has_type = has_type || strcasecmp(call->headers[i].name, "Content-Type") == 0;
        add_header(transfer, call->headers[i].name, call->headers[i].value);
    }
    if (call->trace != NULL && call->trace->trace_id[0] != '\0') {
        char traceparent[CC_TRACEPARENT_BYTES];

        cc_span_begin(&transfer->span, transfer->method, CC_SPAN_CLIENT, call->trace);
        transfer->span_begun = true;
        cc_trace_format(&transfer->span.trace, traceparent);
        add_header(transfer, "traceparent", traceparent);
    }
    if (call->sends_deadline)
        add_header(transfer, CC_DEADLINE_HEADER,
                   cc_arena_printf(transfer->arena, "%d", effective_timeout_ms(call)));
    /* A name with a bare colon takes one of curl's own headers away. */
    transfer->header_list = curl_slist_append(transfer->header_list, "Expect:");
    if (!has_type)
        transfer->header_list = curl_slist_append(transfer->header_list, "Content-Type:");
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->header_list);
}

static bool sends_length(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/* The body goes through a callback without a way back, so curl can't silently send a request twice
 * when a kept-alive connection dies under it. */
static void prepare_method(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (strcmp(transfer->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (transfer->body_count > 0 || sends_length(transfer->method)) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_count);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
}

void http_transfer_prepare(struct http_transfer *transfer, const struct cc_http_call *call,
                           cc_http_done done, void *arg)
{
    char *body = cc_arena_alloc(transfer->arena, call->body_count + 1);

    if (call->body_count > 0)
        memcpy(body, call->body, call->body_count);
    transfer->method = cc_arena_strdup(transfer->arena, call->method);
    transfer->body = body;
    transfer->body_count = call->body_count;
    transfer->body_sent = 0;
    transfer->header_count = 0;
    transfer->head_ended = false;
    transfer->span_begun = false;
    transfer->curl_error[0] = '\0';
    transfer->done = done;
    transfer->arg = arg;
    cc_strbuf_init(&transfer->response,
                   call->response_max_bytes > 0 ? call->response_max_bytes : DEFAULT_RESPONSE_MAX);
    curl_easy_setopt(transfer->easy, CURLOPT_URL, call->url);
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)effective_timeout_ms(call));
    transfer->starts_at_ms =
        call->delay_ms > 0 ? cc_mono_ms(cc_clock_system()) + call->delay_ms : 0;
    prepare_method(transfer);
    prepare_headers(transfer, call);
}

/* ---- ending ---- */

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* What a failed transfer means for the caller: was anything done? A safe method never does. */
static enum cc_code classify(const struct http_transfer *transfer, CURLcode result)
{
    curl_off_t connect_us = 0;
    long sent_bytes = 0;
    bool nothing_done;

    curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    nothing_done = sent_bytes == 0 || is_safe(transfer->method);
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        return CC_UNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        if (connect_us == 0 && sent_bytes == 0)
            return CC_UNAVAILABLE;
        return nothing_done ? CC_TIMEOUT : CC_OUTCOME_UNKNOWN;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
        return nothing_done ? CC_UNAVAILABLE : CC_OUTCOME_UNKNOWN;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: /* also an answer that is no HTTP/1 */
        return sent_bytes == 0 ? CC_INTERNAL : CC_BAD_GATEWAY;
    default:
        return CC_BAD_GATEWAY;
    }
}

static void end_span(struct http_transfer *transfer, enum cc_code code)
{
    if (transfer->span_begun)
        cc_span_end(&transfer->span, code != CC_OK ? cc_code_name(code) : NULL, NULL);
    transfer->span_begun = false;
}

static void report_failure(struct http_transfer *transfer, enum cc_code code, const char *reason)
{
    struct cc_error err = {0};
    const char *url = "";

    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
    url = url != NULL ? url : "";
    int shown = (int)strcspn(url, "?"); /* a query may hold a signature: it belongs into no log */
    cc_fail_detail(&err, code, "%s %.*s: %.90s", transfer->method, shown < 120 ? shown : 120, url,
                   reason);
    end_span(transfer, code);
    transfer->done(transfer->arg, code, NULL, &err);
}

static void report_answer(struct http_transfer *transfer)
{
    struct cc_http_answer answer = {
        .headers = transfer->headers,
        .header_count = transfer->header_count,
        .body = cc_strbuf_text(&transfer->response),
        .body_count = transfer->response.length,
    };
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (int)status;
    end_span(transfer, status >= 500 ? cc_code_from_http_status((int)status) : CC_OK);
    transfer->done(transfer->arg, CC_OK, &answer, NULL);
}

/* curl takes for an answer what is none: a head that was cut off, a status that HTTP does not have
 * (RFC 9110 section 15). */
static CURLcode judge_answer(const struct http_transfer *transfer)
{
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!transfer->head_ended)
        return CURLE_GOT_NOTHING;
    return status >= 200 && status <= 599 ? CURLE_OK : CURLE_WEIRD_SERVER_REPLY;
}

void http_transfer_end(struct http_transfer *transfer, CURLcode result)
{
    if (result == CURLE_OK)
        result = judge_answer(transfer);
    if (result == CURLE_OK)
        report_answer(transfer);
    else
        report_failure(transfer, classify(transfer, result),
                       transfer->curl_error[0] != '\0' ? transfer->curl_error
                                                       : curl_easy_strerror(result));
}

void http_transfer_cancel(struct http_transfer *transfer)
{
    report_failure(transfer, CC_UNAVAILABLE, "the client is stopping");
}

void http_transfer_reset(struct http_transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(transfer->header_list);
    transfer->header_list = NULL;
    cc_strbuf_finish(&transfer->response);
    cc_arena_reset(transfer->arena);
}
