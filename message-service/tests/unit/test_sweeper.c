/* The sweep of expired messages, against a store in memory with a clock that a test moves. */

#include "sweeper.h"

#include <string.h>

#include "storage/message_store_failing.h"
#include "testing.h"

#define CHAT    "00000000-0000-7000-8000-0000000000c1"
#define BRIEF   "00000000-0000-8000-8000-0000000000e1"
#define LASTING "00000000-0000-8000-8000-0000000000e2"

struct sweep_fixture {
    struct fake_clock clock;
    struct sweeper sweeper;
    struct message_store *store;
    struct cc_arena *arena;
    struct cc_error err;
    enum cc_code produce_code;
    char asked[8][CC_UUID_BYTES], op_ids[8][CC_UUID_BYTES];
    size_t asked_count;
};

static enum cc_code produce(void *arg, struct ev_message_created *operations, size_t count,
                            struct cc_arena *arena, struct cc_error *err)
{
    struct sweep_fixture *f = arg;

    (void)arena;
    if (f->produce_code != CC_OK)
        return cc_fail_detail(err, f->produce_code, "no broker");
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(operations[i].op, CC_OP_DELETE);
        assert_string_equal(operations[i].sender_id, CC_SYSTEM_SENDER);
        assert_string_equal(operations[i].chat_id, CHAT);
        memcpy(f->asked[f->asked_count], operations[i].target_message_id, CC_UUID_BYTES);
        memcpy(f->op_ids[f->asked_count++], operations[i].op_id, CC_UUID_BYTES);
    }
    return CC_OK;
}

static struct change a_change(enum cc_op op, const char *message_id, int64_t rev,
                              int64_t expires_at_ms)
{
    return (struct change){
        .chat_id = CHAT,
        .op_id = message_id,
        .op = op,
        .rev = rev,
        .head_seq = rev,
        .message = {.message_id = message_id,
                    .chat_id = CHAT,
                    .seq = rev,
                    .rev = rev,
                    .sender_id = CHAT,
                    .type = "text",
                    .body = "x",
                    .version = 1,
                    .deleted = op == CC_OP_DELETE,
                    .expires_at_ms = expires_at_ms},
    };
}

static void materialise(struct sweep_fixture *f, const struct change *change)
{
    assert_int_equal(f->store->ops->materialise(f->store, &change, 1, &f->err), CC_OK);
}

static int start(void **state)
{
    static struct sweep_fixture fixture;

    memset(&fixture, 0, sizeof fixture);
    fake_clock_init(&fixture.clock);
    fixture.store = message_store_failing_create(message_store_memory_create());
    fixture.arena = cc_arena_create(0);
    fixture.sweeper = (struct sweeper){
        .store = fixture.store, .clock = &fixture.clock.clock, .produce = produce, .arg = &fixture};
    sweeper_init(&fixture.sweeper);
    struct change brief = a_change(CC_OP_CREATE, BRIEF, 1, FAKE_T0_MS + 1000),
                  lasting = a_change(CC_OP_CREATE, LASTING, 2, FAKE_T0_MS + 500000);
    materialise(&fixture, &brief);
    materialise(&fixture, &lasting);
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct sweep_fixture *f = *state;

    sweeper_finish(&f->sweeper);
    message_store_destroy(f->store);
    cc_arena_destroy(f->arena);
    return 0;
}

static enum cc_code sweep(struct sweep_fixture *f, size_t *out_count)
{
    return sweeper_sweep(&f->sweeper, out_count, &f->err);
}

static size_t must_sweep(struct sweep_fixture *f)
{
    size_t count;

    assert_int_equal(sweep(f, &count), CC_OK);
    return count;
}

static size_t listed(struct sweep_fixture *f)
{
    struct expiry_list list;

    assert_int_equal(
        f->store->ops->expired(f->store, FAKE_T0_MS + 10000, 10, f->arena, &list, &f->err), CC_OK);
    return list.count;
}

static void what_is_due_is_deleted_and_nothing_else(void **state)
{
    struct sweep_fixture *f = *state;

    assert_int_equal(must_sweep(f), 0);
    fake_clock_advance_ms(&f->clock, 1000);
    assert_int_equal(must_sweep(f), 1);

    assert_int_equal(f->asked_count, 1);
    assert_string_equal(f->asked[0], BRIEF);
}

static void a_deletion_on_its_way_is_asked_for_again_after_a_while_under_the_same_id(void **state)
{
    struct sweep_fixture *f = *state;
    fake_clock_advance_ms(&f->clock, 1000);
    assert_int_equal(must_sweep(f), 1);

    fake_clock_advance_ms(&f->clock, 59999);
    assert_int_equal(must_sweep(f), 0);
    fake_clock_advance_ms(&f->clock, 1);
    assert_int_equal(must_sweep(f), 1);

    assert_string_equal(f->op_ids[0], f->op_ids[1]);
}

static void what_has_become_a_tombstone_is_forgotten(void **state)
{
    struct sweep_fixture *f = *state;
    struct change deletion = a_change(CC_OP_DELETE, BRIEF, 3, 0);
    fake_clock_advance_ms(&f->clock, 1000);
    assert_int_equal(must_sweep(f), 1);
    materialise(f, &deletion);
    assert_int_equal(listed(f), 1);

    assert_int_equal(must_sweep(f), 0);

    assert_int_equal(listed(f), 0);
}

/* A create that is materialised once more lists its expiry again. */
static void a_replayed_expiry_is_forgotten_again(void **state)
{
    struct sweep_fixture *f = *state;
    struct change deletion = a_change(CC_OP_DELETE, BRIEF, 3, 0),
                  create = a_change(CC_OP_CREATE, BRIEF, 1, FAKE_T0_MS + 1000);
    fake_clock_advance_ms(&f->clock, 1000);
    materialise(f, &deletion);
    assert_int_equal(must_sweep(f), 0);
    materialise(f, &create);
    assert_int_equal(listed(f), 1);

    assert_int_equal(must_sweep(f), 0);

    assert_int_equal(listed(f), 0);
    assert_int_equal(f->asked_count, 0);
}

static void what_fails_is_done_by_the_next_sweep(void **state)
{
    static const enum store_call calls[] = {STORE_EXPIRED, STORE_FIND_MESSAGE, STORE_FORGET_EXPIRY};
    struct sweep_fixture *f = *state;
    struct change deletion = a_change(CC_OP_DELETE, BRIEF, 3, 0);
    size_t count;
    fake_clock_advance_ms(&f->clock, 1000);
    f->produce_code = CC_UNAVAILABLE;
    assert_int_equal(sweep(f, &count), CC_UNAVAILABLE);
    f->produce_code = CC_OK;
    assert_int_equal(must_sweep(f), 1);
    materialise(f, &deletion);

    for (size_t i = 0; i < 3; i++) {
        message_store_failing_plan(f->store, calls[i], 1, STORE_FAILS_BEFORE, CC_UNAVAILABLE);
        assert_int_equal(sweep(f, &count), CC_UNAVAILABLE);
        assert_int_equal(listed(f), 1);
    }
    assert_int_equal(must_sweep(f), 0);
    assert_int_equal(listed(f), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_due_is_deleted_and_nothing_else),
        TEST(a_deletion_on_its_way_is_asked_for_again_after_a_while_under_the_same_id),
        TEST(what_has_become_a_tombstone_is_forgotten),
        TEST(a_replayed_expiry_is_forgotten_again),
        TEST(what_fails_is_done_by_the_next_sweep),
    };

    return cmocka_run_group_tests_name("the sweep", tests, NULL, NULL);
}
