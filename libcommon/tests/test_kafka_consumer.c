/* The consumer runner against the real broker: order, commits, repeats, dead letters, groups. */

#include "kafka_fixture.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/kafka_consumer.h"
#include "common/metrics.h"

#define LIST_MAX 4096

/* A service: remembers what was applied; fails or rejects when told to. */
struct service {
    pthread_mutex_t mutex;
    int applied[LIST_MAX]; /* payloads as numbers, in order */
    int applied_count;
    char first_key[64], first_trace[33];
    char tries[16][512]; /* the payloads of each call of apply, joined */
    int try_count;
    atomic_int failures_left, assigned, revoked, not_owned;
    char topic[KAFKA_NAME_BYTES], group[KAFKA_NAME_BYTES];
    const char *brokers; /* NULL = the real one */
    struct cc_producer *producer;
    struct cc_consumer *consumer;
};

static void note_try(struct service *service, const struct cc_batch *batch)
{
    if (service->try_count == 16)
        return;
    char *text = service->tries[service->try_count++];
    size_t used = 0;
    for (size_t i = 0; i < batch->count && used < sizeof service->tries[0]; i++)
        used += (size_t)snprintf(text + used, sizeof service->tries[0] - used, "%.*s ",
                                 (int)batch->records[i].payload_count,
                                 (const char *)batch->records[i].payload);
}

static void note_record(struct service *service, struct cc_record *record)
{
    char number[16];
    snprintf(number, sizeof number, "%.*s", (int)record->payload_count,
             (const char *)record->payload);
    if (service->applied_count == 0) {
        snprintf(service->first_key, sizeof service->first_key, "%s", record->key);
        snprintf(service->first_trace, sizeof service->first_trace, "%s", record->trace.trace_id);
    }
    if (strcmp(number, "poison") == 0)
        cc_record_reject(record, "not a number: %s", number);
    else if (service->applied_count < LIST_MAX)
        service->applied[service->applied_count++] = (int)strtol(number, NULL, 10);
}

static enum cc_code apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct service *service = app;
    pthread_mutex_lock(&service->mutex);
    note_try(service, batch);
    bool fails = atomic_load(&service->failures_left) > 0;
    if (fails)
        atomic_fetch_sub(&service->failures_left, 1);
    for (size_t i = 0; i < batch->count && !fails; i++) {
        atomic_fetch_add(&service->not_owned,
                         cc_batch_still_owned(batch, &batch->records[i]) ? 0 : 1);
        note_record(service, &batch->records[i]);
    }
    pthread_mutex_unlock(&service->mutex);
    return fails ? cc_fail_detail(err, CC_UNAVAILABLE, "the store is away") : CC_OK;
}

static void note_assigned(void *app, int32_t partition)
{
    (void)partition;
    atomic_fetch_add(&((struct service *)app)->assigned, 1);
}

static void note_revoked(void *app, int32_t partition)
{
    (void)partition;
    atomic_fetch_add(&((struct service *)app)->revoked, 1);
}

static void start(struct service *service, size_t batch_max)
{
    struct cc_error error = {0};
    const char *brokers = service->brokers == NULL ? kafka_brokers() : service->brokers;
    const struct cc_consumer_options options = {
        .brokers = brokers, .client_id = "test", .producer = service->producer, .app = service};
    const struct cc_consumer_row row = {.topic = service->topic,
                                        .group = service->group,
                                        .batch_max = batch_max,
                                        .apply = apply,
                                        .on_assigned = note_assigned,
                                        .on_revoked = note_revoked};
    if (cc_consumer_start(&options, &row, &service->consumer, &error) != CC_OK)
        fail_msg("consumer: %s", error.detail);
}

static void stop(struct service *service)
{
    cc_consumer_stop(service->consumer, cc_mono_ms(cc_clock_system()) + 10000);
    service->consumer = NULL;
}

static struct service *make_service(int partitions)
{
    struct service *service = cc_calloc(1, sizeof *service);
    pthread_mutex_init(&service->mutex, NULL);
    kafka_unique("group", service->group);
    if (partitions > 0)
        kafka_make_topic(service->topic, partitions);
    service->producer = kafka_must_connect();
    return service;
}

static void free_service(struct service *service)
{
    if (service->consumer != NULL)
        stop(service);
    cc_producer_destroy(service->producer, 3000);
    assert_int_equal(service->not_owned, 0);
    pthread_mutex_destroy(&service->mutex);
    cc_free(service);
}

static void produce_numbers(struct service *service, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        char payload[16], key[16];
        snprintf(payload, sizeof payload, "%d", i);
        snprintf(key, sizeof key, "key-%d", i % 7);
        kafka_must_produce(service->producer, service->topic, key, payload);
    }
}

static int applied_count(struct service *service)
{
    pthread_mutex_lock(&service->mutex);
    int count = service->applied_count;
    pthread_mutex_unlock(&service->mutex);
    return count;
}

struct expectation {
    struct service *service, *other; /* other NULL = one alone */
    int count;
};

static bool have_applied(void *arg)
{
    struct expectation *expected = arg;
    int count = applied_count(expected->service);
    if (expected->other != NULL)
        count += applied_count(expected->other);
    return count >= expected->count;
}

static bool have_committed(void *arg)
{
    struct expectation *expected = arg;
    return kafka_committed(expected->service->group, expected->service->topic, 1) ==
           expected->count;
}

static bool is_assigned(void *arg)
{
    return atomic_load(&((struct service *)arg)->assigned) > 0;
}

static void wait_applied(struct service *service, int count)
{
    struct expectation expected = {.service = service, .count = count};
    test_wait_for(have_applied, &expected, 15000);
}

static void assert_applied_in_order(struct service *service, int count)
{
    assert_int_equal(applied_count(service), count);
    for (int i = 0; i < count; i++)
        assert_int_equal(service->applied[i], i);
}

static void a_record_arrives_with_key_and_trace(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    struct cc_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", true};
    struct cc_produce record = {.topic = service->topic,
                                .key = "chat-1",
                                .payload = "0",
                                .payload_count = 1,
                                .trace = &trace};
    assert_int_equal(cc_produce_all(service->producer, &record, 1, NULL), CC_OK);

    start(service, 100);
    wait_applied(service, 1);

    assert_string_equal(service->first_key, "chat-1");
    assert_string_equal(service->first_trace, trace.trace_id);
    free_service(service);
}

static void what_is_applied_gets_committed(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    produce_numbers(service, 0, 5);
    struct expectation all = {.service = service, .count = 5};

    start(service, 2);
    wait_applied(service, 5);
    test_wait_for(have_committed, &all, 5000);

    assert_applied_in_order(service, 5);
    free_service(service);
}

static bool two_tries_failed(void *arg)
{
    return atomic_load(&((struct service *)arg)->failures_left) == 0;
}

static void a_failed_batch_comes_again_unchanged(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    produce_numbers(service, 0, 1);
    atomic_store(&service->failures_left, 2);

    start(service, 100);
    test_wait_for(two_tries_failed, service, 10000);
    wait_applied(service, 1);

    assert_string_equal(service->tries[0], service->tries[1]);
    assert_string_equal(service->tries[0], service->tries[2]);
    assert_applied_in_order(service, 1);
    free_service(service);
}

static bool three_tries_are_made(void *arg)
{
    struct service *service = arg;
    pthread_mutex_lock(&service->mutex);
    bool made = service->try_count >= 3;
    pthread_mutex_unlock(&service->mutex);
    return made;
}

static void nothing_of_a_batch_that_only_fails_is_committed(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    produce_numbers(service, 0, 3);
    atomic_store(&service->failures_left, 1000000);

    start(service, 100);
    test_wait_for(three_tries_are_made, service, 10000);
    stop(service);

    assert_int_equal(applied_count(service), 0);
    assert_int_equal(kafka_committed(service->group, service->topic, 1), 0);
    free_service(service);
}

static void a_backlog_behind_a_failed_batch_keeps_its_order(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    produce_numbers(service, 0, 300);
    atomic_store(&service->failures_left, 2);

    start(service, 10);
    wait_applied(service, 150);
    atomic_store(&service->failures_left, 2);
    wait_applied(service, 300);

    assert_applied_in_order(service, 300);
    free_service(service);
}

static void a_poison_record_is_buried_and_the_next_one_applied(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    char dlq[KAFKA_NAME_BYTES + 8], reason[128];
    struct expectation both = {.service = service, .count = 2};
    kafka_must_produce(service->producer, service->topic, "k", "poison");
    kafka_must_produce(service->producer, service->topic, "k", "0");

    start(service, 100);
    wait_applied(service, 1);
    test_wait_for(have_committed, &both, 5000);

    snprintf(dlq, sizeof dlq, "%s.dlq", service->topic);
    kafka_first_header(dlq, "reason", reason, sizeof reason);
    assert_string_equal(reason, "not a number: poison");
    assert_applied_in_order(service, 1);
    free_service(service);
}

static void count_each(struct service *service, int *seen)
{
    pthread_mutex_lock(&service->mutex);
    for (int i = 0; i < service->applied_count; i++)
        seen[service->applied[i]]++;
    pthread_mutex_unlock(&service->mutex);
}

static void a_member_that_joins_takes_partitions_and_nothing_is_applied_twice(void **state)
{
    (void)state;
    struct service *first = make_service(6), *second = make_service(0);
    memcpy(second->topic, first->topic, sizeof second->topic);
    memcpy(second->group, first->group, sizeof second->group);
    struct expectation half = {.service = first, .other = second, .count = 100};
    struct expectation all = {.service = first, .other = second, .count = 400};
    int seen[400] = {0};

    start(first, 20);
    produce_numbers(first, 0, 100);
    test_wait_for(have_applied, &half, 15000);
    start(second, 20);
    produce_numbers(first, 100, 100); /* while the group is being rebalanced */
    test_wait_for(is_assigned, second, 15000);
    produce_numbers(first, 200, 200);
    test_wait_for(have_applied, &all, 15000);

    assert_true(applied_count(second) > 0);
    assert_true(atomic_load(&first->revoked) > 0);
    count_each(first, seen);
    count_each(second, seen);
    for (int i = 0; i < 400; i++)
        assert_int_equal(seen[i], 1);
    free_service(second);
    free_service(first);
}

/* The library remembers that a partition is paused beyond its assignment. */
static void a_partition_given_up_during_a_pause_is_read_when_it_comes_back(void **state)
{
    (void)state;
    struct service *first = make_service(6), *second = make_service(0);
    memcpy(second->topic, first->topic, sizeof second->topic);
    memcpy(second->group, first->group, sizeof second->group);
    struct expectation some = {.service = first, .other = second, .count = 60};
    struct expectation all = {.service = first, .other = second, .count = 120};

    atomic_store(&first->failures_left, LIST_MAX);
    produce_numbers(first, 0, 60);
    start(first, 100);
    test_wait_for(three_tries_are_made, first, 15000);
    start(second, 100);
    test_wait_for(is_assigned, second, 15000);
    atomic_store(&first->failures_left, 0);
    test_wait_for(have_applied, &some, 15000);
    stop(second);
    produce_numbers(first, 60, 60);
    test_wait_for(have_applied, &all, 15000);

    free_service(second);
    free_service(first);
}

static void stopping_commits_and_leaves_the_group_at_once(void **state)
{
    (void)state;
    struct service *first = make_service(1), *second = make_service(0);
    memcpy(second->topic, first->topic, sizeof second->topic);
    memcpy(second->group, first->group, sizeof second->group);
    produce_numbers(first, 0, 20);
    start(first, 100);
    wait_applied(first, 20);

    int64_t began_ms = cc_mono_ms(cc_clock_system());
    stop(first);
    assert_int_equal(kafka_committed(first->group, first->topic, 1), 20);
    start(second, 100);
    test_wait_for(is_assigned, second, 10000);

    /* Had it stayed a member, its session of 6 s would have had to end first. */
    assert_true(cc_mono_ms(cc_clock_system()) - began_ms < 4000);
    assert_int_equal(atomic_load(&first->revoked), 1);
    assert_int_equal(applied_count(second), 0);
    free_service(second);
    free_service(first);
}

static void a_topic_that_comes_late_is_found(void **state)
{
    (void)state;
    struct service *service = make_service(0);
    struct cc_error error = {0};
    kafka_unique("late", service->topic);
    const struct cc_topic topic = {service->topic, 1, 60000};

    start(service, 100);
    assert_int_equal(cc_topics_create(kafka_brokers(), &topic, 1, 1, &error), CC_OK);
    produce_numbers(service, 0, 1);
    wait_applied(service, 1);

    assert_applied_in_order(service, 1);
    free_service(service);
}

/* A broker in this process, which can be taken down and brought up. */
struct mock {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
};

static struct mock start_mock(void)
{
    char text[256];
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    assert_non_null(host);
    return (struct mock){host, rd_kafka_mock_cluster_new(host, 1)};
}

static void stop_mock(struct mock *mock)
{
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->host);
}

static void a_broker_that_comes_late_or_goes_away_for_a_while_is_waited_for(void **state)
{
    (void)state;
    struct mock mock = start_mock();
    struct service *service = cc_calloc(1, sizeof *service);
    struct cc_error error = {0};
    pthread_mutex_init(&service->mutex, NULL);
    kafka_unique("mocked", service->topic);
    kafka_unique("group", service->group);
    service->brokers = rd_kafka_mock_cluster_bootstraps(mock.cluster);
    assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, service->topic, 1, 1), 0);
    assert_int_equal(cc_producer_create(service->brokers, "test", &service->producer, &error),
                     CC_OK);

    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    start(service, 100);
    assert_int_not_equal(cc_producer_probe(service->producer, &error), CC_OK);
    rd_kafka_mock_broker_set_up(mock.cluster, 1);
    produce_numbers(service, 0, 5);
    wait_applied(service, 5);
    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    assert_int_not_equal(cc_producer_probe(service->producer, &error), CC_OK);
    rd_kafka_mock_broker_set_up(mock.cluster, 1);
    produce_numbers(service, 5, 5);
    wait_applied(service, 10);

    assert_applied_in_order(service, 10);
    free_service(service);
    stop_mock(&mock);
}

static void a_batch_takes_what_is_there_up_to_its_maximum(void **state)
{
    (void)state;
    struct service *service = make_service(1);
    produce_numbers(service, 0, 5);

    start(service, 2);
    wait_applied(service, 5);

    for (int i = 0; i < service->try_count; i++)
        assert_true(strlen(service->tries[i]) <= strlen("0 1 "));
    assert_applied_in_order(service, 5);
    free_service(service);
}

static int64_t lag_of(const struct service *service, const char *partition)
{
    return cc_gauge_value(cc_gauge_get("kafka_consumer_lag", "", "topic", service->topic,
                                       "partition", partition, "group", service->group, NULL));
}

static bool lag_is_true(void *arg)
{
    struct expectation *expected = arg;
    return lag_of(expected->service, "0") + lag_of(expected->service, "1") == expected->count;
}

static bool has_failed(void *arg)
{
    return atomic_load(&((struct service *)arg)->failures_left) < 1000;
}

static void the_lag_is_true_while_nothing_can_be_applied(void **state)
{
    (void)state;
    struct service *service = make_service(2);
    struct expectation expected = {.service = service, .count = 40};
    atomic_store(&service->failures_left, 1000);
    produce_numbers(service, 0, 3);
    start(service, 2);
    test_wait_for(has_failed, service, 15000);

    produce_numbers(service, 3, 37);
    test_wait_for(lag_is_true, &expected, 10000);

    atomic_store(&service->failures_left, 0);
    expected.count = 0;
    test_wait_for(lag_is_true, &expected, 15000);
    assert_int_equal(applied_count(service), 40);
    free_service(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_arrives_with_key_and_trace),
        cmocka_unit_test(what_is_applied_gets_committed),
        cmocka_unit_test(a_failed_batch_comes_again_unchanged),
        cmocka_unit_test(nothing_of_a_batch_that_only_fails_is_committed),
        cmocka_unit_test(a_backlog_behind_a_failed_batch_keeps_its_order),
        cmocka_unit_test(a_poison_record_is_buried_and_the_next_one_applied),
        cmocka_unit_test(a_member_that_joins_takes_partitions_and_nothing_is_applied_twice),
        cmocka_unit_test(a_partition_given_up_during_a_pause_is_read_when_it_comes_back),
        cmocka_unit_test(stopping_commits_and_leaves_the_group_at_once),
        cmocka_unit_test(a_topic_that_comes_late_is_found),
        cmocka_unit_test(a_broker_that_comes_late_or_goes_away_for_a_while_is_waited_for),
        cmocka_unit_test(a_batch_takes_what_is_there_up_to_its_maximum),
        cmocka_unit_test(the_lag_is_true_while_nothing_can_be_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
