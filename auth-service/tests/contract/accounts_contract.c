/* Registrations and accounts: who has an address, and what is said of them. */

#include "store_fixture.h"

#include <stdio.h>

static void a_registration_is_no_account_until_it_is_admitted(void **state)
{
    struct fixture *f = *state;
    struct registration made = must_register(f, "ada@example.org");
    struct account found, again;
    assert_int_equal(
        account_store_find_by_email(f->stores.accounts, "ada@example.org", &found, &f->err),
        CC_NOT_FOUND);

    assert_int_equal(admit(f, "another key", "ada@example.org", &found), CC_NOT_FOUND);
    assert_int_equal(admit(f, made.key, "bob@example.org", &found), CC_NOT_FOUND);
    MUST(admit(f, made.key, "ada@example.org", &found));

    assert_string_equal(found.account_id, made.account.account_id);
    assert_string_equal(found.password_hash, "hash-1");
    assert_string_equal(found.handle, "ada");
    assert_string_equal(found.role, "user");
    assert_false(found.active);
    assert_false(found.has_profile);
    assert_int_equal(found.created_at_ms, T0);
    assert_int_equal(found.suspended_at_ms, 0);
    MUST(account_store_find_by_id(f->stores.accounts, found.account_id, &again, &f->err));
    assert_string_equal(again.email, "ada@example.org");
    MUST(account_store_activate(f->stores.accounts, found.account_id, "ada_2", &f->err));
    MUST(admit(f, made.key, "ada@example.org", &again)); /* the answer to the first was lost */
    assert_true(again.active);
    assert_string_equal(again.handle, "ada_2");
}

static void an_unknown_account_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct account found = an_account(f, "nobody@example.org");
    struct account_store *store = f->stores.accounts;
    const struct account_change change = {.account_id = found.account_id, .role = "admin"};
    struct revocation_list ended;
    bool is_known = true;
    assert_int_equal(account_store_find_by_email(store, found.email, &found, &f->err),
                     CC_NOT_FOUND);
    assert_int_equal(account_store_find_by_id(store, found.account_id, &found, &f->err),
                     CC_NOT_FOUND);
    assert_int_equal(account_store_activate(store, found.account_id, "ada", &f->err), CC_NOT_FOUND);
    assert_int_equal(account_store_change(store, &change, NULL, f->arena, &ended, &f->err),
                     CC_NOT_FOUND);
    MUST(account_store_has_used_address(store, found.email, "192.0.2.1", &is_known, &f->err));
    assert_false(is_known);
}

static void registrations_of_one_address_do_not_touch_each_other(void **state)
{
    struct fixture *f = *state;
    struct registration first = must_register(f, "ada@example.org"),
                        second = a_registration(f, "ada@example.org", "second");
    struct account found, taken_over;
    (void)snprintf(second.account.password_hash, ACCOUNT_HASH_BYTES, "hash-2");
    (void)snprintf(second.account.handle, ACCOUNT_HANDLE_BYTES, "ada_2");

    must_enroll(f, &second);
    assert_string_equal(next_mail(f, "ada@example.org"), "code");

    MUST(admit(f, first.key, "ada@example.org", &found));
    assert_string_equal(found.password_hash, "hash-1");
    assert_string_equal(found.handle, "ada");
    MUST(admit(f, second.key, "ada@example.org", &taken_over)); /* the first was left half-way */
    assert_string_equal(taken_over.account_id, found.account_id);
    assert_string_equal(taken_over.password_hash, "hash-2");
    assert_string_equal(taken_over.handle, "ada_2");
    MUST(account_store_activate(f->stores.accounts, found.account_id, "ada_2", &f->err));
    assert_int_equal(admit(f, first.key, "ada@example.org", &found), CC_NOT_FOUND);
    MUST(account_store_find_by_email(f->stores.accounts, "ada@example.org", &found, &f->err));
    assert_string_equal(found.password_hash, "hash-2");
}

static void the_newest_registration_of_an_address_is_repeated(void **state)
{
    struct fixture *f = *state;
    struct account_store *store = f->stores.accounts;
    struct registration older = must_register(f, "ada@example.org"),
                        newer = a_registration(f, "ada@example.org", "newer");
    struct account found;
    newer.account.created_at_ms = older.account.created_at_ms + 1;
    (void)snprintf(newer.account.handle, ACCOUNT_HANDLE_BYTES, "ada_2");
    must_enroll(f, &newer);

    MUST(account_store_repeat(store, "ada@example.org", "again", T0, &f->err));
    MUST(account_store_repeat(store, "bob@example.org", "nobody's", T0, &f->err));
    MUST(account_store_repeat(store, "ada@example.org", "late", newer.expires_at_ms, &f->err));

    assert_int_equal(admit(f, "nobody's", "bob@example.org", &found), CC_NOT_FOUND);
    assert_int_equal(admit(f, "late", "ada@example.org", &found), CC_NOT_FOUND);
    MUST(admit(f, "again", "ada@example.org", &found));
    assert_string_equal(found.handle, "ada_2");
    MUST(admit(f, newer.key, "ada@example.org", &found));
    MUST(admit(f, older.key, "ada@example.org", &found));
}

static void an_active_account_is_not_replaced_and_gets_a_notice(void **state)
{
    struct fixture *f = *state;
    struct account account = must_activate(f, "ada@example.org"), found;
    struct registration again = a_registration(f, "ada@example.org", "again");
    (void)snprintf(again.account.password_hash, ACCOUNT_HASH_BYTES, "hash-2");

    must_enroll(f, &again);

    assert_string_equal(next_mail(f, account.email), "notice");
    assert_int_equal(admit(f, again.key, account.email, &found), CC_NOT_FOUND);
    MUST(account_store_find_by_id(f->stores.accounts, account.account_id, &found, &f->err));
    assert_true(found.active);
    assert_true(found.has_profile);
    assert_string_equal(found.password_hash, "hash-1");
}

static void a_registration_expires_and_is_swept(void **state)
{
    struct fixture *f = *state;
    struct registration made = must_register(f, "ada@example.org");
    struct account_store *store = f->stores.accounts;
    struct account found;
    assert_int_equal(account_store_admit(store, made.key, "ada@example.org", made.expires_at_ms,
                                         &found, &f->err),
                     CC_NOT_FOUND);

    MUST(account_store_purge(store, made.expires_at_ms - 1, &f->err));
    MUST(admit(f, made.key, "ada@example.org", &found));
    MUST(account_store_purge(store, made.expires_at_ms, &f->err));

    assert_int_equal(admit(f, made.key, "ada@example.org", &found), CC_NOT_FOUND);
}

static void a_mail_is_for_nobody_unless_the_account_is_as_said(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *key, *to, *expected;
    } cases[] = {
        {"ada@example.org", "ada@example.org", "ada@example.org"},
        {"another key", "ada@example.org", ""},
        {"ada@example.org", "eve@example.org", ""},
        {"bob@example.org", "bob@example.org", ""},
        {NULL, "ada@example.org", ""},
        {NULL, "bob@example.org", "bob@example.org"},
        {NULL, "eve@example.org", ""},
    };
    (void)must_register(f, "ada@example.org");
    (void)must_activate(f, "bob@example.org");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct outbox_mail mail = a_mail(f, cases[i].to, "subject");

        MUST(account_store_queue_mail(f->stores.accounts, cases[i].key, &mail, &f->err));

        assert_string_equal(next_mail(f, cases[i].expected), "subject");
    }
}

static void a_password_hash_changes_only_from_the_known_one(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"), found;
    struct account_store *store = f->stores.accounts;
    const struct outbox_mail notice = a_mail(f, account.email, "changed");
    struct account_change change = {.account_id = account.account_id,
                                    .only_if_hash = "hash-1",
                                    .password_hash = "hash-2",
                                    .now_ms = T0,
                                    .notice = &notice};
    struct revocation_list ended;

    MUST(account_store_change(store, &change, NULL, f->arena, &ended, &f->err));
    assert_int_equal(ended.count, 0);
    assert_string_equal(next_mail(f, account.email), "changed");
    change.password_hash = "hash-3";
    assert_int_equal(account_store_change(store, &change, NULL, f->arena, &ended, &f->err),
                     CC_CONFLICT);

    MUST(account_store_find_by_id(store, account.account_id, &found, &f->err));
    assert_string_equal(found.password_hash, "hash-2");
    assert_string_equal(next_mail(f, account.email), "");
}

static void a_change_ends_sessions_in_the_same_step(void **state)
{
    struct fixture *f = *state;
    struct account account = must_activate(f, "ada@example.org"), found;
    struct session kept = must_open(f, &account, "telephone", "t1", T0);
    const struct account_change change = {
        .account_id = account.account_id, .password_hash = "hash-2", .now_ms = T0 + 5};
    const struct session_ending ending = {.user_id = account.account_id,
                                          .all_except = kept.session_id,
                                          .reason = SESSION_ENDED_PASSWORD,
                                          .now_ms = T0 + 5,
                                          .until_ms = UNTIL};
    const struct outbox_event *events;
    struct revocation_list ended;
    struct session other = must_open(f, &account, "laptop", "t2", T0);

    MUST(account_store_change(f->stores.accounts, &change, &ending, f->arena, &ended, &f->err));

    assert_int_equal(ended.count, 1);
    assert_string_equal(ended.items[0].session_id, other.session_id);
    assert_int_equal(living_sessions(f, &account), 1);
    assert_int_equal(claim_events(f, T0 + 5, &events), 1);
    assert_string_equal(events[0].reason, SESSION_ENDED_PASSWORD);
    MUST(account_store_find_by_id(f->stores.accounts, account.account_id, &found, &f->err));
    assert_string_equal(found.password_hash, "hash-2");
    assert_string_equal(found.role, "user");
}

static void role_and_standing_change_alone(void **state)
{
    struct fixture *f = *state;
    struct account account = must_activate(f, "ada@example.org"), found;
    struct account_store *store = f->stores.accounts;
    struct account_change change = {
        .account_id = account.account_id, .standing = STANDING_SUSPEND, .now_ms = T0 + 7};
    struct revocation_list ended;

    MUST(account_store_change(store, &change, NULL, f->arena, &ended, &f->err));
    change.now_ms = T0 + 8; /* again: the first time counts */
    MUST(account_store_change(store, &change, NULL, f->arena, &ended, &f->err));
    MUST(account_store_find_by_id(store, account.account_id, &found, &f->err));
    assert_int_equal(found.suspended_at_ms, T0 + 7);

    change = (struct account_change){.account_id = account.account_id, .role = "admin"};
    MUST(account_store_change(store, &change, NULL, f->arena, &ended, &f->err));
    MUST(account_store_find_by_id(store, account.account_id, &found, &f->err));
    assert_string_equal(found.role, "admin");
    assert_int_equal(found.suspended_at_ms, T0 + 7);

    change =
        (struct account_change){.account_id = account.account_id, .standing = STANDING_REINSTATE};
    MUST(account_store_change(store, &change, NULL, f->arena, &ended, &f->err));
    MUST(account_store_find_by_id(store, account.account_id, &found, &f->err));
    assert_int_equal(found.suspended_at_ms, 0);
    assert_string_equal(found.password_hash, "hash-1");
}

int accounts_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(a_registration_is_no_account_until_it_is_admitted),
        TEST(an_unknown_account_is_not_found),
        TEST(registrations_of_one_address_do_not_touch_each_other),
        TEST(the_newest_registration_of_an_address_is_repeated),
        TEST(an_active_account_is_not_replaced_and_gets_a_notice),
        TEST(a_registration_expires_and_is_swept),
        TEST(a_mail_is_for_nobody_unless_the_account_is_as_said),
        TEST(a_password_hash_changes_only_from_the_known_one),
        TEST(a_change_ends_sessions_in_the_same_step),
        TEST(role_and_standing_change_alone),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
