/* A list that is cached as a hash, on a real Redis. */

#include "testing.h"

#include <signal.h>
#include <string.h>

#include "common/redis_whole.h"
#include "redis_fixture.h"

static void put(struct redis_fixture *f, const char *field, const char *value)
{
    struct cc_error err = {0};

    redis_must(cc_redis_do(f->redis, NULL, &err, "HSET", f->key, field, value, NULL), &err);
}

static const char *value_of(const redisReply *rows, const char *field)
{
    for (size_t i = 0; i < rows->elements; i += 2)
        if (strcmp(rows->element[i]->str, field) == 0)
            return rows->element[i + 1]->str;
    fail_msg("%s is not among the rows", field);
    return NULL;
}

static void rows_without_the_mark_are_parts(void **state)
{
    struct redis_fixture *f = *state;
    redisReply *rows = NULL;

    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_PARTS);
    assert_null(rows);
    put(f, "a", "1");
    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_PARTS);
    assert_null(rows);
}

static void with_the_mark_all_rows_come_and_it_is_none_of_them(void **state)
{
    struct redis_fixture *f = *state;
    CC_AUTO(redis_reply) redisReply *rows = NULL;

    put(f, "a", "1");
    put(f, CC_REDIS_WHOLE, "");
    put(f, "b", "2");
    put(f, "c", "3");

    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_ALL);
    assert_int_equal(rows->elements, 6);
    assert_string_equal(value_of(rows, "a"), "1");
    assert_string_equal(value_of(rows, "b"), "2");
    assert_string_equal(value_of(rows, "c"), "3");
}

static void of_nobodys_rows_all_are_none(void **state)
{
    struct redis_fixture *f = *state;
    CC_AUTO(redis_reply) redisReply *rows = NULL;

    put(f, CC_REDIS_WHOLE, "");

    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_ALL);
    assert_int_equal(rows->elements, 0);
}

static void what_is_no_hash_and_a_server_that_is_silent_are_away(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};
    redisReply *rows = NULL;

    tcp_proxy_silence(f->proxy);
    assert_int_equal(cc_redis_whole_get(f->proxied, f->key, &rows), CC_REDIS_WHOLE_AWAY);
    assert_null(rows);
    redis_must(cc_redis_do(f->redis, NULL, &err, "SET", f->key, "text", NULL), &err);
    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_AWAY);
    assert_null(rows);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        REDIS_TEST(rows_without_the_mark_are_parts),
        REDIS_TEST(with_the_mark_all_rows_come_and_it_is_none_of_them),
        REDIS_TEST(of_nobodys_rows_all_are_none),
        REDIS_TEST(what_is_no_hash_and_a_server_that_is_silent_are_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
