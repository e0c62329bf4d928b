/* auth-service from the outside: its endpoints, mails and events, on real servers. */

#include "testing.h"

#include "command.h"
#include "people.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/events/session_revoked.h"
#include "common/kafka_consumer.h"
#include "common/topics.h"

#define RACERS 20

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

/* ---- registration ---- */

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

/* ---- ending sessions ---- */

struct listener { /* takes session.revoked of one session */
    const char *session_id;
    pthread_mutex_t lock;
    int seen;
    char reason[32], key[CC_UUID_BYTES];
};

static enum cc_code take_events(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    struct listener *listener = arg;
    (void)err;
    pthread_mutex_lock(&listener->lock);
    for (size_t i = 0; i < batch->count; i++) {
        const struct cc_record *record = &batch->records[i];
        struct ev_session_revoked event;
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);
        if (ev_session_revoked_read(reader, &event) &&
            strcmp(event.session_id, listener->session_id) == 0) {
            listener->seen++;
            (void)snprintf(listener->reason, sizeof listener->reason, "%s", event.reason);
            (void)snprintf(listener->key, sizeof listener->key, "%s", record->key);
        }
        cc_json_reader_destroy(reader);
    }
    pthread_mutex_unlock(&listener->lock);
    return CC_OK;
}

static bool has_seen_one(void *arg)
{
    struct listener *listener = arg;
    pthread_mutex_lock(&listener->lock);
    bool seen = listener->seen > 0;
    pthread_mutex_unlock(&listener->lock);
    return seen;
}

static void expect_event(struct fixture *f, const struct device *device, const char *reason)
{
    struct listener listener = {.session_id = device->session_id,
                                .lock = PTHREAD_MUTEX_INITIALIZER};
    const struct cc_consumer_options options = {.brokers = test_env("CHAT_TEST_KAFKA_BROKERS"),
                                                .client_id = "auth-test",
                                                .producer = f->service.app.producer,
                                                .app = &listener};
    const struct cc_consumer_row row = {.topic = CC_TOPIC_SESSION_REVOKED,
                                        .group = test_unique_name("auth-test"),
                                        .batch_max = 100,
                                        .apply = take_events};
    struct cc_consumer *consumer = NULL;
    struct cc_error err = {0};
    assert_int_equal(cc_consumer_start(&options, &row, &consumer, &err), CC_OK);
    test_wait_for(has_seen_one, &listener, 20000);
    cc_consumer_stop(consumer, cc_mono_ms(cc_clock_system()) + 5000);
    assert_string_equal(listener.reason, reason);
    assert_string_equal(listener.key, device->user_id);
}

static bool redis_says_revoked(struct fixture *f, const char *session_id)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct cc_error err = {0};
    char key[CC_REDIS_NAME_BYTES];
    cc_redis_name_revoked(session_id, key);
    assert_int_equal(cc_redis_do(f->service.app.redis, &reply, &err, "PTTL", key, NULL), CC_OK);
    return reply->integer > 600000; /* longer than an access token lives */
}

static void logging_out_ends_the_session_everywhere(void **state)
{
    struct fixture *f = *state;
    struct device device = must_log_in(f, must_join(f), "telephone");
    assert_int_equal(list_sessions(f, device.access_token).status, 200);

    struct answer answer =
        service_call(f, "POST", "/v1/auth/logout", NULL, logout_body(f, device.refresh_token));

    assert_int_equal(answer.status, 204);
    assert_int_equal(list_sessions(f, device.access_token).status, 401);
    assert_int_equal(refresh(f, device.refresh_token).status, 401);
    assert_true(redis_says_revoked(f, device.session_id));
    answer = service_call_internal(f, "/internal/revocations");
    assert_non_null(strstr(answer.body, device.session_id));
    expect_event(f, &device, "logout");
    answer = service_call(f, "POST", "/v1/auth/logout", NULL, logout_body(f, device.refresh_token));
    assert_int_equal(answer.status, 204);
}

static void one_device_logs_another_out(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone"),
                  laptop = must_log_in(f, person, "laptop"),
                  stranger = must_log_in(f, must_join(f), "telephone");
    const char *path = cc_arena_printf(f->arena, "/v1/sessions/%s", laptop.session_id);

    assert_int_equal(service_call(f, "DELETE", path, stranger.access_token, NULL).status, 404);
    assert_int_equal(service_call(f, "DELETE", path, telephone.access_token, NULL).status, 204);

    assert_int_equal(list_sessions(f, laptop.access_token).status, 401);
    assert_int_equal(count_sessions(f, telephone.access_token), 1);
}

static void all_other_devices_are_logged_out_at_once(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone"),
                  laptop = must_log_in(f, person, "laptop"),
                  tablet = must_log_in(f, person, "tablet");
    struct answer answer = service_call(f, "DELETE", "/v1/sessions", telephone.access_token, NULL);
    assert_int_equal(answer.status, 400); /* others=true is not assumed */

    answer = service_call(f, "DELETE", "/v1/sessions?others=true", telephone.access_token, NULL);

    assert_int_equal(answer.status, 204);
    assert_int_equal(list_sessions(f, laptop.access_token).status, 401);
    assert_int_equal(list_sessions(f, tablet.access_token).status, 401);
    assert_int_equal(count_sessions(f, telephone.access_token), 1);

    answer = service_call(f, "DELETE", "/v1/sessions?all=true", telephone.access_token, NULL);
    assert_int_equal(answer.status, 204);
    assert_int_equal(list_sessions(f, telephone.access_token).status, 401);
    assert_int_equal(refresh(f, telephone.refresh_token).status, 401);
}

static void devices_are_listed_with_name_time_and_address(void **state)
{
    struct fixture *f = *state;
    struct person person = must_join(f);
    struct device telephone = must_log_in(f, person, "telephone");
    const char *home = f->address;
    (void)must_log_in(f, person, "laptop");

    f->address = "::ffff:192.0.2.7"; /* it moves */
    struct answer answer = refresh(f, telephone.refresh_token);
    answer = service_call(f, "GET", "/v1/devices", json_text(f, answer.body, "access_token"), NULL);

    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, cc_arena_printf(f->arena,
                                                        "\"device_id\":\"laptop\","
                                                        "\"device_name\":\"Telephone\","
                                                        "\"address\":\"%s\","
                                                        "\"last_seen_at\":\"",
                                                        home)));
    assert_non_null(strstr(answer.body, "\"device_id\":\"telephone\",\"device_name\":\"Telephone\","
                                        "\"address\":\"192.0.2.7\",\"last_seen_at\":\""));
    assert_non_null(strstr(list_sessions(f, telephone.access_token).body, "\"192.0.2.7\""));
}

static void a_restarted_service_still_refuses_revoked_tokens(void **state)
{
    struct fixture *f = *state;
    struct device device = must_log_in(f, must_join(f), "telephone");
    (void)service_call(f, "POST", "/v1/auth/logout", NULL, logout_body(f, device.refresh_token));

    service_stop(f);
    service_start(f, f->usual.smtp_url);

    struct refusal refusal = {f, device.access_token};
    test_wait_for(is_refused, &refusal, 3000); /* the first round of upkeep */
    assert_int_equal(refresh(f, device.refresh_token).status, 401);
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

#define TEST(name) cmocka_unit_test_setup(name, renew)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_person_registers_verifies_and_logs_in),
        TEST(a_code_is_used_once),
        TEST(bad_input_is_named),
        TEST(a_handle_is_folded_before_anything_is_made_of_it),
        TEST(a_taken_handle_is_told_to_who_reads_the_mail_and_another_can_be_chosen),
        TEST(a_known_address_gets_the_same_answer_and_a_notice),
        TEST(a_registration_made_elsewhere_replaces_nothing),
        TEST(tries_of_strangers_do_not_count_against_a_code),
        TEST(of_two_registrations_the_one_that_is_verified_counts),
        TEST(only_who_registered_gets_another_code),
        TEST(who_names_the_address_alone_means_the_newest_request),
        TEST(tries_by_the_address_alone_cost_whoever_asked_nothing),
        TEST(a_registration_outlives_its_code),
        TEST(five_wrong_tries_kill_the_code),
        TEST(redis_holds_no_code_in_clear_and_none_for_longer_than_it_lives),
        TEST(a_code_expires),
        TEST(three_more_mails_are_sent_and_then_none),
        TEST(mails_wait_for_a_mail_server_that_is_away),
        TEST(a_wrong_password_and_an_unknown_address_look_alike),
        TEST(before_it_is_verified_there_is_no_account),
        TEST(logging_in_again_on_a_device_ends_its_former_session),
        TEST(a_refresh_token_is_rotated),
        TEST(twenty_uses_at_once_get_the_same_successor),
        TEST(late_reuse_of_an_old_token_ends_the_session),
        TEST(a_token_of_another_device_ends_the_session_and_its_owner_gets_a_mail),
        TEST(a_successor_is_repeated_to_its_own_device_only),
        TEST(a_session_whose_device_is_named_goes_on_with_it_only),
        TEST(logging_out_ends_the_session_everywhere),
        TEST(one_device_logs_another_out),
        TEST(all_other_devices_are_logged_out_at_once),
        TEST(devices_are_listed_with_name_time_and_address),
        TEST(a_restarted_service_still_refuses_revoked_tokens),
        TEST(a_rotated_key_signs_after_it_was_published_and_its_predecessor_ends),
        TEST(a_replaced_key_is_refused_at_once_and_people_go_on_by_refreshing),
    };
    return cmocka_run_group_tests_name("auth-service", tests, set_up, tear_down);
}
