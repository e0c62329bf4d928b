/* Logging in, refresh tokens and the keys that sign; on real servers. */

#include "testing.h"

#include "command.h"
#include "people.h"

#include <pthread.h>
#include <string.h>

#define RACERS 20

/* ---- log-in ---- */

static void a_wrong_password_and_an_unknown_address_look_alike(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f), unknown = a_person(f);

    struct answer wrong = log_in(f, person, "not the password", "telephone"),
                  nobody = log_in(f, unknown, PASSWORD, "telephone");

    assert_int_equal(wrong.status, 401);
    assert_string_equal(json_text(f, wrong.body, "code"), "bad_credentials");
    assert_int_equal(nobody.status, 401);
    assert_string_equal(json_text(f, nobody.body, "detail"), json_text(f, wrong.body, "detail"));
}

static void before_it_is_verified_there_is_no_account(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    (void)register_as(f, &person, PASSWORD);

    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 401);
    assert_int_equal(log_in(f, person, "not the password", "telephone").status, 401);
}

static void logging_in_again_on_a_device_ends_its_former_session(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device first = must_log_in(f, person, "telephone"),
                  laptop = must_log_in(f, person, "laptop"),
                  second = must_log_in(f, person, "telephone");

    assert_int_equal(list_sessions(f, first.access_token).status, 401);
    assert_int_equal(refresh(f, first.refresh_token).status, 401);
    assert_int_equal(count_sessions(f, laptop.access_token), 2);
    assert_int_equal(count_sessions(f, second.access_token), 2);
}

/* ---- refresh ---- */

static void a_refresh_token_is_rotated(void **state)
{
    struct fixture *f = *state;
    struct device device = must_log_in(f, must_join(f), "telephone");

    struct answer answer = refresh(f, device.refresh_token);

    assert_int_equal(answer.status, 200);
    assert_string_not_equal(json_text(f, answer.body, "refresh_token"), device.refresh_token);
    assert_string_equal(json_text(f, answer.body, "session_id"), device.session_id);
    assert_int_equal(list_sessions(f, json_text(f, answer.body, "access_token")).status, 200);
    assert_int_equal(refresh(f, json_text(f, answer.body, "refresh_token")).status, 200);
    assert_int_equal(refresh(f, "not-a-token").status, 401);
}

struct racer {
    struct fixture *f;
    const char *body;
    struct cc_arena *arena;
    pthread_t thread;
    int status;
    const char *answer;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    racer->status =
        service_call_raw(racer->f, "/v1/auth/refresh", racer->body, racer->arena, &racer->answer);
    return NULL;
}

static void twenty_uses_at_once_get_the_same_successor(void **state)
{
    struct fixture *f = *state;
    struct device device = must_log_in(f, must_join(f), "telephone");
    struct racer racers[RACERS];
    const char *successor = NULL;
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.f = f,
                                   .body = refresh_body(f, device.refresh_token, "telephone"),
                                   .arena = cc_arena_create(0)};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }

    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        assert_int_equal(racers[i].status, 200);
        const char *got = json_text(f, racers[i].answer, "refresh_token");
        if (successor != NULL)
            assert_string_equal(got, successor);
        successor = got;
        cc_arena_destroy(racers[i].arena);
    }

    assert_int_equal(refresh(f, successor).status, 200);
}

static void late_reuse_of_an_old_token_ends_the_session(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device device = must_log_in(f, person, "telephone");
    struct answer answer = refresh(f, device.refresh_token);
    const char *successor = json_text(f, answer.body, "refresh_token");

    service_move_clock(f, SESSION_REPEAT_MS + 1);

    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    assert_int_equal(refresh(f, successor).status, 401);
    assert_int_equal(list_sessions(f, json_text(f, answer.body, "access_token")).status, 401);
    assert_non_null(strstr(mailed_text(f, person.email, 2), "copied"));
    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    test_wait_for(no_mail_waits, f, 5000);
}

static void a_token_of_another_device_ends_the_session_and_its_owner_gets_a_mail(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device device = must_log_in(f, person, "telephone");
    struct answer answer = refresh(f, device.refresh_token);
    assert_int_equal(answer.status, 200);
    const char *successor = json_text(f, answer.body, "refresh_token");

    assert_int_equal(refresh_on(f, successor, "stolen").status, 401);

    assert_int_equal(refresh(f, successor).status, 401);
    assert_int_equal(list_sessions(f, json_text(f, answer.body, "access_token")).status, 401);
    assert_non_null(strstr(mailed_text(f, person.email, 2), "copied"));
    test_wait_for(no_mail_waits, f, 5000);
    assert_int_equal(count_mails(f, person.email), 2);
}

/* Within the ten seconds as well: a thief does not get the successor that was lost. */
static void a_successor_is_repeated_to_its_own_device_only(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device device = must_log_in(f, person, "telephone");
    assert_int_equal(refresh(f, device.refresh_token).status, 200);
    assert_int_equal(refresh(f, device.refresh_token).status, 200);

    assert_int_equal(refresh_on(f, device.refresh_token, "stolen").status, 401);

    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    assert_non_null(strstr(mailed_text(f, person.email, 2), "copied"));
}

/* A client may never name its device; but once it has, a thief can't leave it out. */
static void a_session_whose_device_is_named_goes_on_with_it_only(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device device = must_log_in(f, person, "telephone");
    const char *body = logout_body(f, device.refresh_token); /* the token alone */

    struct answer nameless = service_call(f, "POST", "/v1/auth/refresh", NULL, body);
    assert_int_equal(nameless.status, 200);
    struct answer named = refresh(f, json_text(f, nameless.body, "refresh_token"));
    assert_int_equal(named.status, 200);
    const char *token = json_text(f, named.body, "refresh_token");

    assert_int_equal(
        service_call(f, "POST", "/v1/auth/refresh", NULL, logout_body(f, token)).status, 401);
    assert_int_equal(refresh(f, token).status, 401);
    assert_non_null(strstr(mailed_text(f, person.email, 2), "copied"));
}

/* ---- keys ---- */

static const char *key_set(struct fixture *f)
{
    struct answer answer = service_call(f, "GET", "/.well-known/jwks.json", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_null(strstr(answer.body, "\"d\"")); /* public parts only */
    return answer.body;
}

/* The newest key's. */
static const char *first_kid(struct fixture *f, const char *jwks)
{
    const char *kid = strstr(jwks, "\"kid\":\"");
    assert_non_null(kid);
    return cc_arena_strndup(f->arena, kid + strlen("\"kid\":\""), KEY_ID_BYTES - 1);
}

struct key_wait {
    struct fixture *f;
    const char *kid;
    bool listed;
};

static bool is_listed_as_said(void *arg)
{
    const struct key_wait *wait = arg;
    return (strstr(key_set(wait->f), wait->kid) != NULL) == wait->listed;
}

static const char *signing_kid(struct fixture *f, const char *token)
{
    char header[256];
    size_t count = 0;
    assert_true(cc_base64url_decode(token, strcspn(token, "."), header, sizeof header - 1, &count));
    header[count] = '\0';
    return json_text(f, cc_arena_strndup(f->arena, header, count), "kid");
}

static bool another_is_first(void *arg)
{
    const struct key_wait *wait = arg;
    return strcmp(first_kid(wait->f, key_set(wait->f)), wait->kid) != 0;
}

/* The kid of the former key, once the service has the new one. */
static const char *must_rotate(struct fixture *f, const char *verb)
{
    char *words[] = {(char *)"keys", (char *)verb};
    struct key_wait wait = {f, first_kid(f, key_set(f)), false};
    assert_int_equal(auth_command(&f->service.runtime, 2, words), 0);
    test_wait_for(another_is_first, &wait, 8000);
    return wait.kid;
}

static void a_rotated_key_signs_after_it_was_published_and_its_predecessor_ends(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    const char *former = must_rotate(f, "rotate"), *fresh = first_kid(f, key_set(f));

    assert_string_equal(service_call_internal(f, "/internal/jwks.json").body, key_set(f));
    struct device before = must_log_in(f, person, "telephone"); /* published, not in use yet */
    assert_string_equal(signing_kid(f, before.access_token), former);
    service_move_clock(f, KEYRING_LEAD_MS + 1);
    struct device after = must_log_in(f, person, "laptop");
    assert_string_equal(signing_kid(f, after.access_token), fresh);
    assert_int_equal(list_sessions(f, before.access_token).status, 200);
    assert_int_equal(list_sessions(f, after.access_token).status, 200);

    service_move_clock(f, 600000 + SESSION_CLOCK_SKEW_MS);
    struct key_wait wait = {f, former, false};
    test_wait_for(is_listed_as_said, &wait, 8000);
    assert_int_equal(list_sessions(f, before.access_token).status, 401);
}

static void a_replaced_key_is_refused_at_once_and_people_go_on_by_refreshing(void **state)
{
    struct fixture *f = *state;
    struct device device = must_log_in(f, must_join(f), "telephone");
    assert_int_equal(list_sessions(f, device.access_token).status, 200);

    (void)must_rotate(f, "replace");

    struct refusal refusal = {f, device.access_token};
    test_wait_for(is_refused, &refusal, 3000);
    struct answer answer = refresh(f, device.refresh_token);
    assert_int_equal(answer.status, 200);
    assert_int_equal(list_sessions(f, json_text(f, answer.body, "access_token")).status, 200);

    service_stop(f); /* another replica, or this one again, has the same keys */
    service_start(f, f->usual.smtp_url);
    assert_int_equal(list_sessions(f, json_text(f, answer.body, "access_token")).status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(a_wrong_password_and_an_unknown_address_look_alike),
        SERVICE_TEST(before_it_is_verified_there_is_no_account),
        SERVICE_TEST(logging_in_again_on_a_device_ends_its_former_session),
        SERVICE_TEST(a_refresh_token_is_rotated),
        SERVICE_TEST(twenty_uses_at_once_get_the_same_successor),
        SERVICE_TEST(late_reuse_of_an_old_token_ends_the_session),
        SERVICE_TEST(a_token_of_another_device_ends_the_session_and_its_owner_gets_a_mail),
        SERVICE_TEST(a_successor_is_repeated_to_its_own_device_only),
        SERVICE_TEST(a_session_whose_device_is_named_goes_on_with_it_only),
        SERVICE_TEST(a_rotated_key_signs_after_it_was_published_and_its_predecessor_ends),
        SERVICE_TEST(a_replaced_key_is_refused_at_once_and_people_go_on_by_refreshing),
    };
    return cmocka_run_group_tests_name("tokens", tests, fixture_set_up, fixture_tear_down);
}
