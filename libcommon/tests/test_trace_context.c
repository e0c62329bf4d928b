/* traceparent in and out, and which spans reach the exporter. */

#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "../src/trace_private.h"
#include "common/trace.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_traceparent_is_read_and_written(void **state)
{
    (void)state;
    struct cc_trace trace;
    char text[CC_TRACEPARENT_BYTES];

    assert_true(cc_trace_parse(PARENT, &trace));

    assert_string_equal(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_equal(trace.span_id, "00f067aa0ba902b7");
    assert_true(trace.sampled);
    cc_trace_format(&trace, text);
    assert_string_equal(text, PARENT);
    trace.sampled = false;
    cc_trace_format(&trace, text);
    assert_string_equal(text + 53, "00");
}

static void a_later_version_may_carry_more(void **state)
{
    (void)state;
    struct cc_trace trace;
    assert_true(
        cc_trace_parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more", &trace));
    assert_false(trace.sampled);
}

static void malformed_traceparents_are_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
    };
    struct cc_trace trace = {.sampled = true};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_false(cc_trace_parse(malformed[i], &trace));
    assert_false(cc_trace_parse(NULL, &trace));
    assert_true(trace.sampled); /* untouched */
}

static void a_span_continues_its_parent_or_begins_a_trace(void **state)
{
    (void)state;
    struct cc_trace parent;
    struct cc_span child, root, other;
    char text[CC_TRACEPARENT_BYTES];
    assert_true(cc_trace_parse(PARENT, &parent));

    cc_span_begin(&child, "child", CC_SPAN_SERVER, &parent);
    cc_span_begin(&root, "root", CC_SPAN_SERVER, NULL);
    cc_span_begin(&other, "other", CC_SPAN_SERVER, &(struct cc_trace){.trace_id = ""});

    assert_string_equal(child.trace.trace_id, parent.trace_id);
    assert_string_equal(child.parent_id, parent.span_id);
    assert_string_not_equal(child.trace.span_id, parent.span_id);
    assert_true(child.trace.sampled);
    assert_string_equal(root.parent_id, "");
    assert_string_not_equal(root.trace.trace_id, other.trace.trace_id);
    cc_trace_format(&root.trace, text);
    assert_true(cc_trace_parse(text, &parent));
}

static void no_context_is_written_as_nothing(void **state)
{
    (void)state;
    char text[CC_TRACEPARENT_BYTES] = "x";
    cc_trace_format(&(struct cc_trace){.trace_id = ""}, text);
    assert_string_equal(text, "");
}

static struct {
    int count;
    char name[32], error_name[32], attributes[64];
} exported;

static void record(const struct cc_span *span, int64_t ended_wall_us, const char *error_name,
                   const char *const *attributes, size_t count)
{
    assert_true(ended_wall_us >= span->started_wall_us);
    exported.count++;
    snprintf(exported.name, sizeof exported.name, "%s", span->name);
    snprintf(exported.error_name, sizeof exported.error_name, "%s", error_name);
    exported.attributes[0] = '\0';
    for (size_t i = 0; i < 2 * count; i++)
        snprintf(exported.attributes + strlen(exported.attributes), 20, "%s;", attributes[i]);
}

static void only_sampled_spans_are_exported(void **state)
{
    (void)state;
    struct cc_span span;
    cc_trace_set_exporter(record);

    cc_trace_set_sampling(0);
    cc_span_begin(&span, "dropped", CC_SPAN_INTERNAL, NULL);
    cc_span_end(&span, NULL, NULL);
    assert_int_equal(exported.count, 0);

    cc_trace_set_sampling(1000);
    cc_span_begin(&span, "kept", CC_SPAN_INTERNAL, NULL);
    cc_span_end(&span, "timeout", "a", "1", "b", "2", NULL);

    assert_int_equal(exported.count, 1);
    assert_string_equal(exported.name, "kept");
    assert_string_equal(exported.error_name, "timeout");
    assert_string_equal(exported.attributes, "a;1;b;2;");
    cc_trace_set_exporter(NULL);
    cc_span_end(&span, NULL, NULL);
    assert_int_equal(exported.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_is_read_and_written),
        cmocka_unit_test(a_later_version_may_carry_more),
        cmocka_unit_test(malformed_traceparents_are_refused),
        cmocka_unit_test(a_span_continues_its_parent_or_begins_a_trace),
        cmocka_unit_test(no_context_is_written_as_nothing),
        cmocka_unit_test(only_sampled_spans_are_exported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
