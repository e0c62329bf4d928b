/* Registering: codes, their mails, and whose address it is; on real servers. */

#include "testing.h"

#include "people.h"

#include <string.h>

static void a_person_registers_verifies_and_logs_in(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);

    struct answer answer = register_as(f, &person, PASSWORD);
    assert_int_equal(answer.status, 202);
    assert_string_equal(json_text(f, answer.body, "status"), "verification_required");
    answer = verify(f, person, mailed_code(f, person.email, 1));
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_text(f, answer.body, "status"), "verified");
    assert_true(stub_knows(f, person.handle));
    answer = log_in(f, person, PASSWORD, "telephone");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.cache_control, "no-store");

    answer = list_sessions(f, json_text(f, answer.body, "access_token"));
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"device_name\":\"Telephone\""));
    assert_non_null(strstr(answer.body, "\"current\":true"));
}

static void a_code_is_used_once(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    assert_int_equal(verify(f, person, code).status, 200);

    assert_int_equal(verify(f, person, code).status, 401);
}

static void bad_input_is_named(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f), no_address = {.email = "ada", .handle = "ada_1843"},
                  no_handle = {.email = person.email, .handle = "a-b"};
    struct answer answer = register_as(f, &no_address, PASSWORD);
    assert_int_equal(answer.status, 400);
    assert_string_equal(json_error_pointer(f, answer.body), "/email");
    answer = register_as(f, &person, "password123");
    assert_int_equal(answer.status, 400);
    assert_string_equal(json_error_pointer(f, answer.body), "/password");
    answer = register_as(f, &no_handle, PASSWORD);
    assert_int_equal(answer.status, 400);
    assert_string_equal(json_error_pointer(f, answer.body), "/handle");
}

static void a_handle_is_folded_before_anything_is_made_of_it(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f), typed = person;
    typed.handle = cc_arena_printf(f->arena,
                                   "\xef\xbc\xa1"
                                   "DA%s",
                                   person.handle + strlen("ada")); /* a full-width A */
    assert_int_equal(register_as(f, &typed, PASSWORD).status, 202);

    assert_int_equal(verify(f, typed, mailed_code(f, person.email, 1)).status, 200);

    assert_true(stub_knows(f, person.handle));
}

static void a_taken_handle_is_told_to_who_reads_the_mail_and_another_can_be_chosen(void **state)
{
    struct fixture *f = *state;
    struct person ada = must_join(f), bob = a_person(f);
    const char *other = bob.handle;
    bob.handle = ada.handle;

    assert_int_equal(register_as(f, &bob, PASSWORD).status, 202);
    const char *code = mailed_code(f, bob.email, 1);
    struct answer answer = verify(f, bob, code);
    assert_int_equal(answer.status, 409);
    assert_string_equal(json_error_pointer(f, answer.body), "/handle");
    assert_int_equal(log_in(f, bob, PASSWORD, "telephone").status, 403);

    assert_int_equal(verify_as(f, bob, code, other).status, 200);
    assert_true(stub_knows(f, other));
    (void)must_log_in(f, bob, "telephone");
}

static void a_known_address_gets_the_same_answer_and_a_notice(void **state)
{
    struct fixture *f = *state;
    struct person known = must_join(f), unknown = a_person(f);
    struct answer of_unknown = register_as(f, &unknown, PASSWORD);

    struct answer of_known = register_as(f, &known, "another password");

    assert_int_equal(of_known.status, of_unknown.status);
    assert_string_equal(json_text(f, of_known.body, "status"),
                        json_text(f, of_unknown.body, "status"));
    assert_int_equal(strlen(of_known.body), strlen(of_unknown.body)); /* the ids differ */
    assert_string_not_equal(known.verification_id, unknown.verification_id);
    assert_non_null(strstr(mailed_text(f, known.email, 2), "an account already"));
    assert_int_equal(log_in(f, known, PASSWORD, "telephone").status, 200);
}

/* Somebody registers the address of somebody else, before and after she does: her code makes her
 * password good, and nobody else's. */
static void a_registration_made_elsewhere_replaces_nothing(void **state)
{
    struct fixture *f = *state;
    struct person before = a_person(f), ada = {.email = before.email, .handle = a_person(f).handle},
                  after = {.email = before.email, .handle = a_person(f).handle};
    (void)register_as(f, &before, "a password of before");
    const char *code_of_before = mailed_code(f, ada.email, 1);
    (void)register_as(f, &ada, PASSWORD);
    const char *code = mailed_code(f, ada.email, 2);
    (void)register_as(f, &after, "a password of after");
    (void)mailed_code(f, ada.email, 3);

    assert_int_equal(verify(f, before, code).status, 401);
    assert_int_equal(verify(f, after, code).status, 401);
    assert_int_equal(verify(f, ada, code).status, 200);

    assert_true(stub_knows(f, ada.handle));
    (void)must_log_in(f, ada, "telephone");
    assert_int_equal(log_in(f, ada, "a password of before", "x").status, 401);
    assert_int_equal(log_in(f, ada, "a password of after", "x").status, 401);
    assert_int_equal(verify(f, before, code_of_before).status, 401); /* it is somebody's now */
    (void)must_log_in(f, ada, "telephone");
}

/* What strangers can do with the address alone: use up nothing. */
static void tries_of_strangers_do_not_count_against_a_code(void **state)
{
    struct fixture *f = *state;
    struct person ada = a_person(f), stranger = {.email = ada.email, .handle = a_person(f).handle};
    (void)register_as(f, &ada, PASSWORD);
    const char *code = mailed_code(f, ada.email, 1);
    (void)register_as(f, &stranger, "a password of his");

    for (int i = 0; i < 3 * OTP_TRIES_MAX; i++)
        assert_int_equal(verify(f, stranger, code).status, 401);

    assert_int_equal(verify(f, ada, code).status, 200);
}

static void of_two_registrations_the_one_that_is_verified_counts(void **state)
{
    struct fixture *f = *state;
    struct person first = a_person(f), second = first;
    (void)register_as(f, &first, "a first password");
    const char *code = mailed_code(f, first.email, 1);
    assert_int_equal(register_as(f, &second, PASSWORD).status, 202);
    assert_string_not_equal(first.verification_id, second.verification_id);
    const char *second_code = mailed_code(f, first.email, 2);

    assert_int_equal(verify(f, second, second_code).status, 200);

    assert_int_equal(verify(f, first, code).status, 401);
    assert_int_equal(log_in(f, first, "a first password", "telephone").status, 401);
    assert_int_equal(log_in(f, first, PASSWORD, "telephone").status, 200);
}

static void only_who_registered_gets_another_code(void **state)
{
    struct fixture *f = *state;
    struct person ada = a_person(f), stranger = {.email = ada.email, .handle = ada.handle};
    (void)register_as(f, &ada, PASSWORD);
    const char *code = mailed_code(f, ada.email, 1);
    stranger.verification_id = a_person(f).verification_id;

    struct answer to_stranger = resend(f, stranger), to_ada = resend(f, ada);

    assert_int_equal(to_stranger.status, 202);
    assert_string_equal(json_text(f, to_stranger.body, "status"),
                        json_text(f, to_ada.body, "status"));
    assert_string_equal(json_text(f, to_ada.body, "verification_id"), ada.verification_id);
    const char *second = mailed_code(f, ada.email, 2);
    test_wait_for(no_mail_waits, f, 5000);
    assert_int_equal(count_mails(f, ada.email), 2);
    if (strcmp(code, second) != 0)
        assert_int_equal(verify(f, ada, code).status, 401);
    assert_int_equal(verify(f, ada, second).status, 200);
}

static void who_names_the_address_alone_means_the_newest_request(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    person.verification_id = NULL;

    assert_int_equal(resend(f, person).status, 202);
    const char *second = mailed_code(f, person.email, 2);
    if (strcmp(code, second) != 0)
        assert_int_equal(verify(f, person, code).status, 401);
    assert_int_equal(verify(f, person, second).status, 200);
    assert_int_equal(log_in(f, person, PASSWORD, "telephone").status, 200);

    (void)forgot(f, &person);
    person.verification_id = NULL;
    code = mailed_code(f, person.email, 3);
    assert_int_equal(reset(f, person, code, "quite another password").status, 200);
}

static void tries_by_the_address_alone_cost_whoever_asked_nothing(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f), stranger = {.email = person.email};
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1),
               *wrong = strcmp(code, "000000") == 0 ? "000001" : "000000";
    for (int i = 0; i < OTP_TRIES_MAX; i++)
        assert_int_equal(verify(f, stranger, wrong).status, 401);

    assert_int_equal(verify(f, stranger, code).status, 401); /* his tries are used up */
    assert_int_equal(verify(f, person, code).status, 200);
}

/* Redis was emptied, the service restarted: the registration is in PostgreSQL. */
static void a_registration_outlives_its_code(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    forget_code(f, person);
    service_stop(f);
    service_start(f, f->usual.smtp_url);

    assert_int_equal(verify(f, person, code).status, 401);
    assert_int_equal(resend(f, person).status, 202);

    assert_int_equal(verify(f, person, mailed_code(f, person.email, 2)).status, 200);
    (void)must_log_in(f, person, "telephone");
}

static void five_wrong_tries_kill_the_code(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    const char *wrong = strcmp(code, "000000") == 0 ? "000001" : "000000";

    for (int i = 0; i < OTP_TRIES_MAX; i++)
        assert_int_equal(verify(f, person, wrong).status, 401);

    assert_int_equal(verify(f, person, code).status, 401);
}

/* All that Redis has of a code. */
static const char *stored_code(struct fixture *f, const char *key)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct cc_error err = {0};
    const char *text = "";
    if (cc_redis_do(f->service.app.redis, &reply, &err, "HGETALL", key, NULL) != CC_OK)
        return "not known";
    for (size_t i = 0; i < reply->elements; i++)
        text = cc_arena_printf(f->arena, "%s %s", text, reply->element[i]->str);
    return text;
}

static void redis_holds_no_code_in_clear_and_none_for_longer_than_it_lives(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct cc_error err = {0};
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    const char *key = code_key(f, person, OTP_PURPOSE_VERIFY), *stored = stored_code(f, key);

    assert_non_null(strstr(stored, " hash "));
    assert_null(strstr(stored, code));
    assert_null(strstr(stored, person.email));
    assert_null(strstr(key, person.verification_id));
    assert_int_equal(cc_redis_do(f->service.app.redis, &reply, &err, "PTTL", key, NULL), CC_OK);
    assert_in_range(reply->integer, 1, f->service.settings.otp_ttl_s * 1000);
    assert_true(reply->integer > (f->service.settings.otp_ttl_s - 60) * 1000);
}

struct code_wait {
    struct fixture *f;
    const char *key;
};

static bool is_forgotten(void *arg)
{
    const struct code_wait *wait = arg;
    return stored_code(wait->f, wait->key)[0] == '\0';
}

static void a_code_expires(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    f->otp_ttl_s = 4;
    service_stop(f);
    service_start(f, f->usual.smtp_url);
    (void)register_as(f, &person, PASSWORD);
    const char *code = mailed_code(f, person.email, 1);
    struct code_wait wait = {f, code_key(f, person, OTP_PURPOSE_VERIFY)};

    test_wait_for(is_forgotten, &wait, 10000);

    assert_int_equal(verify(f, person, code).status, 401);
}

static void three_more_mails_are_sent_and_then_none(void **state)
{
    struct fixture *f = *state;
    struct person known = a_person(f), unknown = a_person(f);
    (void)register_as(f, &known, PASSWORD);
    (void)resend(f, unknown);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(resend(f, known).status, 202);
        assert_int_equal(resend(f, unknown).status, 202);
    }

    assert_int_equal(resend(f, known).status, 429);
    assert_int_equal(resend(f, unknown).status, 429);
    assert_int_equal(verify(f, known, mailed_code(f, known.email, 4)).status, 200);
}

static void mails_wait_for_a_mail_server_that_is_away(void **state)
{
    struct fixture *f = *state;
    struct person person = a_person(f);
    service_stop(f);
    service_start(f, "smtp://127.0.0.1:9"); /* nobody listens there */
    assert_int_equal(register_as(f, &person, PASSWORD).status, 202);
    assert_int_equal(waiting_mails(f), 1);

    service_stop(f);
    service_start(f, f->usual.smtp_url);

    assert_int_equal(verify(f, person, mailed_code(f, person.email, 1)).status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(a_person_registers_verifies_and_logs_in),
        SERVICE_TEST(a_code_is_used_once),
        SERVICE_TEST(bad_input_is_named),
        SERVICE_TEST(a_handle_is_folded_before_anything_is_made_of_it),
        SERVICE_TEST(a_taken_handle_is_told_to_who_reads_the_mail_and_another_can_be_chosen),
        SERVICE_TEST(a_known_address_gets_the_same_answer_and_a_notice),
        SERVICE_TEST(a_registration_made_elsewhere_replaces_nothing),
        SERVICE_TEST(tries_of_strangers_do_not_count_against_a_code),
        SERVICE_TEST(of_two_registrations_the_one_that_is_verified_counts),
        SERVICE_TEST(only_who_registered_gets_another_code),
        SERVICE_TEST(who_names_the_address_alone_means_the_newest_request),
        SERVICE_TEST(tries_by_the_address_alone_cost_whoever_asked_nothing),
        SERVICE_TEST(a_registration_outlives_its_code),
        SERVICE_TEST(five_wrong_tries_kill_the_code),
        SERVICE_TEST(redis_holds_no_code_in_clear_and_none_for_longer_than_it_lives),
        SERVICE_TEST(a_code_expires),
        SERVICE_TEST(three_more_mails_are_sent_and_then_none),
        SERVICE_TEST(mails_wait_for_a_mail_server_that_is_away),
    };
    return cmocka_run_group_tests_name("registration", tests, fixture_set_up, fixture_tear_down);
}
