/* Passwords, administrators, deletion, and servers that are away; on real servers. */

#include "testing.h"

#include "command.h"
#include "passwords.h"
#include "people.h"

#include <string.h>

/* ---- passwords ---- */

static void a_forgotten_password_is_replaced_and_everybody_logged_out(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device device = must_log_in(f, person, "telephone");

    assert_int_equal(forgot(f, &person).status, 202);
    const char *code = mailed_code(f, person.email, 2);
    struct answer answer = reset(f, person, code, "password123");
    assert_int_equal(answer.status, 400);
    assert_string_equal(json_error_pointer(f, answer.body), "/password");
    answer = reset(f, person, code, "analytical machine");
    assert_int_equal(answer.status, 200);

    assert_int_equal(list_sessions(f, device.access_token).status, 401);
    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 401);
    assert_int_equal(log_in(f, person, "analytical machine", "telephone").status, 200);
    assert_non_null(strstr(mailed_text(f, person.email, 3), "was changed"));
    assert_int_equal(reset(f, person, code, "another machine").status, 401); /* used */
}

static void a_code_for_the_address_is_none_for_the_password(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f), forgetful = person;
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);

    assert_int_equal(reset(f, person, code, "analytical machine").status, 401);
    assert_int_equal(forgot(f, &forgetful).status, 202); /* pending: no mail */
    assert_int_equal(reset(f, forgetful, code, "analytical machine").status, 401);
    assert_int_equal(verify(f, person, code).status, 200);
    test_wait_for(no_mail_waits, f, 5000); /* what was for nobody has gone */
}

static void changing_the_password_needs_the_present_one_and_keeps_this_device(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone"),
                  laptop = must_log_in(f, person, "laptop");

    struct answer answer =
        change_password(f, telephone.access_token, "not it", "analytical machine");
    assert_int_equal(answer.status, 401);
    assert_string_equal(json_error_pointer(f, answer.body), "/current_password");
    answer = change_password(f, telephone.access_token, PASSWORD, person.email);
    assert_int_equal(answer.status, 400);
    assert_string_equal(json_error_pointer(f, answer.body), "/new_password");
    assert_int_equal(change_password(f, NULL, PASSWORD, "analytical machine").status, 401);
    assert_int_equal(
        change_password(f, telephone.access_token, PASSWORD, "analytical machine").status, 204);

    assert_int_equal(list_sessions(f, telephone.access_token).status, 200);
    assert_int_equal(list_sessions(f, laptop.access_token).status, 401);
    assert_int_equal(log_in(f, person, "analytical machine", "laptop").status, 200);
    assert_non_null(strstr(mailed_text(f, person.email, 2), "was changed"));
}

static const char *stored_hash(struct fixture *f, struct person person)
{
    struct account account;
    struct cc_error err = {0};
    assert_int_equal(
        account_store_find_by_email(f->service.app.accounts, person.email, &account, &err), CC_OK);
    return cc_arena_strdup(f->arena, account.password_hash);
}

/* R20. A wrong password, which everybody can send, renews nothing. */
static void a_hash_is_renewed_at_the_next_log_in_after_costs_have_changed(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    const char *cheap = stored_hash(f, person);
    assert_non_null(strstr(cheap, "$m=8192,t=1,p=1$"));
    (void)must_log_in(f, person, "telephone");
    assert_string_equal(stored_hash(f, person), cheap);

    service_stop(f);
    f->argon2_memory_kib = 9216;
    service_start(f, f->usual.smtp_url);
    assert_int_equal(log_in(f, person, "a wrong guess", "telephone").status, 401);
    assert_string_equal(stored_hash(f, person), cheap);
    struct device device = must_log_in(f, person, "telephone");

    assert_non_null(strstr(stored_hash(f, person), "$m=9216,t=1,p=1$"));
    assert_int_equal(list_sessions(f, device.access_token).status, 200);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 200);
}

/* A stranger asks for codes too, and tries as often as he may. */
static void codes_of_strangers_leave_the_reset_of_the_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f), stranger = person;
    assert_int_equal(forgot(f, &person).status, 202);
    const char *code = mailed_code(f, person.email, 2);

    assert_int_equal(forgot(f, &stranger).status, 202);
    for (int i = 0; i < 2 * OTP_TRIES_MAX; i++)
        assert_int_equal(reset(f, stranger, code, "a password of his").status, 401);

    assert_int_equal(reset(f, person, code, "analytical machine").status, 200);
    assert_int_equal(log_in(f, person, "analytical machine", "telephone").status, 200);
}

/* ---- administrators ---- */

static int command(struct fixture *f, const char *area, const char *verb, const char *argument)
{
    char *words[] = {(char *)area, (char *)verb, (char *)argument};
    return auth_command(&f->service.runtime, argument != NULL ? 3 : 2, words);
}

static struct answer judge(struct fixture *f, const struct device *admin, const char *user_id,
                           const char *verb)
{
    return service_call(f, "POST",
                        cc_arena_printf(f->arena, "/v1/admin/users/%s/%s", user_id, verb),
                        admin->access_token, NULL);
}

static struct device an_administrator(struct fixture *f)
{
    struct person person = must_join(f);
    assert_int_equal(command(f, "admin", "grant", person.email), 0);
    return must_log_in(f, person, "desk");
}

static void the_first_administrator_is_made_on_the_command_line(void **state)
{
    struct fixture *f = *state;
    struct person ada = must_join(f), stranger = a_person(f);
    struct device before = must_log_in(f, ada, "desk");
    const char *path = cc_arena_printf(f->arena, "/v1/admin/users/%s", before.user_id);
    assert_int_equal(service_call(f, "GET", path, before.access_token, NULL).status, 403);
    assert_int_equal(service_call(f, "GET", path, NULL, NULL).status, 401);

    assert_int_equal(command(f, "admin", "grant", stranger.email), 1);
    assert_int_equal(command(f, "admin", "grant", ada.email), 0);

    struct answer fresh = refresh_on(f, before.refresh_token, "desk");
    const char *token = json_text(f, fresh.body, "access_token");
    struct answer answer = service_call(f, "GET", path, token, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_text(f, answer.body, "role"), "admin");
    assert_string_equal(json_text(f, answer.body, "state"), "active");

    assert_int_equal(command(f, "admin", "withdraw", ada.email), 0);
    struct refusal refusal = {f, token}; /* told by Redis: the command is another process */
    test_wait_for(is_refused, &refusal, 2000);
    assert_int_equal(command(f, "admin", "crown", ada.email), 64);
}

static void a_suspended_person_is_out_until_reinstated(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device admin = an_administrator(f), device = must_log_in(f, person, "telephone");

    assert_int_equal(judge(f, &device, admin.user_id, "suspend").status, 403);
    assert_int_equal(judge(f, &admin, admin.user_id, "suspend").status, 422);
    assert_int_equal(judge(f, &admin, "00000000-0000-7000-8000-000000000000", "suspend").status,
                     404);
    assert_int_equal(judge(f, &admin, device.user_id, "suspend").status, 204);
    assert_int_equal(judge(f, &admin, device.user_id, "suspend").status, 204);

    assert_int_equal(list_sessions(f, device.access_token).status, 401);
    struct answer answer = log_in(f, person, PASSWORD, "telephone");
    assert_int_equal(answer.status, 403);
    assert_string_equal(json_text(f, answer.body, "code"), "suspended");
    assert_int_equal(log_in(f, person, "a wrong guess", "telephone").status, 401);
    assert_string_equal(json_text(f, refresh(f, device.refresh_token).body, "code"), "suspended");
    assert_non_null(strstr(mailed_text(f, person.email, 2), "suspended"));

    assert_int_equal(judge(f, &admin, device.user_id, "reinstate").status, 204);
    (void)must_log_in(f, person, "telephone");
    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    assert_non_null(strstr(mailed_text(f, person.email, 3), "reinstated"));
}

/* ---- deletion ---- */

struct deletion_wait {
    struct fixture *f;
    const char *deletion_id, *status;
};

static bool deletion_is(void *arg)
{
    const struct deletion_wait *wait = arg;
    struct answer answer = service_call(
        wait->f, "GET", cc_arena_printf(wait->f->arena, "/v1/auth/deletions/%s", wait->deletion_id),
        NULL, NULL);
    assert_int_equal(answer.status, 200);
    return strcmp(json_text(wait->f, answer.body, "status"), wait->status) == 0;
}

static void restart(struct fixture *f)
{
    service_stop(f);
    service_start(f, f->usual.smtp_url);
}

/* The process ends after each step; the next one goes on. */
static void a_deleted_account_is_gone_whenever_the_service_stops(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device device = must_log_in(f, person, "telephone");
    struct account account;
    struct cc_error err = {0};
    struct answer answer =
        service_call(f, "DELETE", "/v1/users/me", device.access_token, "{\"password\":\"not it\"}");
    assert_int_equal(answer.status, 401);
    assert_string_equal(json_error_pointer(f, answer.body), "/password");

    answer = service_call(f, "DELETE", "/v1/users/me", device.access_token,
                          "{\"password\":\"" PASSWORD "\"}");
    restart(f);
    assert_int_equal(answer.status, 202);
    struct deletion_wait wait = {f, json_text(f, answer.body, "deletion_id"), "announced"};
    test_wait_for(deletion_is, &wait, 20000); /* Kafka has the event */
    restart(f);
    struct refusal refusal = {f, device.access_token};
    test_wait_for(is_refused, &refusal, 3000);
    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 401);
    assert_non_null(strstr(mailed_text(f, person.email, 2), "delete"));

    assert_int_equal(
        account_store_find_by_id(f->service.app.accounts, device.user_id, &account, &err), CC_OK);
    assert_int_equal(auth_check_own_password(&f->service.app, &account, PASSWORD, "telephone",
                                             "/password", &err),
                     CC_NOT_FOUND); /* what a second request finds that raced with the first */

    service_move_clock(f, 660001);
    wait.status = "completed";
    test_wait_for(deletion_is, &wait, 8000);
    assert_int_equal(
        account_store_find_by_id(f->service.app.accounts, device.user_id, &account, &err),
        CC_NOT_FOUND);
}

/* ---- servers that are away ---- */

static void without_postgresql_the_answer_is_503_in_time(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f), fresh = a_person(f);
    struct device device = must_log_in(f, person, "telephone");
    service_stop(f);
    f->database_uri = "postgresql://chat@127.0.0.1:9/none"; /* nobody listens there */
    service_start(f, f->usual.smtp_url);

    for (int call = 0; call < 4; call++) {
        int64_t began_ms = cc_mono_ms(cc_clock_system());
        struct answer answer = call == 0   ? log_in(f, person, PASSWORD, "telephone")
                               : call == 1 ? refresh(f, device.refresh_token)
                               : call == 2 ? forgot(f, &person)
                                           : register_as(f, &fresh, PASSWORD);
        assert_int_equal(answer.status, 503);
        assert_true(cc_mono_ms(cc_clock_system()) - began_ms < 2500);
    }

    service_stop(f);
    f->database_uri = f->usual.database_uri;
    service_start(f, f->usual.smtp_url);
    assert_int_equal(refresh(f, device.refresh_token).status, 200); /* nothing was lost */
}

/* More failures than there may be mails: nobody got any. */
static void a_mail_that_was_never_queued_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct person known = must_join(f), fresh = a_person(f);
    service_stop(f);
    f->database_uri = "postgresql://chat@127.0.0.1:9/none";
    service_start(f, f->usual.smtp_url);

    for (int i = 0; i <= OTP_SENDS_MAX; i++) {
        assert_int_equal(forgot(f, &known).status, 503);
        assert_int_equal(register_as(f, &fresh, PASSWORD).status, 503);
    }

    service_stop(f);
    f->database_uri = f->usual.database_uri;
    service_start(f, f->usual.smtp_url);
    for (int i = 0; i < OTP_SENDS_MAX; i++)
        assert_int_equal(register_as(f, &fresh, PASSWORD).status, 202);
    assert_int_equal(register_as(f, &fresh, PASSWORD).status, 429);
    for (int i = 1; i < OTP_SENDS_MAX; i++) /* one was the registration */
        assert_int_equal(forgot(f, &known).status, 202);
    assert_int_equal(forgot(f, &known).status, 429);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(a_forgotten_password_is_replaced_and_everybody_logged_out),
        SERVICE_TEST(a_code_for_the_address_is_none_for_the_password),
        SERVICE_TEST(codes_of_strangers_leave_the_reset_of_the_owner_alone),
        SERVICE_TEST(changing_the_password_needs_the_present_one_and_keeps_this_device),
        SERVICE_TEST(a_hash_is_renewed_at_the_next_log_in_after_costs_have_changed),
        SERVICE_TEST(the_first_administrator_is_made_on_the_command_line),
        SERVICE_TEST(a_suspended_person_is_out_until_reinstated),
        SERVICE_TEST(a_deleted_account_is_gone_whenever_the_service_stops),
        SERVICE_TEST(without_postgresql_the_answer_is_503_in_time),
        SERVICE_TEST(a_mail_that_was_never_queued_does_not_count),
    };
    return cmocka_run_group_tests_name("accounts", tests, fixture_set_up, fixture_tear_down);
}
