/* Starts and stops what service_fixture.h describes, and asks it. */

#include "service_fixture.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/events/user_updated.h"
#include "common/topics.h"
#include "http/routes.h"

void must(enum cc_code code, const struct cc_error *err)
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

/* Under the lock. Who is deleted has no handle any more by which to tell whose they are. */
static bool is_known(const struct fixture *f, const char *user_id)
{
    for (size_t i = 0; i < f->heard_count; i++) {
        if (strcmp(f->heard[i].user_id, user_id) == 0)
            return true;
    }
    return false;
}

/* Keeps the events of people that this test's process has made. */
static enum cc_code hear(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    struct fixture *f = arg;
    (void)err; /* what can't be read is somebody else's */
    for (size_t i = 0; i < batch->count; i++) {
        struct ev_user_updated event;
        struct cc_json_reader *reader = cc_record_reader(&batch->records[i], batch->arena);
        pthread_mutex_lock(&f->lock);
        if (ev_user_updated_read(reader, &event) && f->heard_count < EVENTS_MAX &&
            (strstr(event.handle, f->schema) == event.handle || is_known(f, event.user_id))) {
            struct heard *heard = &f->heard[f->heard_count++];
            snprintf(heard->user_id, sizeof heard->user_id, "%s", event.user_id);
            snprintf(heard->change, sizeof heard->change, "%s", event.change);
            snprintf(heard->handle, sizeof heard->handle, "%s", event.handle);
            heard->change_version = event.change_version;
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

static enum cc_code tell_shared(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct fixture *f = cc_request_app(req);
    struct cc_json_reader *reader;
    size_t count;

    if (atomic_load(&f->chat_service_away))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *const *ids = cc_json_uuids(reader, "user_ids", CC_REQUIRED, 500, &count);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    cc_json_open_object(cc_response_json(res), NULL);
    cc_json_put_texts(cc_response_json(res), "user_ids", ids,
                      atomic_load(&f->chats_are_shared) ? count : 0);
    cc_json_close_object(cc_response_json(res));
    return CC_OK;
}

static const struct cc_route neighbour_routes[] = {
    {"POST", "/internal/users/{user_id}/shared", CC_AUTH_INTERNAL, CC_RATE_NONE, 65536, tell_shared,
     CC_BLOCKING},
    {0},
};

static void start_chat_service(struct fixture *f)
{
    struct cc_error err = {0};
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = neighbour_routes,
                                      .app = f,
                                      .clock = f->app.clock,
                                      .ids = f->app.ids,
                                      .internal = true};
    must(cc_http_server_start(&options, &f->neighbours, &err), &err);
    const char *url =
        cc_arena_printf(f->arena, "http://127.0.0.1:%d", cc_http_server_port(f->neighbours));
    struct cc_setting_list urls = {&url, 1};
    f->app.chat_service = cc_peer_create(f->app.client, &urls);
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

int start_service(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};
    char directory[1024];
    const char *uri = test_env("CHAT_TEST_POSTGRES_URI");
    const char *brokers = test_env("CHAT_TEST_KAFKA_BROKERS");
    snprintf(directory, sizeof directory, "%s/user-service/migrations",
             test_env("CHAT_SOURCE_DIR"));
    static const struct user_settings settings = {.handle_cooldown_s = 3600, .handle_hold_s = 3600};
    f->app.settings = &settings;
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
    f->app.choices = user_choices_pg_create(f->app.postgres);
    f->app.publisher = user_publisher_start(f->app.store, f->app.producer);
    make_keys(f);
    start_listening(f, brokers);
    start_chat_service(f);
    start_http(f);
    *state = f;
    return 0;
}

int stop_service(void **state)
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
    cc_http_server_stop(f->neighbours);
    cc_jwt_signer_destroy(f->signer);
    cc_ids_destroy(ids);
    cc_arena_destroy(f->arena);
    pthread_mutex_destroy(&f->lock);
    cc_free(f);
    return 0;
}

struct cc_http_answer send_ask(struct fixture *f, const struct ask *ask)
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

const char *text_of(struct fixture *f, const struct cc_http_answer *answer)
{
    return cc_arena_strndup(f->arena, answer->body, answer->body_count);
}

void must_hold(struct fixture *f, const struct cc_http_answer *answer, const char *part)
{
    const char *text = text_of(f, answer);
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in %s", part, text);
}

void must_not_hold(struct fixture *f, const struct cc_http_answer *answer, const char *part)
{
    const char *text = text_of(f, answer);
    if (strstr(text, part) != NULL)
        fail_msg("%s is in %s", part, text);
}

const char *new_id(struct fixture *f)
{
    char *id = cc_arena_alloc(f->arena, CC_UUID_BYTES);
    cc_ids_next(f->app.ids, id);
    return id;
}

struct person somebody(struct fixture *f)
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

int enroll(struct fixture *f, const struct person *person, const char *handle)
{
    return STATUS(.server = f->ops, .method = "PUT",
                  .path = cc_arena_printf(f->arena, "/internal/users/%s", person->user_id),
                  .body = cc_arena_printf(f->arena,
                                          "{\"handle\":\"%s\",\"display_name\":\"Ada\","
                                          "\"email\":\"ada@example.org\"}",
                                          handle));
}

struct person somebody_enrolled(struct fixture *f)
{
    struct person person = somebody(f);
    assert_int_equal(enroll(f, &person, person.handle), 204);
    return person;
}

const char *member(struct fixture *f, const struct cc_http_answer *answer, const char *name)
{
    const char *text = text_of(f, answer);
    const char *at = strstr(text, cc_arena_printf(f->arena, "\"%s\":\"", name));
    if (at == NULL)
        return NULL;
    at += strlen(name) + 4;
    return cc_arena_strndup(f->arena, at, strcspn(at, "\""));
}

void redis(struct fixture *f, const char *command, const char *key, const char *first,
           const char *second)
{
    struct cc_error err = {0};
    must(cc_redis_do(f->app.redis, NULL, &err, command, key, first, second, NULL), &err);
    must(cc_redis_do(f->app.redis, NULL, &err, "EXPIRE", key, "60", NULL), &err);
}

struct wanted {
    struct fixture *f;
    const char *user_id;
    size_t count;
    struct heard *heard;
};

static bool has_heard(void *arg)
{
    struct wanted *wanted = arg;
    size_t count = 0;
    pthread_mutex_lock(&wanted->f->lock);
    for (size_t i = 0; i < wanted->f->heard_count && count < wanted->count; i++) {
        if (strcmp(wanted->f->heard[i].user_id, wanted->user_id) == 0)
            wanted->heard[count++] = wanted->f->heard[i];
    }
    pthread_mutex_unlock(&wanted->f->lock);
    return count >= wanted->count;
}

void wait_heard(struct fixture *f, const char *user_id, struct heard *out, size_t count)
{
    struct wanted wanted = {.f = f, .user_id = user_id, .count = count, .heard = out};
    test_wait_for(has_heard, &wanted, 20000);
}

const char *block_path(struct fixture *f, const char *user_id)
{
    return cc_arena_printf(f->arena, "/v1/users/me/blocks/%s", user_id);
}

int block(struct fixture *f, const struct person *who, const char *user_id)
{
    return STATUS(.method = "PUT", .path = block_path(f, user_id), .token = who->token);
}

struct cc_http_answer relation(struct fixture *f, const char *route, const char *actor_id,
                               const char *user_id)
{
    return ASK(.server = f->ops, .method = "POST", .path = route,
               .body = cc_arena_printf(f->arena,
                                       "{\"pairs\":[{\"actor_id\":\"%s\",\"user_id\":\"%s\"}]}",
                                       actor_id, user_id));
}

struct cc_http_answer put_settings(struct fixture *f, const struct person *who, const char *body,
                                   const char *if_match)
{
    return ASK(.method = "PUT", .path = SETTINGS, .token = who->token, .body = body,
               .if_match = if_match);
}
