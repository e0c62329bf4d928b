/* A list that is cached as a hash, on a real Redis. */

#include "testing.h"

#include <signal.h>
#include <string.h>

#include "common/alloc.h"
#include "common/redis_whole.h"
#include "tcp_proxy.h"

struct fixture {
    struct cc_redis *redis, *proxied;
    struct tcp_proxy *proxy;
    const char *key;
};

static void must(enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail_msg("%s: %s", cc_code_name(code), err->detail);
}

static int setup(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};
    const char *url = test_env("CHAT_TEST_REDIS_URL");

    f->key = test_unique_name("redis_whole");
    f->proxy = tcp_proxy_start(url);
    must(cc_redis_create(url, 1, &f->redis, &err), &err);
    must(cc_redis_create(tcp_proxy_uri(f->proxy), 1, &f->proxied, &err), &err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    must(cc_redis_do(f->redis, NULL, &err, "DEL", f->key, NULL), &err);
    cc_redis_destroy(f->proxied);
    cc_redis_destroy(f->redis);
    tcp_proxy_stop(f->proxy);
    cc_free(f);
    return 0;
}

static void put(struct fixture *f, const char *field, const char *value)
{
    struct cc_error err = {0};

    must(cc_redis_do(f->redis, NULL, &err, "HSET", f->key, field, value, NULL), &err);
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
    struct fixture *f = *state;
    redisReply *rows = NULL;

    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_PARTS);
    assert_null(rows);
    put(f, "a", "1");
    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_PARTS);
    assert_null(rows);
}

static void with_the_mark_all_rows_come_and_it_is_none_of_them(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    CC_AUTO(redis_reply) redisReply *rows = NULL;

    put(f, CC_REDIS_WHOLE, "");

    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_ALL);
    assert_int_equal(rows->elements, 0);
}

static void what_is_no_hash_and_a_server_that_is_silent_are_away(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    redisReply *rows = NULL;

    tcp_proxy_silence(f->proxy);
    assert_int_equal(cc_redis_whole_get(f->proxied, f->key, &rows), CC_REDIS_WHOLE_AWAY);
    assert_null(rows);
    must(cc_redis_do(f->redis, NULL, &err, "SET", f->key, "text", NULL), &err);
    assert_int_equal(cc_redis_whole_get(f->redis, f->key, &rows), CC_REDIS_WHOLE_AWAY);
    assert_null(rows);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(rows_without_the_mark_are_parts),
        TEST(with_the_mark_all_rows_come_and_it_is_none_of_them),
        TEST(of_nobodys_rows_all_are_none),
        TEST(what_is_no_hash_and_a_server_that_is_silent_are_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
