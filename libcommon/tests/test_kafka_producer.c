/* The producer against the real broker, and against none. */

#include "kafka_fixture.h"

#include <stdatomic.h>
#include <string.h>

#include "../src/kafka_private.h"
#include "common/alloc.h"

#define NOBODY "127.0.0.1:1" /* a port that nothing listens on */

struct reports {
    atomic_int ok, failed;
    _Atomic enum cc_code last_failure;
};

static void count_report(void *arg, enum cc_code code, const struct cc_error *err)
{
    struct reports *reports = arg;
    (void)err;
    if (code == CC_OK) {
        atomic_fetch_add(&reports->ok, 1);
    } else {
        atomic_store(&reports->last_failure, code);
        atomic_fetch_add(&reports->failed, 1);
    }
}

static bool one_is_stored(void *arg)
{
    return atomic_load(&((struct reports *)arg)->ok) == 1;
}

static struct cc_producer *must_create(const char *brokers)
{
    struct cc_producer *producer;
    struct cc_error error = {0};
    assert_int_equal(cc_producer_create(brokers, "test", &producer, &error), CC_OK);
    return producer;
}

static enum cc_code produce_text(struct cc_producer *producer, const char *topic,
                                 struct reports *reports, struct cc_error *err)
{
    struct cc_produce record = {.topic = topic, .key = "k", .payload = "text", .payload_count = 4};
    return cc_produce(producer, &record, count_report, reports, err);
}

static void a_stored_record_is_reported_once(void **state)
{
    (void)state;
    char topic[KAFKA_NAME_BYTES];
    kafka_make_topic(topic, 1);
    struct cc_producer *producer = kafka_must_connect();
    struct reports reports = {0};
    struct cc_error error = {0};

    assert_int_equal(produce_text(producer, topic, &reports, &error), CC_OK);
    test_wait_for(one_is_stored, &reports, 10000);
    cc_producer_destroy(producer, 3000);

    assert_int_equal(reports.ok, 1);
    assert_int_equal(reports.failed, 0);
}

static void a_record_carries_type_version_trace_and_reason(void **state)
{
    (void)state;
    char topic[KAFKA_NAME_BYTES], value[128];
    kafka_make_topic(topic, 1);
    struct cc_producer *producer = kafka_must_connect();
    struct cc_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", true};
    struct cc_produce record = {.topic = topic,
                                .key = "k",
                                .payload = "{}",
                                .payload_count = 2,
                                .type = "chat.updated",
                                .version = 1,
                                .trace = &trace,
                                .reason = "because"};

    assert_int_equal(cc_produce_all(producer, &record, 1, NULL), CC_OK);

    kafka_first_header(topic, "type", value, sizeof value);
    assert_string_equal(value, "chat.updated");
    kafka_first_header(topic, "version", value, sizeof value);
    assert_string_equal(value, "1");
    kafka_first_header(topic, "traceparent", value, sizeof value);
    assert_string_equal(value, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    kafka_first_header(topic, "reason", value, sizeof value);
    assert_string_equal(value, "because");
    cc_producer_destroy(producer, 3000);
}

static void more_records_than_the_queue_holds_are_all_stored(void **state)
{
    (void)state;
    enum { COUNT = 45000 };
    char topic[KAFKA_NAME_BYTES];
    kafka_make_topic(topic, 4);
    struct cc_producer *producer = kafka_must_connect();
    struct cc_produce *records = cc_calloc(COUNT, sizeof *records);
    for (int i = 0; i < COUNT; i++)
        records[i] = (struct cc_produce){
            .topic = topic, .key = i % 2 ? "a" : "b", .payload = "x", .payload_count = 1};
    struct cc_error error = {0};

    enum cc_code code = cc_produce_all(producer, records, COUNT, &error);

    assert_int_equal(code, CC_OK);
    assert_int_equal(cc_producer_queue_percent(producer), 0);
    cc_free(records);
    cc_producer_destroy(producer, 3000);
}

static void a_full_queue_says_when_to_come_back(void **state)
{
    (void)state;
    struct cc_producer *producer = must_create(NOBODY);
    struct reports reports = {0};
    struct cc_error error = {0};
    int accepted = 0;

    while (accepted < 100000 && produce_text(producer, "any", &reports, &error) == CC_OK)
        accepted++;

    assert_int_equal(error.code, CC_UNAVAILABLE);
    assert_true(error.retry_after_ms > 0);
    assert_int_equal(cc_producer_queue_percent(producer), 100);
    cc_producer_destroy(producer, 0);
    assert_int_equal(reports.failed, accepted); /* exactly one report for each, none for the last */
    assert_int_equal(reports.ok, 0);
}

static void records_that_never_left_are_reported_as_not_done(void **state)
{
    (void)state;
    struct cc_producer *producer = must_create(NOBODY);
    struct reports reports = {0};
    struct cc_error error = {0};
    assert_int_equal(produce_text(producer, "any", &reports, &error), CC_OK);

    cc_producer_destroy(producer, 0);

    assert_int_equal(reports.failed, 1);
    assert_int_equal(reports.last_failure, CC_UNAVAILABLE);
}

static void the_probe_tells_a_broker_from_none(void **state)
{
    (void)state;
    struct cc_producer *near = kafka_must_connect(), *far = must_create(NOBODY);
    struct cc_error error = {0};

    assert_int_equal(cc_producer_probe(near, &error), CC_OK);
    assert_int_not_equal(cc_producer_probe(far, &error), CC_OK);

    cc_producer_destroy(near, 0);
    cc_producer_destroy(far, 0);
}

struct replacement {
    struct cc_producer *producer;
    rd_kafka_t *old;
};

static bool handle_is_new(void *arg)
{
    struct replacement *replacement = arg;
    return cc_producer_handle(replacement->producer) != replacement->old;
}

static void a_fatal_error_does_not_end_producing(void **state)
{
    (void)state;
    char topic[KAFKA_NAME_BYTES];
    kafka_make_topic(topic, 1);
    struct cc_producer *producer = kafka_must_connect();
    kafka_must_produce(producer, topic, "k", "before");
    struct replacement replacement = {producer, cc_producer_handle(producer)};

    rd_kafka_test_fatal_error(replacement.old, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                              "made up");
    test_wait_for(handle_is_new, &replacement, 5000);
    kafka_must_produce(producer, topic, "k", "after");

    cc_producer_destroy(producer, 3000);
}

static void topics_are_created_once_and_left_alone_after(void **state)
{
    (void)state;
    char topic[KAFKA_NAME_BYTES];
    struct cc_error error = {0};
    kafka_make_topic(topic, 3);
    const struct cc_topic again = {topic, 5, 0};

    enum cc_code code = cc_topics_create(kafka_brokers(), &again, 1, 1, &error);

    assert_int_equal(code, CC_OK);
    assert_int_equal(kafka_partition_count(topic), 3);
}

static void a_bad_broker_list_is_refused(void **state)
{
    (void)state;
    struct cc_producer *producer;
    struct cc_error error = {0};

    assert_int_equal(cc_producer_create("", "test", &producer, &error), CC_INVALID);
    assert_string_equal(error.field, "kafka_brokers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_record_is_reported_once),
        cmocka_unit_test(a_record_carries_type_version_trace_and_reason),
        cmocka_unit_test(more_records_than_the_queue_holds_are_all_stored),
        cmocka_unit_test(a_full_queue_says_when_to_come_back),
        cmocka_unit_test(records_that_never_left_are_reported_as_not_done),
        cmocka_unit_test(the_probe_tells_a_broker_from_none),
        cmocka_unit_test(a_fatal_error_does_not_end_producing),
        cmocka_unit_test(topics_are_created_once_and_left_alone_after),
        cmocka_unit_test(a_bad_broker_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
