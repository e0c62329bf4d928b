/* The MongoDB pool and its error translation against a real server, partly behind a proxy. */

#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/mongo_pool.h"
#include "tcp_proxy.h"

struct fixture {
    struct cc_mongo *mongo;
    struct tcp_proxy *proxy;
    const char *database;
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
    f->database = test_unique_name("mongo_pool");
    f->proxy = tcp_proxy_start(test_env("CHAT_TEST_MONGO_URI"));
    must(cc_mongo_create(tcp_proxy_uri(f->proxy), f->database, false, &f->mongo, &err), &err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bson_error_t error;
    tcp_proxy_resume(f->proxy);
    mongoc_client_t *client = cc_mongo_borrow(f->mongo);
    CC_AUTO(bson) bson_t *drop = BCON_NEW("dropDatabase", BCON_INT32(1));
    mongoc_client_write_command_with_opts(client, f->database, drop, NULL, NULL, &error);
    cc_mongo_return(f->mongo, client);
    cc_mongo_destroy(f->mongo);
    tcp_proxy_stop(f->proxy);
    cc_free(f);
    return 0;
}

static enum cc_code insert(struct fixture *f, const char *id, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(f->mongo, "things");
    CC_AUTO(bson) bson_t *document = BCON_NEW("_id", BCON_UTF8(id));
    bson_error_t error;
    return mongoc_collection_insert_one(loan.collection, document, NULL, NULL, &error)
               ? CC_OK
               : cc_mongo_fail(&error, err);
}

static void a_repeated_key_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    must(insert(f, "a", &err), &err);

    assert_int_equal(insert(f, "a", &err), CC_CONFLICT);
}

static void an_ordered_insert_tells_which_document_failed_first(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    must(insert(f, "c", &err), &err);
    struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(f->mongo, "things");
    CC_AUTO(bson) bson_t *a = BCON_NEW("_id", BCON_UTF8("a"));
    CC_AUTO(bson) bson_t *b = BCON_NEW("_id", BCON_UTF8("b"));
    CC_AUTO(bson) bson_t *c = BCON_NEW("_id", BCON_UTF8("c"));
    const bson_t *documents[] = {a, b, c, a};
    bson_t reply;
    bson_error_t error;

    bool done = mongoc_collection_insert_many(loan.collection, documents, 4, NULL, &reply, &error);

    assert_false(done);
    assert_int_equal(cc_mongo_fail(&error, &err), CC_CONFLICT);
    assert_int_equal(cc_mongo_failed_index(&reply), 2);
    bson_destroy(&reply);
}

static void a_reply_without_failure_has_no_failed_index(void **state)
{
    (void)state;
    CC_AUTO(bson) bson_t *reply = BCON_NEW("insertedCount", BCON_INT32(3));

    assert_int_equal(cc_mongo_failed_index(reply), -1);
}

static void a_server_that_is_away_is_unavailable_within_seconds(void **state)
{
    (void)state;
    struct cc_mongo *away = NULL;
    struct cc_error err = {0};
    must(cc_mongo_create("mongodb://127.0.0.1:1/", "x", false, &away, &err), &err);
    int64_t began = cc_mono_ms(cc_clock_system());

    assert_int_equal(cc_mongo_probe(away, &err), CC_UNAVAILABLE);

    assert_in_range(cc_mono_ms(cc_clock_system()) - began, 0, 3000);
    cc_mongo_destroy(away);
}

static void a_write_whose_answer_is_lost_has_an_unknown_outcome(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    must(insert(f, "a", &err), &err);
    tcp_proxy_silence(f->proxy);

    assert_int_equal(insert(f, "b", &err), CC_OUTCOME_UNKNOWN);
}

static bool can_insert(void *arg)
{
    struct cc_error err;
    enum cc_code code = insert(arg, "again", &err);
    return code == CC_OK || code == CC_CONFLICT;
}

static void it_recovers_when_the_server_comes_back(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    must(insert(f, "a", &err), &err);
    tcp_proxy_cut(f->proxy);
    assert_int_not_equal(insert(f, "b", &err), CC_OK);

    tcp_proxy_resume(f->proxy);

    test_wait_for(can_insert, f, 5000);
}

/* As a daemon does all the time. */
static enum cc_code probe_and_ask(struct fixture *f, struct cc_error *err)
{
    (void)cc_mongo_probe(f->mongo, err);
    return cc_mongo_admit(f->mongo, err);
}

static bool is_refused(void *arg)
{
    struct cc_error err = {0};
    return probe_and_ask(arg, &err) == CC_UNAVAILABLE;
}

static bool is_admitted(void *arg)
{
    struct cc_error err = {0};
    return probe_and_ask(arg, &err) == CC_OK;
}

static void a_server_that_stays_away_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    must(cc_mongo_admit(f->mongo, &err), &err);
    must(insert(f, "a", &err), &err);
    tcp_proxy_cut(f->proxy);
    assert_int_not_equal(insert(f, "b", &err), CC_OK);

    test_wait_for(is_refused, f, 10000);
    assert_int_equal(cc_mongo_admit(f->mongo, &err), CC_UNAVAILABLE);
    assert_true(err.retry_after_ms > 0);

    tcp_proxy_resume(f->proxy);
    test_wait_for(is_admitted, f, 5000);
}

static enum cc_code create_production(const char *options)
{
    char uri[128];
    struct cc_error err = {0};
    struct cc_mongo *mongo = NULL;
    snprintf(uri, sizeof uri, "mongodb://127.0.0.1:1/%s", options);
    enum cc_code code = cc_mongo_create(uri, "x", true, &mongo, &err);
    cc_mongo_destroy(mongo);
    return code;
}

static void production_refuses_a_write_concern_below_majority(void **state)
{
    (void)state;

    assert_int_equal(create_production("?w=1"), CC_INVALID);
    assert_int_equal(create_production("?w=0"), CC_INVALID);
    assert_int_equal(create_production("?w=2"), CC_INVALID);
    assert_int_equal(create_production("?w=backups"), CC_INVALID);
    assert_int_equal(create_production("?w=majority"), CC_OK);
    assert_int_equal(create_production(""), CC_OK);
}

static void production_reads_from_the_primary_alone(void **state)
{
    (void)state;

    assert_int_equal(create_production("?readPreference=secondary"), CC_INVALID);
    assert_int_equal(create_production("?readPreference=nearest&w=majority"), CC_INVALID);
    assert_int_equal(create_production("?readPreference=primaryPreferred"), CC_INVALID);
    assert_int_equal(create_production("?readPreference=primary"), CC_OK);
}

static void an_unreadable_uri_is_refused(void **state)
{
    (void)state;
    struct cc_mongo *mongo = NULL;
    struct cc_error err = {0};

    assert_int_equal(cc_mongo_create("mongo:/x", "x", false, &mongo, &err), CC_INVALID);
    assert_string_equal(err.field, "mongo_uri");
}

static void readers_fall_back_when_a_field_is_absent_or_of_another_type(void **state)
{
    (void)state;
    CC_AUTO(bson)
    bson_t *doc = BCON_NEW("text", BCON_UTF8("hello"), "big", BCON_INT64(1LL << 40), "small",
                           BCON_INT32(-3), "yes", BCON_BOOL(true));

    assert_string_equal(cc_bson_text(doc, "text"), "hello");
    assert_string_equal(cc_bson_text(doc, "big"), "");
    assert_int_equal(cc_bson_int(doc, "big", 0), 1LL << 40);
    assert_int_equal(cc_bson_int(doc, "small", 0), -3);
    assert_int_equal(cc_bson_int(doc, "absent", 7), 7);
    assert_int_equal(cc_bson_int(doc, "text", 7), 7);
    assert_true(cc_bson_bool(doc, "yes", false));
    assert_true(cc_bson_bool(doc, "text", true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_repeated_key_is_a_conflict),
        TEST(an_ordered_insert_tells_which_document_failed_first),
        cmocka_unit_test(a_reply_without_failure_has_no_failed_index),
        cmocka_unit_test(a_server_that_is_away_is_unavailable_within_seconds),
        TEST(a_write_whose_answer_is_lost_has_an_unknown_outcome),
        TEST(it_recovers_when_the_server_comes_back),
        TEST(a_server_that_stays_away_is_not_waited_for),
        cmocka_unit_test(production_refuses_a_write_concern_below_majority),
        cmocka_unit_test(production_reads_from_the_primary_alone),
        cmocka_unit_test(an_unreadable_uri_is_refused),
        cmocka_unit_test(readers_fall_back_when_a_field_is_absent_or_of_another_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
