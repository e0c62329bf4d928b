/* How far people have read, from a real Redis and the memory store: never ahead of the store,
 * behind it only where that is said, whatever Redis has lost. */

#include "reads_cache.h"

#include <stdio.h>
#include <string.h>

#include "common/id.h"
#include "testing.h"

#define CHATS 300

struct cache_fixture {
    struct cc_arena *arena;
    struct cc_ids *ids;
    struct cc_redis *redis;
    struct message_store *store;
    char user_id[CC_UUID_BYTES];
    struct cc_error err;
};

static int start(void **state)
{
    static struct cache_fixture f;

    f = (struct cache_fixture){.arena = cc_arena_create(0),
                               .ids = cc_ids_create(cc_clock_system(), cc_random_system()),
                               .store = message_store_memory_create()};
    cc_ids_next(f.ids, f.user_id);
    assert_int_equal(cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 2, &f.redis, &f.err), CC_OK);
    *state = &f;
    return 0;
}

static int finish(void **state)
{
    struct cache_fixture *f = *state;

    cc_redis_destroy(f->redis);
    message_store_destroy(f->store);
    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

static struct receipt a_receipt(struct cache_fixture *f, int64_t read_seq, int64_t cleared_seq)
{
    struct receipt receipt = {.read_seq = read_seq, .cleared_seq = cleared_seq};

    cc_ids_next(f->ids, receipt.chat_id);
    (void)snprintf(receipt.user_id, sizeof receipt.user_id, "%s", f->user_id);
    return receipt;
}

static void must_store(struct cache_fixture *f, const struct receipt *receipts, size_t count)
{
    assert_int_equal(f->store->ops->raise_receipts(f->store, receipts, count, &f->err), CC_OK);
}

static void must_raise(struct cache_fixture *f, const struct receipt *receipts, size_t count)
{
    struct cc_bus_batch batch = cc_bus_batch_create(f->arena);

    reads_cache_raise(&batch, receipts, count);
    assert_int_equal(cc_bus_batch_send(&batch, f->redis, &f->err), CC_OK);
}

static struct receipt_list list(struct cache_fixture *f, struct cc_redis *redis)
{
    struct receipt_list found = {0};

    assert_int_equal(reads_cache_list(redis, f->store, f->user_id, f->arena, &found, &f->err),
                     CC_OK);
    return found;
}

static int64_t read_seq_in(struct receipt_list found, const struct receipt *wanted)
{
    for (size_t i = 0; i < found.count; i++)
        if (strcmp(found.items[i].chat_id, wanted->chat_id) == 0)
            return found.items[i].read_seq;
    return -1;
}

static struct receipt find(struct cache_fixture *f, const struct receipt *wanted)
{
    const char *chat_id = wanted->chat_id;
    struct receipt found;

    reads_cache_find(f->redis, f->user_id, &chat_id, 1, f->arena, &found);
    assert_string_equal(found.chat_id, wanted->chat_id);
    assert_string_equal(found.user_id, f->user_id);
    return found;
}

/* The store has something that nobody raised in Redis: who sees it has asked the store. */
static bool asks_the_store(struct cache_fixture *f)
{
    struct receipt unseen = a_receipt(f, 1, 0);

    must_store(f, &unseen, 1);
    return read_seq_in(list(f, f->redis), &unseen) == 1;
}

static void with_redis(struct cache_fixture *f, const char *command, const char *word,
                       const char *last)
{
    assert_int_equal(cc_redis_do(f->redis, NULL, &f->err, command,
                                 cc_arena_printf(f->arena, "reads:%s", f->user_id), word, last,
                                 NULL),
                     CC_OK);
}

static void the_list_from_redis_is_that_of_the_store(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt receipts[CHATS];

    for (int i = 0; i < CHATS; i++)
        receipts[i] = a_receipt(f, i + 1, i / 2);
    must_store(f, receipts, CHATS);
    must_raise(f, receipts, CHATS);
    struct receipt_list first = list(f, f->redis), again = list(f, f->redis);

    assert_int_equal(first.count, CHATS);
    assert_int_equal(again.count, CHATS);
    for (int i = 0; i < CHATS; i++) {
        assert_int_equal(read_seq_in(first, &receipts[i]), i + 1);
        assert_int_equal(read_seq_in(again, &receipts[i]), i + 1);
        assert_int_equal(find(f, &receipts[i]).cleared_seq, i / 2);
    }
    assert_false(asks_the_store(f));
}

static void what_is_raised_is_seen_at_once(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt receipt = a_receipt(f, 5, 0);

    must_store(f, &receipt, 1);
    assert_int_equal(read_seq_in(list(f, f->redis), &receipt), 5);
    receipt.read_seq = 9;
    receipt.cleared_seq = 7;
    must_raise(f, &receipt, 1);

    assert_int_equal(read_seq_in(list(f, f->redis), &receipt), 9);
    assert_int_equal(find(f, &receipt).read_seq, 9);
    assert_int_equal(find(f, &receipt).cleared_seq, 7);
}

/* As when a reader has the store's old answer in hand while somebody reads on. */
static void nothing_is_lowered(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt old = a_receipt(f, 5, 5), raised = old;

    raised.read_seq = 9;
    must_store(f, &old, 1);
    must_raise(f, &raised, 1);
    struct receipt_list filled = list(f, f->redis); /* the store is behind */
    must_raise(f, &old, 1);

    assert_int_equal(filled.count, 1);
    assert_int_equal(read_seq_in(list(f, f->redis), &old), 9);
    assert_int_equal(find(f, &old).cleared_seq, 5);
}

static void one_position_alone_is_no_list(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt first = a_receipt(f, 1, 0), second = a_receipt(f, 2, 0);

    must_store(f, &first, 1);
    must_store(f, &second, 1);
    must_raise(f, &second, 1);
    assert_int_equal(list(f, f->redis).count, 2);
}

static void what_is_not_known_is_zero(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt known = a_receipt(f, 3, 0), unknown = a_receipt(f, 3, 0);

    must_raise(f, &known, 1);
    with_redis(f, "HSET", unknown.chat_id, "something else");
    assert_int_equal(find(f, &known).read_seq, 3);
    assert_int_equal(find(f, &unknown).read_seq, 0);
}

static void what_redis_has_lost_or_cannot_be_read_is_read_from_the_store(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt receipt = a_receipt(f, 3, 0);

    must_store(f, &receipt, 1);
    assert_true(asks_the_store(f));
    assert_false(asks_the_store(f));
    with_redis(f, "DEL", NULL, NULL);
    assert_true(asks_the_store(f));
    with_redis(f, "HSET", receipt.chat_id, "something else");
    assert_true(asks_the_store(f));
    assert_false(asks_the_store(f)); /* it has been put right */
}

static void what_is_about_to_expire_begins_anew_when_it_is_raised(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt receipt = a_receipt(f, 3, 0);

    assert_true(asks_the_store(f));
    with_redis(f, "EXPIRE", "30", NULL);
    assert_false(asks_the_store(f));
    must_raise(f, &receipt, 1);
    assert_true(asks_the_store(f));
}

static void without_redis_the_list_is_the_stores(void **state)
{
    struct cache_fixture *f = *state;
    struct receipt receipt = a_receipt(f, 3, 0);
    struct cc_redis *nobody = NULL;

    assert_int_equal(cc_redis_create("redis://127.0.0.1:1", 1, &nobody, &f->err), CC_OK);
    must_store(f, &receipt, 1);
    assert_int_equal(read_seq_in(list(f, nobody), &receipt), 3);
    cc_redis_destroy(nobody);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_from_redis_is_that_of_the_store),
        TEST(what_is_raised_is_seen_at_once),
        TEST(nothing_is_lowered),
        TEST(one_position_alone_is_no_list),
        TEST(what_is_not_known_is_zero),
        TEST(what_redis_has_lost_or_cannot_be_read_is_read_from_the_store),
        TEST(what_is_about_to_expire_begins_anew_when_it_is_raised),
        TEST(without_redis_the_list_is_the_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
