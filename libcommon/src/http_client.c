/*
 * Asynchronous HTTP/1.1 client. cc_http_send prepares a transfer on the caller's thread and queues
 * it; one thread drives the curl_multi handle and runs every callback. Easy handles and their
 * arenas are re-used. It follows no redirect, reads no proxy setting and never resends a body.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/deadline.h"
#include "common/http_client.h"
#include "common/strbuf.h"

#include "http_balanced.h"

#define CONNECT_TIMEOUT_MS   300L
#define DEFAULT_TIMEOUT_MS   5000
#define DEFAULT_RESPONSE_MAX ((size_t)8 * 1024 * 1024)
#define RESPONSE_HEADERS_MAX 64
#define CONNECTIONS_KEPT     256L
#define CONNECTION_MAX_IDLE_S                                                                      \
    60L /* below the servers' own 75 s, so that they don't hang up first */
#define TRANSFERS_KEPT 64
#define POLL_MAX_MS    1000

struct transfer {
    struct cc_http_client *client;
    struct transfer *next, *previous; /* in queue, active list or free list */
    CURL *easy;
    struct cc_arena *arena;
    struct curl_slist *header_list;
    const char *method;
    const char *body;
    size_t body_count, body_sent;
    struct cc_strbuf response;
    struct cc_http_header headers[RESPONSE_HEADERS_MAX];
    size_t header_count;
    int64_t starts_at_ms; /* monotonic; 0 = at once */
    bool head_ended;      /* with its empty line */
    struct cc_span span;
    bool span_begun;
    char curl_error[CURL_ERROR_SIZE];
    cc_http_done done;
    void *arg;
};

struct cc_http_client {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* queue, free list, stopping */
    struct transfer *queue_first, *queue_last;
    struct transfer *free_list;
    int free_count;
    bool stopping;
    struct cc_http_companion companion; /* fd NULL = none */
    struct transfer *active, *delayed;  /* the client's thread only */
};

/* ---- curl's callbacks ---- */

static size_t read_body(char *out, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t room = size * count, rest = transfer->body_count - transfer->body_sent;
    size_t given = rest < room ? rest : room;

    memcpy(out, transfer->body + transfer->body_sent, given);
    transfer->body_sent += given;
    return given;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;

    cc_strbuf_append(&transfer->response, bytes, size * count);
    return transfer->response.overflowed ? 0 : size * count;
}

static size_t take_header(char *line, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t length = size * count;
    const char *colon = memchr(line, ':', length);
    const char *value, *end = line + length;

    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        transfer->header_count = 0; /* what came before belonged to a 1xx */
        transfer->head_ended = false;
    }
    if (length <= 2 && line[length - 1] == '\n')
        transfer->head_ended = true;
    if (colon == NULL || colon == line || transfer->header_count == RESPONSE_HEADERS_MAX)
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

/* ---- transfers ---- */

static struct transfer *create_transfer(struct cc_http_client *client)
{
    struct transfer *transfer = cc_calloc(1, sizeof(*transfer));
    CURL *easy = curl_easy_init();

    transfer->client = client;
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

static void destroy_transfer(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->header_list);
    cc_strbuf_finish(&transfer->response);
    cc_arena_destroy(transfer->arena);
    cc_free(transfer);
}

static struct transfer *take_transfer(struct cc_http_client *client)
{
    struct transfer *transfer;

    pthread_mutex_lock(&client->lock);
    transfer = client->free_list;
    if (transfer != NULL) {
        client->free_list = transfer->next;
        client->free_count--;
    }
    pthread_mutex_unlock(&client->lock);
    return transfer != NULL ? transfer : create_transfer(client);
}

static void give_back(struct cc_http_client *client, struct transfer *transfer)
{
    bool keep;

    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(transfer->header_list);
    transfer->header_list = NULL;
    cc_strbuf_finish(&transfer->response);
    cc_arena_reset(transfer->arena);
    pthread_mutex_lock(&client->lock);
    keep = client->free_count < TRANSFERS_KEPT;
    if (keep) {
        transfer->next = client->free_list;
        client->free_list = transfer;
        client->free_count++;
    }
    pthread_mutex_unlock(&client->lock);
    if (!keep)
        destroy_transfer(transfer);
}

/* ---- preparing ---- */

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
    const char *line = *value != '\0' ? cc_arena_printf(transfer->arena, "%s: %s", name, value)
                                      : cc_arena_printf(transfer->arena, "%s;", name);

    transfer->header_list = curl_slist_append(transfer->header_list, line);
}

static int effective_timeout_ms(const struct cc_http_call *call)
{
    return call->timeout_ms > 0 ? call->timeout_ms : DEFAULT_TIMEOUT_MS;
}

static void prepare_headers(struct transfer *transfer, const struct cc_http_call *call)
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
static void prepare_method(struct transfer *transfer)
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

static struct transfer *prepare(struct cc_http_client *client, const struct cc_http_call *call,
                                cc_http_done done, void *arg)
{
    struct transfer *transfer = take_transfer(client);
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
    return transfer;
}

/* ---- ending ---- */

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* What a failed transfer means for the caller: was anything done? A safe method never does. */
static enum cc_code classify(const struct transfer *transfer, CURLcode result)
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

static void end_span(struct transfer *transfer, enum cc_code code)
{
    if (transfer->span_begun)
        cc_span_end(&transfer->span, code != CC_OK ? cc_code_name(code) : NULL, NULL);
    transfer->span_begun = false;
}

static void report_failure(struct transfer *transfer, enum cc_code code, const char *reason)
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

static void report_answer(struct transfer *transfer)
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

/* ---- the thread ---- */

static void start_transfer(struct cc_http_client *client, struct transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = client->active;
    if (transfer->next != NULL)
        transfer->next->previous = transfer;
    client->active = transfer;
    curl_multi_add_handle(client->multi, transfer->easy);
}

static void start_queued(struct cc_http_client *client)
{
    struct transfer *transfer;

    pthread_mutex_lock(&client->lock);
    transfer = client->queue_first;
    client->queue_first = client->queue_last = NULL;
    pthread_mutex_unlock(&client->lock);
    while (transfer != NULL) {
        struct transfer *next = transfer->next;

        if (transfer->starts_at_ms > 0) {
            transfer->next = client->delayed;
            client->delayed = transfer;
        } else {
            start_transfer(client, transfer);
        }
        transfer = next;
    }
}

/* Starts what is due; returns how long the thread may sleep, in ms. Few wait at a time: retries. */
static int start_due(struct cc_http_client *client, bool all)
{
    struct transfer **link = &client->delayed;
    int64_t now_ms = client->delayed != NULL ? cc_mono_ms(cc_clock_system()) : 0;
    int sleep_ms = POLL_MAX_MS;

    while (*link != NULL) {
        struct transfer *transfer = *link;
        int64_t left_ms = transfer->starts_at_ms - now_ms;

        if (all || left_ms <= 0) {
            *link = transfer->next;
            start_transfer(client, transfer);
            continue;
        }
        sleep_ms = left_ms < sleep_ms ? (int)left_ms : sleep_ms;
        link = &transfer->next;
    }
    return sleep_ms;
}

static void detach(struct cc_http_client *client, struct transfer *transfer)
{
    curl_multi_remove_handle(client->multi, transfer->easy);
    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else
        client->active = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
}

/* curl takes for an answer what is none: a head that was cut off, a status that HTTP does not have
 * (RFC 9110 section 15). */
static CURLcode judge_answer(const struct transfer *transfer)
{
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!transfer->head_ended)
        return CURLE_GOT_NOTHING;
    return status >= 200 && status <= 599 ? CURLE_OK : CURLE_WEIRD_SERVER_REPLY;
}

static void end_transfer(struct cc_http_client *client, struct transfer *transfer, CURLcode result)
{
    detach(client, transfer);
    if (result == CURLE_OK)
        result = judge_answer(transfer);
    if (result == CURLE_OK)
        report_answer(transfer);
    else
        report_failure(transfer, classify(transfer, result),
                       transfer->curl_error[0] != '\0' ? transfer->curl_error
                                                       : curl_easy_strerror(result));
    give_back(client, transfer);
}

static void collect_finished(struct cc_http_client *client)
{
    struct CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end_transfer(client, (struct transfer *)(void *)transfer, message->data.result);
    }
}

/* A callback may send again: until nothing comes any more. */
static void cancel_all(struct cc_http_client *client)
{
    for (;;) {
        struct transfer *transfer;

        start_queued(client);
        start_due(client, true);
        transfer = client->active;
        if (transfer == NULL)
            return;
        detach(client, transfer);
        report_failure(transfer, CC_UNAVAILABLE, "the client is stopping");
        give_back(client, transfer);
    }
}

/* False when the client is stopping. */
static bool goes_on(struct cc_http_client *client, struct cc_http_companion *out_companion)
{
    bool stopping;

    pthread_mutex_lock(&client->lock);
    stopping = client->stopping;
    *out_companion = client->companion;
    pthread_mutex_unlock(&client->lock);
    return !stopping;
}

static void wait_for_something(struct cc_http_client *client,
                               const struct cc_http_companion *companion, int wait_ms)
{
    struct curl_waitfd watched = {.fd = -1, .events = CURL_WAIT_POLLIN};

    if (companion->fd != NULL) {
        watched.fd = companion->fd(companion->arg);
        wait_ms = wait_ms < companion->period_ms ? wait_ms : companion->period_ms;
    }
    curl_multi_poll(client->multi, &watched, watched.fd >= 0 ? 1 : 0, wait_ms, NULL);
}

static void *run(void *arg)
{
    struct cc_http_client *client = arg;
    struct cc_http_companion companion;
    int running;

    pthread_setname_np(pthread_self(), "http-client");
    while (goes_on(client, &companion)) {
        int sleep_ms;

        if (companion.turn != NULL)
            companion.turn(companion.arg);
        start_queued(client);
        sleep_ms = start_due(client, false);
        curl_multi_perform(client->multi, &running);
        collect_finished(client);
        wait_for_something(client, &companion, sleep_ms);
    }
    cancel_all(client);
    return NULL;
}

/* ---- public ---- */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct cc_http_client *cc_http_client_create(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct cc_http_client *client = cc_calloc(1, sizeof(*client));

    pthread_once(&once, init_curl);
    pthread_mutex_init(&client->lock, NULL);
    client->multi = curl_multi_init();
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    if (pthread_create(&client->thread, NULL, run, client) != 0)
        abort(); /* at start-up, with nothing to fall back to */
    return client;
}

void cc_http_client_accompany(struct cc_http_client *client,
                              const struct cc_http_companion *companion)
{
    pthread_mutex_lock(&client->lock);
    client->companion = *companion;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
}

void cc_http_client_wake(struct cc_http_client *client)
{
    curl_multi_wakeup(client->multi);
}

void cc_http_client_destroy(struct cc_http_client *client)
{
    if (client == NULL)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
    pthread_join(client->thread, NULL);
    while (client->free_list != NULL) {
        struct transfer *next = client->free_list->next;

        destroy_transfer(client->free_list);
        client->free_list = next;
    }
    curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    cc_free(client);
}

void cc_http_send(struct cc_http_client *client, const struct cc_http_call *call, cc_http_done done,
                  void *arg)
{
    struct transfer *transfer = prepare(client, call, done, arg);

    transfer->next = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->queue_last != NULL)
        client->queue_last->next = transfer;
    else
        client->queue_first = transfer;
    client->queue_last = transfer;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
}

/* ---- the blocking form ---- */

static void copy_answer(struct cc_http_waiter *waiter, const struct cc_http_answer *answer)
{
    struct cc_arena *arena = waiter->arena;
    struct cc_http_header *headers =
        cc_arena_calloc(arena, answer->header_count + 1, sizeof(*headers));

    for (size_t i = 0; i < answer->header_count; i++)
        headers[i] = (struct cc_http_header){
            .name = cc_arena_strdup(arena, answer->headers[i].name),
            .value = cc_arena_strdup(arena, answer->headers[i].value),
        };
    waiter->answer = *answer;
    waiter->answer.headers = headers;
    waiter->answer.body = cc_arena_strndup(arena, "", 0);
    if (answer->body_count > 0) {
        char *body = cc_arena_alloc(arena, answer->body_count + 1);

        memcpy(body, answer->body, answer->body_count);
        body[answer->body_count] = '\0';
        waiter->answer.body = body;
    }
}

void cc_http_wake(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                  const struct cc_error *err)
{
    struct cc_http_waiter *waiter = arg;

    pthread_mutex_lock(&waiter->lock);
    waiter->code = code;
    if (code == CC_OK)
        copy_answer(waiter, answer);
    else if (waiter->err != NULL)
        *waiter->err = *err;
    waiter->has_ended = true;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->lock);
}

enum cc_code cc_http_wait(struct cc_http_waiter *waiter, struct cc_http_answer *out)
{
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->has_ended)
        pthread_cond_wait(&waiter->ended, &waiter->lock);
    pthread_mutex_unlock(&waiter->lock);
    if (waiter->code == CC_OK)
        *out = waiter->answer;
    return waiter->code;
}

enum cc_code cc_http_do(struct cc_http_client *client, const struct cc_http_call *call,
                        struct cc_arena *arena, struct cc_http_answer *out, struct cc_error *err)
{
    struct cc_http_waiter waiter = CC_HTTP_WAITER(arena, err);

    cc_http_send(client, call, cc_http_wake, &waiter);
    return cc_http_wait(&waiter, out);
}

const char *cc_http_answer_header(const struct cc_http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcasecmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    return NULL;
}
