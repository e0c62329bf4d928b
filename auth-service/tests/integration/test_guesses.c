/* What guessing gains: neither a code nor a password nor who has an account, and no lock-out; on
 * real servers. */

#include "testing.h"

#include "people.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RACERS  20
#define SAMPLES 12

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

    assert_int_equal(
        change_password(f, telephone.access_token, PASSWORD, "analytical machine").status, 204);
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            change_password(f, telephone.access_token, "not it", "another machine").status, 401);
    assert_int_equal(change_password(f, telephone.access_token, "not it", "another machine").status,
                     429);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(a_code_has_five_tries_however_parallel),
        SERVICE_TEST(one_code_sets_one_password_however_parallel),
        SERVICE_TEST(a_stranger_locks_himself_out_and_not_the_owner),
        SERVICE_TEST(many_strangers_use_up_the_account_and_the_owner_gets_in_from_home),
        SERVICE_TEST(a_neighbour_can_not_lock_a_known_device_out),
        SERVICE_TEST(a_known_device_gets_in_from_anywhere_while_many_strangers_guess),
        SERVICE_TEST(a_device_token_is_good_for_its_account_and_device_only),
        SERVICE_TEST(a_known_device_has_ten_guesses_of_its_own),
        SERVICE_TEST(home_is_a_network_of_ipv6),
        SERVICE_TEST(strangers_can_not_keep_somebody_from_changing_the_password),
        SERVICE_TEST(known_and_unknown_addresses_get_the_same_answers),
        SERVICE_TEST(known_and_unknown_addresses_take_the_same_time),
    };
    return cmocka_run_group_tests_name("guesses", tests, fixture_set_up, fixture_tear_down);
}
