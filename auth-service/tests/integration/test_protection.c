/* What protects accounts: passwords, limits, equal answers; on real servers. */

#include "testing.h"

#include "command.h"
#include "passwords.h"
#include "people.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RACERS  20
#define SAMPLES 12

static int set_up(void **state)
{
    *state = fixture_create();
    return 0;
}

static int tear_down(void **state)
{
    fixture_destroy(*state);
    return 0;
}

static int renew(void **state)
{
    fixture_renew(*state);
    return 0;
}

static struct answer change(struct fixture *f, const char *access_token, const char *current,
                            const char *fresh)
{
    return service_call(f, "POST", "/v1/auth/password/change", access_token,
                        cc_arena_printf(f->arena,
                                        "{\"current_password\":\"%s\",\"new_password\":\"%s\"}",
                                        current, fresh));
}

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

    struct answer answer = change(f, telephone.access_token, "not it", "analytical machine");
    assert_int_equal(answer.status, 401);
    assert_string_equal(json_error_pointer(f, answer.body), "/current_password");
    answer = change(f, telephone.access_token, PASSWORD, person.email);
    assert_int_equal(answer.status, 400);
    assert_string_equal(json_error_pointer(f, answer.body), "/new_password");
    assert_int_equal(change(f, NULL, PASSWORD, "analytical machine").status, 401);
    assert_int_equal(change(f, telephone.access_token, PASSWORD, "analytical machine").status, 204);

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

/* ---- guesses ---- */

struct racer {
    struct fixture *f;
    const char *path, *body;
    pthread_t thread;
    int status;
};

static void *run_racer(void *arg)
{
    struct racer *racer = arg;
    struct cc_arena *arena = cc_arena_create(0);
    const char *ignored;
    racer->status = service_call_raw(racer->f, racer->path, racer->body, arena, &ignored);
    cc_arena_destroy(arena);
    return NULL;
}

/* How many of the requests at once got that status. */
static int race(struct racer *racers, size_t count, int status)
{
    int found = 0;
    for (size_t i = 0; i < count; i++)
        pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]);
    for (size_t i = 0; i < count; i++) {
        pthread_join(racers[i].thread, NULL);
        found += racers[i].status == status;
    }
    return found;
}

/* RACERS requests that are all alike. */
static int race_with(struct fixture *f, const char *path, const char *body, int status)
{
    struct racer racers[RACERS];
    for (size_t i = 0; i < RACERS; i++)
        racers[i] = (struct racer){.f = f, .path = path, .body = body};
    return race(racers, RACERS, status);
}

static void a_code_has_five_tries_however_parallel(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    const char *wrong = strcmp(code, "000000") == 0 ? "000001" : "000000";
    const char *body = code_body(f, person, cc_arena_printf(f->arena, ",\"code\":\"%s\"", wrong));

    assert_int_equal(race_with(f, "/v1/auth/otp/verify", body, 200), 0);

    f->address = a_new_address(f); /* the place is not what refuses it */
    assert_int_equal(verify(f, person, code).status, 401);
    assert_int_equal(resend(f, person).status, 202); /* the person is not locked out */
    assert_int_equal(verify(f, person, mailed_code(f, person.email, 2)).status, 200);
}

static void one_code_sets_one_password_however_parallel(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    assert_int_equal(forgot(f, &person).status, 202);
    const char *body =
        code_body(f, person,
                  cc_arena_printf(f->arena, ",\"code\":\"%s\",\"password\":\"analytical machine\"",
                                  mailed_code(f, person.email, 2)));

    assert_int_equal(race_with(f, "/v1/auth/password/reset", body, 200), 1);

    assert_int_equal(log_in(f, person, "analytical machine", "telephone").status, 200);
    assert_non_null(strstr(mailed_text(f, person.email, 3), "was changed"));
    test_wait_for(no_mail_waits, f, 5000);
    assert_int_equal(count_mails(f, person.email), 3); /* the change was told once */
}

static void a_stranger_locks_himself_out_and_not_the_owner(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    const char *home = f->address;
    (void)must_log_in(f, person, "telephone");

    f->address = a_new_address(f);
    for (int i = 0; i < 10; i++)
        assert_int_equal(log_in(f, person, "a wrong guess", "x").status, 401);
    struct answer refused = log_in(f, person, "a wrong guess", "x");
    assert_int_equal(refused.status, 429);
    assert_int_equal(log_in(f, person, PASSWORD, "x").status, 429); /* he learns nothing more */

    f->address = home;
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 200);
    f->address = a_new_address(f);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 200);
}

static void many_strangers_use_up_the_account_and_the_owner_gets_in_from_home(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    const char *home = f->address;
    (void)must_log_in(f, person, "telephone");

    for (int stranger = 0; stranger < 5; stranger++) {
        f->address = a_new_address(f);
        for (int i = 0; i < 10; i++)
            assert_int_equal(log_in(f, person, "a wrong guess", "x").status, 401);
    }

    f->address = a_new_address(f);
    assert_int_equal(log_in(f, person, "a wrong guess", "x").status, 429);
    f->address = home;
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 200);
}

static void guess_ten_times(struct fixture *f, struct person person)
{
    for (int i = 0; i < 10; i++)
        assert_int_equal(log_in(f, person, "a wrong guess", "x").status, 401);
}

/* Behind one address, as in an office; it has no more guesses left for any account. */
static void a_neighbour_can_not_lock_a_known_device_out(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone");
    int64_t usual = f->service.settings.guesses_per_address;
    f->service.settings.guesses_per_address = 10;

    guess_ten_times(f, person);
    int of_stranger = log_in(f, person, PASSWORD, "telephone").status;
    int of_known = log_in_known(f, person, PASSWORD, "telephone", telephone.device_token).status;
    f->service.settings.guesses_per_address = usual;

    assert_int_equal(of_stranger, 429);
    assert_int_equal(of_known, 200);
}

static void a_known_device_gets_in_from_anywhere_while_many_strangers_guess(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone");
    for (int stranger = 0; stranger < 5; stranger++) {
        f->address = a_new_address(f);
        guess_ten_times(f, person);
    }

    f->address = a_new_address(f);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 429);
    struct answer answer = log_in_known(f, person, PASSWORD, "telephone", telephone.device_token);
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_text(f, answer.body, "device_token"), telephone.device_token);
}

static void a_device_token_is_good_for_its_account_and_device_only(void **state)
{
    struct fixture *f = *state;
    struct person ada = must_join(f), eve = must_join(f);
    struct device of_ada = must_log_in(f, ada, "telephone"),
                  of_eve = must_log_in(f, eve, "telephone");
    const char *broken = cc_arena_printf(f->arena, "%.42s", of_ada.device_token);
    guess_ten_times(f, ada);

    assert_int_equal(log_in_known(f, ada, PASSWORD, "telephone", of_eve.device_token).status, 429);
    assert_int_equal(log_in_known(f, ada, PASSWORD, "laptop", of_ada.device_token).status, 429);
    assert_int_equal(log_in_known(f, ada, PASSWORD, "telephone", broken).status, 429);
    assert_int_equal(log_in_known(f, ada, PASSWORD, "telephone", "x").status, 429);
    assert_int_equal(log_in_known(f, ada, PASSWORD, "telephone", of_ada.device_token).status, 200);
}

/* Its token is no password: whoever has both the device and no password guesses ten times. */
static void a_known_device_has_ten_guesses_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device lost = must_log_in(f, person, "telephone"),
                  kept = must_log_in(f, person, "laptop");

    for (int i = 0; i < 10; i++) {
        f->address = a_new_address(f);
        assert_int_equal(
            log_in_known(f, person, "a wrong guess", "telephone", lost.device_token).status, 401);
    }

    assert_int_equal(log_in_known(f, person, PASSWORD, "telephone", lost.device_token).status, 429);
    assert_int_equal(log_in_known(f, person, PASSWORD, "laptop", kept.device_token).status, 200);
    assert_int_equal(log_in(f, person, PASSWORD, "tablet").status, 200);
}

/* Privacy addresses (RFC 8981) change within the network of one subscriber. */
static void home_is_a_network_of_ipv6(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    const char *home = cc_arena_printf(f->arena, "2001:db8:%.4s:1", person.handle + 4);
    f->address = cc_arena_printf(f->arena, "%s::a1", home);
    (void)must_log_in(f, person, "telephone");
    for (int stranger = 0; stranger < 5; stranger++) {
        f->address = a_new_address(f);
        guess_ten_times(f, person);
    }

    f->address = cc_arena_printf(f->arena, "2001:db8:%.4s:2::a1", person.handle + 4);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 429);
    f->address = cc_arena_printf(f->arena, "%s::b2", home);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 200);
}

/* Who is logged in guesses his own password on that device, whatever strangers do. */
static void strangers_can_not_keep_somebody_from_changing_the_password(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone");
    guess_ten_times(f, person);

    assert_int_equal(change(f, telephone.access_token, PASSWORD, "analytical machine").status, 204);
    for (int i = 0; i < 10; i++)
        assert_int_equal(change(f, telephone.access_token, "not it", "another machine").status,
                         401);
    assert_int_equal(change(f, telephone.access_token, "not it", "another machine").status, 429);
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

/* ---- nothing tells whether an address is known ---- */

static const char *register_body(struct fixture *f, struct person person)
{
    return cc_arena_printf(f->arena,
                           "{\"email\":\"%s\",\"password\":\"%s\",\"handle\":\"%.20s\","
                           "\"display_name\":\"Ada\"}",
                           person.email, PASSWORD, "somebody_else");
}

static const char *email_body(struct fixture *f, struct person person)
{
    return cc_arena_printf(f->arena, "{\"email\":\"%s\"}", person.email);
}

static const char *resend_body(struct fixture *f, struct person person)
{
    return code_body(f, person, "");
}

static const char *login_body(struct fixture *f, struct person person)
{
    return cc_arena_printf(f->arena,
                           "{\"email\":\"%s\",\"password\":\"a wrong guess\",\"device_id\":\"x\"}",
                           person.email);
}

static const char *verify_body(struct fixture *f, struct person person)
{
    return code_body(f, person, ",\"code\":\"000000\"");
}

static const char *reset_body(struct fixture *f, struct person person)
{
    return code_body(f, person, ",\"code\":\"000000\",\"password\":\"analytical machine\"");
}

static const struct question {
    const char *path;
    const char *(*body)(struct fixture *f, struct person person);
    bool mails; /* a few per address only */
} questions[] = {
    {"/v1/auth/register", register_body, true},     {"/v1/auth/otp/resend", resend_body, true},
    {"/v1/auth/password/forgot", email_body, true}, {"/v1/auth/login", login_body, false},
    {"/v1/auth/otp/verify", verify_body, false},    {"/v1/auth/password/reset", reset_body, false},
};
#define QUESTIONS (sizeof questions / sizeof *questions)

static void known_and_unknown_addresses_get_the_same_answers(void **state)
{
    struct fixture *f = *state;
    struct person known = must_join(f), pending = a_person(f), unknown = a_person(f);
    (void)register_as(f, &pending, PASSWORD);
    for (size_t i = 0; i < QUESTIONS; i++) {
        const struct question *question = &questions[i];
        const struct person people[] = {known, pending, unknown};
        struct answer answers[3];
        f->address = a_new_address(f);
        for (size_t who = 0; who < 3; who++)
            answers[who] =
                service_call(f, "POST", question->path, NULL, question->body(f, people[who]));

        for (size_t who = 1; who < 3; who++) {
            assert_int_equal(answers[who].status, answers[0].status);
            assert_string_equal(json_text(f, answers[who].body, "status"),
                                json_text(f, answers[0].body, "status"));
            assert_string_equal(json_text(f, answers[who].body, "detail"),
                                json_text(f, answers[0].body, "detail"));
            assert_int_equal(strlen(json_text(f, answers[who].body, "verification_id")),
                             strlen(json_text(f, answers[0].body, "verification_id")));
            assert_string_equal(answers[who].cache_control, answers[0].cache_control);
        }
    }
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int64_t timed_us(struct fixture *f, const struct question *question, struct person person)
{
    int64_t began_us = cc_mono_us(cc_clock_system());
    f->address = a_new_address(f);
    (void)service_call(f, "POST", question->path, NULL, question->body(f, person));
    return cc_mono_us(cc_clock_system()) - began_us;
}

/* Medians of samples taken in turn, so that what else the machine does falls on both alike. A
 * difference of a password hash (tens of milliseconds under sanitizers) is what must not show. */
static void known_and_unknown_addresses_take_the_same_time(void **state)
{
    struct fixture *f = *state;
    struct person known = must_join(f);
    for (size_t i = 0; i < QUESTIONS; i++) {
        int64_t of_known[SAMPLES], of_unknown[SAMPLES];
        for (size_t sample = 0; sample < SAMPLES; sample++) {
            struct person other = questions[i].mails && sample % 4 == 0 ? must_join(f) : known;
            known = other;
            of_known[sample] = timed_us(f, &questions[i], known);
            of_unknown[sample] = timed_us(f, &questions[i], a_person(f));
        }
        qsort(of_known, SAMPLES, sizeof *of_known, compare);
        qsort(of_unknown, SAMPLES, sizeof *of_unknown, compare);

        int64_t median = of_known[SAMPLES / 2], other = of_unknown[SAMPLES / 2];
        if (llabs(median - other) > 15000 + (median + other) / 4)
            fail_msg("%s: %lld us for a known address, %lld us for an unknown one",
                     questions[i].path, (long long)median, (long long)other);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, renew)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_forgotten_password_is_replaced_and_everybody_logged_out),
        TEST(a_code_for_the_address_is_none_for_the_password),
        TEST(codes_of_strangers_leave_the_reset_of_the_owner_alone),
        TEST(changing_the_password_needs_the_present_one_and_keeps_this_device),
        TEST(a_hash_is_renewed_at_the_next_log_in_after_costs_have_changed),
        TEST(a_code_has_five_tries_however_parallel),
        TEST(one_code_sets_one_password_however_parallel),
        TEST(a_stranger_locks_himself_out_and_not_the_owner),
        TEST(many_strangers_use_up_the_account_and_the_owner_gets_in_from_home),
        TEST(a_neighbour_can_not_lock_a_known_device_out),
        TEST(a_known_device_gets_in_from_anywhere_while_many_strangers_guess),
        TEST(a_device_token_is_good_for_its_account_and_device_only),
        TEST(a_known_device_has_ten_guesses_of_its_own),
        TEST(home_is_a_network_of_ipv6),
        TEST(strangers_can_not_keep_somebody_from_changing_the_password),
        TEST(the_first_administrator_is_made_on_the_command_line),
        TEST(a_suspended_person_is_out_until_reinstated),
        TEST(a_deleted_account_is_gone_whenever_the_service_stops),
        TEST(without_postgresql_the_answer_is_503_in_time),
        TEST(a_mail_that_was_never_queued_does_not_count),
        TEST(known_and_unknown_addresses_get_the_same_answers),
        TEST(known_and_unknown_addresses_take_the_same_time),
    };
    return cmocka_run_group_tests_name("protection of accounts", tests, set_up, tear_down);
}
