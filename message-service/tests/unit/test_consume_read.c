/* message.read to read positions, in the memory store: what waits to be saved, and what doesn't.
 * Redis is away: that must not matter. */

#include <string.h>

#include "common/events/message_read.h"
#include "common/id.h"
#include "common/topics.h"
#include "events/consume_read.h"
#include "events/event_payload.h"
#include "testing.h"

#define NO_REDIS  "redis://127.0.0.1:1/0"
#define PARTITION 3
#define T0        INT64_C(1750000000000)

struct fixture {
    struct read_consumer consumer;
    struct cc_redis *redis;
    struct cc_ids *ids;
    struct cc_arena *arena;
    char chat_id[CC_UUID_BYTES], user_id[CC_UUID_BYTES];
    struct cc_error err;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.arena = cc_arena_create(0),
                         .ids = cc_ids_create(cc_clock_system(), cc_random_system())};
    assert_int_equal(cc_redis_create(NO_REDIS, 1, &f.redis, &f.err), CC_OK);
    f.consumer.store = message_store_memory_create();
    f.consumer.outlet = (struct redis_outlet){.redis = f.redis, .clock = cc_clock_system()};
    read_consumer_init(&f.consumer);
    cc_ids_next(f.ids, f.chat_id);
    cc_ids_next(f.ids, f.user_id);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    read_consumer_finish(&f->consumer);
    message_store_destroy(f->consumer.store);
    cc_redis_destroy(f->redis);
    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

static struct cc_record a_record(struct fixture *f, const struct ev_message_read *event)
{
    struct event_payload payload;

    event_payload_start(&payload);
    ev_message_read_write(&payload.writer, event);
    struct cc_produce record = event_payload_finish(&payload, f->arena);
    return (struct cc_record){.topic = CC_TOPIC_MESSAGE_READ,
                              .partition = PARTITION,
                              .key = f->chat_id,
                              .payload = record.payload,
                              .payload_count = record.payload_count};
}

/* A mark as the owner of the chat produces it; from_seq -1: of an own send, else of joining. */
static struct ev_message_read an_owner_s_mark(struct fixture *f, int64_t read_seq, int64_t from_seq)
{
    char *event_id = cc_arena_alloc(f->arena, CC_UUID_BYTES);

    cc_ids_next(f->ids, event_id);
    return (struct ev_message_read){
        .envelope = event_envelope(CC_TOPIC_MESSAGE_READ, event_id, T0, f->chat_id),
        .chat_id = f->chat_id,
        .user_id = f->user_id,
        .device_id = "",
        .read_seq = read_seq,
        .delivered_seq = -1,
        .from_seq = from_seq,
        .cleared_seq = -1,
        .at_ms = T0 + read_seq,
        .origin = {"", "", ""},
    };
}

static struct cc_record a_mark(struct fixture *f, int64_t read_seq, int64_t from_seq)
{
    struct ev_message_read event = an_owner_s_mark(f, read_seq, from_seq);

    return a_record(f, &event);
}

/* What chat-service produces when somebody deletes the chat for themselves. */
static struct cc_record a_clearing(struct fixture *f, int64_t cleared_seq)
{
    struct ev_message_read event = an_owner_s_mark(f, -1, -1);

    event.envelope.producer = "chat-service";
    event.cleared_seq = cleared_seq;
    event.at_ms = T0;
    return a_record(f, &event);
}

static void must_apply(struct fixture *f, struct cc_record record)
{
    struct cc_batch batch = {.records = &record, .count = 1, .arena = f->arena};

    assert_int_equal(consume_read(&f->consumer, &batch, &f->err), CC_OK);
    assert_false(record.rejected);
}

static void must_save(struct fixture *f)
{
    assert_int_equal(consume_read_save(&f->consumer, f->arena, &f->err), CC_OK);
}

static struct receipt stored(struct fixture *f)
{
    struct message_store *store = f->consumer.store;
    struct receipt receipt;

    assert_int_equal(store->ops->get_receipt(store, f->chat_id, f->user_id, &receipt, &f->err),
                     CC_OK);
    return receipt;
}

static void own_sends_are_stored_when_they_are_saved(void **state)
{
    struct fixture *f = *state;

    must_apply(f, a_mark(f, 4, -1));
    must_apply(f, a_mark(f, 7, -1));
    assert_int_equal(stored(f).read_seq, 0);
    must_save(f);

    assert_int_equal(stored(f).read_seq, 7);
    assert_int_equal(stored(f).at_ms, T0 + 7);
}

static void who_joins_starts_at_zero_unread_at_once(void **state)
{
    struct fixture *f = *state;

    must_apply(f, a_mark(f, 9, 9));

    assert_int_equal(stored(f).read_seq, 9);
    assert_int_equal(stored(f).from_seq, 9);
}

static void what_was_sent_before_joining_again_is_stored_with_it(void **state)
{
    struct fixture *f = *state;

    must_apply(f, a_mark(f, 4, -1));
    must_apply(f, a_mark(f, 3, 3));

    assert_int_equal(stored(f).read_seq, 4);
    assert_int_equal(stored(f).from_seq, 3);
}

static void what_was_cleared_is_stored_at_once_and_reads_nothing(void **state)
{
    struct fixture *f = *state;

    must_apply(f, a_clearing(f, 6));
    must_apply(f, a_clearing(f, 4));

    assert_int_equal(stored(f).cleared_seq, 6);
    assert_int_equal(stored(f).read_seq, 0);
    assert_int_equal(stored(f).delivered_seq, 0);
}

/* Nothing of it was committed: the next owner applies it. */
static void what_a_partition_left_unsaved_is_forgotten_with_it(void **state)
{
    struct fixture *f = *state;
    struct cc_record mark = a_mark(f, 4, -1);

    must_apply(f, mark);
    consume_read_rebalanced(&f->consumer, PARTITION);
    must_save(f);
    assert_int_equal(stored(f).read_seq, 0);

    must_apply(f, mark);
    must_save(f);
    assert_int_equal(stored(f).read_seq, 4);
}

static void another_partition_that_goes_takes_nothing_along(void **state)
{
    struct fixture *f = *state;

    must_apply(f, a_mark(f, 4, -1));
    consume_read_rebalanced(&f->consumer, PARTITION + 1);
    must_save(f);

    assert_int_equal(stored(f).read_seq, 4);
}

#define read_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        read_test(own_sends_are_stored_when_they_are_saved),
        read_test(who_joins_starts_at_zero_unread_at_once),
        read_test(what_was_sent_before_joining_again_is_stored_with_it),
        read_test(what_was_cleared_is_stored_at_once_and_reads_nothing),
        read_test(what_a_partition_left_unsaved_is_forgotten_with_it),
        read_test(another_partition_that_goes_takes_nothing_along),
    };

    return cmocka_run_group_tests_name("message-service consume_read", tests, NULL, NULL);
}
