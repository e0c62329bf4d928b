/*
 * The routes of user-service over HTTP, with real PostgreSQL, Redis and Kafka behind them. One
 * service for all tests; each test has people of its own.
 */

#include "testing.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "common/alloc.h"
#include "common/events/user_updated.h"
#include "common/http_server.h"
#include "common/kafka_consumer.h"
#include "common/topics.h"
#include "http/routes.h"

#define EVENTS_MAX 64

struct heard {
    char user_id[CC_UUID_BYTES], change[16], handle[USER_HANDLE_BYTES];
};

struct fixture {
    struct user_app app;
    struct cc_arena *arena;
    struct cc_http_server *service, *ops;
    struct cc_jwt_signer *signer;
    struct cc_consumer *consumer;
    const char *schema;
    int next_handle;
    pthread_mutex_t lock;
    struct heard heard[EVENTS_MAX];
    size_t heard_count;
};

struct person {
    const char *user_id, *handle, *token;
};

static void must(enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail_msg("%s: %s %s", cc_code_name(code), err->public_text, err->detail);
}

static const char *make_pem(struct cc_arena *arena)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes;
    PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
    long count = BIO_get_mem_data(memory, &bytes);
    const char *pem = cc_arena_strndup(arena, bytes, (size_t)count);
    BIO_free(memory);
    EVP_PKEY_free(key);
    return pem;
}

static void make_keys(struct fixture *f)
{
    static const struct cc_setting_list no_urls = {0};
    struct cc_error err = {0};
    struct cc_strbuf jwks;
    struct cc_json_writer writer;
    must(cc_jwt_signer_create(make_pem(f->arena), &f->signer, &err), &err);
    cc_strbuf_init(&jwks, 8192);
    cc_json_writer_init(&writer, &jwks);
    cc_jwt_write_jwks(&f->signer, 1, &writer);
    f->app.verifier = cc_jwt_verifier_create(f->app.client, &no_urls, f->app.clock);
    must(cc_jwt_verifier_set_keys(f->app.verifier, cc_strbuf_text(&jwks), jwks.length, &err), &err);
    cc_strbuf_finish(&jwks);
}

/* Keeps the events of people that this test's process has made. */
static enum cc_code hear(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    struct fixture *f = arg;
    (void)err; /* what can't be read is somebody else's */
    for (size_t i = 0; i < batch->count; i++) {
        struct ev_user_updated event;
        struct cc_json_reader *reader =
            cc_json_reader_create(batch->arena, batch->records[i].payload,
                                  batch->records[i].payload_count, CC_IGNORE_UNKNOWN);
        pthread_mutex_lock(&f->lock);
        if (ev_user_updated_read(reader, &event) && f->heard_count < EVENTS_MAX &&
            strstr(event.handle, f->schema) == event.handle) {
            struct heard *heard = &f->heard[f->heard_count++];
            snprintf(heard->user_id, sizeof heard->user_id, "%s", event.user_id);
            snprintf(heard->change, sizeof heard->change, "%s", event.change);
            snprintf(heard->handle, sizeof heard->handle, "%s", event.handle);
        }
        pthread_mutex_unlock(&f->lock);
        cc_json_reader_destroy(reader);
    }
    return CC_OK;
}

static void start_listening(struct fixture *f, const char *brokers)
{
    static struct cc_consumer_row row = {
        .topic = CC_TOPIC_USER_UPDATED, .batch_max = 100, .apply = hear};
    struct cc_error err = {0};
    row.group = f->schema;
    struct cc_consumer_options options = {.brokers = brokers,
                                          .client_id = "user-service-test",
                                          .producer = f->app.producer,
                                          .app = f};
    must(cc_consumer_start(&options, &row, &f->consumer, &err), &err);
}

static void start_http(struct fixture *f)
{
    struct cc_error err = {0};
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = user_routes,
                                      .hooks = &user_http_hooks,
                                      .app = &f->app,
                                      .clock = f->app.clock,
                                      .ids = f->app.ids};
    must(cc_http_server_start(&options, &f->service, &err), &err);
    options.routes = user_internal_routes;
    options.internal = true;
    must(cc_http_server_start(&options, &f->ops, &err), &err);
}

static int start_service(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};
    char directory[1024];
    const char *uri = test_env("CHAT_TEST_POSTGRES_URI");
    const char *brokers = test_env("CHAT_TEST_KAFKA_BROKERS");
    snprintf(directory, sizeof directory, "%s/user-service/migrations",
             test_env("CHAT_SOURCE_DIR"));
    f->arena = cc_arena_create(0);
    f->schema = test_unique_name("usvc");
    pthread_mutex_init(&f->lock, NULL);
    must(cc_pg_migrate(uri, f->schema, directory, &err), &err);
    must(cc_topics_create(brokers, cc_topics, cc_topic_count, 1, &err), &err);
    f->app.clock = cc_clock_system();
    f->app.ids = cc_ids_create(f->app.clock, cc_random_system());
    f->app.postgres = cc_pg_pool_create(uri, f->schema, 8);
    must(cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 4, &f->app.redis, &err), &err);
    must(cc_producer_create(brokers, "user-service-test", &f->app.producer, &err), &err);
    f->app.client = cc_http_client_create();
    f->app.store = user_store_pg_create(f->app.postgres);
    f->app.publisher = user_publisher_start(f->app.store, f->app.producer);
    make_keys(f);
    start_listening(f, brokers);
    start_http(f);
    *state = f;
    return 0;
}

static int stop_service(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    char sql[128];
    struct cc_ids *ids = f->app.ids;
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", f->schema);
    cc_http_server_stop(f->service);
    cc_http_server_stop(f->ops);
    cc_consumer_stop(f->consumer, cc_mono_ms(cc_clock_system()) + 5000);
    user_app_drain(&f->app, 0);
    must(cc_pg_query(f->app.postgres, sql, NULL, 0, NULL, &err), &err);
    user_app_stop(&f->app);
    cc_jwt_signer_destroy(f->signer);
    cc_ids_destroy(ids);
    cc_arena_destroy(f->arena);
    pthread_mutex_destroy(&f->lock);
    cc_free(f);
    return 0;
}

/* A request with what most of them need; NULL members are left out. */
struct ask {
    struct cc_http_server *server;
    const char *method, *path, *token, *body, *if_match, *media_type;
};

static struct cc_http_answer send_ask(struct fixture *f, const struct ask *ask)
{
    struct cc_error err = {0};
    struct cc_http_answer answer;
    struct cc_http_header headers[3];
    size_t count = 0;
    const char *media_type = ask->media_type == NULL ? "application/json" : ask->media_type;
    if (ask->token != NULL)
        headers[count++] = (struct cc_http_header){
            "Authorization", cc_arena_printf(f->arena, "Bearer %s", ask->token)};
    if (ask->if_match != NULL)
        headers[count++] = (struct cc_http_header){"If-Match", ask->if_match};
    if (ask->body != NULL)
        headers[count++] = (struct cc_http_header){"Content-Type", media_type};
    struct cc_http_server *server = ask->server == NULL ? f->service : ask->server;
    struct cc_http_call call = {.method = ask->method == NULL ? "GET" : ask->method,
                                .url = cc_arena_printf(f->arena, "http://127.0.0.1:%d%s",
                                                       cc_http_server_port(server), ask->path),
                                .headers = headers,
                                .header_count = count,
                                .body = ask->body,
                                .body_count = ask->body == NULL ? 0 : strlen(ask->body)};
    must(cc_http_do(f->app.client, &call, f->arena, &answer, &err), &err);
    return answer;
}

static const char *text_of(struct fixture *f, const struct cc_http_answer *answer)
{
    return cc_arena_strndup(f->arena, answer->body, answer->body_count);
}

#define ASK(...) send_ask(f, &(struct ask){__VA_ARGS__})

/* The status alone. */
#define STATUS(...) ASK(__VA_ARGS__).status

static void must_hold(struct fixture *f, const struct cc_http_answer *answer, const char *part)
{
    const char *text = text_of(f, answer);
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in %s", part, text);
}

static void must_not_hold(struct fixture *f, const struct cc_http_answer *answer, const char *part)
{
    const char *text = text_of(f, answer);
    if (strstr(text, part) != NULL)
        fail_msg("%s is in %s", part, text);
}

static const char *new_id(struct fixture *f)
{
    char *id = cc_arena_alloc(f->arena, CC_UUID_BYTES);
    cc_ids_next(f->app.ids, id);
    return id;
}

static struct person somebody(struct fixture *f)
{
    struct cc_error err = {0};
    struct person person = {.user_id = new_id(f),
                            .handle =
                                cc_arena_printf(f->arena, "%s_%d", f->schema, ++f->next_handle)};
    struct cc_caller subject = {.device_id = "phone",
                                .role = "user",
                                .token_expires_at_ms = cc_wall_ms(f->app.clock) + 600000};
    snprintf(subject.user_id, sizeof subject.user_id, "%s", person.user_id);
    cc_ids_next(f->app.ids, subject.session_id);
    must(cc_jwt_sign(f->signer, &subject, cc_wall_ms(f->app.clock), new_id(f), f->arena,
                     &person.token, &err),
         &err);
    return person;
}

static int enroll(struct fixture *f, const struct person *person, const char *handle)
{
    return STATUS(.server = f->ops, .method = "PUT",
                  .path = cc_arena_printf(f->arena, "/internal/users/%s", person->user_id),
                  .body = cc_arena_printf(f->arena,
                                          "{\"handle\":\"%s\",\"display_name\":\"Ada\","
                                          "\"email\":\"ada@example.org\"}",
                                          handle));
}

static struct person somebody_enrolled(struct fixture *f)
{
    struct person person = somebody(f);
    assert_int_equal(enroll(f, &person, person.handle), 204);
    return person;
}

static void somebody_enrolled_reads_the_own_profile(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    struct cc_http_answer me = ASK(.path = "/v1/users/me", .token = ada.token);

    assert_int_equal(me.status, 200);
    assert_string_equal(cc_http_answer_header(&me, "ETag"), "\"1\"");
    must_hold(f, &me, "\"email\":\"ada@example.org\"");
    must_hold(f, &me, "\"version\":1");
    must_hold(f, &me, "\"metadata\":{}");
    must_hold(f, &me, ada.handle);
}

static void without_a_good_token_nothing_is_told(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    static const char *const paths[] = {"/v1/users/me", "/v1/users?query=a",
                                        "/v1/users/presence?ids=a"};

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(STATUS(.path = paths[i]), 401);
        assert_int_equal(STATUS(.path = paths[i], .token = "a.b.c"), 401);
    }
    const char *profile = cc_arena_printf(f->arena, "/v1/users/%s", ada.user_id);
    assert_int_equal(STATUS(.path = profile), 401);
}

static void internal_routes_are_not_on_the_service_listener(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    assert_int_equal(STATUS(.path = cc_arena_printf(f->arena, "/internal/users/%s", ada.user_id),
                            .token = ada.token),
                     404);
}

static void a_change_needs_the_current_version(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    const char *patch = "{\"bio\":\"Engines.\",\"metadata\":{\"theme\":\"dark\"}}";
    const char *type = "application/merge-patch+json";

    assert_int_equal(STATUS(.method = "PATCH", .path = "/v1/users/me", .token = ada.token,
                            .body = patch, .media_type = type),
                     428);
    struct cc_http_answer changed =
        ASK(.method = "PATCH", .path = "/v1/users/me", .token = ada.token, .body = patch,
            .media_type = type, .if_match = "\"1\"");
    assert_int_equal(changed.status, 200);
    assert_string_equal(cc_http_answer_header(&changed, "ETag"), "\"2\"");
    must_hold(f, &changed, "\"bio\":\"Engines.\"");
    must_hold(f, &changed, "\"metadata\":{\"theme\":\"dark\"}");
    struct cc_http_answer late =
        ASK(.method = "PATCH", .path = "/v1/users/me", .token = ada.token,
            .body = "{\"bio\":\"Late.\"}", .media_type = type, .if_match = "\"1\"");
    assert_int_equal(late.status, 412);
    must_hold(f, &late, "\"version_mismatch\"");

    struct cc_http_answer me = ASK(.path = "/v1/users/me", .token = ada.token);
    must_hold(f, &me, "\"bio\":\"Engines.\"");
    must_hold(f, &me, "\"version\":2");
}

static void metadata_is_merged_into_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct ask ask = {.method = "PATCH",
                      .path = "/v1/users/me",
                      .token = ada.token,
                      .if_match = "*",
                      .body = "{\"metadata\":{\"a\":1,\"b\":{\"c\":2}}}"};
    assert_int_equal(send_ask(f, &ask).status, 200);

    ask.body = "{\"metadata\":{\"a\":null,\"b\":{\"d\":3}}}";
    struct cc_http_answer after = send_ask(f, &ask);

    must_hold(f, &after, "\"metadata\":{\"b\":{\"c\":2,\"d\":3}}");
}

static void a_patch_that_changes_nothing_keeps_the_version(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    struct cc_http_answer same = ASK(.method = "PATCH", .path = "/v1/users/me", .token = ada.token,
                                     .body = "{\"display_name\":\"Ada\"}", .if_match = "\"1\"");

    assert_int_equal(same.status, 200);
    assert_string_equal(cc_http_answer_header(&same, "ETag"), "\"1\"");
}

static void a_faulty_patch_names_the_member(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct ask ask = {.method = "PATCH",
                      .path = "/v1/users/me",
                      .token = ada.token,
                      .if_match = "\"1\"",
                      .body = "{\"role\":\"admin\"}"};

    struct cc_http_answer answer = send_ask(f, &ask);
    assert_int_equal(answer.status, 400);
    must_hold(f, &answer, "/role");
    ask.media_type = "text/plain";
    assert_int_equal(send_ask(f, &ask).status, 415);
}

static void a_handle_belongs_to_one_person(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f), third = somebody(f);
    const char *shouted = cc_arena_printf(f->arena, "USVC%s", ada.handle + 4);

    assert_int_equal(enroll(f, &third, shouted), 409);
    struct cc_http_answer taken =
        ASK(.method = "PATCH", .path = "/v1/users/me", .token = grace.token, .if_match = "\"1\"",
            .body = cc_arena_printf(f->arena, "{\"handle\":\"%s\"}", shouted));

    assert_int_equal(taken.status, 409);
    must_hold(f, &taken, "\"pointer\":\"/handle\"");
}

static void everybody_sees_a_profile_but_not_what_is_private(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    const char *path = cc_arena_printf(f->arena, "/v1/users/%s", ada.user_id);

    struct cc_http_answer seen = ASK(.path = path, .token = grace.token);

    assert_int_equal(seen.status, 200);
    must_hold(f, &seen, ada.handle);
    must_not_hold(f, &seen, "@");
    must_not_hold(f, &seen, "metadata");
    path = cc_arena_printf(f->arena, "/v1/users/%s", new_id(f));
    assert_int_equal(STATUS(.path = path, .token = grace.token), 404);
    assert_int_equal(STATUS(.path = "/v1/users/nobody", .token = grace.token), 404);
}

/* The value of a member that is a text without escapes; NULL when it is null. */
static const char *member(struct fixture *f, const struct cc_http_answer *answer, const char *name)
{
    const char *text = text_of(f, answer);
    const char *at = strstr(text, cc_arena_printf(f->arena, "\"%s\":\"", name));
    if (at == NULL)
        return NULL;
    at += strlen(name) + 4;
    return cc_arena_strndup(f->arena, at, strcspn(at, "\""));
}

static void people_are_found_by_the_beginning_of_their_handle_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody(f);
    const char *handles[] = {"zz_find_a", "zz_find_b", "zz_find_c"};
    for (int i = 0; i < 3; i++) {
        struct person found = somebody(f);
        assert_int_equal(enroll(f, &found, handles[i]), 204);
    }

    struct cc_http_answer first =
        ASK(.path = "/v1/users?query=@ZZ_find&limit=2", .token = ada.token);
    must_hold(f, &first, "zz_find_a");
    must_hold(f, &first, "zz_find_b");
    must_not_hold(f, &first, "zz_find_c");
    must_not_hold(f, &first, "@");
    struct cc_http_answer second =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users?query=zz_find&limit=2&cursor=%s",
                                    member(f, &first, "next_cursor")),
            .token = ada.token);
    must_hold(f, &second, "zz_find_c");
    must_not_hold(f, &second, "zz_find_b");
    must_hold(f, &second, "\"next_cursor\":null");

    struct cc_http_answer by_mail =
        ASK(.path = "/v1/users?query=ada@example.org", .token = ada.token);
    must_hold(f, &by_mail, "\"items\":[]");
    assert_int_equal(STATUS(.path = "/v1/users", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users?query=a&limit=0", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users?query=a&cursor=!", .token = ada.token), 400);
}

static void other_daemons_look_many_people_up_at_once(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    const char *body = cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\",\"%s\",\"%s\"]}",
                                       ada.user_id, grace.user_id, new_id(f));

    struct cc_http_answer found =
        ASK(.server = f->ops, .method = "POST", .path = "/internal/users/lookup", .body = body);

    assert_int_equal(found.status, 200);
    must_hold(f, &found, ada.handle);
    must_hold(f, &found, grace.handle);
    must_not_hold(f, &found, "@");
}

static void redis(struct fixture *f, const char *command, const char *key, const char *first,
                  const char *second)
{
    struct cc_error err = {0};
    must(cc_redis_do(f->app.redis, NULL, &err, command, key, first, second, NULL), &err);
    must(cc_redis_do(f->app.redis, NULL, &err, "EXPIRE", key, "60", NULL), &err);
}

static void presence_knows_who_has_a_live_socket(void **state)
{
    struct fixture *f = *state;
    struct person here = somebody(f), gone = somebody(f), never = somebody(f);
    char key[CC_REDIS_NAME_BYTES];
    const char *later =
        cc_arena_printf(f->arena, "%lld", (long long)cc_wall_ms(f->app.clock) + 60000);
    const char *before =
        cc_arena_printf(f->arena, "%lld", (long long)cc_wall_ms(f->app.clock) - 60000);
    cc_redis_name_presence(here.user_id, key);
    redis(f, "ZADD", key, later, "node/1");
    cc_redis_name_presence(gone.user_id, key);
    redis(f, "ZADD", key, before, "node/2");
    cc_redis_name_last_seen(gone.user_id, key);
    redis(f, "SET", key, "1767225600000", NULL);

    struct cc_http_answer answer =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users/presence?ids=%s,%s,%s", here.user_id,
                                    gone.user_id, never.user_id),
            .token = here.token);

    assert_int_equal(answer.status, 200);
    must_hold(f, &answer, cc_arena_printf(f->arena, "\"%s\",\"state\":\"online\"", here.user_id));
    must_hold(f, &answer,
              cc_arena_printf(f->arena,
                              "\"%s\",\"state\":\"offline\",\"last_seen_at\":"
                              "\"2026-01-01T00:00:00.000Z\"",
                              gone.user_id));
    must_hold(f, &answer,
              cc_arena_printf(f->arena, "\"%s\",\"state\":\"offline\",\"last_seen_at\":null",
                              never.user_id));
}

static void presence_alone_fails_while_redis_is_away(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct cc_error err = {0};
    struct cc_redis *there = f->app.redis;
    must(cc_redis_create("redis://127.0.0.1:1/0", 1, &f->app.redis, &err), &err);

    int presence =
        STATUS(.path = cc_arena_printf(f->arena, "/v1/users/presence?ids=%s", ada.user_id),
               .token = ada.token);
    int profile = STATUS(.path = "/v1/users/me", .token = ada.token);

    cc_redis_destroy(f->app.redis);
    f->app.redis = there;
    assert_int_equal(presence, 503);
    assert_int_equal(profile, 200);
}

static void presence_refuses_too_many_and_malformed_ids(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody(f);
    char path[101 * 37 + 64] = "/v1/users/presence?ids=";
    for (int i = 0; i < 101; i++) {
        size_t length = strlen(path);
        snprintf(path + length, sizeof path - length, "%s%s", i == 0 ? "" : ",", ada.user_id);
    }

    assert_int_equal(STATUS(.path = path, .token = ada.token), 400);
    path[strlen(path) - 37] = '\0';
    assert_int_equal(STATUS(.path = path, .token = ada.token), 200);
    assert_int_equal(STATUS(.path = "/v1/users/presence?ids=x", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users/presence", .token = ada.token), 400);
}

struct wanted {
    struct fixture *f;
    const char *user_id;
    size_t count;
    struct heard heard[4];
};

static bool has_heard(void *arg)
{
    struct wanted *wanted = arg;
    size_t count = 0;
    pthread_mutex_lock(&wanted->f->lock);
    for (size_t i = 0; i < wanted->f->heard_count && count < 4; i++) {
        if (strcmp(wanted->f->heard[i].user_id, wanted->user_id) == 0)
            wanted->heard[count++] = wanted->f->heard[i];
    }
    pthread_mutex_unlock(&wanted->f->lock);
    return count >= wanted->count;
}

static void what_others_can_see_is_told_through_kafka_in_order(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    const char *handle = cc_arena_printf(f->arena, "%s_new", ada.handle);
    struct ask ask = {.method = "PATCH",
                      .path = "/v1/users/me",
                      .token = ada.token,
                      .if_match = "*",
                      .body = "{\"locale\":\"en-GB\"}"};
    assert_int_equal(send_ask(f, &ask).status, 200); /* nobody else's business */
    ask.body = cc_arena_printf(f->arena, "{\"handle\":\"%s\"}", handle);
    assert_int_equal(send_ask(f, &ask).status, 200);

    struct wanted wanted = {.f = f, .user_id = ada.user_id, .count = 2};
    test_wait_for(has_heard, &wanted, 20000);

    assert_string_equal(wanted.heard[0].change, "registered");
    assert_string_equal(wanted.heard[0].handle, ada.handle);
    assert_string_equal(wanted.heard[1].change, "profile");
    assert_string_equal(wanted.heard[1].handle, handle);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(somebody_enrolled_reads_the_own_profile),
        cmocka_unit_test(without_a_good_token_nothing_is_told),
        cmocka_unit_test(internal_routes_are_not_on_the_service_listener),
        cmocka_unit_test(a_change_needs_the_current_version),
        cmocka_unit_test(metadata_is_merged_into_what_is_there),
        cmocka_unit_test(a_patch_that_changes_nothing_keeps_the_version),
        cmocka_unit_test(a_faulty_patch_names_the_member),
        cmocka_unit_test(a_handle_belongs_to_one_person),
        cmocka_unit_test(everybody_sees_a_profile_but_not_what_is_private),
        cmocka_unit_test(people_are_found_by_the_beginning_of_their_handle_page_by_page),
        cmocka_unit_test(other_daemons_look_many_people_up_at_once),
        cmocka_unit_test(presence_knows_who_has_a_live_socket),
        cmocka_unit_test(presence_alone_fails_while_redis_is_away),
        cmocka_unit_test(presence_refuses_too_many_and_malformed_ids),
        cmocka_unit_test(what_others_can_see_is_told_through_kafka_in_order),
    };
    return cmocka_run_group_tests(tests, start_service, stop_service);
}
