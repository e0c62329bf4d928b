/* The contract of user_store.h as tests; see contract_fixture.h. */

#include "contract_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define THREADS 8

/* What is given up may be had at once. */
static const struct user_hold no_hold = {FAKE_T0_MS, FAKE_T0_MS};

static void somebody_enrolled_is_found_with_all_that_was_given(void **state)
{
    struct fixture *f = *state;
    struct user given = must_enroll(f, "ada");

    struct user found = must_find(f, given.user_id);

    assert_string_equal(found.user_id, given.user_id);
    assert_string_equal(found.handle, "ada");
    assert_string_equal(found.display_name, "Ada");
    assert_string_equal(found.email, "ada@example.org");
    assert_string_equal(found.bio, "");
    assert_string_equal(found.avatar_media_id, "");
    assert_string_equal(found.metadata, "{}");
    assert_int_equal(found.version, 1);
    assert_int_equal(found.created_at_ms, FAKE_T0_MS);
}

static void somebody_unknown_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user found;

    assert_int_equal(user_store_find(f->store, new_id(f), f->arena, &found, &err), CC_NOT_FOUND);
}

static void a_taken_handle_is_a_conflict_and_stores_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user found, second = a_user(f, "ada");
    must_enroll(f, "ada");

    assert_int_equal(enroll(f, &second, &err), CC_CONFLICT);

    assert_string_equal(err.field, "/handle");
    assert_int_equal(user_store_find(f->store, second.user_id, f->arena, &found, &err),
                     CC_NOT_FOUND);
    assert_int_equal(hear_all(f)->count, 1);
}

static void enrolling_again_changes_nothing_and_tells_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada");

    must(enroll(f, &ada, &err), &err);

    assert_int_equal(must_find(f, ada.user_id).version, 1);
    assert_int_equal(hear_all(f)->count, 1);
}

static void enrolling_with_another_handle_replaces_it_until_its_owner_edits(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada");
    ada.handle = "ada_l";
    must(enroll(f, &ada, &err), &err);
    struct user edited = must_find(f, ada.user_id);
    assert_string_equal(edited.handle, "ada_l");
    edited.bio = "Engines.";
    must(user_store_update(f->store, &edited, NULL, &no_hold, &err), &err);

    ada.handle = "ada_late";
    must(enroll(f, &ada, &err), &err);

    assert_string_equal(must_find(f, ada.user_id).handle, "ada_l");
    must_enroll(f, "ada"); /* is free again */
}

static void an_update_replaces_all_that_may_change_and_raises_the_version(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user after = must_find(f, must_enroll(f, "ada").user_id);
    after.handle = "lovelace";
    after.display_name = "Ada L.";
    after.bio = "Engines, \"notes\" & 'more'.";
    after.locale = "en-GB";
    after.time_zone = "Europe/London";
    after.metadata = "{\"theme\":\"dark\",\"b\":[1]}";
    after.avatar_media_id = new_id(f);

    must(user_store_update(f->store, &after, NULL, &no_hold, &err), &err);

    struct user found = must_find(f, after.user_id);
    assert_true(user_same(&found, &after));
    assert_string_equal(found.email, "ada@example.org");
    assert_int_equal(found.version, 2);
}

static void an_update_of_an_old_version_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user after = must_find(f, must_enroll(f, "ada").user_id);
    after.bio = "first";
    must(user_store_update(f->store, &after, NULL, &no_hold, &err), &err);
    struct user_fact fact = a_fact(f, "profile");
    after.bio = "second";

    assert_int_equal(user_store_update(f->store, &after, &fact, &no_hold, &err),
                     CC_VERSION_MISMATCH);

    assert_string_equal(must_find(f, after.user_id).bio, "first");
    assert_int_equal(hear_all(f)->count, 1);
}

static void an_update_to_a_taken_handle_is_a_conflict_and_tells_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    must_enroll(f, "grace");
    struct user after = must_find(f, must_enroll(f, "ada").user_id);
    struct user_fact fact = a_fact(f, "profile");
    after.handle = "grace";

    assert_int_equal(user_store_update(f->store, &after, &fact, &no_hold, &err), CC_CONFLICT);

    assert_string_equal(err.field, "/handle");
    assert_string_equal(must_find(f, after.user_id).handle, "ada");
    assert_int_equal(hear_all(f)->count, 2);
}

static void many_are_found_at_once_without_those_who_do_not_exist(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    const char *ids[] = {must_enroll(f, "ada").user_id, new_id(f), must_enroll(f, "grace").user_id};
    const struct user *found;
    size_t count;

    must(user_store_find_many(f->store, ids, 3, f->arena, &found, &count, &err), &err);

    assert_int_equal(count, 2);
    bool ada_first = strcmp(found[0].handle, "ada") == 0;
    assert_string_equal(found[ada_first ? 1 : 0].handle, "grace");
    must(user_store_find_many(f->store, ids, 0, f->arena, &found, &count, &err), &err);
    assert_int_equal(count, 0);
}

static size_t find_prefix(struct fixture *f, const char *prefix, const char *after, size_t limit,
                          const struct user **out)
{
    struct cc_error err = {0};
    size_t count;
    must(user_store_find_by_prefix(f->store, f->nobody_id, prefix, after, limit, f->arena, out,
                                   &count, &err),
         &err);
    return count;
}

static void a_prefix_finds_its_handles_in_order_and_in_pages(void **state)
{
    struct fixture *f = *state;
    const struct user *found;
    static const char *const handles[] = {"adz",  "ad_", "ad0", "ada", "adaz",
                                          "ada_", "aez", "ac",  "bad", "ad"};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        must_enroll(f, handles[i]);

    assert_int_equal(find_prefix(f, "ad", "", 100, &found), 7);
    static const char *const expected[] = {"ad", "ad0", "ad_", "ada", "ada_", "adaz", "adz"};
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(found[i].handle, expected[i]);

    assert_int_equal(find_prefix(f, "ad", "ad_", 2, &found), 2);
    assert_string_equal(found[0].handle, "ada");
    assert_string_equal(found[1].handle, "ada_");
    assert_int_equal(find_prefix(f, "ad_", "", 10, &found), 1); /* no wildcard */
    assert_int_equal(find_prefix(f, "ad", "adz", 10, &found), 0);
}

static void facts_are_told_with_what_they_were_when_they_happened(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user after = must_find(f, must_enroll(f, "ada").user_id);
    struct user_fact fact = a_fact(f, "profile");
    after.handle = "lovelace";
    must(user_store_update(f->store, &after, &fact, &no_hold, &err), &err);

    struct listener *listener = hear_all(f);

    assert_int_equal(listener->count, 2);
    assert_string_equal(listener->heard[0].change, "registered");
    assert_string_equal(listener->heard[0].handle, "ada");
    assert_string_equal(listener->heard[1].change, "profile");
    assert_string_equal(listener->heard[1].handle, "lovelace");
    assert_string_equal(listener->heard[1].user_id, after.user_id);
    assert_string_equal(listener->heard[1].event_id, fact.event_id);
    assert_int_equal(listener->heard[1].occurred_at_ms, FAKE_T0_MS);
    assert_int_equal(hear_all(f)->count, 0);
}

static void facts_that_could_not_be_told_are_kept(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct listener *deaf = CC_ARENA_NEW(f->arena, struct listener);
    size_t told = 9;
    deaf->answer = CC_UNAVAILABLE;
    must_enroll(f, "ada");

    assert_int_equal(user_store_tell_facts(f->store, listen, deaf, &told, &err), CC_UNAVAILABLE);

    assert_int_equal(hear_all(f)->count, 1);
}

/* Tells nothing to itself: while a fact is being told, somebody else asks for facts. */
static enum cc_code ask_meanwhile(void *arg, const struct user_fact *facts, size_t count,
                                  struct cc_error *err)
{
    struct listener *outer = arg;
    struct listener *inner = CC_ARENA_NEW(outer->f->arena, struct listener);
    size_t told;
    inner->f = outer->f;
    CC_TRY(user_store_tell_facts(outer->f->store, listen, inner, &told, err));
    assert_int_equal(told, 0);
    return listen(outer, facts, count, err);
}

static void two_tellers_never_have_the_same_person_at_the_same_time(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct listener *listener = CC_ARENA_NEW(f->arena, struct listener);
    struct user_fact fact = a_fact(f, "profile");
    struct user after = must_find(f, must_enroll(f, "ada").user_id);
    size_t told;
    listener->f = f;
    after.display_name = "Ada L.";
    must(user_store_update(f->store, &after, &fact, &no_hold, &err), &err);

    must(user_store_tell_facts(f->store, ask_meanwhile, listener, &told, &err), &err);

    assert_int_equal(told, 1);
    assert_string_equal(listener->heard[0].change, "registered");
    assert_string_equal(hear_all(f)->heard[0].change, "profile");
}

static void more_facts_than_fit_at_once_are_all_told(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < USER_FACTS_AT_ONCE + 20; i++)
        must_enroll(f, cc_arena_printf(f->arena, "user_%d", i));

    assert_int_equal(hear_all(f)->count, USER_FACTS_AT_ONCE + 20);
}

struct racer {
    struct user_store *store;
    struct user user;
    struct user_fact fact;
    enum cc_code code;
};

static void *enroll_racing(void *arg)
{
    struct racer *racer = arg;
    struct cc_error err;
    racer->code = user_store_enroll(racer->store, &racer->user, &racer->fact, &err);
    return NULL;
}

static void of_many_who_want_a_handle_at_once_exactly_one_gets_it(void **state)
{
    struct fixture *f = *state;
    struct racer racers[THREADS];
    pthread_t threads[THREADS];
    int winners = 0;
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){f->store, a_user(f, "ada"), a_fact(f, "registered"), CC_OK};
        pthread_create(&threads[i], NULL, enroll_racing, &racers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        winners += racers[i].code == CC_OK;
        assert_true(racers[i].code == CC_OK || racers[i].code == CC_CONFLICT);
    }

    assert_int_equal(winners, 1);
    assert_int_equal(hear_all(f)->count, 1);
}

static void *update_racing(void *arg)
{
    struct racer *racer = arg;
    struct cc_error err;
    racer->code = user_store_update(racer->store, &racer->user, &racer->fact, &no_hold, &err);
    return NULL;
}

static void of_many_updates_of_one_version_exactly_one_is_stored(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_find(f, must_enroll(f, "ada").user_id);
    struct racer racers[THREADS];
    pthread_t threads[THREADS];
    int winners = 0;
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){f->store, ada, a_fact(f, "profile"), CC_OK};
        racers[i].user.bio = cc_arena_printf(f->arena, "%d", i);
        pthread_create(&threads[i], NULL, update_racing, &racers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        winners += racers[i].code == CC_OK;
    }

    assert_int_equal(winners, 1);
    assert_int_equal(must_find(f, ada.user_id).version, 2);
    assert_int_equal(hear_all(f)->count, 2);
}

static struct user must_rename(struct fixture *f, const char *user_id, const char *handle,
                               int64_t held_until_ms)
{
    struct cc_error err = {0};
    struct user_hold hold = {FAKE_T0_MS, held_until_ms};
    struct user after = must_find(f, user_id);
    after.handle = handle;
    after.handle_changed_at_ms = FAKE_T0_MS;
    must(user_store_update(f->store, &after, NULL, &hold, &err), &err);
    return must_find(f, user_id);
}

static void a_handle_that_was_given_up_is_held_for_its_owner_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada"), grace = must_find(f, must_enroll(f, "grace").user_id);
    struct user late = a_user(f, "ada");

    ada = must_rename(f, ada.user_id, "lovelace", FAKE_T0_MS + 10);
    assert_int_equal(ada.handle_changed_at_ms, FAKE_T0_MS);
    assert_int_equal(enroll(f, &late, &err), CC_CONFLICT);
    assert_string_equal(err.field, "/handle");
    grace.handle = "ada";
    assert_int_equal(user_store_update(f->store, &grace, NULL, &no_hold, &err), CC_CONFLICT);
    assert_string_equal(err.field, "/handle");
    assert_string_equal(must_find(f, grace.user_id).handle, "grace");

    late.created_at_ms = FAKE_T0_MS + 10;
    must(enroll(f, &late, &err), &err);
    assert_string_equal(must_find(f, late.user_id).handle, "ada");
    must_rename(f, late.user_id, "ada_late", FAKE_T0_MS); /* the old hold is no more in the way */
}

static void its_owner_takes_a_held_handle_back(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_enroll(f, "ada");

    must_rename(f, ada.user_id, "lovelace", FAKE_T0_MS + 10);
    must_rename(f, ada.user_id, "ada", FAKE_T0_MS + 10);

    assert_string_equal(must_find(f, ada.user_id).handle, "ada");
    must_rename(f, ada.user_id, "ada", FAKE_T0_MS + 10); /* and has it without any hold */
}

/* Somebody gives a handle up while others wait for it: nobody gets it. */
static void of_many_who_wait_for_a_handle_that_is_given_up_nobody_gets_it(void **state)
{
    struct fixture *f = *state;
    struct racer racers[THREADS];
    pthread_t threads[THREADS];
    struct user ada = must_enroll(f, "ada");
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){f->store, a_user(f, "ada"), a_fact(f, "registered"), CC_OK};
        pthread_create(&threads[i], NULL, enroll_racing, &racers[i]);
    }
    must_rename(f, ada.user_id, "lovelace", FAKE_T0_MS + 10);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(racers[i].code, CC_CONFLICT);
    }
}

/* The handles of those who are found, in order, with a space behind each. */
static const char *find_names(struct fixture *f, const struct user_name_query *asked,
                              struct user_found *out_last)
{
    struct user_name_query query = *asked;
    struct cc_error err = {0};
    const struct user_found *found;
    const char *handles = "";
    size_t count;
    query.asker_id = f->nobody_id;
    query.but_handles = query.but_handles == NULL ? "" : query.but_handles;
    query.after_key = query.after_key == NULL ? "" : query.after_key;
    query.after_id = query.after_id == NULL ? "" : query.after_id;
    query.limit = query.limit == 0 ? 100 : query.limit;
    must(user_store_find_by_name(f->store, &query, f->arena, &found, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        handles = cc_arena_printf(f->arena, "%s%s ", handles, found[i].user.handle);
    if (count > 0 && out_last != NULL)
        *out_last = found[count - 1];
    return handles;
}
#define FOUND(last, ...) find_names(f, &(struct user_name_query){__VA_ARGS__}, last)

static struct user must_enroll_named(struct fixture *f, const char *handle, const char *name)
{
    struct cc_error err = {0};
    struct user user = a_user(f, handle);
    user.display_name = name;
    must(enroll(f, &user, &err), &err);
    return user;
}

static void people_are_found_by_the_beginning_of_any_word_of_their_name(void **state)
{
    struct fixture *f = *state;
    must_enroll_named(f, "u1", "Ada Lovelace");
    must_enroll_named(f, "u2", "Grace \"Amazing\" Hopper\\");
    must_enroll_named(f, "u3", "Z\303\266e Lovell");
    must_enroll_named(f, "u4", "{},NULL");

    assert_string_equal(FOUND(NULL, .prefix = "lov"), "u1 u3 ");
    assert_string_equal(FOUND(NULL, .prefix = "ada lo"), "u1 ");
    assert_string_equal(FOUND(NULL, .prefix = "zoe"), "u3 ");
    assert_string_equal(FOUND(NULL, .prefix = "amazing hop"), "u2 ");
    assert_string_equal(FOUND(NULL, .prefix = "null"), "u4 ");
    assert_string_equal(FOUND(NULL, .prefix = "ovelace"), "");
    assert_string_equal(FOUND(NULL, .prefix = "example"), ""); /* of the e-mail address */
}

static void somebody_with_several_words_that_begin_alike_is_found_once(void **state)
{
    struct fixture *f = *state;
    struct user_found last;
    must_enroll_named(f, "u1", "Anna Ann Annabel");
    must_enroll_named(f, "u2", "Ann");

    assert_string_equal(FOUND(&last, .prefix = "ann"), "u2 u1 ");
    assert_string_equal(last.key, "ann annabel");
    assert_string_equal(FOUND(&last, .prefix = "ann", .limit = 1), "u2 ");
    assert_string_equal(
        FOUND(NULL, .prefix = "ann", .after_key = last.key, .after_id = last.user.user_id), "u1 ");
    assert_string_equal(FOUND(NULL, .prefix = "ann", .but_handles = "u1"), "u2 ");
}

static void another_name_replaces_the_former_keys(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user after = must_find(f, must_enroll_named(f, "u1", "Ada Byron").user_id);
    after.display_name = "Ada King";

    must(user_store_update(f->store, &after, NULL, &no_hold, &err), &err);

    assert_string_equal(FOUND(NULL, .prefix = "byron"), "");
    assert_string_equal(FOUND(NULL, .prefix = "ada"), "u1 ");
    assert_string_equal(FOUND(NULL, .prefix = "king"), "u1 ");
}

static void must_bury(struct fixture *f, const char *user_id, int64_t held_until_ms)
{
    struct cc_error err = {0};
    struct user_hold hold = {FAKE_T0_MS, held_until_ms};
    struct user_fact fact = a_fact(f, "deleted");
    must(user_store_bury(f->store, user_id, &fact, &hold, &err), &err);
}

static void of_who_is_deleted_nothing_is_left_but_that_they_were(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    const struct user *found;
    struct user ada = must_find(f, must_enroll(f, "ada").user_id);
    ada.bio = "Engines.";
    ada.locale = "en";
    ada.time_zone = "Europe/London";
    ada.metadata = "{\"a\":1}";
    ada.avatar_media_id = new_id(f);
    must(user_store_update(f->store, &ada, NULL, &no_hold, &err), &err);

    must_bury(f, ada.user_id, FAKE_T0_MS);

    struct user left = must_find(f, ada.user_id);
    assert_string_equal(left.display_name, USER_TOMBSTONE_NAME);
    assert_memory_equal(left.handle, CC_HANDLE_DELETED, strlen(CC_HANDLE_DELETED));
    assert_string_equal(left.email, "");
    assert_string_equal(left.bio, "");
    assert_string_equal(left.locale, "");
    assert_string_equal(left.time_zone, "");
    assert_string_equal(left.avatar_media_id, "");
    assert_string_equal(left.metadata, "{}");
    assert_int_equal(left.deleted_at_ms, FAKE_T0_MS);
    assert_int_equal(left.version, 3);
    assert_int_equal(find_prefix(f, "a", "", 10, &found), 0);
    assert_int_equal(find_prefix(f, "deleted_", "", 10, &found), 0);
    assert_string_equal(FOUND(NULL, .prefix = "ada"), "");
    assert_string_equal(FOUND(NULL, .prefix = "deleted"), "");
}

static void a_deletion_is_told_once_and_without_a_name(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_enroll(f, "ada");
    hear_all(f);

    must_bury(f, ada.user_id, FAKE_T0_MS);
    must_bury(f, ada.user_id, FAKE_T0_MS);
    must_bury(f, f->nobody_id, FAKE_T0_MS);

    struct listener *listener = hear_all(f);
    assert_int_equal(listener->count, 1);
    assert_string_equal(listener->heard[0].change, "deleted");
    assert_string_equal(listener->heard[0].user_id, ada.user_id);
    assert_string_equal(listener->heard[0].handle, "");
    assert_string_equal(listener->heard[0].display_name, "");
    assert_int_equal(listener->heard[0].change_version, 2);
}

static void nothing_brings_back_who_is_deleted(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user given = must_enroll(f, "ada"), before = must_find(f, given.user_id);
    must_bury(f, given.user_id, FAKE_T0_MS);
    hear_all(f);

    must(enroll(f, &given, &err), &err); /* a late repeat of the registration */
    assert_int_equal(user_store_update(f->store, &before, NULL, &no_hold, &err),
                     CC_VERSION_MISMATCH);
    before.version = 2;
    assert_int_equal(user_store_update(f->store, &before, NULL, &no_hold, &err),
                     CC_VERSION_MISMATCH);

    assert_string_equal(must_find(f, given.user_id).email, "");
    assert_int_equal(hear_all(f)->count, 0);
}

static void the_handle_of_who_is_deleted_is_free_after_a_while(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user late = a_user(f, "ada");

    must_bury(f, must_enroll(f, "ada").user_id, FAKE_T0_MS + 10);

    assert_int_equal(enroll(f, &late, &err), CC_CONFLICT);
    late.created_at_ms = FAKE_T0_MS + 10;
    must(enroll(f, &late, &err), &err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, contract_begin, contract_end)

int user_store_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(somebody_enrolled_is_found_with_all_that_was_given),
        TEST(somebody_unknown_is_not_found),
        TEST(a_taken_handle_is_a_conflict_and_stores_nothing),
        TEST(enrolling_again_changes_nothing_and_tells_nothing),
        TEST(enrolling_with_another_handle_replaces_it_until_its_owner_edits),
        TEST(an_update_replaces_all_that_may_change_and_raises_the_version),
        TEST(an_update_of_an_old_version_is_refused_and_changes_nothing),
        TEST(an_update_to_a_taken_handle_is_a_conflict_and_tells_nothing),
        TEST(many_are_found_at_once_without_those_who_do_not_exist),
        TEST(a_prefix_finds_its_handles_in_order_and_in_pages),
        TEST(facts_are_told_with_what_they_were_when_they_happened),
        TEST(facts_that_could_not_be_told_are_kept),
        TEST(two_tellers_never_have_the_same_person_at_the_same_time),
        TEST(more_facts_than_fit_at_once_are_all_told),
        TEST(of_many_who_want_a_handle_at_once_exactly_one_gets_it),
        TEST(of_many_updates_of_one_version_exactly_one_is_stored),
        TEST(a_handle_that_was_given_up_is_held_for_its_owner_for_a_while),
        TEST(its_owner_takes_a_held_handle_back),
        TEST(of_many_who_wait_for_a_handle_that_is_given_up_nobody_gets_it),
        TEST(people_are_found_by_the_beginning_of_any_word_of_their_name),
        TEST(somebody_with_several_words_that_begin_alike_is_found_once),
        TEST(another_name_replaces_the_former_keys),
        TEST(of_who_is_deleted_nothing_is_left_but_that_they_were),
        TEST(a_deletion_is_told_once_and_without_a_name),
        TEST(nothing_brings_back_who_is_deleted),
        TEST(the_handle_of_who_is_deleted_is_free_after_a_while),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
