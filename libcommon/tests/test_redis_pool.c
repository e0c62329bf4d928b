/* The Redis pool against a real server, partly through a proxy that makes it go away. */

#include "testing.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "redis_fixture.h"

static void values_may_hold_any_byte(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    const char *set[] = {"SET", f->key, "a\0b\r\n%s"};
    const size_t lengths[] = {3, strlen(f->key), 7};

    redis_must(cc_redis_command(f->redis, 3, set, lengths, NULL, &err), &err);

    redis_must(cc_redis_do(f->redis, &reply, &err, "GET", f->key, NULL), &err);
    assert_int_equal(reply->len, 7);
    assert_memory_equal(reply->str, set[2], 7);
}

static void an_error_reply_keeps_the_connection(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    redis_must(cc_redis_do(f->proxied, NULL, &err, "SET", f->key, "text", NULL), &err);

    assert_int_equal(cc_redis_do(f->proxied, NULL, &err, "INCR", f->key, NULL), CC_INTERNAL);

    assert_non_null(strstr(err.detail, "not an integer"));
    redis_must(cc_redis_probe(f->proxied, &err), &err);
}

static void a_pipeline_answers_in_order(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    redisReply *replies[3];
    const char *words[] = {"INCR", f->key};
    struct cc_redis_args one = {2, words, NULL};
    struct cc_redis_args commands[] = {one, one, one};

    redis_must(cc_redis_pipeline(f->redis, commands, 3, replies, &err), &err);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(replies[i]->integer, i + 1);
        freeReplyObject(replies[i]);
    }
}

static void a_fault_in_a_pipeline_fails_it_and_leaves_the_connection_in_step(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    const char *set[] = {"SET", f->key, "text"}, *increment[] = {"INCR", f->key},
               *get[] = {"GET", f->key};
    struct cc_redis_args commands[] = {{3, set, NULL}, {2, increment, NULL}, {2, get, NULL}};
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    assert_int_equal(cc_redis_pipeline(f->proxied, commands, 3, NULL, &err), CC_INTERNAL);

    redis_must(cc_redis_do(f->proxied, &reply, &err, "ECHO", "in step", NULL), &err);
    assert_string_equal(reply->str, "in step");
}

static void a_script_unknown_to_the_server_is_sent_whole_and_then_by_its_hash(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    char source[128];
    snprintf(source, sizeof source, "return redis.call('INCRBY', KEYS[1], ARGV[1]) -- %s", f->key);
    struct cc_redis_script script = {.source = source};
    const char *argv[] = {f->key, "5"};
    CC_AUTO(redis_reply) redisReply *first = NULL;
    CC_AUTO(redis_reply) redisReply *second = NULL;
    CC_AUTO(redis_reply) redisReply *known = NULL;

    redis_must(cc_redis_eval(f->redis, &script, 1, 2, argv, NULL, &first, &err), &err);
    redis_must(cc_redis_eval(f->redis, &script, 1, 2, argv, NULL, &second, &err), &err);

    assert_int_equal(first->integer, 5);
    assert_int_equal(second->integer, 10);
    redis_must(cc_redis_do(f->redis, &known, &err, "SCRIPT", "EXISTS", script.sha1, NULL), &err);
    assert_int_equal(known->element[0]->integer, 1);
}

static bool answers(void *redis)
{
    return cc_redis_probe(redis, NULL) == CC_OK;
}

static void a_command_without_answer_in_time_has_an_unknown_outcome(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    int64_t began = cc_mono_ms(cc_clock_system());

    enum cc_code code = cc_redis_do(f->redis, NULL, &err, "BLPOP", f->key, "1", NULL);

    assert_int_equal(code, CC_OUTCOME_UNKNOWN);
    assert_in_range(cc_mono_ms(cc_clock_system()) - began, 190, 600);
    redis_must(cc_redis_probe(f->redis, &err), &err);
}

static void a_question_that_a_silent_server_leaves_unanswered_did_nothing(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    const char *get[] = {"GET", f->key}, *all[] = {"HGETALL", f->key};
    const char *set[] = {"SET", f->key, "x"};
    struct cc_redis_args commands[] = {{2, get, NULL}, {2, all, NULL}, {3, set, NULL}};
    redis_must(cc_redis_probe(f->proxied, &err), &err);
    tcp_proxy_silence(f->proxy);

    enum cc_code question = cc_redis_pipeline(f->proxied, commands, 2, NULL, &err);

    assert_int_equal(question, CC_UNAVAILABLE);
    tcp_proxy_resume(f->proxy);
    test_wait_for(answers, f->proxied, 5000);
    tcp_proxy_silence(f->proxy);
    assert_int_equal(cc_redis_pipeline(f->proxied, commands, 3, NULL, &err), CC_OUTCOME_UNKNOWN);
}

static void a_connection_closed_while_idle_is_replaced_unnoticed(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    redis_must(cc_redis_probe(f->proxied, &err), &err);

    tcp_proxy_cut(f->proxy);
    tcp_proxy_resume(f->proxy);

    redis_must(cc_redis_probe(f->proxied, &err), &err);
}

static void a_server_that_is_away_is_refused_at_once_after_the_first_failure(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    struct cc_redis *away = NULL;
    redis_must(cc_redis_create("redis://127.0.0.1:1/0", 4, &away, &err), &err);
    assert_int_equal(cc_redis_probe(away, &err), CC_UNAVAILABLE);
    int64_t began = cc_mono_ms(cc_clock_system());

    for (int i = 0; i < 100; i++)
        assert_int_equal(cc_redis_do(away, NULL, &err, "SET", f->key, "x", NULL), CC_UNAVAILABLE);

    assert_in_range(cc_mono_ms(cc_clock_system()) - began, 0, 300);
    cc_redis_destroy(away);
}

static void the_url_chooses_the_database(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    char url[256];
    struct cc_redis *other = NULL;
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    const char *base = test_env("CHAT_TEST_REDIS_URL");
    snprintf(url, sizeof url, "%.*s/7", (int)(strrchr(base, '/') - base), base);
    redis_must(cc_redis_create(url, 1, &other, &err), &err);

    redis_must(cc_redis_do(f->redis, NULL, &err, "SET", f->key, "x", NULL), &err);

    redis_must(cc_redis_do(other, &reply, &err, "EXISTS", f->key, NULL), &err);
    assert_int_equal(reply->integer, 0);
    cc_redis_destroy(other);
}

static void a_bad_url_is_refused_without_being_quoted(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",
        "http://host:1",
        "rediss://host:1",
        "redis://",
        "redis://:6379",
        "redis://host:0",
        "redis://host:66666",
        "redis://host:12x",
        "redis://host:1/x",
        "redis://host:1/0/1",
        "redis://se%cret@host:1/0",
        "redis://:se%0@host:1/0",
        "redis://[::1:6379/0",
        "redis://host:99999999999999999999",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct cc_redis *redis = NULL;
        struct cc_error err = {0};
        if (cc_redis_create(urls[i], 1, &redis, &err) != CC_INVALID)
            fail_msg("accepted %s", urls[i]);
        assert_null(strstr(err.public_text, "se%"));
    }
}

static void a_good_url_is_accepted(void **state)
{
    (void)state;
    static const char *const urls[] = {"redis://host", "redis://host/", "redis://host:1",
                                       "redis://:p%40ss@host:1/3", "redis://user:p:w@[::1]:1/0"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct cc_redis *redis = NULL;
        struct cc_error err = {0};
        if (cc_redis_create(urls[i], 1, &redis, &err) != CC_OK)
            fail_msg("refused %s: %s", urls[i], err.public_text);
        cc_redis_destroy(redis);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        REDIS_TEST(values_may_hold_any_byte),
        REDIS_TEST(an_error_reply_keeps_the_connection),
        REDIS_TEST(a_pipeline_answers_in_order),
        REDIS_TEST(a_fault_in_a_pipeline_fails_it_and_leaves_the_connection_in_step),
        REDIS_TEST(a_script_unknown_to_the_server_is_sent_whole_and_then_by_its_hash),
        REDIS_TEST(a_command_without_answer_in_time_has_an_unknown_outcome),
        REDIS_TEST(a_question_that_a_silent_server_leaves_unanswered_did_nothing),
        REDIS_TEST(a_connection_closed_while_idle_is_replaced_unnoticed),
        REDIS_TEST(a_server_that_is_away_is_refused_at_once_after_the_first_failure),
        REDIS_TEST(the_url_chooses_the_database),
        cmocka_unit_test(a_bad_url_is_refused_without_being_quoted),
        cmocka_unit_test(a_good_url_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
