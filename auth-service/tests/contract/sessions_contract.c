/* Sessions of devices, and the refresh tokens that keep them alive. */

#include "store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define RACERS 16

/* ---- sessions ---- */

static void sessions_are_listed_newest_first_while_they_live(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"),
                   other = must_insert(f, "bob@example.org");
    struct session first = must_open(f, &account, "telephone", "t1", T0),
                   second = must_open(f, &account, "laptop", "t2", T0 + 1);
    struct session_list list;
    (void)must_open(f, &other, "telephone", "t3", T0 + 2);

    MUST(account_store_list_sessions(f->stores.accounts, account.account_id, T0, f->arena, &list,
                                     &f->err));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].session_id, second.session_id);
    assert_string_equal(list.items[1].session_id, first.session_id);
    assert_string_equal(list.items[1].device_id, "telephone");
    assert_string_equal(list.items[1].device_name, "Telephone");
    assert_string_equal(list.items[1].rotation_key, "rotation-key");
    assert_string_equal(list.items[1].address, "192.0.2.1");

    MUST(account_store_list_sessions(f->stores.accounts, account.account_id, first.expires_at_ms,
                                     f->arena, &list, &f->err));
    assert_int_equal(list.count, 1);
}

static void a_device_has_one_session(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session first = must_open(f, &account, "telephone", "t1", T0),
                   second = a_session(f, &account, "telephone", T0 + 10);
    const struct refresh_token token = a_token("t2", second.expires_at_ms);
    struct revocation_list replaced;
    const struct outbox_event *events;

    MUST(account_store_open_session(f->stores.accounts, &second, &token, "hash-1", UNTIL, f->arena,
                                    &replaced, &f->err));

    assert_int_equal(replaced.count, 1);
    assert_string_equal(replaced.items[0].session_id, first.session_id);
    assert_int_equal(living_sessions(f, &account), 1);
    assert_int_equal(claim_events(f, T0 + 10, &events), 1);
    assert_string_equal(events[0].event_key, first.session_id);
    assert_string_equal(events[0].reason, SESSION_ENDED_LOGOUT);
}

static void no_session_opens_with_a_former_password_or_while_suspended(void **state)
{
    struct fixture *f = *state;
    struct account account = must_activate(f, "ada@example.org");
    struct session session = a_session(f, &account, "telephone", T0);
    const struct refresh_token token = a_token("t1", session.expires_at_ms);
    const struct account_change suspend = {
        .account_id = account.account_id, .standing = STANDING_SUSPEND, .now_ms = T0};
    struct revocation_list list;

    assert_int_equal(account_store_open_session(f->stores.accounts, &session, &token, "hash-0",
                                                UNTIL, f->arena, &list, &f->err),
                     CC_CONFLICT);
    MUST(account_store_change(f->stores.accounts, &suspend, NULL, f->arena, &list, &f->err));
    assert_int_equal(account_store_open_session(f->stores.accounts, &session, &token, "hash-1",
                                                UNTIL, f->arena, &list, &f->err),
                     CC_CONFLICT);

    assert_int_equal(living_sessions(f, &account), 0);
}

static void revoking_one_session_queues_one_event_and_one_mail(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    const struct outbox_mail notice = a_mail(f, account.email, "reuse");
    struct session_ending this_one = ending_of(&account, "reuse");
    const struct outbox_event *events;
    this_one.only = session.session_id;
    this_one.notice = &notice;

    assert_int_equal(must_revoke(f, &this_one), 1);
    this_one.reason = "logout";
    assert_int_equal(must_revoke(f, &this_one), 0);

    assert_int_equal(claim_events(f, T0 + 6, &events), 1);
    assert_string_equal(events[0].event_key, session.session_id);
    assert_string_equal(events[0].user_id, account.account_id);
    assert_string_equal(events[0].reason, "reuse");
    assert_int_equal(events[0].at_ms, T0 + 5);
    assert_int_equal(events[0].until_ms, UNTIL);
    assert_int_equal(living_sessions(f, &account), 0);
    assert_string_equal(next_mail(f, account.email), "reuse");
}

static void nobody_revokes_anothers_session(void **state)
{
    struct fixture *f = *state;
    struct account ada = must_insert(f, "ada@example.org"), bob = must_insert(f, "bob@example.org");
    struct session session = must_open(f, &ada, "telephone", "t1", T0);
    struct session_ending wrong = ending_of(&bob, "logout");
    struct revocation_list ended;
    wrong.only = session.session_id;

    assert_int_equal(account_store_revoke(f->stores.accounts, &wrong, f->arena, &ended, &f->err),
                     CC_NOT_FOUND);

    assert_int_equal(living_sessions(f, &ada), 1);
}

static void all_sessions_but_one_can_be_revoked_and_all(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"),
                   other = must_insert(f, "bob@example.org");
    struct session kept = must_open(f, &account, "telephone", "t1", T0);
    struct session_ending ending = ending_of(&account, "logout");
    (void)must_open(f, &account, "laptop", "t2", T0);
    (void)must_open(f, &account, "tablet", "t3", T0);
    (void)must_open(f, &other, "laptop", "t4", T0);

    ending.all_except = kept.session_id;
    assert_int_equal(must_revoke(f, &ending), 2);
    assert_int_equal(living_sessions(f, &account), 1);
    ending.all_except = NULL;
    assert_int_equal(must_revoke(f, &ending), 1);
    assert_int_equal(living_sessions(f, &account), 0);
    assert_int_equal(living_sessions(f, &other), 1);
}

static bool is_known(struct fixture *f, const char *email, const char *address)
{
    bool known = false;
    MUST(account_store_has_used_address(f->stores.accounts, email, address, &known, &f->err));
    return known;
}

static void must_open_at(struct fixture *f, const struct account *account, const char *address)
{
    struct session session = a_session(f, account, address, T0);
    const struct refresh_token token = a_token(address, session.expires_at_ms);
    struct revocation_list replaced;
    (void)snprintf(session.address, sizeof session.address, "%s", address);
    MUST(account_store_open_session(f->stores.accounts, &session, &token, "hash-1", UNTIL, f->arena,
                                    &replaced, &f->err));
}

static void an_address_is_known_once_a_session_was_in_its_network(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    const struct session_ending all = ending_of(&account, "logout");
    (void)must_insert(f, "bob@example.org");
    must_open_at(f, &account, "192.0.2.1");
    must_open_at(f, &account, "2001:db8:1:2::a1");
    must_open_at(f, &account, ""); /* not known */
    (void)must_revoke(f, &all);

    assert_true(is_known(f, "ada@example.org", "192.0.2.1"));
    assert_false(is_known(f, "ada@example.org", "192.0.2.2"));
    assert_true(is_known(f, "ada@example.org", "2001:db8:1:2::a1"));
    assert_true(is_known(f, "ada@example.org", "2001:db8:1:2:ffff::b2"));
    assert_false(is_known(f, "ada@example.org", "2001:db8:1:3::a1"));
    assert_false(is_known(f, "bob@example.org", "192.0.2.1"));
}

static void revocations_are_listed_until_tokens_have_expired(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    struct session_ending ending = ending_of(&account, "logout");
    struct revocation_list list;
    (void)must_open(f, &account, "laptop", "t2", T0);
    ending.only = session.session_id;
    (void)must_revoke(f, &ending);

    MUST(account_store_list_revocations(f->stores.accounts, UNTIL - 1, f->arena, &list, &f->err));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].session_id, session.session_id);
    assert_int_equal(list.items[0].until_ms, UNTIL);
    MUST(account_store_list_revocations(f->stores.accounts, UNTIL, f->arena, &list, &f->err));
    assert_int_equal(list.count, 0);
}

/* ---- refresh tokens ---- */

static void rotating_marks_the_old_token_and_adds_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0), found;
    const struct refresh_token successor = a_token("t2", T0 + 2000000);
    struct refresh_token token;
    bool first;

    MUST(account_store_rotate(f->stores.accounts, "t1", &successor,
                              &(struct refresh_use){"192.0.2.9", false, T0 + 100}, &first,
                              &f->err));
    assert_true(first);

    MUST(account_store_find_refresh(f->stores.accounts, "t1", &token, &found, &f->err));
    assert_int_equal(token.rotated_at_ms, T0 + 100);
    MUST(account_store_find_refresh(f->stores.accounts, "t2", &token, &found, &f->err));
    assert_int_equal(token.rotated_at_ms, 0);
    assert_int_equal(token.expires_at_ms, T0 + 2000000);
    assert_string_equal(found.session_id, session.session_id);
    assert_int_equal(found.last_seen_at_ms, T0 + 100);
    assert_string_equal(found.address, "192.0.2.9");
    assert_int_equal(found.expires_at_ms, T0 + 2000000);
    assert_false(found.revoked);
    assert_false(found.device_named);
    assert_int_equal(account_store_find_refresh(f->stores.accounts, "t9", &token, &found, &f->err),
                     CC_NOT_FOUND);
}

static void a_session_whose_device_was_named_remembers_it(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    const struct refresh_token second = a_token("t2", T0 + 2000000),
                               third = a_token("t3", T0 + 3000000);
    struct refresh_token token;
    struct session found;
    bool first;
    (void)must_open(f, &account, "telephone", "t1", T0);

    MUST(account_store_rotate(f->stores.accounts, "t1", &second,
                              &(struct refresh_use){"", true, T0}, &first, &f->err));
    MUST(account_store_rotate(f->stores.accounts, "t2", &third,
                              &(struct refresh_use){"", false, T0}, &first, &f->err));

    MUST(account_store_find_refresh(f->stores.accounts, "t3", &token, &found, &f->err));
    assert_true(found.device_named);
}

static void tokens_of_a_revoked_session_do_not_rotate(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0), found;
    const struct refresh_token successor = a_token("t2", T0 + 2000000);
    struct refresh_token token;
    bool first;
    struct session_ending ending = ending_of(&account, "logout");
    ending.only = session.session_id;
    (void)must_revoke(f, &ending);

    MUST(account_store_rotate(f->stores.accounts, "t1", &successor,
                              &(struct refresh_use){"", false, T0}, &first, &f->err));

    assert_false(first);
    MUST(account_store_find_refresh(f->stores.accounts, "t1", &token, &found, &f->err));
    assert_true(found.revoked);
    assert_int_equal(token.rotated_at_ms, 0);
}

struct race {
    struct account_store *store;
    atomic_int winners, errors;
};

static void *rotate_once(void *arg)
{
    struct race *race = arg;
    const struct refresh_token successor = a_token("t2", T0 + 2000000);
    struct cc_error err;
    bool first = false;
    if (account_store_rotate(race->store, "t1", &successor,
                             &(struct refresh_use){"", false, T0 + 1}, &first, &err) != CC_OK)
        atomic_fetch_add(&race->errors, 1);
    if (first)
        atomic_fetch_add(&race->winners, 1);
    return NULL;
}

static void of_many_rotations_at_once_one_is_first(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct race race = {.store = f->stores.accounts};
    pthread_t threads[RACERS];
    (void)must_open(f, &account, "telephone", "t1", T0);

    for (size_t i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, rotate_once, &race);
    for (size_t i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);

    assert_int_equal(race.winners, 1);
    assert_int_equal(race.errors, 0);
}

static void purging_forgets_what_expired_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    struct session found;
    struct refresh_token token;

    MUST(account_store_purge(f->stores.accounts, session.expires_at_ms - 1, &f->err));
    MUST(account_store_find_refresh(f->stores.accounts, "t1", &token, &found, &f->err));
    MUST(account_store_purge(f->stores.accounts, session.expires_at_ms, &f->err));
    assert_int_equal(account_store_find_refresh(f->stores.accounts, "t1", &token, &found, &f->err),
                     CC_NOT_FOUND);
}

int sessions_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(sessions_are_listed_newest_first_while_they_live),
        TEST(a_device_has_one_session),
        TEST(no_session_opens_with_a_former_password_or_while_suspended),
        TEST(revoking_one_session_queues_one_event_and_one_mail),
        TEST(nobody_revokes_anothers_session),
        TEST(all_sessions_but_one_can_be_revoked_and_all),
        TEST(an_address_is_known_once_a_session_was_in_its_network),
        TEST(revocations_are_listed_until_tokens_have_expired),
        TEST(rotating_marks_the_old_token_and_adds_the_new_one),
        TEST(a_session_whose_device_was_named_remembers_it),
        TEST(tokens_of_a_revoked_session_do_not_rotate),
        TEST(of_many_rotations_at_once_one_is_first),
        TEST(purging_forgets_what_expired_and_nothing_else),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
