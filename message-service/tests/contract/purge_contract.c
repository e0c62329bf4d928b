/* How far logs go back. Part of the contract of message_store.h. */

#include "message_store_contract.h"

#include <string.h>

#include "common/clock.h"
#include "store_fixture.h"

#define BUCKET (1 << BUCKET_BITS)
#define MANY   (2 * BUCKET + 3)

static void save_head(struct log_fixture *f, int64_t rev)
{
    struct chat_head head;

    chat_head_init(&head, f->chat);
    head.rev = head.seq = rev;
    assert_int_equal(f->store->ops->save_heads(f->store, &head, 1, &f->err), CC_OK);
    chat_head_finish(&head);
}

/* As much later as said, of what is there now. */
static void purge(struct log_fixture *f, int64_t later_ms)
{
    int64_t now_ms = cc_wall_ms(cc_clock_system());
    const struct purge purge = {now_ms + 1000, now_ms + later_ms, 500};
    size_t count;

    assert_int_equal(f->store->ops->purge_log(f->store, &purge, &count, &f->err), CC_OK);
}

static void purge_all(struct log_fixture *f)
{
    purge(f, 0);
    purge(f, PURGE_NOTICE_MS + 60000);
}

static int64_t first_rev(struct log_fixture *f)
{
    int64_t rev = 0;

    assert_int_equal(f->store->ops->first_rev(f->store, f->chat, &rev, &f->err), CC_OK);
    return rev;
}

static void old_buckets_leave_the_log_after_everybody_could_know(void **state)
{
    struct log_fixture *f = *state;
    append_many(f, MANY);
    save_head(f, MANY);
    struct change *early = changes_after(f, 4, 1).items[0];
    assert_int_equal(first_rev(f), 1);

    purge(f, 0);
    assert_int_equal(first_rev(f), 2 * BUCKET);
    assert_int_equal(changes_after(f, 0, MANY).count, MANY);
    purge(f, PURGE_NOTICE_MS + 60000);

    assert_int_equal(first_rev(f), 2 * BUCKET);
    assert_int_equal(changes_after(f, 0, MANY).count, 0);
    assert_int_equal(changes_after(f, BUCKET, MANY).count, 0);
    assert_int_equal(changes_after(f, 2 * BUCKET - 1, MANY).count, 4);
    assert_null(find_change(f, early->op_id));
    struct cc_message *message = NULL;
    assert_int_equal(
        f->store->ops->find_message(f->store, NULL, early->op_id, f->arena, &message, &f->err),
        CC_OK);
    assert_non_null(message);
    append_expecting(f, (struct change *[]){a_create(f, MANY + 1, "next")}, 1, CC_OK);
}

static void nothing_goes_that_the_saved_head_is_not_past(void **state)
{
    struct log_fixture *f = *state;
    append_many(f, MANY);

    purge_all(f); /* no head at all */
    assert_int_equal(first_rev(f), 1);
    save_head(f, BUCKET - 1);
    purge_all(f);
    assert_int_equal(first_rev(f), 1);
    assert_int_equal(changes_after(f, 0, MANY).count, MANY);
    save_head(f, BUCKET + 1);
    purge_all(f);

    assert_int_equal(first_rev(f), BUCKET);
    assert_int_equal(changes_after(f, BUCKET - 1, MANY).count, MANY - BUCKET + 1);
}

static void old_refusals_leave_the_log(void **state)
{
    struct log_fixture *f = *state;
    struct change *refusal = a_refusal(f, CC_FORBIDDEN);
    must_append(f, refusal);
    assert_non_null(find_change(f, refusal->op_id));

    purge(f, 0);

    assert_null(find_change(f, refusal->op_id));
    assert_int_equal(first_rev(f), 1);
}

static void what_is_young_stays(void **state)
{
    struct log_fixture *f = *state;
    struct change *refusal = a_refusal(f, CC_FORBIDDEN);
    int64_t now_ms = cc_wall_ms(cc_clock_system());
    const struct purge purge = {now_ms - 60000, now_ms + 2 * PURGE_NOTICE_MS, 500};
    size_t count;
    append_many(f, MANY);
    save_head(f, MANY);
    must_append(f, refusal);

    for (int i = 0; i < 2; i++)
        assert_int_equal(f->store->ops->purge_log(f->store, &purge, &count, &f->err), CC_OK);

    assert_int_equal(first_rev(f), 1);
    assert_int_equal(changes_after(f, 0, MANY).count, MANY);
    assert_non_null(find_change(f, refusal->op_id));
}

int message_purge_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(old_buckets_leave_the_log_after_everybody_could_know),
        STORE_TEST(nothing_goes_that_the_saved_head_is_not_past),
        STORE_TEST(old_refusals_leave_the_log),
        STORE_TEST(what_is_young_stays),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
