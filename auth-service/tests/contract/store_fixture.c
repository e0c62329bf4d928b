/* Builders of the suite. They insist: a store that refuses fails the test at once. */

#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

/* cmocka hands no argument to set-up functions. */
static struct store_under_test (*make_stores)(void);
static void (*unmake_stores)(struct store_under_test);

void store_fixture_use(struct store_under_test (*make)(void),
                       void (*unmake)(struct store_under_test))
{
    make_stores = make;
    unmake_stores = unmake;
}

int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    f->stores = make_stores();
    f->arena = cc_arena_create(0);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    unmake_stores(f->stores);
    cc_arena_destroy(f->arena);
    cc_ids_destroy(f->ids);
    cc_free(f);
    return 0;
}

struct registration a_registration(struct fixture *f, const char *email, const char *key)
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
struct account an_account(struct fixture *f, const char *email)
{
    return a_registration(f, email, "").account;
}

struct outbox_mail a_mail(struct fixture *f, const char *recipient, const char *subject)
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

void must_enroll(struct fixture *f, const struct registration *registration)
{
    const struct outbox_mail code = a_mail(f, registration->account.email, "code"),
                             notice = a_mail(f, registration->account.email, "notice");
    MUST(account_store_enroll(f->stores.accounts, registration, &code, &notice, &f->err));
}

enum cc_code admit(struct fixture *f, const char *key, const char *email, struct account *out)
{
    return account_store_admit(f->stores.accounts, key, email, T0 + 1, out, &f->err);
}

struct outbox_mail_list claim_mails(struct fixture *f, int64_t now_ms, int limit)
{
    struct outbox_mail_list list;
    MUST(outbox_claim_mails(f->stores.outbox, &(struct outbox_claim){now_ms, LEASE_MS, limit},
                            f->arena, &list, &f->err));
    return list;
}

/* The subject of the only mail that waits for that recipient; it is finished. "" = none waits. */
const char *next_mail(struct fixture *f, const char *recipient)
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
struct registration must_register(struct fixture *f, const char *email)
{
    struct registration made = a_registration(f, email, email);
    must_enroll(f, &made);
    assert_string_equal(next_mail(f, email), "code");
    return made;
}

struct account must_insert(struct fixture *f, const char *email)
{
    struct account account;
    (void)must_register(f, email);
    MUST(admit(f, email, email, &account));
    return account;
}

struct account must_activate(struct fixture *f, const char *email)
{
    struct account account = must_insert(f, email);
    MUST(account_store_activate(f->stores.accounts, account.account_id, account.handle, &f->err));
    return account;
}

struct session a_session(struct fixture *f, const struct account *account, const char *device_id,
                         int64_t at_ms)
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

struct refresh_token a_token(const char *hash, int64_t expires_at_ms)
{
    struct refresh_token token = {.expires_at_ms = expires_at_ms};
    (void)snprintf(token.hash, sizeof token.hash, "%s", hash);
    return token;
}

struct session must_open(struct fixture *f, const struct account *account, const char *device_id,
                         const char *token_hash, int64_t at_ms)
{
    struct session session = a_session(f, account, device_id, at_ms);
    const struct refresh_token token = a_token(token_hash, session.expires_at_ms);
    struct revocation_list replaced;
    MUST(account_store_open_session(f->stores.accounts, &session, &token, "hash-1", UNTIL, f->arena,
                                    &replaced, &f->err));
    return session;
}

size_t living_sessions(struct fixture *f, const struct account *account)
{
    struct session_list list;
    MUST(account_store_list_sessions(f->stores.accounts, account->account_id, T0, f->arena, &list,
                                     &f->err));
    return list.count;
}

size_t claim_events(struct fixture *f, int64_t now_ms, const struct outbox_event **out)
{
    size_t count;
    MUST(outbox_claim_events(f->stores.outbox, &(struct outbox_claim){now_ms, LEASE_MS, 100},
                             f->arena, out, &count, &f->err));
    return count;
}

struct session_ending ending_of(const struct account *account, const char *reason)
{
    return (struct session_ending){
        .user_id = account->account_id, .reason = reason, .now_ms = T0 + 5, .until_ms = UNTIL};
}

size_t must_revoke(struct fixture *f, const struct session_ending *ending)
{
    struct revocation_list ended;
    MUST(account_store_revoke(f->stores.accounts, ending, f->arena, &ended, &f->err));
    return ended.count;
}
