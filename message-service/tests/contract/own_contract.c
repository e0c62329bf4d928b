/* What is one person's own, and what is due. Part of the contract of message_store.h. */

#include "message_store_contract.h"

#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static int64_t mentions_of(struct log_fixture *f, const char *user_id, int64_t after_seq)
{
    int64_t count = -1;

    assert_int_equal(
        f->store->ops->count_mentions(f->store, f->chat, user_id, after_seq, 999, &count, &f->err),
        CC_OK);
    return count;
}

/* The change, with the person (or NULL) and everybody mentioned. */
static struct change *mentioning(struct log_fixture *f, struct change *change, const char *user_id,
                                 bool all)
{
    const char **mentions = cc_arena_calloc(f->arena, 1, sizeof *mentions);

    mentions[0] = user_id;
    change->message.mentions = user_id == NULL ? NULL : mentions;
    change->message.mention_count = user_id == NULL ? 0 : 1;
    change->message.mention_all = all;
    return change;
}

static void mentions_are_counted_by_person_after_a_seq(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *changes[] = {
        mentioning(f, a_create(f, 1, "@ada"), ada, false),
        mentioning(f, a_create(f, 2, "nobody"), NULL, false),
        mentioning(f, a_create(f, 3, "@ada @all"), ada, true),
        mentioning(f, a_create(f, 4, "@grace"), grace, false),
    };
    must_materialise(f, changes, 4);
    must_materialise(f, changes, 4);

    assert_int_equal(mentions_of(f, ada, 0), 2);
    assert_int_equal(mentions_of(f, ada, 1), 1);
    assert_int_equal(mentions_of(f, ada, 3), 0);
    assert_int_equal(mentions_of(f, grace, 0), 2);
    assert_int_equal(mentions_of(f, new_id(f), 0), 1);
}

static void an_edit_and_a_deletion_say_anew_who_is_mentioned(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *first = mentioning(f, a_create(f, 1, "@ada"), ada, false);
    struct change *edited = mentioning(f, an_edit(f, first, 2, "@grace"), grace, false);
    struct change *both = mentioning(f, an_edit(f, edited, 3, "@all"), NULL, true);
    struct change *gone = a_deletion(f, both, 4);
    must_materialise(f, &first, 1);

    must_materialise(f, &edited, 1);
    assert_int_equal(mentions_of(f, ada, 0), 0);
    assert_int_equal(mentions_of(f, grace, 0), 1);
    must_materialise(f, &both, 1);
    assert_int_equal(mentions_of(f, ada, 0), 1);
    assert_int_equal(mentions_of(f, grace, 0), 1);
    must_materialise(f, &first, 1);
    assert_int_equal(mentions_of(f, ada, 0), 1);
    gone->message.mention_all = false;
    must_materialise(f, &gone, 1);
    assert_int_equal(mentions_of(f, ada, 0), 0);
    assert_int_equal(mentions_of(f, grace, 0), 0);
}

static void who_is_mentioned_still_is_counted_still(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f);
    struct change *first = mentioning(f, a_create(f, 1, "@ada"), ada, false);
    struct change *edited = an_edit(f, first, 2, "dear @ada");
    struct change *pair[] = {first, edited};

    must_materialise(f, pair, 2);
    assert_int_equal(mentions_of(f, ada, 0), 1);
    must_materialise(f, &edited, 1);

    assert_int_equal(mentions_of(f, ada, 0), 1);
}

static struct seq_list hidden_in(struct log_fixture *f, const char *user_id, int64_t from,
                                 int64_t to)
{
    const struct person_range range = {user_id, f->chat, from, to};
    struct seq_list list = {0};

    assert_int_equal(f->store->ops->hidden_in(f->store, &range, f->arena, &list, &f->err), CC_OK);
    return list;
}

static void what_one_person_hides_is_hidden_from_him_alone(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    hide(f, ada, 70);
    hide(f, ada, 3);
    hide(f, ada, 5000);
    hide(f, grace, 4);

    struct seq_list page = hidden_in(f, ada, 1, 100), whole = hidden_in(f, ada, 1, 100000);

    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[0], 3);
    assert_int_equal(page.items[1], 70);
    assert_int_equal(whole.count, 3);
    assert_int_equal(whole.items[2], 5000);
    assert_int_equal(hidden_in(f, ada, 4, 69).count, 0);
    assert_int_equal(hidden_in(f, new_id(f), 1, 100).count, 0);
    f->chat = new_id(f);
    assert_int_equal(hidden_in(f, ada, 1, 100000).count, 0);
}

static struct hidden_list hidden_by(struct log_fixture *f, const char *user_id, size_t limit)
{
    struct hidden_list list = {0};

    assert_int_equal(f->store->ops->hidden_by(f->store, user_id, limit, f->arena, &list, &f->err),
                     CC_OK);
    return list;
}

static bool names(const struct hidden_list *list, const char *chat_id, int64_t seq)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].seq == seq && strcmp(list->items[i].chat_id, chat_id) == 0)
            return true;
    return false;
}

static void what_somebody_hides_is_known_over_all_chats(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *first = f->chat;
    hide(f, ada, 3);
    hide(f, ada, 70);
    hide(f, new_id(f), 4);

    struct hidden_list one = hidden_by(f, ada, 10);
    f->chat = new_id(f);
    hide(f, ada, 1);
    struct hidden_list two = hidden_by(f, ada, 10), some = hidden_by(f, ada, 2);

    assert_int_equal(one.count, 2);
    assert_false(one.more);
    assert_int_equal(two.count, 3);
    assert_true(names(&two, first, 3) && names(&two, first, 70) && names(&two, f->chat, 1));
    assert_int_equal(some.count, 2);
    assert_true(some.more);
    assert_int_equal(hidden_by(f, new_id(f), 10).count, 0);
}

static int64_t wall_ms(void)
{
    return cc_wall_ms(cc_clock_system());
}

/* Other tests leave their own in the same store. */
static bool is_expired(struct log_fixture *f, const char *message_id, int64_t now_ms)
{
    struct expiry_list list = {0};

    assert_int_equal(f->store->ops->expired(f->store, now_ms, 1000, f->arena, &list, &f->err),
                     CC_OK);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].message_id, message_id) == 0)
            return strcmp(list.items[i].chat_id, f->chat) == 0;
    return false;
}

static void a_message_expires_in_time_and_until_it_is_forgotten(void **state)
{
    struct log_fixture *f = *state;
    int64_t now_ms = wall_ms();
    struct change *brief = a_create(f, 1, "brief"), *lasting = a_create(f, 2, "lasting"),
                  *eternal = a_create(f, 3, "eternal"), *late = a_create(f, 4, "stored late");
    struct change *all[] = {brief, lasting, eternal, late};
    brief->message.expires_at_ms = now_ms + 1000;
    lasting->message.expires_at_ms = now_ms + 130000;
    late->message.expires_at_ms = now_ms - INT64_C(3600000);
    must_materialise(f, all, 4);

    assert_true(is_expired(f, late->op_id, now_ms + 60000));
    assert_false(is_expired(f, brief->op_id, now_ms));
    assert_true(is_expired(f, brief->op_id, now_ms + 1000));
    assert_false(is_expired(f, lasting->op_id, now_ms + 1000));
    assert_false(is_expired(f, eternal->op_id, now_ms + 1000000));
    assert_true(is_expired(f, lasting->op_id, now_ms + 130000));
    assert_true(is_expired(f, brief->op_id, now_ms + 130000));

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(f->store->ops->forget_expiry(f->store, all[i]->op_id, &f->err), CC_OK);
    assert_false(is_expired(f, brief->op_id, now_ms + 130000));
    assert_false(is_expired(f, lasting->op_id, now_ms + 130000));
    assert_int_equal(f->store->ops->forget_expiry(f->store, brief->op_id, &f->err), CC_OK);
}

/* Nobody swept for an hour; what became due meanwhile is found, and then passed over for good. */
static void a_late_sweep_misses_nothing(void **state)
{
    struct log_fixture *f = *state;
    int64_t now_ms = wall_ms(), later_ms = now_ms + INT64_C(3600000);
    struct change *early = a_create(f, 1, "early"), *last = a_create(f, 2, "last");
    struct change *all[] = {early, last};
    early->message.expires_at_ms = now_ms + 1000;
    last->message.expires_at_ms = later_ms - 1000;
    must_materialise(f, all, 2);
    assert_false(is_expired(f, early->op_id, now_ms));

    assert_true(is_expired(f, early->op_id, later_ms));
    assert_true(is_expired(f, last->op_id, later_ms));
    f->store->ops->forget_expiry(f->store, early->op_id, &f->err);
    assert_true(is_expired(f, last->op_id, later_ms));
    assert_true(is_expired(f, last->op_id, later_ms));
    f->store->ops->forget_expiry(f->store, last->op_id, &f->err);
}

/* A process whose clock is an hour ahead sweeps too. */
static void a_clock_that_runs_ahead_hides_nothing(void **state)
{
    struct log_fixture *f = *state;
    int64_t now_ms = wall_ms();
    struct change *brief = a_create(f, 1, "brief");
    brief->message.expires_at_ms = now_ms + 1000;
    (void)is_expired(f, brief->op_id, now_ms + INT64_C(3600000));

    must_materialise(f, &brief, 1);

    assert_true(is_expired(f, brief->op_id, now_ms + 1000));
    f->store->ops->forget_expiry(f->store, brief->op_id, &f->err);
}

int message_own_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(mentions_are_counted_by_person_after_a_seq),
        STORE_TEST(an_edit_and_a_deletion_say_anew_who_is_mentioned),
        STORE_TEST(who_is_mentioned_still_is_counted_still),
        STORE_TEST(what_one_person_hides_is_hidden_from_him_alone),
        STORE_TEST(what_somebody_hides_is_known_over_all_chats),
        STORE_TEST(a_message_expires_in_time_and_until_it_is_forgotten),
        STORE_TEST(a_late_sweep_misses_nothing),
        STORE_TEST(a_clock_that_runs_ahead_hides_nothing),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
