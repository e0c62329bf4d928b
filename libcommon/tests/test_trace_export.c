/* Finished spans reach a collector (our own server here) as OTLP JSON; without one they are
 * dropped. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "testing.h"

#include "common/http_server.h"
#include "common/metrics.h"
#include "common/trace.h"

struct collector {
    struct cc_http_server *server;
    struct cc_ids *ids;
    pthread_mutex_t lock;
    struct cc_strbuf received;
};

static enum cc_code collect(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct collector *collector = cc_request_app(req);
    size_t count;
    const void *body = cc_request_body(req, &count);

    (void)res, (void)err;
    pthread_mutex_lock(&collector->lock);
    cc_strbuf_append(&collector->received, body, count);
    pthread_mutex_unlock(&collector->lock);
    return CC_OK;
}

static const struct cc_route routes[] = {
    {"POST", "/v1/traces", CC_AUTH_NONE, CC_RATE_NONE, 1 << 22, collect, CC_BLOCKING},
    {NULL},
};

static int set_up(void **state)
{
    static struct collector collector;
    struct cc_error err = {0};

    memset(&collector, 0, sizeof(collector));
    pthread_mutex_init(&collector.lock, NULL);
    cc_strbuf_init(&collector.received, 1 << 23);
    collector.ids = cc_ids_create(cc_clock_system(), cc_random_system());
    const struct cc_http_options options = {.host = "127.0.0.1",
                                            .routes = routes,
                                            .app = &collector,
                                            .clock = cc_clock_system(),
                                            .ids = collector.ids};
    assert_int_equal(cc_http_server_start(&options, &collector.server, &err), CC_OK);
    *state = &collector;
    return 0;
}

static int tear_down(void **state)
{
    struct collector *collector = *state;

    cc_http_server_stop(collector->server);
    cc_ids_destroy(collector->ids);
    cc_strbuf_finish(&collector->received);
    pthread_mutex_destroy(&collector->lock);
    return 0;
}

static void start_export(const struct collector *collector, int permille)
{
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d",
             cc_http_server_port(collector->server));
    cc_trace_init("test-service", endpoint, permille);
}

static void a_finished_span_reaches_the_collector(void **state)
{
    struct collector *collector = *state;
    const struct cc_trace parent = {.trace_id = "0af7651916cd43dd8448eb211c80319c",
                                    .span_id = "b7ad6b7169203331",
                                    .sampled = true};
    struct cc_span span;
    const char *text;

    start_export(collector, 1000);
    cc_span_begin(&span, "store \"it\"", CC_SPAN_INTERNAL, &parent);
    cc_span_end(&span, "unavailable", "chat_id", "c1", NULL);
    cc_trace_shutdown(); /* ships what is left */

    text = cc_strbuf_text(&collector->received);
    assert_non_null(strstr(text, "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"test-"
                                 "service\"}}"));
    assert_non_null(strstr(text, "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\""));
    assert_non_null(strstr(text, "\"parentSpanId\":\"b7ad6b7169203331\""));
    assert_non_null(strstr(text, span.trace.span_id));
    assert_non_null(strstr(text, "\"name\":\"store \\\"it\\\"\""));
    assert_non_null(strstr(text, "\"key\":\"chat_id\""));
    assert_non_null(strstr(text, "\"status\":{\"code\":2,\"message\":\"unavailable\"}"));
}

static void unsampled_spans_stay_here(void **state)
{
    struct collector *collector = *state;
    struct cc_span span;

    start_export(collector, 0);
    cc_span_begin(&span, "quiet", CC_SPAN_SERVER, NULL);
    cc_span_end(&span, NULL, NULL);
    cc_trace_shutdown();

    assert_int_equal(collector->received.length, 0);
}

static void spans_without_a_collector_are_dropped_and_counted(void **state)
{
    struct cc_counter *dropped;
    struct cc_span span;
    uint64_t before;

    (void)state;
    cc_trace_init("test-service", "http://127.0.0.1:1", 1000);
    dropped = cc_counter_get("trace_spans_dropped_total", "", NULL);
    before = cc_counter_value(dropped);
    cc_span_begin(&span, "lost", CC_SPAN_SERVER, NULL);
    cc_span_end(&span, NULL, NULL);
    cc_trace_shutdown();

    assert_int_equal(cc_counter_value(dropped) - before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_finished_span_reaches_the_collector, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unsampled_spans_stay_here, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spans_without_a_collector_are_dropped_and_counted, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
