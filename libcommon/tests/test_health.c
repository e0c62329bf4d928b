/* Readiness: when a set of dependencies counts as ready, and what /readyz would say. */

#include "testing.h"

#include <stdatomic.h>
#include <string.h>

#include "../src/health_private.h"
#include "common/log.h"

struct fixture {
    struct fake_clock fake;
    struct cc_health *health;
    char reason[CC_HEALTH_REASON_BYTES];
    struct cc_strbuf text;
};

static int set_up(void **state)
{
    static struct fixture f;
    cc_log_set_level(CC_LOG_ERROR); /* stdout belongs to the test's report */
    fake_clock_init(&f.fake);
    f.health = cc_health_create(&f.fake.clock);
    cc_strbuf_init(&f.text, 10000);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cc_health_destroy(f->health);
    cc_strbuf_finish(&f->text);
    return 0;
}

static const char *written(struct fixture *f)
{
    struct cc_json_writer writer;
    cc_strbuf_reset(&f->text);
    cc_json_writer_init(&writer, &f->text);
    cc_json_open_object(&writer, NULL);
    cc_health_write(f->health, &writer);
    cc_json_close_object(&writer);
    return cc_strbuf_text(&f->text);
}

static void nothing_is_ready_before_the_start_is_done(void **state)
{
    struct fixture *f = *state;
    assert_false(cc_health_ready(f->health, f->reason));
    assert_string_equal(f->reason, "starting");

    cc_health_set_started(f->health);
    assert_true(cc_health_ready(f->health, f->reason));
    assert_string_equal(written(f), "{\"status\":\"ready\",\"items\":[]}");
}

static void every_item_must_have_succeeded(void **state)
{
    struct fixture *f = *state;
    struct cc_health_item *kafka = cc_health_add(f->health, "kafka");
    struct cc_health_item *store = cc_health_add(f->health, "store");
    cc_health_set_started(f->health);

    cc_health_report(kafka, CC_OK, NULL);
    assert_false(cc_health_ready(f->health, f->reason));
    assert_string_equal(f->reason, "store: not connected yet");

    cc_health_report(store, CC_OK, NULL);
    assert_true(cc_health_ready(f->health, f->reason));
}

static void a_failing_item_is_named_with_its_reason_and_the_age_of_its_success(void **state)
{
    struct fixture *f = *state;
    struct cc_health_item *kafka = cc_health_add(f->health, "kafka");
    cc_health_add(f->health, "store");
    cc_health_set_started(f->health);
    cc_health_report(kafka, CC_OK, NULL);
    fake_clock_advance_ms(&f->fake, 1500);

    cc_health_report(kafka, CC_UNAVAILABLE, "broker is away");

    assert_string_equal(
        written(f),
        "{\"status\":\"not ready\",\"reason\":\"kafka: broker is away\",\"items\":["
        "{\"name\":\"kafka\",\"ok\":false,\"age_ms\":1500,\"reason\":\"broker is away\"},"
        "{\"name\":\"store\",\"ok\":false,\"age_ms\":null,\"reason\":\"not connected yet\"}]}");
}

static enum cc_code never_answers(void *subject, struct cc_error *err)
{
    (void)subject;
    return cc_fail_detail(err, CC_UNAVAILABLE, "nobody there");
}

static void readiness_does_not_wait_for_what_is_optional_but_shows_it(void **state)
{
    struct fixture *f = *state;
    struct cc_health_item *kafka = cc_health_add(f->health, "kafka");
    cc_health_watch_optional(f->health, "objects", never_answers, NULL);
    cc_health_set_started(f->health);

    assert_false(cc_health_ready(f->health, f->reason));
    cc_health_report(kafka, CC_OK, NULL);

    assert_true(cc_health_ready(f->health, f->reason));
    assert_string_equal(
        written(f), "{\"status\":\"degraded\",\"reason\":\"objects: not connected yet\",\"items\":["
                    "{\"name\":\"kafka\",\"ok\":true,\"age_ms\":0,\"reason\":\"\"},"
                    "{\"name\":\"objects\",\"ok\":false,\"age_ms\":null,"
                    "\"reason\":\"not connected yet\",\"optional\":true}]}");
}

static void readiness_waits_a_while_for_what_has_a_grace(void **state)
{
    struct fixture *f = *state;
    struct cc_health_item *consumer = cc_health_add_optional(f->health, "consumer");

    cc_health_set_started(f->health);
    fake_clock_advance_ms(&f->fake, CC_HEALTH_GRACE_MS - 1);
    assert_false(cc_health_ready(f->health, f->reason));
    assert_string_equal(f->reason, "consumer: not connected yet");

    fake_clock_advance_ms(&f->fake, 1);
    assert_true(cc_health_ready(f->health, f->reason));
    cc_health_report(consumer, CC_OK, NULL);
    assert_non_null(strstr(written(f), "\"status\":\"ready\""));
}

static void what_has_succeeded_once_has_no_grace_any_more(void **state)
{
    struct fixture *f = *state;
    struct cc_health_item *consumer = cc_health_add_optional(f->health, "consumer");

    cc_health_set_started(f->health);
    cc_health_report(consumer, CC_OK, NULL);
    cc_health_report(consumer, CC_UNAVAILABLE, "broker is away");

    assert_true(cc_health_ready(f->health, f->reason));
    assert_non_null(strstr(written(f), "\"status\":\"degraded\""));
}

static void draining_is_never_ready(void **state)
{
    struct fixture *f = *state;
    cc_health_set_started(f->health);
    cc_health_set_draining(f->health);
    assert_false(cc_health_ready(f->health, f->reason));
    assert_string_equal(f->reason, "draining");
}

static atomic_int probe_result;

static enum cc_code probe(void *subject, struct cc_error *err)
{
    atomic_fetch_add((atomic_int *)subject, 1);
    enum cc_code code = (enum cc_code)atomic_load(&probe_result);
    return code == CC_OK ? CC_OK : cc_fail_detail(err, code, "no answer");
}

static bool is_ready(void *health)
{
    char reason[CC_HEALTH_REASON_BYTES];
    return cc_health_ready(health, reason);
}

static bool is_not_ready(void *health)
{
    return !is_ready(health);
}

static void watched_items_are_probed_again_and_again(void **state)
{
    struct fixture *f = *state;
    atomic_int calls = 0;
    atomic_store(&probe_result, CC_OK);
    cc_health_start(f->health);
    cc_health_set_started(f->health);
    cc_health_watch(f->health, "redis", probe, &calls); /* after the thread has started */

    test_wait_for(is_ready, f->health, 3000);
    atomic_store(&probe_result, CC_UNAVAILABLE);
    test_wait_for(is_not_ready, f->health, 3000);
    cc_health_ready(f->health, f->reason);
    cc_health_stop(f->health);

    assert_string_equal(f->reason, "redis: no answer");
    assert_true(atomic_load(&calls) >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_ready_before_the_start_is_done),
        TEST(every_item_must_have_succeeded),
        TEST(a_failing_item_is_named_with_its_reason_and_the_age_of_its_success),
        TEST(readiness_does_not_wait_for_what_is_optional_but_shows_it),
        TEST(readiness_waits_a_while_for_what_has_a_grace),
        TEST(what_has_succeeded_once_has_no_grace_any_more),
        TEST(draining_is_never_ready),
        TEST(watched_items_are_probed_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
