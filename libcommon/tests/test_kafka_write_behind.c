/* Consumers that save later than they apply, against the real broker: nothing is committed that is
 * not saved, and nothing that was applied is given up unsaved. */

#include "kafka_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/kafka_consumer.h"

#define NEVER_MS 600000

struct counter { /* a service that counts records and saves the count */
    atomic_int applied, saved, saves, save_failures_left, assigned;
    char topic[KAFKA_NAME_BYTES], group[KAFKA_NAME_BYTES];
    struct cc_producer *producer;
    struct cc_consumer *consumer;
};

static enum cc_code apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct counter *counter = app;
    (void)err;
    atomic_fetch_add(&counter->applied, (int)batch->count);
    return CC_OK;
}

static enum cc_code save(void *app, struct cc_arena *arena, struct cc_error *err)
{
    struct counter *counter = app;
    (void)arena;
    atomic_fetch_add(&counter->saves, 1);
    if (atomic_load(&counter->save_failures_left) > 0) {
        atomic_fetch_sub(&counter->save_failures_left, 1);
        return cc_fail_detail(err, CC_UNAVAILABLE, "the store is away");
    }
    atomic_store(&counter->saved, atomic_load(&counter->applied));
    return CC_OK;
}

static void note_assigned(void *app, int32_t partition)
{
    (void)partition;
    atomic_fetch_add(&((struct counter *)app)->assigned, 1);
}

static void start(struct counter *counter, int save_ms)
{
    struct cc_error error = {0};
    const struct cc_consumer_options options = {.brokers = kafka_brokers(),
                                                .client_id = "test",
                                                .producer = counter->producer,
                                                .app = counter};
    const struct cc_consumer_row row = {.topic = counter->topic,
                                        .group = counter->group,
                                        .batch_max = 10,
                                        .apply = apply,
                                        .on_assigned = note_assigned,
                                        .linger_ms = 20,
                                        .save = save,
                                        .save_ms = save_ms};
    if (cc_consumer_start(&options, &row, &counter->consumer, &error) != CC_OK)
        fail_msg("consumer: %s", error.detail);
}

static void stop(struct counter *counter)
{
    cc_consumer_stop(counter->consumer, cc_mono_ms(cc_clock_system()) + 10000);
    counter->consumer = NULL;
}

static struct counter *make_counter(int partitions)
{
    struct counter *counter = cc_calloc(1, sizeof *counter);
    kafka_unique("group", counter->group);
    if (partitions > 0)
        kafka_make_topic(counter->topic, partitions);
    counter->producer = kafka_must_connect();
    return counter;
}

static void free_counter(struct counter *counter)
{
    if (counter->consumer != NULL)
        stop(counter);
    cc_producer_destroy(counter->producer, 3000);
    cc_free(counter);
}

static void produce(struct counter *counter, int count)
{
    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%d", i);
        kafka_must_produce(counter->producer, counter->topic, key, "1");
    }
}

struct reached { /* a number that is to become at least so high */
    atomic_int *number;
    int least;
};

static bool is_reached(void *arg)
{
    const struct reached *reached = arg;
    return atomic_load(reached->number) >= reached->least;
}

static void wait_until(atomic_int *number, int least)
{
    struct reached reached = {number, least};
    test_wait_for(is_reached, &reached, 15000);
}

static int64_t committed(const struct counter *counter)
{
    return kafka_committed(counter->group, counter->topic, 1);
}

static bool all_ten_are_committed(void *arg)
{
    return committed(arg) == 10;
}

static void what_is_applied_is_committed_once_it_is_saved(void **state)
{
    (void)state;
    struct counter *counter = make_counter(1);
    produce(counter, 10);

    start(counter, 200);
    test_wait_for(all_ten_are_committed, counter, 15000);

    assert_int_equal(atomic_load(&counter->saved), 10);
    free_counter(counter);
}

static void nothing_is_committed_while_saving_fails(void **state)
{
    (void)state;
    struct counter *counter = make_counter(1);
    atomic_store(&counter->save_failures_left, 3);
    produce(counter, 10);

    start(counter, 1);
    wait_until(&counter->saves, 2);
    int64_t meanwhile = committed(counter);
    test_wait_for(all_ten_are_committed, counter, 15000);

    assert_true(meanwhile <= 0);
    assert_int_equal(atomic_load(&counter->saved), 10);
    assert_true(atomic_load(&counter->saves) >= 4);
    free_counter(counter);
}

static void stopping_saves_what_waits_and_commits_it(void **state)
{
    (void)state;
    struct counter *counter = make_counter(1);
    produce(counter, 10);
    start(counter, NEVER_MS);
    wait_until(&counter->applied, 10);

    assert_int_equal(atomic_load(&counter->saves), 0);
    stop(counter);

    assert_int_equal(atomic_load(&counter->saved), 10);
    assert_int_equal(committed(counter), 10);
    free_counter(counter);
}

static void what_could_not_be_saved_before_a_stop_is_applied_by_the_next_owner(void **state)
{
    (void)state;
    struct counter *first = make_counter(1), *second = make_counter(0);
    memcpy(second->topic, first->topic, sizeof second->topic);
    memcpy(second->group, first->group, sizeof second->group);
    atomic_store(&first->save_failures_left, 1000000);
    produce(first, 10);
    start(first, NEVER_MS);
    wait_until(&first->applied, 10);

    stop(first);
    start(second, 1);
    wait_until(&second->saved, 10);

    assert_int_equal(atomic_load(&second->applied), 10);
    free_counter(second);
    free_counter(first);
}

static void what_waits_is_saved_before_partitions_are_given_up(void **state)
{
    (void)state;
    struct counter *first = make_counter(6), *second = make_counter(0);
    memcpy(second->topic, first->topic, sizeof second->topic);
    memcpy(second->group, first->group, sizeof second->group);
    produce(first, 60);
    start(first, NEVER_MS);
    wait_until(&first->applied, 60);

    start(second, NEVER_MS);
    wait_until(&second->assigned, 1);

    assert_int_equal(atomic_load(&first->saved), 60);
    stop(second);
    assert_int_equal(atomic_load(&second->applied), 0);
    free_counter(second);
    free_counter(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_applied_is_committed_once_it_is_saved),
        cmocka_unit_test(nothing_is_committed_while_saving_fails),
        cmocka_unit_test(stopping_saves_what_waits_and_commits_it),
        cmocka_unit_test(what_could_not_be_saved_before_a_stop_is_applied_by_the_next_owner),
        cmocka_unit_test(what_waits_is_saved_before_partitions_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
