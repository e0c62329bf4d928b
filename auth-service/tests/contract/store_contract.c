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

static struct registration a_registration(struct fixture *f, const char *email, const char *key)
{
    struct registration made = {.account = {.role = "user",
                                            .password_hash = "hash-1",
                                            .handle = "ada",
                                            .display_name = "Ada",
                                            .created_at_ms = T0},
                                .expires_at_ms = T0 + REGISTRATION_LIFE_MS};
    (void)snprintf(made.key, sizeof made.key, "%s", key);
    cc_ids_next(f->ids, made.account.account_id);
    (void)snprintf(made.account.email, sizeof made.account.email, "%s", email);
    return made;
}

/* Nobody's. */
static struct account an_account(struct fixture *f, const char *email)
{
    return a_registration(f, email, "").account;
}

static struct outbox_mail a_mail(struct fixture *f, const char *recipient, const char *subject)
{
    char mail_id[CC_UUID_BYTES];
    cc_ids_next(f->ids, mail_id);
    return (struct outbox_mail){.mail_id = cc_arena_strdup(f->arena, mail_id),
                                .recipient = recipient,
                                .subject = subject,
                                .text = "text",
                                .html = "<p>text</p>",
                                .created_at_ms = T0,
                                .expires_at_ms = T0 + 600000};
}

static void must_enroll(struct fixture *f, const struct registration *registration)
{
    const struct outbox_mail code = a_mail(f, registration->account.email, "code"),
                             notice = a_mail(f, registration->account.email, "notice");
    MUST(account_store_enroll(f->stores.accounts, registration, &code, &notice, &f->err));
}

static enum cc_code admit(struct fixture *f, const char *key, const char *email,
                          struct account *out)
{
    return account_store_admit(f->stores.accounts, key, email, T0 + 1, out, &f->err);
}

static struct outbox_mail_list claim_mails(struct fixture *f, int64_t now_ms, int limit)
{
    struct outbox_mail_list list;
    MUST(outbox_claim_mails(f->stores.outbox, &(struct outbox_claim){now_ms, LEASE_MS, limit},
                            f->arena, &list, &f->err));
    return list;
}

/* The subject of the only mail that waits for that recipient; it is finished. "" = none waits. */
static const char *next_mail(struct fixture *f, const char *recipient)
{
    struct outbox_mail_list list = claim_mails(f, T0 + 1000, 10);
    const char *subject = "";
    for (size_t i = 0; i < list.count; i++) {
        assert_string_equal(list.items[i].recipient, recipient);
        assert_string_equal(subject, "");
        subject = list.items[i].subject;
        MUST(outbox_finish_mail(f->stores.outbox, list.items[i].mail_id, &f->err));
    }
    return subject;
}

/* Its mail is gone already. The key is the address's. */
static struct registration must_register(struct fixture *f, const char *email)
{
    struct registration made = a_registration(f, email, email);
    must_enroll(f, &made);
    assert_string_equal(next_mail(f, email), "code");
    return made;
}

static struct account must_insert(struct fixture *f, const char *email)
{
    struct account account;
    (void)must_register(f, email);
    MUST(admit(f, email, email, &account));
    return account;
}

static struct account must_activate(struct fixture *f, const char *email)
{
    struct account account = must_insert(f, email);
    MUST(account_store_activate(f->stores.accounts, account.account_id, account.handle, &f->err));
    return account;
}

static struct session a_session(struct fixture *f, const struct account *account,
                                const char *device_id, int64_t at_ms)
{
    struct session session = {.device_name = "Telephone",
                              .address = "192.0.2.1",
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
    MUST(account_store_open_session(f->stores.accounts, &session, &token, "hash-1", UNTIL, f->arena,
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

static size_t claim_events(struct fixture *f, int64_t now_ms, const struct outbox_event **out)
{
    size_t count;
    MUST(outbox_claim_events(f->stores.outbox, &(struct outbox_claim){now_ms, LEASE_MS, 100},
                             f->arena, out, &count, &f->err));
    return count;
}

/* ---- accounts ---- */

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

static struct session_ending ending_of(const struct account *account, const char *reason)
{
    return (struct session_ending){
        .user_id = account->account_id, .reason = reason, .now_ms = T0 + 5, .until_ms = UNTIL};
}

static size_t must_revoke(struct fixture *f, const struct session_ending *ending)
{
    struct revocation_list ended;
    MUST(account_store_revoke(f->stores.accounts, ending, f->arena, &ended, &f->err));
    return ended.count;
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

/* ---- outboxes ---- */

static const char *must_add_mail(struct fixture *f, int64_t at_ms)
{
    struct outbox_mail mail = a_mail(f, "ada@example.org", "Subject");
    mail.created_at_ms = at_ms;
    MUST(outbox_add_mail(f->stores.outbox, &mail, &f->err));
    return mail.mail_id;
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
    const struct outbox_event *events;
    const struct session_ending all = ending_of(&account, "logout");
    (void)must_revoke(f, &all);

    assert_int_equal(claim_events(f, T0 + 5, &events), 1);
    assert_int_equal(claim_events(f, T0 + 5, &events), 0);
    assert_int_equal(claim_events(f, T0 + 5 + LEASE_MS, &events), 1);
    MUST(outbox_finish_event(f->stores.outbox, session.session_id, &f->err));
    assert_int_equal(claim_events(f, T0 + 2 * LEASE_MS, &events), 0);
}

/* ---- deletions ---- */

static const char *deletion_state(struct fixture *f, const char *deletion_id)
{
    struct account_deletion deletion;
    MUST(account_store_find_deletion(f->stores.accounts, deletion_id, &deletion, &f->err));
    return cc_arena_strdup(f->arena, deletion.state);
}

static void a_deletion_goes_step_by_step_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct account account = must_activate(f, "ada@example.org"), found;
    struct account_store *store = f->stores.accounts;
    struct session session = must_open(f, &account, "telephone", "t1", T0);
    const struct outbox_mail notice = a_mail(f, account.email, "deleted");
    const struct session_ending all = ending_of(&account, SESSION_ENDED_DELETED);
    char deletion_id[CC_UUID_BYTES];
    struct account_closing closing = {.account_id = account.account_id,
                                      .deletion_id = deletion_id,
                                      .only_if_hash = "hash-0",
                                      .notice = &notice};
    const struct outbox_event *events;
    struct revocation_list ended;
    cc_ids_next(f->ids, deletion_id);

    assert_int_equal(account_store_close(store, &closing, &all, f->arena, &ended, &f->err),
                     CC_CONFLICT);
    assert_int_equal(living_sessions(f, &account), 1);
    closing.only_if_hash = "hash-1";
    MUST(account_store_close(store, &closing, &all, f->arena, &ended, &f->err));
    assert_int_equal(ended.count, 1);
    assert_string_equal(deletion_state(f, deletion_id), "requested");
    assert_int_equal(account_store_find_by_email(store, "ada@example.org", &found, &f->err),
                     CC_NOT_FOUND);
    MUST(account_store_find_by_id(store, account.account_id, &found, &f->err));
    assert_string_equal(found.handle, "");
    assert_string_equal(found.display_name, "");
    assert_string_equal(found.password_hash, "");
    assert_string_equal(next_mail(f, "ada@example.org"), "deleted");
    assert_int_equal(admit(f, "ada@example.org", "ada@example.org", &found), CC_NOT_FOUND);
    assert_int_equal(account_store_close(store, &closing, &all, f->arena, &ended, &f->err),
                     CC_CONFLICT);

    MUST(account_store_advance_deletions(store, UNTIL + 1, &f->err)); /* not announced yet */
    assert_string_equal(deletion_state(f, deletion_id), "requested");
    assert_int_equal(claim_events(f, T0 + 5, &events), 2);
    for (size_t i = 0; i < 2; i++) {
        bool is_deletion = strcmp(events[i].topic, "user.updated") == 0;
        assert_string_equal(events[i].event_key, is_deletion ? deletion_id : session.session_id);
        MUST(outbox_finish_event(f->stores.outbox, events[i].event_key, &f->err));
    }
    MUST(account_store_advance_deletions(store, UNTIL - 1, &f->err));
    assert_string_equal(deletion_state(f, deletion_id), "announced");
    MUST(account_store_list_revocations(store, UNTIL - 1, f->arena, &ended, &f->err));
    assert_int_equal(ended.count, 1); /* its tokens are refused meanwhile */

    MUST(account_store_advance_deletions(store, UNTIL, &f->err));
    assert_string_equal(deletion_state(f, deletion_id), "completed");
    assert_int_equal(account_store_find_by_id(store, account.account_id, &found, &f->err),
                     CC_NOT_FOUND);
    MUST(account_store_advance_deletions(store, UNTIL + INT64_C(30) * 86400000, &f->err));
    struct account_deletion deletion;
    assert_int_equal(account_store_find_deletion(store, deletion_id, &deletion, &f->err),
                     CC_NOT_FOUND);
}

/* ---- signing keys ---- */

static struct stored_key a_key(const char *kid, int64_t signs_from_ms)
{
    struct stored_key key = {.sealed = "sealed", .signs_from_ms = signs_from_ms};
    (void)snprintf(key.kid, sizeof key.kid, "%s", kid);
    return key;
}

static struct stored_key_list list_keys(struct fixture *f, int64_t now_ms)
{
    struct stored_key_list list;
    MUST(key_store_list(f->stores.keys, now_ms, f->arena, &list, &f->err));
    return list;
}

static void the_first_key_is_added_once(void **state)
{
    struct fixture *f = *state;
    const struct stored_key first = a_key("first", T0), other = a_key("other", T0 + 1);

    MUST(key_store_add_first(f->stores.keys, &first, &f->err));
    MUST(key_store_add_first(f->stores.keys, &other, &f->err));
    MUST(key_store_add_first(f->stores.keys, &first, &f->err));

    struct stored_key_list list = list_keys(f, T0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].kid, "first");
    assert_string_equal(list.items[0].sealed, "sealed");
    assert_int_equal(list.items[0].signs_from_ms, T0);
    assert_int_equal(list.items[0].verifies_until_ms, 0);
}

static void a_rotated_key_is_listed_until_its_end(void **state)
{
    struct fixture *f = *state;
    const struct stored_key first = a_key("first", T0), second = a_key("second", T0 + 90),
                            third = a_key("third", T0 + 200);
    MUST(key_store_add_first(f->stores.keys, &first, &f->err));

    MUST(key_store_rotate(f->stores.keys, &second, T0, T0 + 1000, &f->err));
    struct stored_key_list list = list_keys(f, T0 + 999);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].kid, "second");
    assert_int_equal(list.items[0].verifies_until_ms, 0);
    assert_string_equal(list.items[1].kid, "first");
    assert_int_equal(list.items[1].verifies_until_ms, T0 + 1000);
    assert_int_equal(list_keys(f, T0 + 1000).count, 1);

    MUST(key_store_rotate(f->stores.keys, &third, T0 + 100, T0 + 2000, &f->err));
    list = list_keys(f, T0 + 100);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].kid, "third");
    assert_int_equal(list.items[1].verifies_until_ms, T0 + 2000);
    assert_int_equal(list.items[2].verifies_until_ms, T0 + 1000); /* not longer than before */
}

/* The ninth would push out one that is in use. One that ends all others needs no place. */
static void keys_that_are_in_use_are_not_pushed_out(void **state)
{
    struct fixture *f = *state;
    struct stored_key key = a_key("first", T0);
    MUST(key_store_add_first(f->stores.keys, &key, &f->err));
    for (int i = 1; i < KEYS_MAX; i++) {
        char kid[KEY_ID_BYTES];
        (void)snprintf(kid, sizeof kid, "key-%d", i);
        key = a_key(kid, T0 + 90 + i);
        MUST(key_store_rotate(f->stores.keys, &key, T0 + i, T0 + 1000 + i, &f->err));
    }

    key = a_key("ninth", T0 + 500);
    assert_int_equal(key_store_rotate(f->stores.keys, &key, T0 + 10, T0 + 2000, &f->err),
                     CC_CONFLICT);
    struct stored_key_list list = list_keys(f, T0 + 10);
    assert_int_equal(list.count, KEYS_MAX);
    assert_string_equal(list.items[0].kid, "key-7");
    assert_int_equal(list.items[0].verifies_until_ms, 0);

    MUST(key_store_rotate(f->stores.keys, &key, T0 + 1001, T0 + 2000, &f->err)); /* one is over */
    key = a_key("replacement", T0 + 1002);
    MUST(key_store_rotate(f->stores.keys, &key, T0 + 1002, T0 + 1002, &f->err));
    assert_int_equal(list_keys(f, T0 + 1002).count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int store_contract_run(const char *name, struct store_under_test (*make)(void),
                       void (*unmake)(struct store_under_test))
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
        TEST(a_claimed_mail_is_lent_until_the_lease_ends),
        TEST(a_finished_mail_is_gone_and_a_delayed_one_returns),
        TEST(an_event_comes_again_until_it_is_finished),
        TEST(a_deletion_goes_step_by_step_and_leaves_nothing),
        TEST(the_first_key_is_added_once),
        TEST(a_rotated_key_is_listed_until_its_end),
        TEST(keys_that_are_in_use_are_not_pushed_out),
    };
    make_stores = make;
    unmake_stores = unmake;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
