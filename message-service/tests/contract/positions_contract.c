/* Positions: how far chats have come, and people in them. Part of the contract of message_store.h.
 */

#include "message_store_contract.h"

#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static void load_head(struct log_fixture *f, struct chat_head *out)
{
    chat_head_init(out, f->chat);
    assert_int_equal(f->store->ops->load_head(f->store, out, &f->err), CC_OK);
}

static void save_head(struct log_fixture *f, int64_t rev, int64_t seq, int64_t uncounted)
{
    struct chat_head head;

    chat_head_init(&head, f->chat);
    head.rev = rev;
    head.seq = seq;
    if (uncounted > 0)
        uncounted_add(&head.uncounted, uncounted);
    assert_int_equal(f->store->ops->save_heads(f->store, &head, 1, &f->err), CC_OK);
    chat_head_finish(&head);
}

/* A server may end a command of several updates at the first one that has nothing to do. */
static void heads_behind_one_that_is_known_already_are_saved(void **state)
{
    struct log_fixture *f = *state;
    struct chat_head heads[3], found;

    for (int i = 0; i < 3; i++) {
        chat_head_init(&heads[i], new_id(f));
        heads[i].rev = heads[i].seq = 5;
    }
    assert_int_equal(f->store->ops->save_heads(f->store, &heads[0], 1, &f->err), CC_OK);
    assert_int_equal(f->store->ops->save_heads(f->store, heads, 3, &f->err), CC_OK);

    for (int i = 0; i < 3; i++) {
        chat_head_init(&found, heads[i].chat_id);
        assert_int_equal(f->store->ops->load_head(f->store, &found, &f->err), CC_OK);
        assert_int_equal(found.rev, 5);
        chat_head_finish(&found);
        chat_head_finish(&heads[i]);
    }
}

static void a_chat_without_a_head_is_at_its_beginning(void **state)
{
    struct log_fixture *f = *state;
    struct chat_head head;

    load_head(f, &head);

    assert_int_equal(head.rev, 0);
    assert_int_equal(head.seq, 0);
    assert_string_equal(head.chat_id, f->chat);
    chat_head_finish(&head);
}

static void a_head_moves_forward_and_never_back(void **state)
{
    struct log_fixture *f = *state;
    struct chat_head head;
    save_head(f, 5, 4, 2);
    save_head(f, 9, 7, 6);

    save_head(f, 8, 6, 3);

    load_head(f, &head);
    assert_int_equal(head.rev, 9);
    assert_int_equal(head.seq, 7);
    assert_int_equal(head.uncounted.count, 1);
    assert_int_equal(head.uncounted.seqs[0], 6);
    chat_head_finish(&head);
}

static struct receipt a_receipt(struct log_fixture *f, const char *user_id, int64_t read_seq)
{
    struct receipt receipt = {.read_seq = read_seq, .at_ms = FAKE_T0_MS + read_seq};

    snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", f->chat);
    snprintf(receipt.user_id, sizeof receipt.user_id, "%s", user_id);
    return receipt;
}

static struct receipt get_receipt(struct log_fixture *f, const char *user_id)
{
    struct receipt receipt;

    assert_int_equal(f->store->ops->get_receipt(f->store, f->chat, user_id, &receipt, &f->err),
                     CC_OK);
    return receipt;
}

static void somebody_without_a_receipt_has_read_nothing(void **state)
{
    struct log_fixture *f = *state;

    struct receipt receipt = get_receipt(f, new_id(f));

    assert_int_equal(receipt.read_seq, 0);
    assert_int_equal(receipt.delivered_seq, 0);
    assert_int_equal(receipt.from_seq, 0);
    assert_int_equal(receipt.cleared_seq, 0);
}

static void receipts_rise_one_by_one_and_never_fall(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct receipt first[] = {a_receipt(f, ada, 5), a_receipt(f, grace, 2)};
    struct receipt later = a_receipt(f, ada, 3);
    later.delivered_seq = 9;
    later.from_seq = 1;
    later.cleared_seq = 4;
    assert_int_equal(f->store->ops->raise_receipts(f->store, first, 2, &f->err), CC_OK);

    assert_int_equal(f->store->ops->raise_receipts(f->store, &later, 1, &f->err), CC_OK);

    struct receipt receipt = get_receipt(f, ada);
    assert_int_equal(receipt.read_seq, 5);
    assert_int_equal(receipt.delivered_seq, 9);
    assert_int_equal(receipt.from_seq, 1);
    assert_int_equal(receipt.cleared_seq, 4);
    assert_int_equal(receipt.at_ms, FAKE_T0_MS + 5);
    assert_string_equal(receipt.user_id, ada);
    assert_int_equal(get_receipt(f, grace).read_seq, 2);
}

static void the_receipts_of_a_chat_are_listed(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct receipt_list list = {0};
    struct receipt both[] = {a_receipt(f, ada, 5), a_receipt(f, grace, 2)};
    assert_int_equal(f->store->ops->raise_receipts(f->store, both, 2, &f->err), CC_OK);

    assert_int_equal(f->store->ops->receipts_of(f->store, f->chat, f->arena, &list, &f->err),
                     CC_OK);

    assert_int_equal(list.count, 2);
    size_t hers = strcmp(list.items[0].user_id, ada) == 0 ? 0 : 1;
    assert_string_equal(list.items[hers].user_id, ada);
    assert_int_equal(list.items[hers].read_seq, 5);
    assert_string_equal(list.items[1 - hers].user_id, grace);
    f->chat = new_id(f);
    assert_int_equal(f->store->ops->receipts_of(f->store, f->chat, f->arena, &list, &f->err),
                     CC_OK);
    assert_int_equal(list.count, 0);
}

static void the_receipts_of_a_person_are_listed(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *first = f->chat;
    struct receipt_list list = {0};
    struct receipt here = a_receipt(f, ada, 5), others = a_receipt(f, new_id(f), 7);
    f->chat = new_id(f);
    struct receipt there = a_receipt(f, ada, 9);
    struct receipt all[] = {here, others, there};
    assert_int_equal(f->store->ops->raise_receipts(f->store, all, 3, &f->err), CC_OK);

    assert_int_equal(f->store->ops->receipts_by(f->store, ada, f->arena, &list, &f->err), CC_OK);

    assert_int_equal(list.count, 2);
    size_t at = strcmp(list.items[0].chat_id, first) == 0 ? 0 : 1;
    assert_string_equal(list.items[at].chat_id, first);
    assert_int_equal(list.items[at].read_seq, 5);
    assert_int_equal(list.items[1 - at].read_seq, 9);
    assert_int_equal(f->store->ops->receipts_by(f->store, new_id(f), f->arena, &list, &f->err),
                     CC_OK);
    assert_int_equal(list.count, 0);
}

/* More than the connections that a small server has to itself for one command. */
static void receipts_of_a_large_batch_rise_together(void **state)
{
    enum { PEOPLE = 250 };
    struct log_fixture *f = *state;
    struct receipt receipts[PEOPLE];
    for (int i = 0; i < PEOPLE; i++)
        receipts[i] = a_receipt(f, new_id(f), i + 1);

    assert_int_equal(f->store->ops->raise_receipts(f->store, receipts, PEOPLE, &f->err), CC_OK);

    assert_int_equal(get_receipt(f, receipts[0].user_id).read_seq, 1);
    assert_int_equal(get_receipt(f, receipts[PEOPLE - 1].user_id).read_seq, PEOPLE);
}

static void of_who_is_forgotten_only_what_they_wrote_stays(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *first = a_create(f, 1, "hello");
    struct change *reactions[] = {a_reaction(f, first, 2, ada, "+1", true),
                                  a_reaction(f, first, 3, grace, "+1", true)};
    struct receipt both[] = {a_receipt(f, ada, 5), a_receipt(f, grace, 2)};
    bool on = true;
    must_materialise(f, &first, 1);
    must_materialise(f, reactions, 2);
    hide(f, ada, 1);
    assert_int_equal(f->store->ops->raise_receipts(f->store, both, 2, &f->err), CC_OK);

    assert_int_equal(f->store->ops->forget_person(f->store, ada, &f->err), CC_OK);
    assert_int_equal(f->store->ops->forget_person(f->store, ada, &f->err), CC_OK);

    assert_int_equal(get_receipt(f, ada).read_seq, 0);
    assert_int_equal(get_receipt(f, grace).read_seq, 2);
    const struct person_range range = {ada, f->chat, 1, 10};
    struct seq_list hidden;
    assert_int_equal(f->store->ops->hidden_in(f->store, &range, f->arena, &hidden, &f->err), CC_OK);
    assert_int_equal(hidden.count, 0);
    const char *message_id = first->message.message_id;
    assert_int_equal(f->store->ops->find_reaction(f->store, message_id, ada, "+1", &on, &f->err),
                     CC_OK);
    assert_false(on);
    assert_int_equal(f->store->ops->find_reaction(f->store, message_id, grace, "+1", &on, &f->err),
                     CC_OK);
    assert_true(on);
}

int message_positions_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_chat_without_a_head_is_at_its_beginning),
        STORE_TEST(heads_behind_one_that_is_known_already_are_saved),
        STORE_TEST(a_head_moves_forward_and_never_back),
        STORE_TEST(somebody_without_a_receipt_has_read_nothing),
        STORE_TEST(receipts_rise_one_by_one_and_never_fall),
        STORE_TEST(of_who_is_forgotten_only_what_they_wrote_stays),
        STORE_TEST(the_receipts_of_a_chat_are_listed),
        STORE_TEST(the_receipts_of_a_person_are_listed),
        STORE_TEST(receipts_of_a_large_batch_rise_together),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
