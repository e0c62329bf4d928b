/* The order in which a change becomes known, and what a failure at each step leaves behind. Memory
 * store, recording outlet. */

#include <string.h>

#include "../builders.h"
#include "events/announce.h"
#include "leaving.h"

#define TOLD_MAX 64

enum step { STEP_NOTE, STEP_RIGHTS, STEP_PUBLISH, STEP_AWAIT, STEP_PERSONAL, STEP_NONE };

struct told {
    enum step step;
    int64_t version;
    char op_id[CC_UUID_BYTES];
    int64_t rights_version; /* member_version of the chat that was shown */
};
struct recording_outlet {
    struct chat_outlet base;
    struct told told[TOLD_MAX];
    size_t count;
    size_t noted;      /* memberships that lists were told of */
    enum step failing; /* this step fails, always */
};
struct fixture {
    struct cc_arena *arena;
    struct chat_store *store;
    struct personal_store *personals;
    struct recording_outlet outlet;
    struct chat_announcer announcer;
    struct cc_error err;
};

static enum cc_code record(struct chat_outlet *base, enum step step,
                           const struct chat_change *change, int64_t rights_version)
{
    struct recording_outlet *outlet = (struct recording_outlet *)base;
    struct told *told = &outlet->told[outlet->count];

    if (outlet->failing == step)
        return step == STEP_AWAIT ? CC_TIMEOUT : CC_UNAVAILABLE;
    assert_true(++outlet->count < TOLD_MAX);
    *told = (struct told){
        .step = step, .version = change->after.version, .rights_version = rights_version};
    change_op_id(change, told->op_id);
    return CC_OK;
}

/* More than once for a change: only how many is recorded. */
static enum cc_code record_members(struct chat_outlet *base, const struct membership *members,
                                   size_t count, struct cc_error *err)
{
    struct recording_outlet *outlet = (struct recording_outlet *)base;

    (void)members;
    if (outlet->failing == STEP_NOTE)
        return cc_fail(err, CC_UNAVAILABLE, NULL, "no Redis");
    outlet->noted += count;
    return CC_OK;
}

static enum cc_code record_rights(struct chat_outlet *base,
                                  const struct chat_announcement *announcement,
                                  struct cc_error *err)
{
    enum cc_code code =
        record(base, STEP_RIGHTS, announcement->change, announcement->chat->member_version);

    return code == CC_OK ? CC_OK : cc_fail(err, code, NULL, "no Redis");
}

static enum cc_code record_publish(struct chat_outlet *base,
                                   const struct chat_announcement *announcement,
                                   struct cc_error *err)
{
    enum cc_code code = record(base, STEP_PUBLISH, announcement->change, 0);

    return code == CC_OK ? CC_OK : cc_fail(err, code, NULL, "no Kafka");
}

static enum cc_code record_personal(struct chat_outlet *base, const struct personal *personal,
                                    struct cc_error *err)
{
    struct recording_outlet *outlet = (struct recording_outlet *)base;

    if (outlet->failing == STEP_PERSONAL)
        return cc_fail(err, CC_UNAVAILABLE, NULL, "no Kafka");
    assert_true(outlet->count + 1 < TOLD_MAX);
    outlet->told[outlet->count++] =
        (struct told){.step = STEP_PERSONAL, .version = personal->version};
    return CC_OK;
}

static enum cc_code record_await(struct chat_outlet *base, const struct chat_change *change,
                                 struct cc_error *err)
{
    enum cc_code code = record(base, STEP_AWAIT, change, 0);

    return code == CC_OK ? CC_OK : cc_fail(err, code, NULL, "not yet");
}

static enum cc_code clear_at_once(struct chat_outlet *base, const struct personal *personal,
                                  struct cc_error *err)
{
    (void)base;
    (void)personal;
    (void)err;
    return CC_OK;
}

static const struct chat_outlet_ops recording_ops = {.note_members = record_members,
                                                     .raise_rights = record_rights,
                                                     .publish = record_publish,
                                                     .publish_personal = record_personal,
                                                     .await_persisted = record_await,
                                                     .await_cleared = clear_at_once};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.arena = cc_arena_create(0),
                               .store = chat_store_memory_create(),
                               .personals = personal_store_memory_create()};
    fixture.outlet.base.ops = &recording_ops;
    fixture.outlet.failing = STEP_NONE;
    chat_announcer_init(&fixture.announcer, fixture.store, fixture.personals, &fixture.outlet.base);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    chat_announcer_finish(&f->announcer);
    chat_store_destroy(f->store);
    personal_store_destroy(f->personals);
    cc_arena_destroy(f->arena);
    return 0;
}

static enum chat_reach must_commit(struct fixture *f, const struct chat_change *change)
{
    enum chat_reach reach = CHAT_REACH_LATER;

    assert_int_equal(chat_announcer_commit(&f->announcer, change, &reach, &f->err), CC_OK);
    return reach;
}

static size_t sweep(struct fixture *f)
{
    size_t count = 0;

    assert_int_equal(chat_announcer_sweep(&f->announcer, INT64_MAX, &count, &f->err), CC_OK);
    return count;
}

static size_t unannounced(struct fixture *f, const struct chat_change *change)
{
    struct chat_change_list pending = {0};

    assert_int_equal(f->store->ops->list_unannounced(f->store, change->after.chat_id, f->arena,
                                                     &pending, &f->err),
                     CC_OK);
    return pending.count;
}

static void assert_told(const struct fixture *f, const enum step *steps, size_t count)
{
    assert_int_equal(f->outlet.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(f->outlet.told[i].step, steps[i]);
}

static void must_leave(struct fixture *f, const struct chat_change *group, const char *user_id)
{
    assert_int_equal(chat_leaving_commit(&f->announcer, group->after.chat_id, user_id, T0 + 1,
                                         f->arena, &f->err),
                     CC_OK);
}

static struct membership *member_of(struct fixture *f, const struct chat_change *group,
                                    const char *user_id)
{
    struct membership *member = NULL;

    assert_int_equal(f->store->ops->find_member(f->store, group->after.chat_id, user_id, f->arena,
                                                &member, &f->err),
                     CC_OK);
    return member;
}

static void who_leaves_with_the_account_is_followed_and_leaves_once(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    must_commit(f, group);

    must_leave(f, group, group->actor_id);
    size_t told = f->outlet.count;
    must_leave(f, group, group->actor_id);
    must_leave(f, group, an_id(f->arena));

    assert_int_equal(f->outlet.count, told);
    assert_int_equal(member_of(f, group, group->actor_id)->state, CC_MEMBER_LEFT);
    /* Both came at the same time: which of them it is depends on their ids. */
    int first = member_of(f, group, group->members[1].user_id)->role;
    int second = member_of(f, group, group->members[2].user_id)->role;
    assert_int_equal((first == CC_ROLE_OWNER) + (second == CC_ROLE_OWNER), 1);
    assert_int_equal((first == CC_ROLE_MEMBER) + (second == CC_ROLE_MEMBER), 1);
    assert_int_equal(unannounced(f, group), 0);
}

static void a_new_chat_has_its_rights_before_anybody_hears_of_it(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    const enum step expected[] = {STEP_RIGHTS, STEP_PUBLISH};

    assert_int_equal(must_commit(f, change), CHAT_REACH_ALL);

    assert_told(f, expected, 2);
    assert_int_equal(unannounced(f, change), 0);
}

static void a_removal_is_in_the_timeline_before_the_rights_change(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const enum step expected[] = {STEP_PUBLISH, STEP_AWAIT, STEP_RIGHTS};

    must_commit(f, group);
    f->outlet.count = 0;
    struct chat_change *removal =
        change_remove(f->arena, &group->after, group->actor_id, &group->members[1], T0 + 1);
    assert_int_equal(must_commit(f, removal), CHAT_REACH_ALL);

    assert_told(f, expected, 3);
    assert_int_equal(f->outlet.told[2].rights_version, 2);
}

static void a_removal_whose_outcome_does_not_come_takes_the_rights_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const enum step expected[] = {STEP_PUBLISH, STEP_RIGHTS};

    must_commit(f, group);
    f->outlet.count = 0;
    f->outlet.failing = STEP_AWAIT;
    struct chat_change *removal =
        change_remove(f->arena, &group->after, group->actor_id, &group->members[1], T0 + 1);
    assert_int_equal(must_commit(f, removal), CHAT_REACH_LATER);

    assert_told(f, expected, 2);
    assert_int_equal(unannounced(f, removal), 0);
}

static void a_chat_is_told_when_the_lists_know_its_members(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);

    f->outlet.failing = STEP_NOTE;
    assert_int_equal(must_commit(f, group), CHAT_REACH_LATER);
    assert_int_equal(f->outlet.count, 0);
    assert_int_equal(unannounced(f, group), 1);
    assert_non_null(member_of(f, group, group->actor_id)); /* it has happened */

    f->outlet.failing = STEP_NONE;
    assert_int_equal(sweep(f), 1);
    assert_true(f->outlet.noted >= group->member_count);
    assert_int_equal(unannounced(f, group), 0);
}

/* The owner of the timeline must hear of it all the same: it refuses whoever was removed. */
static void a_removal_is_told_though_the_lists_cannot_know_it_yet(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const enum step expected[] = {STEP_PUBLISH, STEP_AWAIT};

    must_commit(f, group);
    f->outlet.count = 0;
    f->outlet.failing = STEP_NOTE;
    struct chat_change *removal =
        change_remove(f->arena, &group->after, group->actor_id, &group->members[1], T0 + 1);
    assert_int_equal(must_commit(f, removal), CHAT_REACH_LATER);

    assert_told(f, expected, 2);
    assert_int_equal(unannounced(f, removal), 1);
}

static void when_a_chat_ends_the_lists_of_all_its_people_know_it(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);

    must_commit(f, group);
    f->outlet.noted = 0;
    must_commit(f, change_delete(f->arena, &group->after, group->actor_id, T0 + 1));

    assert_int_equal(f->outlet.noted, group->member_count);
    assert_int_equal(member_of(f, group, group->actor_id)->state, CC_MEMBER_REMOVED);
}

static void a_version_that_somebody_else_took_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    enum chat_reach reach;

    must_commit(f, change);

    assert_int_equal(chat_announcer_commit(&f->announcer, change, &reach, &f->err), CC_CONFLICT);
    assert_int_equal(f->outlet.count, 2);
}

static void without_kafka_the_change_has_happened_and_waits(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    struct chat *chat = NULL;

    f->outlet.failing = STEP_PUBLISH;
    assert_int_equal(must_commit(f, change), CHAT_REACH_LATER);

    assert_int_equal(unannounced(f, change), 1);
    assert_int_equal(
        f->store->ops->find_chat(f->store, change->after.chat_id, f->arena, &chat, &f->err), CC_OK);
}

static void the_sweep_tells_what_a_crash_after_the_insert_left(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    const enum step expected[] = {STEP_RIGHTS, STEP_PUBLISH};
    char op_id[CC_UUID_BYTES];
    struct chat *chat = NULL;

    assert_int_equal(f->store->ops->append(f->store, change, &f->err), CC_OK);
    assert_int_equal(sweep(f), 1);
    assert_int_equal(sweep(f), 0);

    change_op_id(change, op_id);
    assert_told(f, expected, 2);
    assert_string_equal(f->outlet.told[1].op_id, op_id);
    assert_int_equal(
        f->store->ops->find_chat(f->store, change->after.chat_id, f->arena, &chat, &f->err), CC_OK);
}

static void what_is_told_twice_has_the_same_op_id(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);

    f->outlet.failing = STEP_PUBLISH;
    must_commit(f, change);
    f->outlet.failing = STEP_NONE;
    f->outlet.count = 0;
    assert_int_equal(sweep(f), 1);
    char first[CC_UUID_BYTES];
    change_op_id(change, first);

    assert_string_equal(f->outlet.told[1].op_id, first);
    assert_int_equal(unannounced(f, change), 0);
}

static void a_lower_version_is_always_told_before_a_higher_one(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second = a_rename(f->arena, &first->after, first->actor_id, "Two", T0 + 1);

    assert_int_equal(f->store->ops->append(f->store, first, &f->err), CC_OK);
    must_commit(f, second);

    assert_int_equal(f->outlet.count, 4);
    assert_int_equal(f->outlet.told[0].version, 1);
    assert_int_equal(f->outlet.told[1].version, 1);
    assert_int_equal(f->outlet.told[3].version, 2);
}

static void a_version_waits_while_a_lower_one_cannot_be_told(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);

    f->outlet.failing = STEP_PUBLISH;
    must_commit(f, first);
    f->outlet.count = 0;
    struct chat_change *second = a_rename(f->arena, &first->after, first->actor_id, "Two", T0 + 1);
    assert_int_equal(must_commit(f, second), CHAT_REACH_LATER);

    assert_int_equal(f->outlet.count,
                     1); /* the rights of the first, again; nothing of the second */
    assert_int_equal(f->outlet.told[0].version, 1);
    assert_int_equal(unannounced(f, first), 2);
}

static void the_sweep_leaves_running_work_alone(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    size_t count = 1;

    assert_int_equal(f->store->ops->append(f->store, change, &f->err), CC_OK);
    assert_int_equal(chat_announcer_sweep(&f->announcer, T0, &count, &f->err), CC_OK);

    assert_int_equal(count, 0);
    assert_int_equal(f->outlet.count, 0);
}

static void catching_up_shows_and_tells_what_another_appended(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    struct chat *chat = NULL;

    assert_int_equal(f->store->ops->append(f->store, change, &f->err), CC_OK);
    assert_int_equal(chat_announcer_catch_up(&f->announcer, change->after.chat_id, 1, &f->err),
                     CC_OK);

    assert_int_equal(
        f->store->ops->find_chat(f->store, change->after.chat_id, f->arena, &chat, &f->err), CC_OK);
    assert_int_equal(unannounced(f, change), 0);
}

static void a_deletion_is_in_the_timeline_before_the_rights_and_the_memberships_end(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const enum step expected[] = {STEP_PUBLISH, STEP_AWAIT, STEP_RIGHTS};
    struct chat_member_list mine = {0};

    must_commit(f, group);
    f->outlet.count = 0;
    struct chat_change *deletion = change_delete(f->arena, &group->after, group->actor_id, T0 + 1);
    assert_int_equal(must_commit(f, deletion), CHAT_REACH_ALL);

    assert_told(f, expected, 3);
    assert_int_equal(f->store->ops->list_memberships(f->store, group->actor_id, CHAT_MEMBERS_ACTIVE,
                                                     f->arena, &mine, &f->err),
                     CC_OK);
    assert_int_equal(mine.count, 0);
}

static void the_sweep_finishes_a_deletion_after_a_crash_behind_the_insert(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    struct chat_member_list mine = {0};

    must_commit(f, group);
    struct chat_change *deletion = change_delete(f->arena, &group->after, group->actor_id, T0 + 1);
    assert_int_equal(f->store->ops->append(f->store, deletion, &f->err), CC_OK);
    assert_int_equal(sweep(f), 1);

    assert_int_equal(unannounced(f, deletion), 0);
    assert_int_equal(f->store->ops->list_memberships(f->store, group->actor_id, CHAT_MEMBERS_ACTIVE,
                                                     f->arena, &mine, &f->err),
                     CC_OK);
    assert_int_equal(mine.count, 0);
}

/* Of a deletion, whatever was announced. */
static void assert_erased(struct fixture *f, const struct chat_change *deletion)
{
    struct chat_change *change = NULL;
    struct chat *chat = NULL;

    assert_int_equal(unannounced(f, deletion), 0);
    assert_int_equal(
        f->store->ops->find_chat(f->store, deletion->after.chat_id, f->arena, &chat, &f->err),
        CC_OK);
    assert_string_equal(chat->title, "");
    assert_int_equal(f->store->ops->find_change(f->store, deletion->after.chat_id, 1, f->arena,
                                                &change, &f->err),
                     CC_OK);
    assert_string_equal(change->after.title, "");
}

static void what_a_deleted_chat_was_called_is_erased_whatever_failed_before(void **state)
{
    static const enum step steps[] = {STEP_PUBLISH, STEP_AWAIT, STEP_RIGHTS, STEP_NONE};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct chat_change *group = a_group(f->arena);

        must_commit(f, group);
        assert_string_not_equal(group->after.title, "");
        f->outlet.failing = steps[i];
        struct chat_change *deletion =
            change_delete(f->arena, &group->after, group->actor_id, T0 + 1);
        must_commit(f, deletion);
        f->outlet.failing = STEP_NONE;
        sweep(f);

        assert_erased(f, deletion);
    }
}

static void a_deletion_that_is_told_again_is_erased_again(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const enum step expected[] = {STEP_PUBLISH, STEP_AWAIT, STEP_RIGHTS};
    size_t count = 0;

    must_commit(f, group);
    struct chat_change *deletion = change_delete(f->arena, &group->after, group->actor_id, T0 + 1);
    deletion->after.title = group->after.title; /* as an older version wrote it */
    must_commit(f, deletion);
    f->outlet.count = 0;
    assert_int_equal(f->store->ops->forget_deletions_announced(f->store, &count, &f->err), CC_OK);
    assert_int_equal(sweep(f), 1);

    assert_int_equal(count, 1);
    assert_told(f, expected, 3);
    assert_erased(f, deletion);
}

/* ---- a person's own state ---- */

static struct personal a_state(struct fixture *f, int64_t version)
{
    return (struct personal){.chat_id = an_id(f->arena),
                             .user_id = an_id(f->arena),
                             .version = version,
                             .at_ms = T0,
                             .wish = {.pinned = true}};
}

static size_t sweep_states(struct fixture *f)
{
    size_t count = 0;

    assert_int_equal(chat_announcer_sweep_personal(&f->announcer, INT64_MAX, &count, &f->err),
                     CC_OK);
    return count;
}

static void a_state_is_told_once_and_only_of_the_version_that_is_stored(void **state)
{
    struct fixture *f = *state;
    struct personal first = a_state(f, 1), second = first;

    second.version = 2;
    assert_int_equal(chat_announcer_commit_personal(&f->announcer, &first, &f->err), CC_OK);
    assert_int_equal(chat_announcer_commit_personal(&f->announcer, &first, &f->err), CC_CONFLICT);
    assert_int_equal(chat_announcer_commit_personal(&f->announcer, &second, &f->err), CC_OK);

    assert_int_equal(f->outlet.count, 2);
    assert_int_equal(f->outlet.told[1].version, 2);
    assert_int_equal(sweep_states(f), 0);
}

static void a_state_that_could_not_be_told_is_told_by_the_sweep(void **state)
{
    struct fixture *f = *state;
    struct personal first = a_state(f, 1);

    f->outlet.failing = STEP_PERSONAL;
    assert_int_equal(chat_announcer_commit_personal(&f->announcer, &first, &f->err), CC_OK);
    assert_int_equal(f->outlet.count, 0);
    f->outlet.failing = STEP_NONE;

    assert_int_equal(sweep_states(f), 1);
    assert_int_equal(sweep_states(f), 0);
    assert_int_equal(f->outlet.told[0].version, 1);
}

static void a_crash_after_the_state_was_stored_leaves_it_to_the_sweep(void **state)
{
    struct fixture *f = *state;
    struct personal first = a_state(f, 1), second = first;

    second.version = 2;
    assert_int_equal(f->personals->ops->put(f->personals, &first, &f->err), CC_OK);
    assert_int_equal(f->personals->ops->put(f->personals, &second, &f->err), CC_OK);

    assert_int_equal(sweep_states(f), 1);
    assert_int_equal(f->outlet.told[0].version, 2); /* what is replaced is no news any more */
}

static void a_crash_between_telling_and_marking_tells_the_same_version_again(void **state)
{
    struct fixture *f = *state;
    struct personal first = a_state(f, 1);

    assert_int_equal(f->personals->ops->put(f->personals, &first, &f->err), CC_OK);
    assert_int_equal(record_personal(&f->outlet.base, &first, &f->err), CC_OK);

    assert_int_equal(sweep_states(f), 1);
    assert_int_equal(f->outlet.count, 2);
    assert_int_equal(f->outlet.told[1].version, f->outlet.told[0].version);
}

static void a_ban_is_in_the_timeline_before_the_rights_change(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const enum step expected[] = {STEP_PUBLISH, STEP_AWAIT, STEP_RIGHTS};

    must_commit(f, group);
    f->outlet.count = 0;
    must_commit(f,
                change_ban(f->arena, &group->after, group->actor_id, &group->members[1], T0 + 1));

    assert_told(f, expected, 3);
}

static void the_sweep_finishes_a_ban_after_a_crash_at_any_step(void **state)
{
    static const enum step steps[] = {STEP_PUBLISH, STEP_RIGHTS};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct chat_change *group = a_group(f->arena);
        struct membership *banned = NULL;

        must_commit(f, group);
        f->outlet.failing = steps[i];
        struct chat_change *ban =
            change_ban(f->arena, &group->after, group->actor_id, &group->members[1], T0 + 1);
        assert_int_equal(must_commit(f, ban), CHAT_REACH_LATER);
        assert_int_equal(unannounced(f, ban), 1);
        f->outlet.failing = STEP_NONE;
        f->outlet.count = 0;
        assert_int_equal(sweep(f), 1);

        assert_int_equal(f->outlet.told[f->outlet.count - 1].step, STEP_RIGHTS);
        assert_int_equal(f->outlet.told[f->outlet.count - 1].rights_version, 2);
        assert_int_equal(f->store->ops->find_member(f->store, group->after.chat_id,
                                                    group->members[1].user_id, f->arena, &banned,
                                                    &f->err),
                         CC_OK);
        assert_int_equal(banned->state, CC_MEMBER_BANNED);
    }
}

#define announce_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        announce_test(a_new_chat_has_its_rights_before_anybody_hears_of_it),
        announce_test(who_leaves_with_the_account_is_followed_and_leaves_once),
        announce_test(a_removal_is_in_the_timeline_before_the_rights_change),
        announce_test(a_removal_whose_outcome_does_not_come_takes_the_rights_all_the_same),
        announce_test(a_chat_is_told_when_the_lists_know_its_members),
        announce_test(a_removal_is_told_though_the_lists_cannot_know_it_yet),
        announce_test(when_a_chat_ends_the_lists_of_all_its_people_know_it),
        announce_test(a_version_that_somebody_else_took_is_a_conflict),
        announce_test(without_kafka_the_change_has_happened_and_waits),
        announce_test(the_sweep_tells_what_a_crash_after_the_insert_left),
        announce_test(what_is_told_twice_has_the_same_op_id),
        announce_test(a_lower_version_is_always_told_before_a_higher_one),
        announce_test(a_version_waits_while_a_lower_one_cannot_be_told),
        announce_test(the_sweep_leaves_running_work_alone),
        announce_test(catching_up_shows_and_tells_what_another_appended),
        announce_test(a_ban_is_in_the_timeline_before_the_rights_change),
        announce_test(the_sweep_finishes_a_ban_after_a_crash_at_any_step),
        announce_test(a_deletion_is_in_the_timeline_before_the_rights_and_the_memberships_end),
        announce_test(the_sweep_finishes_a_deletion_after_a_crash_behind_the_insert),
        announce_test(what_a_deleted_chat_was_called_is_erased_whatever_failed_before),
        announce_test(a_deletion_that_is_told_again_is_erased_again),
        announce_test(a_state_is_told_once_and_only_of_the_version_that_is_stored),
        announce_test(a_state_that_could_not_be_told_is_told_by_the_sweep),
        announce_test(a_crash_after_the_state_was_stored_leaves_it_to_the_sweep),
        announce_test(a_crash_between_telling_and_marking_tells_the_same_version_again),
    };

    return cmocka_run_group_tests_name("chat-service announce", tests, NULL, NULL);
}
