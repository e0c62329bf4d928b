/* The PostgreSQL pool against a real server, partly through a proxy that makes it go away. */

#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "tcp_proxy.h"

struct fixture {
    struct cc_pg_pool *pool, *proxied;
    struct tcp_proxy *proxy;
    const char *schema;
};

static void must(enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail_msg("%s: %s", cc_code_name(code), err->detail);
}

static void must_query(struct cc_pg_pool *pool, const char *sql)
{
    struct cc_error err = {0};
    must(cc_pg_query(pool, sql, NULL, 0, NULL, &err), &err);
}

static int64_t must_get_int(struct cc_pg_pool *pool, const char *sql)
{
    struct cc_error err = {0};
    CC_AUTO(pg_result) PGresult *result = NULL;
    must(cc_pg_query(pool, sql, NULL, 0, &result, &err), &err);
    return cc_pg_int(result, 0, "n");
}

static int setup(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    const char *uri = test_env("CHAT_TEST_POSTGRES_URI");
    char sql[128];
    f->schema = test_unique_name("pool");
    f->proxy = tcp_proxy_start(uri);
    f->pool = cc_pg_pool_create(uri, f->schema, 4);
    f->proxied = cc_pg_pool_create(tcp_proxy_uri(f->proxy), f->schema, 1);
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s", f->schema);
    must_query(f->pool, sql);
    must_query(f->pool, "CREATE TABLE counters (name text CONSTRAINT one_name PRIMARY KEY, "
                        "n bigint NOT NULL, note text)");
    must_query(f->pool, "INSERT INTO counters VALUES ('a', 0, NULL)");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char sql[128];
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", f->schema);
    must_query(f->pool, sql);
    cc_pg_pool_destroy(f->proxied);
    cc_pg_pool_destroy(f->pool);
    tcp_proxy_stop(f->proxy);
    cc_free(f);
    return 0;
}

static void values_travel_as_parameters(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    const char *params[] = {"'; DROP TABLE counters; --", "-7", NULL};
    CC_AUTO(pg_result) PGresult *result = NULL;

    must(cc_pg_query(f->pool, "INSERT INTO counters VALUES ($1, $2, $3) RETURNING *", params, 3,
                     &result, &err),
         &err);

    assert_string_equal(cc_pg_text(result, 0, "name"), params[0]);
    assert_int_equal(cc_pg_int(result, 0, "n"), -7);
    assert_true(cc_pg_is_null(result, 0, "note"));
    assert_string_equal(cc_pg_text(result, 0, "note"), "");
    assert_int_equal(must_get_int(f->pool, "SELECT count(*) AS n FROM counters"), 2);
}

static void a_boolean_reads_as_a_number(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(must_get_int(f->pool, "SELECT true AS n"), 1);
    assert_int_equal(must_get_int(f->pool, "SELECT false AS n"), 0);
}

static void a_repeated_key_is_a_conflict_that_names_the_constraint(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    enum cc_code code =
        cc_pg_query(f->pool, "INSERT INTO counters VALUES ('a', 1)", NULL, 0, NULL, &err);

    assert_int_equal(code, CC_CONFLICT);
    assert_string_equal(err.field, "one_name");
}

static void a_wrong_statement_is_our_bug(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    assert_int_equal(cc_pg_query(f->pool, "SELECT nonsense", NULL, 0, NULL, &err), CC_INTERNAL);
    assert_non_null(strstr(err.detail, "nonsense"));
    assert_null(strstr(err.public_text, "nonsense"));
    must_query(f->pool, "SELECT 1");
}

static void a_statement_of_more_than_two_seconds_times_out(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    assert_int_equal(cc_pg_query(f->pool, "SELECT pg_sleep(5)", NULL, 0, NULL, &err), CC_TIMEOUT);
    must_query(f->pool, "SELECT 1");
}

static void an_open_transaction_is_rolled_back_on_return(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct cc_pg *pg = NULL;
    must(cc_pg_borrow(f->proxied, &pg, &err), &err);
    must(cc_pg_begin(pg, &err), &err);
    must(cc_pg_exec(pg, "UPDATE counters SET n = 99", NULL, 0, NULL, &err), &err);

    cc_pg_return(pg);

    assert_int_equal(must_get_int(f->proxied, "SELECT n FROM counters WHERE name = 'a'"), 0);
}

static void committing_a_failed_transaction_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    must(cc_pg_borrow(f->pool, &pg, &err), &err);
    must(cc_pg_begin(pg, &err), &err);
    must(cc_pg_exec(pg, "UPDATE counters SET n = 99", NULL, 0, NULL, &err), &err);
    assert_int_equal(cc_pg_exec(pg, "SELECT nonsense", NULL, 0, NULL, &err), CC_INTERNAL);

    assert_int_equal(cc_pg_commit(pg, &err), CC_INTERNAL);

    assert_int_equal(must_get_int(f->pool, "SELECT n FROM counters WHERE name = 'a'"), 0);
}

static void losing_a_race_between_transactions_may_be_tried_again(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    CC_AUTO(pg) struct cc_pg *slow = NULL;
    must(cc_pg_borrow(f->pool, &slow, &err), &err);
    must(cc_pg_begin(slow, &err), &err);
    must(cc_pg_exec(slow, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL, 0, NULL, &err),
         &err);
    must(cc_pg_exec(slow, "SELECT n FROM counters", NULL, 0, NULL, &err), &err);
    must_query(f->pool, "UPDATE counters SET n = 1");

    enum cc_code code = cc_pg_exec(slow, "UPDATE counters SET n = 2", NULL, 0, NULL, &err);

    assert_int_equal(code, CC_UNAVAILABLE);
}

static void a_connection_closed_while_idle_is_replaced_unnoticed(void **state)
{
    struct fixture *f = *state;
    must_query(f->proxied, "SELECT 1");

    tcp_proxy_cut(f->proxy);
    tcp_proxy_resume(f->proxy);

    must_query(f->proxied, "SELECT 1");
}

static void a_backend_that_is_terminated_did_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    enum cc_code code =
        cc_pg_query(f->pool, "SELECT pg_terminate_backend(pg_backend_pid())", NULL, 0, NULL, &err);

    assert_int_equal(code, CC_UNAVAILABLE);
    must_query(f->pool, "SELECT 1");
}

static bool answers(void *pool)
{
    return cc_pg_pool_probe(pool, NULL) == CC_OK;
}

static void *cut_soon(void *proxy)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    tcp_proxy_cut(proxy);
    return NULL;
}

#define SLOW_CHANGE "UPDATE counters SET n = n + 1 WHERE pg_sleep(1) IS NOT NULL"

static enum cc_code code_when_cut(struct fixture *f, struct cc_pg *pg, const char *sql)
{
    struct cc_error err = {0};
    pthread_t thread;
    pthread_create(&thread, NULL, cut_soon, f->proxy);
    enum cc_code code = cc_pg_exec(pg, sql, NULL, 0, NULL, &err);
    pthread_join(thread, NULL);
    return code;
}

static void a_change_whose_connection_is_lost_has_an_unknown_outcome(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct cc_pg *pg = NULL;
    must(cc_pg_borrow(f->proxied, &pg, &err), &err);

    assert_int_equal(code_when_cut(f, pg, SLOW_CHANGE), CC_OUTCOME_UNKNOWN);

    cc_pg_return(pg);
    tcp_proxy_resume(f->proxy);
    test_wait_for(answers, f->proxied, 1000);
}

static void a_question_whose_connection_is_lost_did_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    must(cc_pg_borrow(f->proxied, &pg, &err), &err);

    assert_int_equal(code_when_cut(f, pg, "SELECT pg_sleep(1)"), CC_UNAVAILABLE);
}

static void a_transaction_whose_connection_is_lost_before_commit_did_nothing(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    must(cc_pg_borrow(f->proxied, &pg, &err), &err);
    must(cc_pg_begin(pg, &err), &err);

    assert_int_equal(code_when_cut(f, pg, SLOW_CHANGE), CC_UNAVAILABLE);

    assert_int_equal(must_get_int(f->pool, "SELECT n FROM counters WHERE name = 'a'"), 0);
}

static void a_commit_without_answer_has_an_unknown_outcome(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    must(cc_pg_borrow(f->proxied, &pg, &err), &err);
    must(cc_pg_begin(pg, &err), &err);
    must(cc_pg_exec(pg, "UPDATE counters SET n = 7", NULL, 0, NULL, &err), &err);
    tcp_proxy_silence(f->proxy);

    assert_int_equal(cc_pg_commit(pg, &err), CC_OUTCOME_UNKNOWN);
}

/* Milliseconds that `sql` took until it failed with that code. */
static int64_t time_to_fail(struct cc_pg_pool *pool, const char *sql, enum cc_code wanted)
{
    struct cc_error err = {0};
    int64_t began = cc_mono_ms(cc_clock_system());
    assert_int_equal(cc_pg_query(pool, sql, NULL, 0, NULL, &err), wanted);
    return cc_mono_ms(cc_clock_system()) - began;
}

static void a_silent_server_is_given_up_in_time(void **state)
{
    struct fixture *f = *state;
    must_query(f->proxied, "SELECT 1");
    tcp_proxy_silence(f->proxy);

    assert_in_range(time_to_fail(f->proxied, "SELECT 1", CC_UNAVAILABLE), 2100, 2450);
}

static void a_change_that_a_silent_server_leaves_unanswered_has_an_unknown_outcome(void **state)
{
    struct fixture *f = *state;
    const char *change = "UPDATE counters SET n = n + 1";
    must_query(f->proxied, change); /* prepared */
    tcp_proxy_silence(f->proxy);

    assert_in_range(time_to_fail(f->proxied, change, CC_OUTCOME_UNKNOWN), 2100, 2450);
}

struct attempt {
    pthread_t thread;
    struct cc_pg_pool *pool;
    int64_t took_ms;
};

static void *attempt(void *arg)
{
    struct attempt *self = arg;
    int64_t began = cc_mono_ms(cc_clock_system());
    if (cc_pg_pool_probe(self->pool, NULL) == CC_UNAVAILABLE)
        self->took_ms = cc_mono_ms(cc_clock_system()) - began;
    return NULL;
}

/* How many of eight who ask at once are kept waiting by a server that does not answer. */
static int count_who_wait(struct cc_pg_pool *pool)
{
    struct attempt attempts[8];
    int waited = 0;
    for (int i = 0; i < 8; i++) {
        attempts[i] = (struct attempt){.pool = pool, .took_ms = -1};
        pthread_create(&attempts[i].thread, NULL, attempt, &attempts[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(attempts[i].thread, NULL);
        assert_in_range(attempts[i].took_ms, 0, 2450);
        waited += attempts[i].took_ms > 500;
    }
    return waited;
}

static void a_silent_server_is_asked_by_one_at_a_time_until_it_answers(void **state)
{
    struct fixture *f = *state;
    struct cc_pg_pool *pool = cc_pg_pool_create(tcp_proxy_uri(f->proxy), f->schema, 4);
    must_query(pool, "SELECT 1");
    tcp_proxy_silence(f->proxy);
    time_to_fail(pool, "SELECT 1", CC_UNAVAILABLE);

    int waited;
    while ((waited = count_who_wait(pool)) == 0) /* the back-off runs: nobody tries */
        ;

    assert_int_equal(waited, 1);
    tcp_proxy_resume(f->proxy);
    test_wait_for(answers, pool, 5000);
    cc_pg_pool_destroy(pool);
}

static void a_server_that_is_away_is_refused_at_once_after_the_first_failure(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    tcp_proxy_cut(f->proxy);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cc_pg_pool_probe(f->proxied, &err), CC_UNAVAILABLE);

    int64_t began = cc_mono_ms(cc_clock_system());
    for (int i = 0; i < 100; i++)
        assert_int_equal(cc_pg_query(f->proxied, "SELECT 1", NULL, 0, NULL, &err), CC_UNAVAILABLE);

    assert_in_range(cc_mono_ms(cc_clock_system()) - began, 0, 500);
    assert_in_range(err.retry_after_ms, 1, 2000);
}

static void a_pool_with_everything_lent_refuses_after_a_second(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct cc_pg *second = NULL;
    CC_AUTO(pg) struct cc_pg *only = NULL;
    must(cc_pg_borrow(f->proxied, &only, &err), &err);
    int64_t began = cc_mono_ms(cc_clock_system());

    assert_int_equal(cc_pg_borrow(f->proxied, &second, &err), CC_UNAVAILABLE);

    assert_in_range(cc_mono_ms(cc_clock_system()) - began, 990, 1500);
}

static void *count_up(void *arg)
{
    struct fixture *f = arg;
    struct cc_error err = {0};
    for (int i = 0; i < 50; i++) {
        if (cc_pg_query(f->pool, "UPDATE counters SET n = n + 1", NULL, 0, NULL, &err) != CC_OK)
            return f;
    }
    return NULL;
}

static void twelve_threads_share_four_connections(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[12];
    void *failed;
    for (int i = 0; i < 12; i++)
        pthread_create(&threads[i], NULL, count_up, f);
    for (int i = 0; i < 12; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }

    assert_int_equal(must_get_int(f->pool, "SELECT n FROM counters"), 600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_travel_as_parameters),
        TEST(a_boolean_reads_as_a_number),
        TEST(a_repeated_key_is_a_conflict_that_names_the_constraint),
        TEST(a_wrong_statement_is_our_bug),
        TEST(a_statement_of_more_than_two_seconds_times_out),
        TEST(an_open_transaction_is_rolled_back_on_return),
        TEST(committing_a_failed_transaction_is_an_error),
        TEST(losing_a_race_between_transactions_may_be_tried_again),
        TEST(a_connection_closed_while_idle_is_replaced_unnoticed),
        TEST(a_backend_that_is_terminated_did_nothing),
        TEST(a_change_whose_connection_is_lost_has_an_unknown_outcome),
        TEST(a_question_whose_connection_is_lost_did_nothing),
        TEST(a_transaction_whose_connection_is_lost_before_commit_did_nothing),
        TEST(a_commit_without_answer_has_an_unknown_outcome),
        TEST(a_silent_server_is_given_up_in_time),
        TEST(a_change_that_a_silent_server_leaves_unanswered_has_an_unknown_outcome),
        TEST(a_silent_server_is_asked_by_one_at_a_time_until_it_answers),
        TEST(a_server_that_is_away_is_refused_at_once_after_the_first_failure),
        TEST(a_pool_with_everything_lent_refuses_after_a_second),
        TEST(twelve_threads_share_four_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
