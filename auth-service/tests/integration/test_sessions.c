/* Sessions and devices, and how they end everywhere; on real servers. */

#include "testing.h"

#include "people.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/events/session_revoked.h"
#include "common/kafka_consumer.h"
#include "common/topics.h"

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
        struct cc_json_reader *reader = cc_record_reader(record, batch->arena);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(logging_out_ends_the_session_everywhere),
        SERVICE_TEST(one_device_logs_another_out),
        SERVICE_TEST(all_other_devices_are_logged_out_at_once),
        SERVICE_TEST(devices_are_listed_with_name_time_and_address),
        SERVICE_TEST(a_restarted_service_still_refuses_revoked_tokens),
    };
    return cmocka_run_group_tests_name("sessions", tests, fixture_set_up, fixture_tear_down);
}
