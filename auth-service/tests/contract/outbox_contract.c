/* What waits to be sent, and accounts on their way out. */

#include "store_fixture.h"

#include <string.h>

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

int outbox_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claimed_mail_is_lent_until_the_lease_ends),
        TEST(a_finished_mail_is_gone_and_a_delayed_one_returns),
        TEST(an_event_comes_again_until_it_is_finished),
        TEST(a_deletion_goes_step_by_step_and_leaves_nothing),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
