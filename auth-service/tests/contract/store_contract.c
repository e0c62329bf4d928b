/* The suite; see store_contract.h. Every test has empty stores of its own. */

#include "testing.h"

#include "store_contract.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

#define T0       FAKE_T0_MS
#define UNTIL    (T0 + 700000)
#define RACERS   16
#define LEASE_MS 5000

struct fixture {
    struct store_under_test stores;
    struct cc_arena *arena;
    struct cc_ids *ids;
    struct cc_error err;
};

/* cmocka hands no argument to set-up functions. */
static struct store_under_test (*make_stores)(void);
static void (*unmake_stores)(struct store_under_test);

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    f->stores = make_stores();
    f->arena = cc_arena_create(0);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unmake_stores(f->stores);
    cc_arena_destroy(f->arena);
    cc_ids_destroy(f->ids);
    cc_free(f);
    return 0;
}

#define MUST(call) assert_int_equal(call, CC_OK)

/* ---- builders ---- */

static struct account an_account(struct fixture *f, const char *email)
{
    struct account account = {.role = "user",
                              .password_hash = "hash-1",
                              .handle = "ada",
                              .display_name = "Ada",
                              .created_at_ms = T0};
    cc_ids_next(f->ids, account.account_id);
    (void)snprintf(account.email, sizeof account.email, "%s", email);
    return account;
}

static struct account must_insert(struct fixture *f, const char *email)
{
    struct account account = an_account(f, email);
    MUST(account_store_insert(f->stores.accounts, &account, &f->err));
    return account;
}

static struct session a_session(struct fixture *f, const struct account *account,
                                const char *device_id, int64_t at_ms)
{
    struct session session = {.device_name = "Telephone",
                              .rotation_key = "rotation-key",
                              .created_at_ms = at_ms,
                              .last_seen_at_ms = at_ms,
                              .expires_at_ms = at_ms + 1000000};
    cc_ids_next(f->ids, session.session_id);
    memcpy(session.user_id, account->account_id, sizeof session.user_id);
    (void)snprintf(session.device_id, sizeof session.device_id, "%s", device_id);
    return session;
}

static struct refresh_token a_token(const char *hash, int64_t expires_at_ms)
{
    struct refresh_token token = {.expires_at_ms = expires_at_ms};
    (void)snprintf(token.hash, sizeof token.hash, "%s", hash);
    return token;
}

static struct session must_open(struct fixture *f, const struct account *account,
                                const char *device_id, const char *token_hash, int64_t at_ms)
{
    struct session session = a_session(f, account, device_id, at_ms);
    const struct refresh_token token = a_token(token_hash, session.expires_at_ms);
    struct revocation_list replaced;
    MUST(account_store_open_session(f->stores.accounts, &session, &token, UNTIL, f->arena,
                                    &replaced, &f->err));
    return session;
}

static size_t living_sessions(struct fixture *f, const struct account *account)
{
    struct session_list list;
    MUST(account_store_list_sessions(f->stores.accounts, account->account_id, T0, f->arena, &list,
                                     &f->err));
    return list.count;
}

static size_t claim_events(struct fixture *f, int64_t now_ms, const struct session_revocation **out)
{
    size_t count;
    MUST(outbox_claim_events(f->stores.outbox, &(struct outbox_claim){now_ms, LEASE_MS, 100},
                             f->arena, out, &count, &f->err));
    return count;
}

/* ---- accounts ---- */

static void an_address_has_one_account(void **state)
{
    struct fixture *f = *state;
    struct account first = must_insert(f, "ada@example.org"), found;
    const struct account second = an_account(f, "ada@example.org");

    assert_int_equal(account_store_insert(f->stores.accounts, &second, &f->err), CC_CONFLICT);

    MUST(account_store_find_by_email(f->stores.accounts, "ada@example.org", &found, &f->err));
    assert_string_equal(found.account_id, first.account_id);
    assert_string_equal(found.handle, "ada");
    assert_string_equal(found.role, "user");
    assert_false(found.active);
    assert_false(found.has_profile);
    assert_int_equal(found.created_at_ms, T0);
    MUST(account_store_find_by_id(f->stores.accounts, first.account_id, &found, &f->err));
    assert_string_equal(found.email, "ada@example.org");
}

static void an_unknown_account_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct account found = an_account(f, "nobody@example.org");
    struct account_store *store = f->stores.accounts;
    assert_int_equal(account_store_find_by_email(store, found.email, &found, &f->err),
                     CC_NOT_FOUND);
    assert_int_equal(account_store_find_by_id(store, found.account_id, &found, &f->err),
                     CC_NOT_FOUND);
    assert_int_equal(account_store_activate(store, found.account_id, &f->err), CC_NOT_FOUND);
    assert_int_equal(account_store_renew_pending(store, &found, &f->err), CC_NOT_FOUND);
    MUST(account_store_remove_pending(store, found.account_id, &f->err));
}

static void a_pending_account_can_be_renewed_and_removed(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"), found;
    (void)snprintf(account.password_hash, sizeof account.password_hash, "hash-2");
    (void)snprintf(account.handle, sizeof account.handle, "ada_2");
    account.has_profile = true;

    MUST(account_store_renew_pending(f->stores.accounts, &account, &f->err));
    MUST(account_store_find_by_email(f->stores.accounts, account.email, &found, &f->err));
    assert_string_equal(found.password_hash, "hash-2");
    assert_string_equal(found.handle, "ada_2");
    assert_true(found.has_profile);

    MUST(account_store_remove_pending(f->stores.accounts, account.account_id, &f->err));
    assert_int_equal(
        account_store_find_by_email(f->stores.accounts, account.email, &found, &f->err),
        CC_NOT_FOUND);
}

static void an_active_account_is_neither_renewed_nor_removed(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"), found;
    MUST(account_store_activate(f->stores.accounts, account.account_id, &f->err));
    MUST(account_store_activate(f->stores.accounts, account.account_id, &f->err));
    (void)snprintf(account.password_hash, sizeof account.password_hash, "hash-2");

    assert_int_equal(account_store_renew_pending(f->stores.accounts, &account, &f->err),
                     CC_NOT_FOUND);
    MUST(account_store_remove_pending(f->stores.accounts, account.account_id, &f->err));

    MUST(account_store_find_by_id(f->stores.accounts, account.account_id, &found, &f->err));
    assert_true(found.active);
    assert_true(found.has_profile);
    assert_string_equal(found.password_hash, "hash-1");
}

static void a_password_hash_changes_only_from_the_known_one(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"), found;
    struct account_store *store = f->stores.accounts;

    MUST(
        account_store_change_password_hash(store, account.account_id, "hash-1", "hash-2", &f->err));
    assert_int_equal(
        account_store_change_password_hash(store, account.account_id, "hash-1", "hash-3", &f->err),
        CC_CONFLICT);

    MUST(account_store_find_by_id(store, account.account_id, &found, &f->err));
    assert_string_equal(found.password_hash, "hash-2");
}

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
    const struct session_revocation *events;

    MUST(account_store_open_session(f->stores.accounts, &second, &token, UNTIL, f->arena, &replaced,
                                    &f->err));

    assert_int_equal(replaced.count, 1);
    assert_string_equal(replaced.items[0].session_id, first.session_id);
    assert_int_equal(living_sessions(f, &account), 1);
    assert_int_equal(claim_events(f, T0 + 10, &events), 1);
    assert_string_equal(events[0].session_id, first.session_id);
    assert_string_equal(events[0].reason, SESSION_ENDED_LOGOUT);
}

static void revoking_one_session_queues_one_event(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    const struct session_selection this_one = {.user_id = account.account_id,
                                               .only = session.session_id};
    const struct session_revocation *events;
    struct revocation_list ended;

    MUST(account_store_revoke(f->stores.accounts, &this_one, "reuse", T0 + 5, UNTIL, f->arena,
                              &ended, &f->err));
    assert_int_equal(ended.count, 1);
    MUST(account_store_revoke(f->stores.accounts, &this_one, "logout", T0 + 6, UNTIL, f->arena,
                              &ended, &f->err));
    assert_int_equal(ended.count, 0);

    assert_int_equal(claim_events(f, T0 + 6, &events), 1);
    assert_string_equal(events[0].session_id, session.session_id);
    assert_string_equal(events[0].user_id, account.account_id);
    assert_string_equal(events[0].reason, "reuse");
    assert_int_equal(events[0].at_ms, T0 + 5);
    assert_int_equal(events[0].until_ms, UNTIL);
    assert_int_equal(living_sessions(f, &account), 0);
}

static void nobody_revokes_anothers_session(void **state)
{
    struct fixture *f = *state;
    struct account ada = must_insert(f, "ada@example.org"), bob = must_insert(f, "bob@example.org");
    struct session session = must_open(f, &ada, "telephone", "t1", T0);
    const struct session_selection wrong = {.user_id = bob.account_id, .only = session.session_id};
    struct revocation_list ended;

    assert_int_equal(account_store_revoke(f->stores.accounts, &wrong, "logout", T0, UNTIL, f->arena,
                                          &ended, &f->err),
                     CC_NOT_FOUND);

    assert_int_equal(living_sessions(f, &ada), 1);
}

static void all_sessions_but_one_can_be_revoked(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org"),
                   other = must_insert(f, "bob@example.org");
    struct session kept = must_open(f, &account, "telephone", "t1", T0);
    const struct session_selection others = {.user_id = account.account_id,
                                             .all_except = kept.session_id};
    struct revocation_list ended;
    (void)must_open(f, &account, "laptop", "t2", T0);
    (void)must_open(f, &account, "tablet", "t3", T0);
    (void)must_open(f, &other, "laptop", "t4", T0);

    MUST(account_store_revoke(f->stores.accounts, &others, "logout", T0, UNTIL, f->arena, &ended,
                              &f->err));

    assert_int_equal(ended.count, 2);
    assert_int_equal(living_sessions(f, &account), 1);
    assert_int_equal(living_sessions(f, &other), 1);
}

static void revocations_are_listed_until_tokens_have_expired(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    struct revocation_list list;
    (void)must_open(f, &account, "laptop", "t2", T0);
    MUST(account_store_revoke(
        f->stores.accounts,
        &(struct session_selection){.user_id = account.account_id, .only = session.session_id},
        "logout", T0, UNTIL, f->arena, &list, &f->err));

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

    MUST(account_store_rotate(f->stores.accounts, "t1", &successor, T0 + 100, &first, &f->err));
    assert_true(first);

    MUST(account_store_find_refresh(f->stores.accounts, "t1", &token, &found, &f->err));
    assert_int_equal(token.rotated_at_ms, T0 + 100);
    MUST(account_store_find_refresh(f->stores.accounts, "t2", &token, &found, &f->err));
    assert_int_equal(token.rotated_at_ms, 0);
    assert_int_equal(token.expires_at_ms, T0 + 2000000);
    assert_string_equal(found.session_id, session.session_id);
    assert_int_equal(found.last_seen_at_ms, T0 + 100);
    assert_int_equal(found.expires_at_ms, T0 + 2000000);
    assert_false(found.revoked);
    assert_int_equal(account_store_find_refresh(f->stores.accounts, "t9", &token, &found, &f->err),
                     CC_NOT_FOUND);
}

static void tokens_of_a_revoked_session_do_not_rotate(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0), found;
    const struct refresh_token successor = a_token("t2", T0 + 2000000);
    struct refresh_token token;
    struct revocation_list ended;
    bool first;
    MUST(account_store_revoke(
        f->stores.accounts,
        &(struct session_selection){.user_id = account.account_id, .only = session.session_id},
        "logout", T0, UNTIL, f->arena, &ended, &f->err));

    MUST(account_store_rotate(f->stores.accounts, "t1", &successor, T0, &first, &f->err));

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
    if (account_store_rotate(race->store, "t1", &successor, T0 + 1, &first, &err) != CC_OK)
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

/* ---- outboxes ---- */

static const char *must_add_mail(struct fixture *f, int64_t at_ms)
{
    char mail_id[CC_UUID_BYTES];
    cc_ids_next(f->ids, mail_id);
    const struct outbox_mail mail = {.mail_id = cc_arena_strdup(f->arena, mail_id),
                                     .recipient = "ada@example.org",
                                     .subject = "Subject",
                                     .text = "text",
                                     .html = "<p>text</p>",
                                     .created_at_ms = at_ms,
                                     .expires_at_ms = at_ms + 600000};
    MUST(outbox_add_mail(f->stores.outbox, &mail, &f->err));
    return mail.mail_id;
}

static struct outbox_mail_list claim_mails(struct fixture *f, int64_t now_ms, int limit)
{
    struct outbox_mail_list list;
    MUST(outbox_claim_mails(f->stores.outbox, &(struct outbox_claim){now_ms, LEASE_MS, limit},
                            f->arena, &list, &f->err));
    return list;
}

static void a_claimed_mail_is_lent_until_the_lease_ends(void **state)
{
    struct fixture *f = *state;
    const char *first = must_add_mail(f, T0), *second = must_add_mail(f, T0 + 1);

    struct outbox_mail_list list = claim_mails(f, T0 + 1, 1);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].mail_id, first);
    assert_string_equal(list.items[0].recipient, "ada@example.org");
    assert_string_equal(list.items[0].subject, "Subject");
    assert_string_equal(list.items[0].text, "text");
    assert_string_equal(list.items[0].html, "<p>text</p>");
    assert_int_equal(list.items[0].expires_at_ms, T0 + 600000);
    list = claim_mails(f, T0 + 1, 10);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].mail_id, second);
    assert_int_equal(claim_mails(f, T0 + LEASE_MS, 10).count, 0);
    assert_int_equal(claim_mails(f, T0 + 1 + LEASE_MS, 10).count, 2);
}

static void a_finished_mail_is_gone_and_a_delayed_one_returns(void **state)
{
    struct fixture *f = *state;
    const char *sent = must_add_mail(f, T0), *delayed = must_add_mail(f, T0);
    int64_t mails, events;
    assert_int_equal(claim_mails(f, T0, 10).count, 2);

    MUST(outbox_finish_mail(f->stores.outbox, sent, &f->err));
    MUST(outbox_delay_mail(f->stores.outbox, delayed, T0 + 60000, &f->err));

    assert_int_equal(claim_mails(f, T0 + 59999, 10).count, 0);
    struct outbox_mail_list list = claim_mails(f, T0 + 60000, 10);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].mail_id, delayed);
    assert_int_equal(list.items[0].tries, 1);
    MUST(outbox_count(f->stores.outbox, &mails, &events, &f->err));
    assert_int_equal(mails, 1);
    assert_int_equal(events, 0);
}

static void an_event_comes_again_until_it_is_finished(void **state)
{
    struct fixture *f = *state;
    struct account account = must_insert(f, "ada@example.org");
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    const struct session_revocation *events;
    struct revocation_list ended;
    const struct session_selection all = {.user_id = account.account_id};
    MUST(account_store_revoke(f->stores.accounts, &all, "logout", T0, UNTIL, f->arena, &ended,
                              &f->err));

    assert_int_equal(claim_events(f, T0, &events), 1);
    assert_int_equal(claim_events(f, T0, &events), 0);
    assert_int_equal(claim_events(f, T0 + LEASE_MS, &events), 1);
    MUST(outbox_finish_event(f->stores.outbox, session.session_id, &f->err));
    assert_int_equal(claim_events(f, T0 + 2 * LEASE_MS, &events), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int store_contract_run(const char *name, struct store_under_test (*make)(void),
                       void (*unmake)(struct store_under_test))
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_has_one_account),
        TEST(an_unknown_account_is_not_found),
        TEST(a_pending_account_can_be_renewed_and_removed),
        TEST(an_active_account_is_neither_renewed_nor_removed),
        TEST(a_password_hash_changes_only_from_the_known_one),
        TEST(sessions_are_listed_newest_first_while_they_live),
        TEST(a_device_has_one_session),
        TEST(revoking_one_session_queues_one_event),
        TEST(nobody_revokes_anothers_session),
        TEST(all_sessions_but_one_can_be_revoked),
        TEST(revocations_are_listed_until_tokens_have_expired),
        TEST(rotating_marks_the_old_token_and_adds_the_new_one),
        TEST(tokens_of_a_revoked_session_do_not_rotate),
        TEST(of_many_rotations_at_once_one_is_first),
        TEST(purging_forgets_what_expired_and_nothing_else),
        TEST(a_claimed_mail_is_lent_until_the_lease_ends),
        TEST(a_finished_mail_is_gone_and_a_delayed_one_returns),
        TEST(an_event_comes_again_until_it_is_finished),
    };
    make_stores = make;
    unmake_stores = unmake;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
