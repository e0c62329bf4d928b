/* Reading a topic to its end, with the real broker. */

#include "common/kafka_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka_fixture.h"

#define PARTITIONS 3

struct reader_fixture {
    struct cc_producer *producer;
    char topic[KAFKA_NAME_BYTES], group[KAFKA_NAME_BYTES];
    struct cc_error err;
};

static int start(void **state)
{
    static struct reader_fixture fixture;

    fixture = (struct reader_fixture){.producer = kafka_must_connect()};
    kafka_make_topic(fixture.topic, PARTITIONS);
    kafka_unique("reader", fixture.group);
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    cc_producer_destroy(((struct reader_fixture *)*state)->producer, 1000);
    return 0;
}

static void must_produce(struct reader_fixture *f, int from, int to)
{
    char text[16];

    for (int i = from; i <= to; i++) {
        snprintf(text, sizeof text, "%d", i);
        kafka_must_produce(f->producer, f->topic, text, text);
    }
}

/* Sum of the numbers that are read, so that none is missed or read twice. */
static int read_all(struct reader_fixture *f, const char *group, bool commit)
{
    struct cc_topic_reader *reader = NULL;
    struct cc_topic_record record;
    bool end = false;
    int sum = 0;

    assert_int_equal(
        cc_topic_reader_open(kafka_brokers(), "test", f->topic, group, &reader, &f->err), CC_OK);
    while (cc_topic_reader_next(reader, &record, &end, &f->err) == CC_OK && !end) {
        assert_string_equal(record.record.topic, f->topic);
        assert_true(record.record.timestamp_ms > 0);
        assert_int_equal(record.record.payload_count, strlen(record.record.key));
        assert_memory_equal(record.record.payload, record.record.key, record.record.payload_count);
        sum += (int)strtol(record.record.key, NULL, 10);
    }
    assert_true(end);
    if (commit)
        assert_int_equal(cc_topic_reader_commit(reader, &f->err), CC_OK);
    cc_topic_reader_close(reader);
    return sum;
}

static void without_a_group_all_is_read_each_time(void **state)
{
    struct reader_fixture *f = *state;
    must_produce(f, 1, 20);

    assert_int_equal(read_all(f, NULL, false), 210);
    assert_int_equal(read_all(f, NULL, false), 210);
}

static void a_group_goes_on_where_it_committed(void **state)
{
    struct reader_fixture *f = *state;
    must_produce(f, 1, 10);

    assert_int_equal(read_all(f, f->group, false), 55);
    assert_int_equal(read_all(f, f->group, true), 55);
    must_produce(f, 11, 12);
    assert_int_equal(read_all(f, f->group, true), 23);
    assert_int_equal(read_all(f, f->group, true), 0);
}

static void a_dead_letter_tells_its_reason(void **state)
{
    struct reader_fixture *f = *state;
    struct cc_topic_reader *reader = NULL;
    struct cc_topic_record record;
    struct cc_produce letter = {.topic = f->topic,
                                .key = "k",
                                .payload = "p",
                                .payload_count = 1,
                                .reason = "unreadable: op"};
    bool end = false;
    assert_int_equal(cc_produce_all(f->producer, &letter, 1, &f->err), CC_OK);

    assert_int_equal(
        cc_topic_reader_open(kafka_brokers(), "test", f->topic, NULL, &reader, &f->err), CC_OK);
    assert_int_equal(cc_topic_reader_next(reader, &record, &end, &f->err), CC_OK);

    assert_false(end);
    assert_string_equal(record.reason, "unreadable: op");
    assert_int_equal(cc_topic_reader_commit(reader, &f->err), CC_INTERNAL);
    cc_topic_reader_close(reader);
}

static void an_empty_topic_ends_at_once_and_a_missing_one_is_not_found(void **state)
{
    struct reader_fixture *f = *state;
    struct cc_topic_reader *reader = NULL;

    assert_int_equal(read_all(f, f->group, true), 0);
    assert_int_not_equal(
        cc_topic_reader_open(kafka_brokers(), "test", "no.such.topic", NULL, &reader, &f->err),
        CC_OK);
    cc_topic_reader_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_group_all_is_read_each_time),
        TEST(a_group_goes_on_where_it_committed),
        TEST(a_dead_letter_tells_its_reason),
        TEST(an_empty_topic_ends_at_once_and_a_missing_one_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
