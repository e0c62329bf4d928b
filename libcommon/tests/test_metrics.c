/* Metrics: identity of series, values, the exposition text. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "common/metrics.h"

static char text[65536];

static const char *rendered(void)
{
    struct cc_strbuf out;
    cc_strbuf_init(&out, sizeof text - 1);
    cc_metrics_render(&out);
    assert_false(out.overflowed);
    memcpy(text, cc_strbuf_text(&out), out.length + 1);
    cc_strbuf_finish(&out);
    return text;
}

static int occurrences(const char *where, const char *what)
{
    int count = 0;
    for (const char *at = where; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void the_same_name_and_labels_are_the_same_series(void **state)
{
    (void)state;
    struct cc_counter *a = cc_counter_get("same_total", "Help.", "k", "1", NULL);
    struct cc_counter *b = cc_counter_get("same_total", "Help.", "k", "2", NULL);

    assert_ptr_equal(cc_counter_get("same_total", "Help.", "k", "1", NULL), a);
    assert_ptr_not_equal(a, b);
    cc_counter_add(a, 2);
    cc_counter_add(a, 3);
    assert_int_equal(cc_counter_value(a), 5);
    assert_int_equal(cc_counter_value(b), 0);
}

static void head_lines_come_once_and_every_series_is_a_line(void **state)
{
    (void)state;
    cc_counter_add(cc_counter_get("once_total", "Two\nlines \\ here.", "k", "1", NULL), 7);
    cc_gauge_set(cc_gauge_get("temperature", "Degrees.", NULL), -4);
    cc_counter_get("once_total", "Two\nlines \\ here.", "k", "2", NULL);

    const char *out = rendered();

    assert_int_equal(occurrences(out, "# HELP once_total Two\\nlines \\\\ here.\n"), 1);
    assert_int_equal(occurrences(out, "# TYPE once_total counter\n"), 1);
    assert_int_equal(occurrences(out, "once_total{k=\"1\"} 7\n"), 1);
    assert_int_equal(occurrences(out, "once_total{k=\"2\"} 0\n"), 1);
    assert_int_equal(occurrences(out, "# TYPE temperature gauge\ntemperature -4\n"), 1);
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    cc_gauge_get("escaped", "Help.", "path", "a\"b\\c\nd", "x", "y", NULL);
    assert_non_null(strstr(rendered(), "escaped{path=\"a\\\"b\\\\c\\nd\",x=\"y\"} 0\n"));
}

static void a_histogram_counts_cumulatively_in_seconds(void **state)
{
    (void)state;
    struct cc_histogram *histogram = cc_histogram_get("took_seconds", "Time.", "r", "/x", NULL);
    cc_histogram_observe_us(histogram, 500);      /* on the limit: belongs to 0.0005 */
    cc_histogram_observe_us(histogram, 501);      /* 0.001 */
    cc_histogram_observe_us(histogram, 20000000); /* +Inf */

    const char *out = rendered();

    assert_non_null(strstr(out, "# TYPE took_seconds histogram\n"));
    assert_non_null(strstr(out, "took_seconds_bucket{r=\"/x\",le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(out, "took_seconds_bucket{r=\"/x\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(out, "took_seconds_bucket{r=\"/x\",le=\"10\"} 2\n"));
    assert_non_null(strstr(out, "took_seconds_bucket{r=\"/x\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(out, "took_seconds_sum{r=\"/x\"} 20.001001\n"));
    assert_non_null(strstr(out, "took_seconds_count{r=\"/x\"} 3\n"));
}

static double value_of(const char *out, const char *name)
{
    char line_start[128];
    snprintf(line_start, sizeof line_start, "\n%s ", name);
    const char *line = strstr(out, line_start);
    assert_non_null(line);
    return strtod(line + strlen(line_start), NULL);
}

static void the_process_describes_itself(void **state)
{
    (void)state;
    const char *out = rendered();
    double now = (double)cc_wall_ms(cc_clock_system()) / 1000;

    assert_true(value_of(out, "process_resident_memory_bytes") > 100000);
    assert_true(value_of(out, "process_heap_bytes") <=
                value_of(out, "process_resident_memory_bytes"));
    assert_true(value_of(out, "process_open_fds") >= 3);
    assert_true(value_of(out, "process_max_fds") > value_of(out, "process_open_fds"));
    assert_true(value_of(out, "process_cpu_seconds_total") >= 0);
    double started = value_of(out, "process_start_time_seconds");
    assert_true(started > now - 600 && started < now + 2);
    assert_non_null(strstr(out, "\nbuild_info{version=\""));
}

static void *add_many(void *counter)
{
    for (int i = 0; i < 10000; i++)
        cc_counter_add(counter, 1);
    return NULL;
}

static void no_update_of_any_thread_is_lost(void **state)
{
    (void)state;
    struct cc_counter *counter = cc_counter_get("contended_total", "Help.", NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add_many, counter);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(cc_counter_value(counter), 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_name_and_labels_are_the_same_series),
        cmocka_unit_test(head_lines_come_once_and_every_series_is_a_line),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(a_histogram_counts_cumulatively_in_seconds),
        cmocka_unit_test(the_process_describes_itself),
        cmocka_unit_test(no_update_of_any_thread_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
