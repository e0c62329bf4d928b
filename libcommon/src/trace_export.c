/*
 * Ships finished spans as OTLP/HTTP JSON. The thread that ends a span renders and queues it (never
 * waits: a full queue drops and counts); the thread "trace-export" posts batches. The contract of
 * trace.h has one exporter per process, hence the static state. Source: OTLP 1.x, JSON mapping.
 */
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/json_writer.h"
#include "common/log.h"
#include "common/metrics.h"

#include "trace_private.h"

#define QUEUE_SPANS     4096
#define BATCH_SPANS     512
#define SPAN_MAX_BYTES  4096
#define BATCH_MAX_BYTES (BATCH_SPANS * SPAN_MAX_BYTES + 4096)
#define PERIOD_MS       500
#define POST_TIMEOUT_MS 1000L

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    char *queue[QUEUE_SPANS]; /* rendered spans, a ring */
    size_t first, count;
    bool running, stopping;
    pthread_t thread;
    char *service, *url;
    struct cc_counter *dropped;
} exporter = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- rendering ---- */

static void put_attribute(struct cc_json_writer *writer, const char *key, const char *value)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "key", key);
    cc_json_open_object(writer, "value");
    cc_json_put_text(writer, "stringValue", value);
    cc_json_close_object(writer);
    cc_json_close_object(writer);
}

static void put_nanoseconds(struct cc_json_writer *writer, const char *key, int64_t wall_us)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64 "000", wall_us);
    cc_json_put_text(writer, key, text);
}

static char *render(const struct cc_span *span, int64_t ended_wall_us, const char *error_name,
                    const char *const *attributes, size_t count)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    bool complete;

    cc_strbuf_init(&text, SPAN_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "traceId", span->trace.trace_id);
    cc_json_put_text(&writer, "spanId", span->trace.span_id);
    cc_json_put_text_opt(&writer, "parentSpanId", span->parent_id);
    cc_json_put_text(&writer, "name", span->name);
    cc_json_put_int(&writer, "kind", span->kind);
    put_nanoseconds(&writer, "startTimeUnixNano", span->started_wall_us);
    put_nanoseconds(&writer, "endTimeUnixNano", ended_wall_us);
    cc_json_open_array(&writer, "attributes");
    for (size_t i = 0; i < count; i++)
        put_attribute(&writer, attributes[2 * i], attributes[2 * i + 1]);
    cc_json_close_array(&writer);
    if (error_name != NULL) {
        cc_json_open_object(&writer, "status");
        cc_json_put_int(&writer, "code", 2);
        cc_json_put_text(&writer, "message", error_name);
        cc_json_close_object(&writer);
    }
    cc_json_close_object(&writer);
    complete = !text.overflowed;
    if (!complete)
        cc_strbuf_finish(&text);
    return complete ? cc_strbuf_take(&text, NULL) : NULL;
}

static void export_span(const struct cc_span *span, int64_t ended_wall_us, const char *error_name,
                        const char *const *attributes, size_t count)
{
    char *rendered = render(span, ended_wall_us, error_name, attributes, count);
    bool queued = false;

    pthread_mutex_lock(&exporter.lock);
    if (rendered != NULL && exporter.running && exporter.count < QUEUE_SPANS) {
        exporter.queue[(exporter.first + exporter.count++) % QUEUE_SPANS] = rendered;
        queued = true;
        if (exporter.count == BATCH_SPANS)
            pthread_cond_signal(&exporter.wake);
    }
    pthread_mutex_unlock(&exporter.lock);
    if (!queued) {
        cc_free(rendered);
        cc_counter_add(exporter.dropped, 1);
    }
}

/* ---- the thread ---- */

static size_t take_batch(char *spans[BATCH_SPANS])
{
    size_t count = 0;

    while (count < BATCH_SPANS && exporter.count > 0) {
        spans[count++] = exporter.queue[exporter.first];
        exporter.first = (exporter.first + 1) % QUEUE_SPANS;
        exporter.count--;
    }
    return count;
}

static void write_batch(struct cc_strbuf *out, char *const *spans, size_t count)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_open_array(&writer, "resourceSpans");
    cc_json_open_object(&writer, NULL);
    cc_json_open_object(&writer, "resource");
    cc_json_open_array(&writer, "attributes");
    put_attribute(&writer, "service.name", exporter.service);
    cc_json_close_array(&writer);
    cc_json_close_object(&writer);
    cc_json_open_array(&writer, "scopeSpans");
    cc_json_open_object(&writer, NULL);
    cc_json_open_array(&writer, "spans");
    for (size_t i = 0; i < count; i++)
        cc_json_put_raw(&writer, NULL, spans[i], strlen(spans[i]));
    cc_json_close_array(&writer);
    cc_json_close_object(&writer);
    cc_json_close_array(&writer);
    cc_json_close_object(&writer);
    cc_json_close_array(&writer);
    cc_json_close_object(&writer);
}

static size_t ignore_answer(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes, (void)arg;
    return size * count;
}

static bool post(CURL *easy, const struct cc_strbuf *body)
{
    long status = 0;

    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, cc_strbuf_text(body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body->length);
    if (curl_easy_perform(easy) != CURLE_OK)
        return false;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status / 100 == 2;
}

static void ship(CURL *easy, char **spans, size_t count)
{
    struct cc_strbuf body;

    cc_strbuf_init(&body, BATCH_MAX_BYTES);
    write_batch(&body, spans, count);
    if (!post(easy, &body))
        cc_counter_add(exporter.dropped, count);
    cc_strbuf_finish(&body);
    for (size_t i = 0; i < count; i++)
        cc_free(spans[i]);
}

static CURL *open_collector(struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, exporter.url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, POST_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_answer);
    return easy;
}

static void wait_for_spans(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PERIOD_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (exporter.count < BATCH_SPANS && !exporter.stopping)
        pthread_cond_timedwait(&exporter.wake, &exporter.lock, &until);
}

/* Ends when told to, with what fits into one last batch. */
static void *run(void *arg)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *easy = open_collector(headers);
    bool stopping = false;

    (void)arg;
    pthread_setname_np(pthread_self(), "trace-export");
    while (!stopping) {
        char *spans[BATCH_SPANS];
        size_t count;

        pthread_mutex_lock(&exporter.lock);
        wait_for_spans();
        stopping = exporter.stopping;
        count = take_batch(spans);
        pthread_mutex_unlock(&exporter.lock);
        if (count > 0)
            ship(easy, spans, count);
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return NULL;
}

/* ---- public ---- */

static char *traces_url(const char *endpoint)
{
    struct cc_strbuf url;

    cc_strbuf_init(&url, 1024);
    cc_strbuf_printf(&url, "%s/v1/traces", endpoint);
    return cc_strbuf_take(&url, NULL);
}

void cc_trace_init(const char *service, const char *otlp_endpoint, int sample_permille)
{
    cc_trace_set_sampling(sample_permille);
    if (otlp_endpoint == NULL || *otlp_endpoint == '\0' || exporter.running)
        return;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    exporter.dropped =
        cc_counter_get("trace_spans_dropped_total", "Spans that never reached the collector", NULL);
    exporter.service = cc_strdup(service);
    exporter.url = traces_url(otlp_endpoint);
    exporter.stopping = false;
    pthread_cond_init(&exporter.wake, NULL);
    exporter.running = pthread_create(&exporter.thread, NULL, run, NULL) == 0;
    if (exporter.running)
        cc_trace_set_exporter(export_span);
}

void cc_trace_shutdown(void)
{
    if (!exporter.running)
        return;
    cc_trace_set_exporter(NULL);
    pthread_mutex_lock(&exporter.lock);
    exporter.stopping = true;
    pthread_cond_signal(&exporter.wake);
    pthread_mutex_unlock(&exporter.lock);
    pthread_join(exporter.thread, NULL);
    pthread_mutex_lock(&exporter.lock);
    exporter.running = false;
    for (; exporter.count > 0; exporter.count--) {
        cc_free(exporter.queue[exporter.first]);
        exporter.first = (exporter.first + 1) % QUEUE_SPANS;
    }
    pthread_mutex_unlock(&exporter.lock);
    pthread_cond_destroy(&exporter.wake);
    cc_free(exporter.service);
    cc_free(exporter.url);
}
