/* What every chat store promises. Tests share one store and no id. */

#include "chat_store_contract.h"

#include <pthread.h>
#include <string.h>

#include "../builders.h"

#define WRITERS 8

static struct chat_store *the_store; /* cmocka gives group state only by reference to setups */

struct fixture {
    struct chat_store *store;
    struct cc_arena *arena;
    struct cc_error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.store = the_store, .arena = cc_arena_create(0)};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_arena_destroy(f->arena);
    return 0;
}

#define must(expression) assert_int_equal((expression), CC_OK)

static void must_happen(struct fixture *f, const struct chat_change *change)
{
    must(f->store->ops->append(f->store, change, &f->err));
    must(f->store->ops->materialise(f->store, change, &f->err));
}

static struct chat *must_find_chat(struct fixture *f, const char *chat_id)
{
    struct chat *chat = NULL;

    must(f->store->ops->find_chat(f->store, chat_id, f->arena, &chat, &f->err));
    return chat;
}

static struct membership *must_find_member(struct fixture *f, const struct membership *member)
{
    struct membership *found = NULL;

    must(f->store->ops->find_member(f->store, member->chat_id, member->user_id, f->arena, &found,
                                    &f->err));
    return found;
}

static struct chat_change_list pending_of(struct fixture *f, const char *chat_id)
{
    struct chat_change_list pending = {0};

    must(f->store->ops->list_unannounced(f->store, chat_id, f->arena, &pending, &f->err));
    return pending;
}

static void an_appended_change_is_found_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena), *found = NULL;

    must(f->store->ops->append(f->store, change, &f->err));
    must(f->store->ops->find_change(f->store, change->after.chat_id, 1, f->arena, &found, &f->err));

    assert_int_equal(found->kind, CHANGE_CREATED);
    assert_string_equal(found->after.chat_id, change->after.chat_id);
    assert_string_equal(found->after.title, "Engines");
    assert_int_equal(found->after.type, CHAT_GROUP);
    assert_int_equal(found->after.member_count, 3);
    assert_string_equal(found->actor_id, change->actor_id);
    assert_int_equal(found->at_ms, T0);
    assert_int_equal(found->member_count, 3);
    assert_string_equal(found->members[2].user_id, change->members[2].user_id);
    assert_string_equal(found->members[2].chat_id, change->after.chat_id);
    assert_int_equal(found->members[0].role, CC_ROLE_OWNER);
    assert_false(found->announced);
}

static void a_version_is_taken_once(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena), second = *first, *found = NULL;

    second.after.title = "Other";
    must(f->store->ops->append(f->store, first, &f->err));
    assert_int_equal(f->store->ops->append(f->store, &second, &f->err), CC_CONFLICT);

    must(f->store->ops->find_change(f->store, first->after.chat_id, 1, f->arena, &found, &f->err));
    assert_string_equal(found->after.title, "Engines");
}

struct writer {
    pthread_t thread;
    struct chat_store *store;
    const struct chat_change *change;
    enum cc_code code;
};

static void *append_one(void *arg)
{
    struct writer *writer = arg;
    struct cc_error err;

    writer->code = writer->store->ops->append(writer->store, writer->change, &err);
    return NULL;
}

static void of_many_who_append_a_version_at_once_one_succeeds(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);
    struct writer writers[WRITERS];
    int succeeded = 0, refused = 0;

    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.store = f->store, .change = change};
        pthread_create(&writers[i].thread, NULL, append_one, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        succeeded += writers[i].code == CC_OK;
        refused += writers[i].code == CC_CONFLICT;
    }

    assert_int_equal(succeeded, 1);
    assert_int_equal(refused, WRITERS - 1);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    const char *nobody = an_id(f->arena);
    struct chat_change *change = NULL;
    struct chat *chat = NULL;
    struct membership *member = NULL;
    struct chat_activity *activity = NULL;
    const struct chat_store_ops *ops = f->store->ops;

    assert_int_equal(ops->find_change(f->store, nobody, 1, f->arena, &change, &f->err),
                     CC_NOT_FOUND);
    assert_int_equal(ops->find_chat(f->store, nobody, f->arena, &chat, &f->err), CC_NOT_FOUND);
    assert_int_equal(ops->find_member(f->store, nobody, nobody, f->arena, &member, &f->err),
                     CC_NOT_FOUND);
    assert_int_equal(ops->find_activity(f->store, nobody, f->arena, &activity, &f->err),
                     CC_NOT_FOUND);
}

static void unannounced_changes_come_in_the_order_of_versions(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second = a_rename(f->arena, &first->after, first->actor_id, "Two", T0 + 1);
    struct chat_change *third =
        a_rename(f->arena, &second->after, first->actor_id, "Three", T0 + 2);

    must(f->store->ops->append(f->store, third, &f->err));
    must(f->store->ops->append(f->store, first, &f->err));
    must(f->store->ops->append(f->store, second, &f->err));
    struct chat_change_list pending = pending_of(f, first->after.chat_id);

    assert_int_equal(pending.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pending.items[i]->after.version, i + 1);
}

static void an_announced_change_is_not_listed_again(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second = a_rename(f->arena, &first->after, first->actor_id, "Two", T0 + 1);

    must(f->store->ops->append(f->store, first, &f->err));
    must(f->store->ops->append(f->store, second, &f->err));
    must(f->store->ops->mark_announced(f->store, first, &f->err));
    struct chat_change_list pending = pending_of(f, first->after.chat_id);

    assert_int_equal(pending.count, 1);
    assert_int_equal(pending.items[0]->after.version, 2);
}

static void the_pending_of_all_chats_hold_those_of_each(void **state)
{
    struct fixture *f = *state;
    struct chat_change *one = a_group(f->arena), *other = a_group(f->arena);
    size_t seen = 0;

    must(f->store->ops->append(f->store, one, &f->err));
    must(f->store->ops->append(f->store, other, &f->err));
    struct chat_change_list pending = pending_of(f, NULL);

    for (size_t i = 0; i < pending.count; i++) {
        const char *chat_id = pending.items[i]->after.chat_id;

        seen +=
            strcmp(chat_id, one->after.chat_id) == 0 || strcmp(chat_id, other->after.chat_id) == 0;
    }
    assert_int_equal(seen, 2);
}

static void materialising_makes_chat_and_members_and_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct chat_change *change = a_group(f->arena);

    must_happen(f, change);
    must(f->store->ops->materialise(f->store, change, &f->err));
    struct chat *chat = must_find_chat(f, change->after.chat_id);
    struct membership *member = must_find_member(f, &change->members[1]);

    assert_int_equal(chat->version, 1);
    assert_int_equal(chat->member_count, 3);
    assert_string_equal(chat->created_by, change->actor_id);
    assert_int_equal(member->state, CC_MEMBER_ACTIVE);
    assert_int_equal(member->joined_at_ms, T0);
}

static void an_older_change_never_overwrites_a_newer_one(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second =
        change_remove(f->arena, &first->after, first->actor_id, &first->members[1], T0 + 1);
    struct chat_change *third =
        a_rename(f->arena, &second->after, first->actor_id, "Three", T0 + 2);

    must_happen(f, first);
    must_happen(f, second);
    must_happen(f, third);
    must(f->store->ops->materialise(f->store, first, &f->err));
    must(f->store->ops->materialise(f->store, second, &f->err));

    assert_int_equal(must_find_chat(f, first->after.chat_id)->version, 3);
    assert_string_equal(must_find_chat(f, first->after.chat_id)->title, "Three");
    assert_int_equal(must_find_member(f, &first->members[1])->state, CC_MEMBER_REMOVED);
}

static void metadata_and_rules_are_kept(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    const struct chat_edit edit = {
        .description = "Of all kinds",
        .sets_avatar = true,
        .avatar_media_id = an_id(f->arena),
        .sets_post = true,
        .sets_history = true,
        .sets_retention = true,
        .rules = {.post = CC_POST_ADMINS, .history = CC_HISTORY_JOINED, .retention_s = 3600}};
    struct chat_change *second =
        change_edit(f->arena, &first->after, first->actor_id, &edit, T0 + 1);

    must_happen(f, first);
    assert_null(must_find_chat(f, first->after.chat_id)->avatar_media_id);
    must_happen(f, second);
    struct chat *chat = must_find_chat(f, first->after.chat_id);

    assert_string_equal(chat->description, "Of all kinds");
    assert_string_equal(chat->avatar_media_id, edit.avatar_media_id);
    assert_int_equal(chat->rules.post, CC_POST_ADMINS);
    assert_int_equal(chat->rules.history, CC_HISTORY_JOINED);
    assert_int_equal(chat->rules.retention_s, 3600);
}

static void a_newcomer_is_added_to_those_who_are_there(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    const char *newcomer = an_id(f->arena);
    struct chat_change *second = an_addition(f->arena, &first->after, &newcomer, 1, 17);

    must_happen(f, first);
    must_happen(f, second);
    struct membership *member = must_find_member(f, &second->members[0]);

    assert_int_equal(must_find_chat(f, first->after.chat_id)->member_count, 4);
    assert_int_equal(member->joined_seq, 17);
    assert_int_equal(member->version, 2);
}

static void many_newcomers_are_added_at_once(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second =
        an_addition(f->arena, &first->after, some_ids(f->arena, 100), 100, 0);

    must_happen(f, first);
    must_happen(f, second);
    must(f->store->ops->materialise(f->store, second, &f->err));

    assert_int_equal(must_find_chat(f, first->after.chat_id)->member_count, 103);
    assert_int_equal(must_find_member(f, &second->members[99])->state, CC_MEMBER_ACTIVE);
}

static void somebody_who_was_removed_can_come_back(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second =
        change_remove(f->arena, &first->after, first->actor_id, &first->members[1], T0 + 1);
    const struct chat_newcomer back = {first->members[1].user_id, &second->members[0]};
    struct chat_change *third =
        change_add(f->arena, &second->after, first->actor_id, &back, 1, 5, T0 + 2);

    must_happen(f, first);
    must_happen(f, second);
    must_happen(f, third);

    assert_int_equal(must_find_member(f, &first->members[1])->state, CC_MEMBER_ACTIVE);
    assert_int_equal(must_find_member(f, &first->members[1])->joined_at_ms, T0 + 2);
    assert_int_equal(must_find_member(f, &first->members[1])->place, 1);
    assert_int_equal(must_find_chat(f, first->after.chat_id)->place_count, 3);
}

/* Three slots' worth of people, so that pages begin and end inside and at the ends of slots. */
static void members_come_by_place_in_pages(void **state)
{
    static const size_t limits[] = {100, 128, 333};
    struct fixture *f = *state;
    struct chat_change *change =
        a_group_of(f->arena, an_id(f->arena), some_ids(f->arena, 190), 190);
    struct chat_change *more =
        an_addition(f->arena, &change->after, some_ids(f->arena, 100), 100, 0);

    must_happen(f, change);
    must_happen(f, more);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct chat_member_query query = {.chat = &more->after, .limit = limits[i]};
        struct chat_member_list page = {0};

        do {
            must(f->store->ops->list_members(f->store, &query, f->arena, &page, &f->err));
            for (size_t k = 0; k < page.count; k++)
                assert_int_equal(page.items[k].place, query.from_place++);
        } while (page.count == query.limit);
        assert_int_equal(query.from_place, 291);
    }
}

static void a_deleted_chat_leaves_nobody_in_it(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group_of(f->arena, an_id(f->arena), some_ids(f->arena, 150), 150);
    struct chat_change *second =
        change_leave(f->arena, &first->after, &first->members[1], NULL, T0 + 1);
    struct chat_change *third = change_delete(f->arena, &second->after, first->actor_id, T0 + 2);
    struct chat_member_query query = {.chat = &third->after, .limit = 200};
    struct chat_member_list left = {0}, mine = {0};

    must_happen(f, first);
    must_happen(f, second);
    must_happen(f, third);
    must(f->store->ops->end_members(f->store, &third->after, 60000, &f->err));
    must(f->store->ops->end_members(f->store, &third->after, 60000, &f->err));
    must(f->store->ops->materialise(f->store, first, &f->err)); /* as a late replica would */
    must(f->store->ops->list_members(f->store, &query, f->arena, &left, &f->err));
    must(f->store->ops->list_memberships(f->store, first->actor_id, CHAT_MEMBERS_ACTIVE, f->arena,
                                         &mine, &f->err));

    assert_int_equal(left.count, 0);
    assert_int_equal(mine.count, 0);
    assert_true(must_find_chat(f, first->after.chat_id)->deleted);
    assert_int_equal(must_find_member(f, &first->members[150])->version, 3);
    assert_int_equal(must_find_member(f, &first->members[1])->state, CC_MEMBER_LEFT);
}

static void former_members_are_listed_only_when_asked_for(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second =
        change_remove(f->arena, &first->after, first->actor_id, &first->members[1], T0 + 1);
    struct chat_member_query query = {.chat = &second->after, .limit = 10};
    struct chat_member_list active = {0}, ever = {0};

    must_happen(f, first);
    must_happen(f, second);
    must(f->store->ops->list_members(f->store, &query, f->arena, &active, &f->err));
    query.filter = CHAT_MEMBERS_EVER;
    must(f->store->ops->list_members(f->store, &query, f->arena, &ever, &f->err));

    assert_int_equal(active.count, 2);
    assert_int_equal(ever.count, 3);
}

static void the_banned_are_listed_apart(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second =
        change_ban(f->arena, &first->after, first->actor_id, &first->members[1], T0 + 1);
    struct chat_member_query query = {
        .chat = &second->after, .filter = CHAT_MEMBERS_BANNED, .limit = 10};
    struct chat_member_list banned = {0};
    struct chat_change *found = NULL;

    must_happen(f, first);
    must_happen(f, second);
    must(f->store->ops->list_members(f->store, &query, f->arena, &banned, &f->err));
    must(f->store->ops->find_change(f->store, first->after.chat_id, 2, f->arena, &found, &f->err));

    assert_int_equal(banned.count, 1);
    assert_string_equal(banned.items[0].user_id, first->members[1].user_id);
    assert_int_equal(found->kind, CHANGE_MEMBER_BANNED);
    assert_int_equal(found->members[0].state, CC_MEMBER_BANNED);
}

static void owners_are_counted_in_the_chat(void **state)
{
    struct fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second = change_role(f->arena, &first->after, first->actor_id,
                                             &first->members[1], CC_ROLE_OWNER, T0 + 1);

    must_happen(f, first);
    assert_int_equal(must_find_chat(f, first->after.chat_id)->owner_count, 1);
    must_happen(f, second);

    assert_int_equal(must_find_chat(f, first->after.chat_id)->owner_count, 2);
    assert_int_equal(must_find_member(f, &first->members[1])->role, CC_ROLE_OWNER);
}

static void a_person_has_the_chats_that_were_not_left(void **state)
{
    struct fixture *f = *state;
    const char *person = an_id(f->arena);
    struct chat_change *kept = a_group_of(f->arena, person, some_ids(f->arena, 1), 1);
    struct chat_change *left = a_group_of(f->arena, person, some_ids(f->arena, 1), 1);
    struct chat_change *leaving =
        change_leave(f->arena, &left->after, &left->members[0], &left->members[1], T0 + 1);
    struct chat_member_list mine = {0};

    must_happen(f, kept);
    must_happen(f, left);
    must_happen(f, leaving);
    must(f->store->ops->list_memberships(f->store, person, CHAT_MEMBERS_ACTIVE, f->arena, &mine,
                                         &f->err));

    assert_int_equal(mine.count, 1);
    assert_string_equal(mine.items[0].chat_id, kept->after.chat_id);
    must(f->store->ops->list_memberships(f->store, person, CHAT_MEMBERS_EVER, f->arena, &mine,
                                         &f->err));
    assert_int_equal(mine.count, 2);
    assert_int_equal(must_find_member(f, &left->members[1])->role, CC_ROLE_OWNER);
}

static void a_person_with_many_chats_gets_all_of_them(void **state)
{
    struct fixture *f = *state;
    const char *person = an_id(f->arena);
    struct chat_member_list mine = {0};

    for (int i = 0; i < 70; i++)
        must_happen(f, a_group_of(f->arena, person, NULL, 0));
    must(f->store->ops->list_memberships(f->store, person, CHAT_MEMBERS_ACTIVE, f->arena, &mine,
                                         &f->err));

    assert_int_equal(mine.count, 70);
    for (size_t i = 1; i < mine.count; i++)
        assert_true(strcmp(mine.items[i - 1].chat_id, mine.items[i].chat_id) < 0);
}

static void must_save(struct fixture *f, const struct chat_activity *activity)
{
    must(f->store->ops->save_activities(f->store, &activity, 1, &f->err));
}

static void
many_activities_are_saved_at_once_and_an_older_one_among_them_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct chat_activity all[40];
    const struct chat_activity *pointers[40];
    struct chat_activity *found = NULL;

    for (size_t i = 0; i < 40; i++) {
        all[i] = (struct chat_activity){.chat_id = an_id(f->arena), .rev = 5, .seq = (int64_t)i};
        pointers[i] = &all[i];
    }
    struct chat_activity newer = all[7];
    newer.rev = 6;
    newer.seq = 1000;
    must_save(f, &newer);
    must(f->store->ops->save_activities(f->store, pointers, 40, &f->err));
    must(f->store->ops->save_activities(f->store, NULL, 0, &f->err));

    for (size_t i = 0; i < 40; i++) {
        must(f->store->ops->find_activity(f->store, all[i].chat_id, f->arena, &found, &f->err));
        assert_int_equal(found->seq, i == 7 ? 1000 : (int64_t)i);
    }
}

static void activity_only_moves_forward(void **state)
{
    struct fixture *f = *state;
    const char *chat_id = an_id(f->arena);
    struct chat_activity newer = {.chat_id = chat_id,
                                  .rev = 9,
                                  .seq = 7,
                                  .last_activity_at_ms = T0,
                                  .last_message_id = "m7",
                                  .last_message_json = "{\"body\":\"\xc3\xbc\"}"};
    struct chat_activity older = {.chat_id = chat_id, .rev = 8, .seq = 6};
    struct chat_activity *found = NULL;

    must_save(f, &newer);
    must_save(f, &older);
    must_save(f, &newer);
    must(f->store->ops->find_activity(f->store, chat_id, f->arena, &found, &f->err));

    assert_int_equal(found->rev, 9);
    assert_int_equal(found->seq, 7);
    assert_int_equal(found->last_activity_at_ms, T0);
    assert_string_equal(found->last_message_json, newer.last_message_json);
}

static void activity_may_hold_no_message(void **state)
{
    struct fixture *f = *state;
    struct chat_activity silent = {.chat_id = an_id(f->arena), .rev = 1};
    struct chat_activity *found = NULL;

    must_save(f, &silent);
    must(f->store->ops->find_activity(f->store, silent.chat_id, f->arena, &found, &f->err));

    assert_int_equal(found->rev, 1);
    assert_null(found->last_message_id);
    assert_null(found->last_message_json);
}

static void an_erased_chat_says_nothing_any_more(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena), *other = a_group(f->arena);
    struct chat_change *rename =
        a_rename(f->arena, &group->after, group->actor_id, "A secret name", T0 + 1);
    const char *chat_id = group->after.chat_id;
    struct chat_activity activity = {.chat_id = chat_id,
                                     .rev = 9,
                                     .seq = 7,
                                     .last_activity_at_ms = T0,
                                     .last_message_id = "m7",
                                     .last_message_json = "{\"body\":\"secret\"}"};
    struct chat_activity *found = NULL;
    struct chat_change *change = NULL;
    struct chat *chat = NULL;

    rename->after.description = "A secret reason";
    rename->after.avatar_media_id = an_id(f->arena);
    must(f->store->ops->append(f->store, group, &f->err));
    must(f->store->ops->append(f->store, rename, &f->err));
    must(f->store->ops->append(f->store, other, &f->err));
    must(f->store->ops->materialise(f->store, rename, &f->err));
    must_save(f, &activity);
    must(f->store->ops->erase(f->store, chat_id, &f->err));
    must(f->store->ops->erase(f->store, chat_id, &f->err));
    must(f->store->ops->erase(f->store, an_id(f->arena), &f->err));

    must(f->store->ops->find_chat(f->store, chat_id, f->arena, &chat, &f->err));
    assert_string_equal(chat->title, "");
    assert_string_equal(chat->description, "");
    assert_null(chat->avatar_media_id);
    assert_int_equal(chat->version, rename->after.version);
    for (int64_t version = 1; version <= 2; version++) {
        must(f->store->ops->find_change(f->store, chat_id, version, f->arena, &change, &f->err));
        assert_string_equal(change->after.title, "");
        assert_string_equal(change->after.description, "");
        assert_null(change->after.avatar_media_id);
    }
    assert_string_equal(change->actor_id, rename->actor_id);
    must(f->store->ops->find_activity(f->store, chat_id, f->arena, &found, &f->err));
    assert_null(found->last_message_id);
    assert_null(found->last_message_json);
    assert_int_equal(found->rev, 9);
    must(f->store->ops->find_change(f->store, other->after.chat_id, 1, f->arena, &change, &f->err));
    assert_string_equal(change->after.title, other->after.title);
}

static void deletions_and_nothing_else_are_announced_again(void **state)
{
    struct fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    struct chat_change *deletion = change_delete(f->arena, &group->after, group->actor_id, T0 + 1);
    size_t count = 0;

    must(f->store->ops->append(f->store, group, &f->err));
    must(f->store->ops->append(f->store, deletion, &f->err));
    must(f->store->ops->mark_announced(f->store, group, &f->err));
    must(f->store->ops->mark_announced(f->store, deletion, &f->err));
    assert_int_equal(pending_of(f, group->after.chat_id).count, 0);
    must(f->store->ops->forget_deletions_announced(f->store, &count, &f->err));

    assert_true(count >= 1);
    assert_int_equal(pending_of(f, group->after.chat_id).count, 1);
    must(f->store->ops->mark_announced(f->store, deletion, &f->err));
}

#define contract_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int chat_store_contract_run(const char *name, struct chat_store *store)
{
    const struct CMUnitTest contract[] = {
        contract_test(an_appended_change_is_found_as_it_was_written),
        contract_test(a_version_is_taken_once),
        contract_test(of_many_who_append_a_version_at_once_one_succeeds),
        contract_test(what_is_not_there_is_not_found),
        contract_test(unannounced_changes_come_in_the_order_of_versions),
        contract_test(an_announced_change_is_not_listed_again),
        contract_test(the_pending_of_all_chats_hold_those_of_each),
        contract_test(materialising_makes_chat_and_members_and_may_be_repeated),
        contract_test(an_older_change_never_overwrites_a_newer_one),
        contract_test(metadata_and_rules_are_kept),
        contract_test(a_newcomer_is_added_to_those_who_are_there),
        contract_test(many_newcomers_are_added_at_once),
        contract_test(somebody_who_was_removed_can_come_back),
        contract_test(members_come_by_place_in_pages),
        contract_test(a_deleted_chat_leaves_nobody_in_it),
        contract_test(former_members_are_listed_only_when_asked_for),
        contract_test(the_banned_are_listed_apart),
        contract_test(owners_are_counted_in_the_chat),
        contract_test(a_person_has_the_chats_that_were_not_left),
        contract_test(a_person_with_many_chats_gets_all_of_them),
        contract_test(activity_only_moves_forward),
        contract_test(
            many_activities_are_saved_at_once_and_an_older_one_among_them_changes_nothing),
        contract_test(activity_may_hold_no_message),
        contract_test(an_erased_chat_says_nothing_any_more),
        contract_test(deletions_and_nothing_else_are_announced_again),
    };

    the_store = store;
    return cmocka_run_group_tests_name(name, contract, NULL, NULL);
}
