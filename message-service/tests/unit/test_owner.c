/* The owner's batch against a store in memory: order, repeats, refusals, other owners, and every
 * crash point: a step that fails before or after its effect, then the same batch again. */

#include <stdio.h>
#include <string.h>

#include "heads.h"
#include "owner.h"
#include "storage/message_store_failing.h"
#include "testing.h"

#define ADA      "00000000-0000-7000-8000-0000000000a1"
#define GRACE    "00000000-0000-7000-8000-0000000000a2"
#define EVE      "00000000-0000-7000-8000-0000000000a3"
#define CHAT_ONE "00000000-0000-7000-8000-0000000000c1"
#define CHAT_TWO "00000000-0000-7000-8000-0000000000c2"

#define TOLD_MAX 4000

struct told { /* one announcement */
    char op_id[CC_UUID_BYTES], client_msg_id[32];
    enum cc_code refusal;
    int64_t rev, seq;
    bool duplicate;
    size_t recipient_count;
};
struct owner_fixture {
    struct message_store *store; /* failing, around memory */
    struct owner *owner;
    struct cc_arena *arena;
    struct cc_error err;
    struct told told[TOLD_MAX];
    size_t told_count;
    enum cc_code rights_code;   /* what chat-service answers */
    int announce_failures;      /* announcing fails so often */
    bool announce_after_effect; /* after having told everybody */
    bool owned;
    int64_t saved_rev; /* of the last head that moved */
};

/* Ports */

static enum cc_code load_rights(void *arg, const char *chat_id, struct rights **out,
                                struct cc_error *err)
{
    struct owner_fixture *f = arg;
    const struct rights_member members[] = {{ADA, RIGHTS_OWNER, RIGHTS_ACTIVE},
                                            {GRACE, RIGHTS_MEMBER, RIGHTS_ACTIVE}};
    struct rights_source source = {
        .version = 1, .posting = RIGHTS_POST_ALL, .members = members, .count = 2};

    (void)chat_id;
    if (f->rights_code != CC_OK)
        return cc_fail_detail(err, f->rights_code, "chat-service is away");
    *out = rights_create(&source);
    return CC_OK;
}

static bool still_owned(void *arg, const struct operation *operation)
{
    (void)operation;
    return ((struct owner_fixture *)arg)->owned;
}

static void tell(struct owner_fixture *f, const struct operation *operation)
{
    struct told *told = &f->told[f->told_count++];

    assert_true(f->told_count < TOLD_MAX);
    snprintf(told->op_id, sizeof told->op_id, "%s", operation->ask.op_id);
    snprintf(told->client_msg_id, sizeof told->client_msg_id, "%s", operation->ask.client_msg_id);
    told->refusal = operation->outcome->refusal;
    told->rev = operation->outcome->rev;
    told->seq = operation->outcome->message.seq;
    told->duplicate = operation->duplicate;
    told->recipient_count = operation->rights == NULL ? 0 : operation->rights->recipient_count;
}

static enum cc_code announce(void *arg, struct operation *const *operations, size_t count,
                             struct cc_arena *arena, struct cc_error *err)
{
    struct owner_fixture *f = arg;
    bool fails = f->announce_failures > 0;

    (void)arena;
    if (fails && !f->announce_after_effect) {
        f->announce_failures--;
        return cc_fail_detail(err, CC_OUTCOME_UNKNOWN, "no broker");
    }
    for (size_t i = 0; i < count; i++)
        tell(f, operations[i]);
    if (!fails)
        return CC_OK;
    f->announce_failures--;
    return cc_fail_detail(err, CC_OUTCOME_UNKNOWN, "reports were lost");
}

static void head_moved(void *arg, int32_t partition, const struct chat_head *head)
{
    struct owner_fixture *f = arg;
    struct cc_error err;

    (void)partition;
    f->saved_rev = head->rev;
    (void)f->store->ops->save_heads(f->store, head, 1, &err);
}

static int start(void **state)
{
    static struct owner_fixture fixture;

    memset(&fixture, 0, sizeof fixture);
    fixture.store = message_store_failing_create(message_store_memory_create());
    fixture.owner = owner_create(fixture.store, cc_clock_system());
    fixture.arena = cc_arena_create(0);
    fixture.owned = true;
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct owner_fixture *f = *state;

    owner_destroy(f->owner);
    message_store_destroy(f->store);
    cc_arena_destroy(f->arena);
    return 0;
}

/* Builders */

static struct operation a_send(struct owner_fixture *f, const char *chat_id, const char *sender_id,
                               const char *client_msg_id, const char *body)
{
    char op_id[CC_UUID_BYTES], hash[65];
    struct operation operation = {
        .ask =
            {
                .op = CC_OP_CREATE,
                .client_msg_id = client_msg_id,
                .chat_id = chat_id,
                .sender_id = sender_id,
                .device_id = "phone",
                .origin = {"node-1", "conn-1", client_msg_id},
                .type = "text",
                .body = body,
                .emoji = "",
                .received_at_ms = FAKE_T0_MS,
            },
    };

    cc_op_id(sender_id, chat_id, client_msg_id, op_id);
    cc_request_hash(&operation.ask, hash);
    operation.ask.op_id = cc_arena_strdup(f->arena, op_id);
    operation.ask.request_hash = cc_arena_strdup(f->arena, hash);
    return operation;
}

static struct operation a_change_of_members(struct owner_fixture *f, const char *id,
                                            const char *event, int64_t version,
                                            const struct cc_member_change *members, size_t count)
{
    struct operation operation = a_send(f, CHAT_ONE, CC_SYSTEM_SENDER, id, "");

    operation.ask.op = CC_OP_SYSTEM;
    operation.ask.type = "system";
    operation.ask.system_json = cc_arena_printf(f->arena, "{\"event\":\"%s\"}", event);
    operation.ask.counted = true;
    operation.ask.member_version = version;
    operation.ask.members = members;
    operation.ask.member_count = count;
    return operation;
}

/* Helpers */

static enum cc_code try_apply(struct owner_fixture *f, const struct operation *asked, size_t count)
{
    struct operation *operations = cc_arena_calloc(f->arena, count, sizeof *operations);
    struct owner_ports ports = {f, load_rights, still_owned, announce, head_moved};

    memcpy(operations, asked, count * sizeof *operations);
    return owner_apply(f->owner, &ports, operations, count, f->arena, &f->err);
}

static void must_apply(struct owner_fixture *f, const struct operation *asked, size_t count)
{
    assert_int_equal(try_apply(f, asked, count), CC_OK);
}

/* Another process takes the partition over. */
static void replace_owner(struct owner_fixture *f)
{
    owner_destroy(f->owner);
    f->owner = owner_create(f->store, cc_clock_system());
}

static struct message_list history(struct owner_fixture *f, const char *chat_id)
{
    struct message_list list;

    assert_int_equal(
        f->store->ops->messages_by_seq(f->store, chat_id, 1, 1000, f->arena, &list, &f->err),
        CC_OK);
    return list;
}

static void assert_history_is(struct owner_fixture *f, const char *chat_id, int64_t count)
{
    struct message_list list = history(f, chat_id);

    assert_int_equal(list.count, count);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].seq, (int64_t)i + 1);
}

/* The last announcement to that record's asker. */
static const struct told *last_told(struct owner_fixture *f, const struct operation *operation)
{
    for (size_t i = f->told_count; i > 0; i--)
        if (strcmp(f->told[i - 1].op_id, operation->ask.op_id) == 0)
            return &f->told[i - 1];
    fail_msg("nobody was told of %s", operation->ask.client_msg_id);
    return NULL;
}

/* Order */

static void operations_are_numbered_in_offset_order_per_chat(void **state)
{
    struct owner_fixture *f = *state;
    struct operation batch[] = {
        a_send(f, CHAT_ONE, ADA, "1", "a"),
        a_send(f, CHAT_TWO, ADA, "1", "b"),
        a_send(f, CHAT_ONE, GRACE, "1", "c"),
        a_send(f, CHAT_ONE, ADA, "2", "d"),
    };

    must_apply(f, batch, 4);

    struct message_list list = history(f, CHAT_ONE);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].body, "a");
    assert_string_equal(list.items[1].body, "c");
    assert_string_equal(list.items[2].body, "d");
    assert_history_is(f, CHAT_TWO, 1);
    assert_int_equal(f->told_count, 4);
    assert_int_equal(f->told[3].seq, 3);
    assert_int_equal(f->told[0].recipient_count, 2);
}

static void numbers_go_on_in_the_next_batch_and_with_the_next_owner(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     two = a_send(f, CHAT_ONE, ADA, "2", "b"),
                     three = a_send(f, CHAT_ONE, ADA, "3", "c");

    must_apply(f, &one, 1);
    must_apply(f, &two, 1);
    replace_owner(f);
    must_apply(f, &three, 1);

    assert_history_is(f, CHAT_ONE, 3);
    assert_int_equal(last_told(f, &three)->rev, 3);
}

static void members_are_judged_in_order_with_their_changes(void **state)
{
    struct owner_fixture *f = *state;
    const struct cc_member_change everybody[] = {{ADA, "owner", "active"},
                                                 {GRACE, "member", "active"}};
    const struct cc_member_change removed = {GRACE, "member", "removed"};
    struct operation batch[] = {
        a_change_of_members(f, "v1", "chat_created", 1, everybody, 2),
        a_send(f, CHAT_ONE, GRACE, "1", "before"),
        a_change_of_members(f, "v2", "member_removed", 2, &removed, 1),
        a_send(f, CHAT_ONE, GRACE, "2", "after"),
    };
    f->rights_code = CC_UNAVAILABLE; /* nobody needs to be asked */

    must_apply(f, batch, 4);

    assert_int_equal(last_told(f, &batch[1])->refusal, CC_OK);
    assert_int_equal(last_told(f, &batch[3])->refusal, CC_FORBIDDEN);
    assert_history_is(f, CHAT_ONE, 3);
}

/* Repeats */

static void a_repeat_within_a_batch_has_the_first_one_s_outcome(void **state)
{
    struct owner_fixture *f = *state;
    struct operation batch[] = {a_send(f, CHAT_ONE, ADA, "1", "a"),
                                a_send(f, CHAT_ONE, ADA, "1", "a"),
                                a_send(f, CHAT_ONE, ADA, "2", "b")};

    must_apply(f, batch, 3);

    assert_history_is(f, CHAT_ONE, 2);
    assert_int_equal(f->told_count, 3);
    assert_false(f->told[0].duplicate);
    assert_true(f->told[1].duplicate);
    assert_int_equal(f->told[1].rev, f->told[0].rev);
    assert_int_equal(f->told[2].seq, 2);
}

static void a_repeat_between_new_ones_leaves_no_gap(void **state)
{
    struct owner_fixture *f = *state;
    struct operation first = a_send(f, CHAT_ONE, ADA, "1", "a");
    struct operation batch[] = {a_send(f, CHAT_ONE, ADA, "2", "b"), first,
                                a_send(f, CHAT_TWO, ADA, "1", "x"),
                                a_send(f, CHAT_ONE, ADA, "3", "c")};
    must_apply(f, &first, 1);

    must_apply(f, batch, 4);

    assert_history_is(f, CHAT_ONE, 3);
    assert_history_is(f, CHAT_TWO, 1);
    assert_true(last_told(f, &first)->duplicate);
    assert_int_equal(last_told(f, &first)->seq, 1);
    assert_int_equal(last_told(f, &batch[3])->seq, 3);
    assert_false(last_told(f, &batch[3])->duplicate);
}

static void the_same_id_with_another_body_is_a_conflict_and_the_original_stays(void **state)
{
    struct owner_fixture *f = *state;
    struct operation first = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     other = a_send(f, CHAT_ONE, ADA, "1", "b");
    must_apply(f, &first, 1);

    must_apply(f, &other, 1);

    assert_int_equal(last_told(f, &other)->refusal, CC_IDEMPOTENCY_CONFLICT);
    must_apply(f, &first, 1);
    assert_int_equal(last_told(f, &first)->refusal, CC_OK);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "a");
}

/* Refusals */

static void a_refusal_is_remembered_when_the_rules_have_changed(void **state)
{
    struct owner_fixture *f = *state;
    const struct cc_member_change added = {EVE, "member", "active"};
    struct operation refused = a_send(f, CHAT_ONE, EVE, "1", "let me in");
    struct operation addition = a_change_of_members(f, "v2", "member_added", 2, &added, 1);
    must_apply(f, &refused, 1);
    assert_int_equal(last_told(f, &refused)->refusal, CC_NOT_FOUND);
    must_apply(f, &addition, 1);

    must_apply(f, &refused, 1);

    assert_int_equal(last_told(f, &refused)->refusal, CC_NOT_FOUND);
    assert_history_is(f, CHAT_ONE, 1);
}

static void what_was_accepted_stays_accepted_after_a_removal(void **state)
{
    struct owner_fixture *f = *state;
    const struct cc_member_change removed = {GRACE, "member", "removed"};
    struct operation send = a_send(f, CHAT_ONE, GRACE, "1", "a");
    struct operation removal = a_change_of_members(f, "v2", "member_removed", 2, &removed, 1);
    must_apply(f, &send, 1);
    must_apply(f, &removal, 1);

    must_apply(f, &send, 1);

    assert_int_equal(last_told(f, &send)->refusal, CC_OK);
    assert_true(last_told(f, &send)->duplicate);
    assert_int_equal(last_told(f, &send)->seq, 1);
}

static void an_unreadable_operation_is_refused_durably(void **state)
{
    struct owner_fixture *f = *state;
    struct operation poison = a_send(f, CHAT_ONE, ADA, "1", "a");
    struct change *found;
    poison.unreadable = true;

    must_apply(f, &poison, 1);

    assert_int_equal(last_told(f, &poison)->refusal, CC_UNPROCESSABLE);
    assert_int_equal(f->store->ops->find_operation(f->store, CHAT_ONE, poison.ask.op_id, f->arena,
                                                   &found, &f->err),
                     CC_OK);
    assert_int_equal(found->refusal, CC_UNPROCESSABLE);
}

static void nothing_is_judged_while_nobody_knows_the_members(void **state)
{
    struct owner_fixture *f = *state;
    struct operation send = a_send(f, CHAT_ONE, EVE, "1", "a");
    f->rights_code = CC_UNAVAILABLE;

    assert_int_equal(try_apply(f, &send, 1), CC_UNAVAILABLE);

    assert_int_equal(f->told_count, 0);
    f->rights_code = CC_OK;
    must_apply(f, &send, 1);
    assert_int_equal(last_told(f, &send)->refusal, CC_NOT_FOUND);
}

/* Other owners */

static void append_as_another_owner(struct owner_fixture *f, const struct operation *send)
{
    struct owner *ours = f->owner;

    f->owner = owner_create(f->store, cc_clock_system());
    must_apply(f, send, 1);
    owner_destroy(f->owner);
    f->owner = ours;
}

static void a_rev_taken_by_another_owner_is_passed_over(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     theirs = a_send(f, CHAT_ONE, GRACE, "1", "theirs");
    struct operation batch[] = {a_send(f, CHAT_ONE, ADA, "2", "b"),
                                a_send(f, CHAT_ONE, ADA, "3", "c")};
    must_apply(f, &one, 1);
    append_as_another_owner(f, &theirs);

    must_apply(f, batch, 2);

    assert_history_is(f, CHAT_ONE, 4);
    assert_string_equal(history(f, CHAT_ONE).items[1].body, "theirs");
    assert_int_equal(last_told(f, &batch[1])->seq, 4);
}

static void nothing_is_announced_after_the_partition_was_lost(void **state)
{
    struct owner_fixture *f = *state;
    struct operation send = a_send(f, CHAT_ONE, ADA, "1", "a");
    f->owned = false;

    must_apply(f, &send, 1);

    assert_int_equal(f->told_count, 0);
    f->owned = true;
    must_apply(f, &send, 1); /* the next owner's replay */
    assert_history_is(f, CHAT_ONE, 1);
    assert_int_equal(last_told(f, &send)->seq, 1);
}

static void what_a_dead_owner_logged_is_materialised_on_takeover(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     other = a_send(f, CHAT_ONE, ADA, "2", "b");
    message_store_failing_plan(f->store, STORE_MATERIALISE, 1, STORE_FAILS_BEFORE, CC_UNAVAILABLE);
    assert_int_equal(try_apply(f, &one, 1), CC_UNAVAILABLE);
    assert_int_equal(history(f, CHAT_ONE).count, 0);
    replace_owner(f);

    must_apply(f, &other, 1); /* touches the chat before the replay of `one` */

    assert_history_is(f, CHAT_ONE, 2);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "a");
}

/* Crash points */

#define BATCH 12

static void fill_batch(struct owner_fixture *f, struct operation batch[BATCH])
{
    for (int i = 0; i < BATCH; i++) {
        const char *id = cc_arena_printf(f->arena, "m%d", i);
        const char *sender = i % 5 == 4 ? EVE : i % 2 == 0 ? ADA : GRACE; /* Eve is refused */
        batch[i] = a_send(f, i % 3 == 0 ? CHAT_TWO : CHAT_ONE, sender, id, id);
    }
}

static void assert_all_is_well(struct owner_fixture *f, const struct operation batch[BATCH])
{
    int64_t accepted[2] = {0, 0};

    for (int i = 0; i < BATCH; i++) {
        bool refused = strcmp(batch[i].ask.sender_id, EVE) == 0;
        const struct told *told = last_told(f, &batch[i]);
        assert_int_equal(told->refusal, refused ? CC_NOT_FOUND : CC_OK);
        if (!refused)
            assert_int_equal(told->seq, ++accepted[i % 3 == 0]);
    }
    assert_history_is(f, CHAT_ONE, accepted[0]);
    assert_history_is(f, CHAT_TWO, accepted[1]);
}

/* The batch fails at one point, comes again to the same or to another owner, and once more. */
static void survive(struct owner_fixture *f, bool another_owner)
{
    struct operation batch[BATCH];
    int tries = 0;

    fill_batch(f, batch);
    while (try_apply(f, batch, BATCH) != CC_OK) {
        assert_true(++tries < 3);
        if (another_owner)
            replace_owner(f);
    }
    assert_all_is_well(f, batch);
    size_t told = f->told_count;
    must_apply(f, batch, BATCH);
    assert_int_equal(f->told_count, told + BATCH);
    assert_all_is_well(f, batch);
}

static void every_failing_store_call_is_survived(void **state)
{
    static const enum store_call calls[] = {STORE_APPEND_CHANGES, STORE_MATERIALISE,
                                            STORE_LOAD_HEAD, STORE_CHANGES_AFTER,
                                            STORE_FIND_OPERATION};
    static const enum store_failure moments[] = {STORE_FAILS_BEFORE, STORE_FAILS_AFTER};

    for (size_t call = 0; call < sizeof calls / sizeof calls[0]; call++)
        for (size_t moment = 0; moment < 2; moment++)
            for (int another_owner = 0; another_owner < 2; another_owner++) {
                finish(state);
                start(state);
                struct owner_fixture *f = *state;
                message_store_failing_plan(f->store, calls[call], 1, moments[moment],
                                           CC_OUTCOME_UNKNOWN);
                survive(f, another_owner == 1);
                assert_true(message_store_failing_done(f->store));
            }
}

static void a_failing_announcement_is_repeated_until_everybody_was_told(void **state)
{
    for (int after = 0; after < 2; after++)
        for (int another_owner = 0; another_owner < 2; another_owner++) {
            finish(state);
            start(state);
            struct owner_fixture *f = *state;
            f->announce_failures = 1;
            f->announce_after_effect = after == 1;
            survive(f, another_owner == 1);
        }
}

static void a_replay_of_everything_changes_nothing(void **state)
{
    struct owner_fixture *f = *state;
    struct operation all[100];
    for (int i = 0; i < 100; i++) {
        const char *id = cc_arena_printf(f->arena, "m%d", i);
        all[i] = a_send(f, CHAT_ONE, i % 2 == 0 ? ADA : GRACE, id, id);
    }
    for (int i = 0; i < 100; i += 10)
        must_apply(f, all + i, 10);
    replace_owner(f);

    for (int i = 0; i < 100; i += 25)
        must_apply(f, all + i, 25);

    assert_history_is(f, CHAT_ONE, 100);
    for (int i = 0; i < 100; i++) {
        assert_true(last_told(f, &all[i])->duplicate);
        assert_int_equal(last_told(f, &all[i])->seq, i + 1);
    }
    assert_int_equal(f->saved_rev, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(operations_are_numbered_in_offset_order_per_chat),
        TEST(numbers_go_on_in_the_next_batch_and_with_the_next_owner),
        TEST(members_are_judged_in_order_with_their_changes),
        TEST(a_repeat_within_a_batch_has_the_first_one_s_outcome),
        TEST(a_repeat_between_new_ones_leaves_no_gap),
        TEST(the_same_id_with_another_body_is_a_conflict_and_the_original_stays),
        TEST(a_refusal_is_remembered_when_the_rules_have_changed),
        TEST(what_was_accepted_stays_accepted_after_a_removal),
        TEST(an_unreadable_operation_is_refused_durably),
        TEST(nothing_is_judged_while_nobody_knows_the_members),
        TEST(a_rev_taken_by_another_owner_is_passed_over),
        TEST(nothing_is_announced_after_the_partition_was_lost),
        TEST(what_a_dead_owner_logged_is_materialised_on_takeover),
        TEST(every_failing_store_call_is_survived),
        TEST(a_failing_announcement_is_repeated_until_everybody_was_told),
        TEST(a_replay_of_everything_changes_nothing),
    };

    return cmocka_run_group_tests_name("the owner's batch", tests, NULL, NULL);
}
