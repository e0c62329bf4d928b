/* What is left of a chat that is deleted for everybody. Part of the contract of message_store.h. */

#include "message_store_contract.h"

#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

#define CREATES 70 /* more than a bucket */
#define LAST    (CREATES + 3)
#define SYSTEM_JSON                                                                                \
    "{\"event\":\"metadata_changed\",\"actor_id\":\"somebody\",\"title\":\"secret name\"}"

/* Creates, a reaction, a pin, and a system message, all of which say something. */
static struct change **a_chat(struct log_fixture *f)
{
    struct change **all = cc_arena_calloc(f->arena, LAST, sizeof(struct change *));
    const char **mentions = cc_arena_calloc(f->arena, 1, sizeof *mentions);

    mentions[0] = new_id(f);
    for (int64_t i = 0; i < CREATES; i++)
        all[i] = a_create(f, i + 1, "secret");
    all[0]->message.mentions = mentions;
    all[0]->message.mention_count = 1;
    all[0]->message.attachments_json = "[{\"media_id\":\"secret\"}]";
    all[CREATES] = a_reaction(f, all[0], CREATES + 1, new_id(f), "secret", true);
    all[CREATES]->message.reactions_json = "{\"secret\":1}";
    all[CREATES + 1] = a_pin(f, all[1], CREATES + 2, true);
    all[CREATES + 2] = a_create(f, LAST, "");
    all[CREATES + 2]->op = CC_OP_SYSTEM;
    all[CREATES + 2]->message.type = "system";
    all[CREATES + 2]->message.system_json = SYSTEM_JSON;
    assert_int_equal(append_expecting(f, all, LAST, CC_OK), LAST);
    must_materialise(f, all, LAST);
    return all;
}

static struct message_list bucket_of(struct log_fixture *f, int64_t bucket)
{
    int64_t first = bucket << BUCKET_BITS;
    struct message_list list;

    assert_int_equal(f->store->ops->messages_by_seq(f->store, f->chat, first,
                                                    first + (1 << BUCKET_BITS) - 1, f->arena, &list,
                                                    &f->err),
                     CC_OK);
    return list;
}

static void plan(struct log_fixture *f)
{
    assert_int_equal(f->store->ops->plan_erasure(f->store, f->chat, LAST, &f->err), CC_OK);
}

/* NULL when nothing of the chat is left to erase. */
static const struct erasure *planned(struct log_fixture *f)
{
    struct erasure *found = CC_ARENA_NEW(f->arena, struct erasure);
    struct erasure_list list = {0};

    assert_int_equal(f->store->ops->erasures(f->store, 100, f->arena, &list, &f->err), CC_OK);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].chat_id, f->chat) == 0) {
            *found = list.items[i];
            return found;
        }
    return NULL;
}

static void erase_next(struct log_fixture *f)
{
    const struct erasure *next = planned(f);

    assert_non_null(next);
    struct message_list said = bucket_of(f, next->bucket);
    assert_int_equal(f->store->ops->erase(f->store, next, &said, &f->err), CC_OK);
}

static void erase_all(struct log_fixture *f)
{
    plan(f);
    while (planned(f) != NULL)
        erase_next(f);
}

static bool says_nothing(const struct cc_message *message)
{
    return message->deleted && !message->pinned && message->body[0] == '\0' &&
           message->system_json == NULL && message->attachments_json == NULL &&
           message->reactions_json == NULL && message->mention_count == 0;
}

static void a_deleted_chat_is_erased_bucket_by_bucket(void **state)
{
    struct log_fixture *f = *state;
    a_chat(f);
    assert_null(planned(f));

    plan(f);
    plan(f);
    assert_int_equal(planned(f)->rev, LAST);
    assert_int_equal(planned(f)->bucket, 0);
    erase_next(f);
    assert_int_equal(planned(f)->bucket, 1);
    assert_true(says_nothing(&changes_after(f, 62, 1).items[0]->message));
    assert_string_equal(changes_after(f, 63, 1).items[0]->message.body, "secret");
    plan(f); /* again: what is done is not forgotten */
    assert_int_equal(planned(f)->bucket, 1);
    erase_next(f);

    assert_null(planned(f));
}

static void of_an_erased_chat_only_ids_and_numbers_stay(void **state)
{
    struct log_fixture *f = *state;
    struct change **all = a_chat(f);
    const struct change *reaction = all[CREATES];
    struct receipt receipt = {.read_seq = 3};
    bool reacted = true;
    (void)snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", f->chat);
    (void)snprintf(receipt.user_id, sizeof receipt.user_id, "%s", reaction->reaction.user_id);
    assert_int_equal(f->store->ops->raise_receipts(f->store, &receipt, 1, &f->err), CC_OK);

    erase_all(f);

    struct change_list log = changes_after(f, 0, CHANGE_BATCH_MAX);
    assert_int_equal(log.count, LAST);
    for (size_t i = 0; i < log.count; i++) {
        assert_true(says_nothing(&log.items[i]->message));
        assert_string_equal(log.items[i]->op_id, all[i]->op_id);
        assert_string_equal(log.items[i]->request_hash, all[i]->request_hash);
    }
    assert_string_equal(log.items[CREATES]->reaction.emoji, "");
    for (int64_t bucket = 0; bucket < 2; bucket++) {
        struct message_list said = bucket_of(f, bucket);
        assert_true(said.count > 0);
        for (size_t i = 0; i < said.count; i++)
            assert_true(says_nothing(&said.items[i]));
    }
    assert_int_equal(f->store->ops->find_reaction(f->store, all[0]->op_id,
                                                  reaction->reaction.user_id, "secret", &reacted,
                                                  &f->err),
                     CC_OK);
    assert_false(reacted);
    assert_int_equal(
        f->store->ops->get_receipt(f->store, f->chat, receipt.user_id, &receipt, &f->err), CC_OK);
    assert_int_equal(receipt.read_seq, 0);
}

/* Another owner, not knowing that all is done, brings the timeline up to what it has read. */
static void what_is_erased_does_not_come_back(void **state)
{
    struct log_fixture *f = *state;
    struct change **all = a_chat(f);
    erase_all(f);

    must_materialise(f, all, LAST);

    struct message_list said = bucket_of(f, 0);
    for (size_t i = 0; i < said.count; i++)
        assert_true(says_nothing(&said.items[i]));
}

static void a_chat_beside_a_deleted_one_keeps_what_it_says(void **state)
{
    struct log_fixture *f = *state;
    const char *deleted = f->chat, *other = new_id(f);
    a_chat(f);
    f->chat = other;
    a_chat(f);
    f->chat = deleted;

    erase_all(f);

    f->chat = other;
    assert_string_equal(changes_after(f, 0, 1).items[0]->message.body, "secret");
    assert_string_equal(bucket_of(f, 1).items[0].body, "secret");
}

int message_erasure_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_deleted_chat_is_erased_bucket_by_bucket),
        STORE_TEST(of_an_erased_chat_only_ids_and_numbers_stay),
        STORE_TEST(what_is_erased_does_not_come_back),
        STORE_TEST(a_chat_beside_a_deleted_one_keeps_what_it_says),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
