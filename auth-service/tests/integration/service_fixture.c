/* See service_fixture.h. The stub's handler runs on its server's workers. */

#include "testing.h"

#include "service_fixture.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/alloc.h"
#include "common/topics.h"
#include "health_private.h"
#include "http/handlers.h"
#include "test_database.h"

#define MAIL_WAIT_MS 10000

/* ---- the stub ---- */

static struct user_service_stub *stub_lock(struct user_service_stub *stub)
{
    pthread_mutex_lock(&stub->lock);
    return stub;
}

static enum cc_code stub_put(struct user_service_stub *stub, const char *user_id,
                             const char *handle, struct cc_error *err)
{
    size_t at = stub->count;
    for (size_t i = 0; i < stub->count; i++) {
        if (strcmp(stub->profiles[i].user_id, user_id) == 0)
            at = i;
        else if (strcmp(stub->profiles[i].handle, handle) == 0)
            return cc_fail(err, CC_CONFLICT, "/handle", "taken");
    }
    if (at == STUB_HANDLES_MAX)
        return cc_fail_detail(err, CC_INTERNAL, "the stub is full");
    stub->count += at == stub->count;
    (void)snprintf(stub->profiles[at].user_id, CC_UUID_BYTES, "%s", user_id);
    (void)snprintf(stub->profiles[at].handle, ACCOUNT_HANDLE_BYTES, "%s", handle);
    return CC_OK;
}

static enum cc_code stub_http_put(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    const char *user_id;
    struct cc_json_reader *reader;
    (void)res;
    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *handle = cc_json_text(reader, "handle", CC_REQUIRED, 3, 30);
    (void)cc_json_text(reader, "display_name", CC_REQUIRED, 1, 256);
    (void)cc_json_text(reader, "email", CC_REQUIRED, 1, 254);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    struct user_service_stub *stub = stub_lock(cc_request_app(req));
    enum cc_code code = stub_put(stub, user_id, handle, err);
    pthread_mutex_unlock(&stub->lock);
    return code;
}

static const struct cc_route stub_routes[] = {
    {"PUT", "/internal/users/{user_id}", CC_AUTH_INTERNAL, CC_RATE_NONE, 4096, stub_http_put,
     CC_BLOCKING},
    {0},
};

bool stub_knows(struct fixture *f, const char *handle)
{
    struct user_service_stub *stub = stub_lock(&f->users);
    bool known = false;
    for (size_t i = 0; i < stub->count; i++)
        known = known || strcmp(stub->profiles[i].handle, handle) == 0;
    pthread_mutex_unlock(&stub->lock);
    return known;
}

/* ---- the service ---- */

static int64_t moving_wall_ms(const struct cc_clock *clock)
{
    struct moving_clock *self = (struct moving_clock *)clock;
    return cc_wall_ms(cc_clock_system()) + atomic_load(&self->offset_ms);
}

static int64_t moving_mono_us(const struct cc_clock *clock)
{
    (void)clock;
    return cc_mono_us(cc_clock_system());
}

void service_move_clock(struct fixture *f, int64_t ms)
{
    atomic_fetch_add(&f->service.clock.offset_ms, ms);
}

static struct cc_http_server *listen_with(struct fixture *f, const struct cc_route *routes,
                                          void *app, const struct cc_http_hooks *hooks,
                                          bool internal)
{
    struct cc_http_server *server = NULL;
    struct cc_error err = {0};
    const struct cc_http_options options = {
        .host = "127.0.0.1",
        .routes = routes,
        .hooks = hooks,
        .app = app,
        .workers = 24, /* as many as requests at once in the race */
        .clock = cc_clock_system(),
        .ids = f->service.runtime.ids,
        .internal = internal,
    };
    if (cc_http_server_start(&options, &server, &err) != CC_OK)
        fail_msg("%s %s", err.public_text, err.detail);
    return server;
}

const char *new_signing_key(struct fixture *f)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long count = BIO_get_mem_data(bio, &bytes);
    const char *text = cc_arena_strndup(f->arena, bytes, (size_t)count);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return text;
}

static struct auth_settings make_settings(struct fixture *f, const char *smtp_url)
{
    static const char *const loopback[] = {"127.0.0.0/8"};
    const char **urls = cc_arena_alloc(f->arena, sizeof *urls);
    urls[0] =
        cc_arena_printf(f->arena, "http://127.0.0.1:%d", cc_http_server_port(f->users.server));
    return (struct auth_settings){
        .postgres_uri = f->database_uri,
        .postgres_pool = 8,
        .redis_url = test_env("CHAT_TEST_REDIS_URL"),
        .redis_pool = 8,
        .kafka_brokers = test_env("CHAT_TEST_KAFKA_BROKERS"),
        .smtp_url = smtp_url,
        .smtp_ca_file = "",
        .mail_from = "Chat-App <no-reply@chat-app.example>",
        .signing_key = f->signing_key,
        .key_encryption_secret = "",
        .user_service_internal_urls = {.items = urls, .count = 1},
        .trusted_proxies = {.items = loopback, .count = 1},
        .guesses_per_address = 300,
        .access_token_s = 600,
        .refresh_token_s = 2592000,
        .otp_ttl_s = f->otp_ttl_s,
        .argon2_memory_kib = f->argon2_memory_kib,
        .argon2_iterations = 1,
    };
}

void service_start(struct fixture *f, const char *smtp_url)
{
    struct service *service = &f->service;
    struct cc_error err = {0};
    service->smtp_url = smtp_url;
    service->settings = make_settings(f, smtp_url);
    service->runtime.settings = &service->settings;
    service->runtime.health = cc_health_create(cc_clock_system());
    service->app = (struct auth_app){0};
    if (auth_app_start(&service->app, &service->runtime, &err) != CC_OK)
        fail_msg("%s %s", err.public_text, err.detail);
    service->listener = listen_with(f, auth_routes, &service->app, &auth_http_hooks, false);
    service->ops_listener = listen_with(f, auth_internal_routes, &service->app, NULL, true);
}

void service_stop(struct fixture *f)
{
    f->service.smtp_url = NULL;
    cc_http_server_stop(f->service.listener);
    cc_http_server_stop(f->service.ops_listener);
    auth_app_stop(&f->service.app);
    cc_health_destroy(f->service.runtime.health);
}

const char *a_new_address(struct fixture *f)
{
    return cc_arena_printf(f->arena, "2001:db8:%x:%x::1",
                           (unsigned)cc_random_below(cc_random_system(), 65536),
                           (unsigned)cc_random_below(cc_random_system(), 65536));
}

struct fixture *fixture_create(void)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};
    f->arena = cc_arena_create(0);
    f->client = cc_http_client_create();
    f->address = a_new_address(f); /* Redis is shared: counters of other tests are not ours */
    f->signing_key = new_signing_key(f);
    f->service.clock.clock = (struct cc_clock){moving_wall_ms, moving_mono_us};
    f->service.runtime = (struct cc_runtime){.service = "auth-service",
                                             .node_id = "auth-test",
                                             .clock = &f->service.clock.clock,
                                             .random = cc_random_system()};
    f->service.runtime.ids = cc_ids_create(cc_clock_system(), cc_random_system());
    pthread_mutex_init(&f->users.lock, NULL);
    f->users.server = listen_with(f, stub_routes, &f->users, NULL, true);
    f->database_uri = f->usual.database_uri = test_database_create();
    f->usual.smtp_url = test_env("CHAT_TEST_SMTP_URL");
    f->otp_ttl_s = f->usual.otp_ttl_s = 600;
    f->argon2_memory_kib = f->usual.argon2_memory_kib = 8192; /* cheap: many log-ins here */
    test_database_migrate();
    if (cc_topics_create(test_env("CHAT_TEST_KAFKA_BROKERS"), cc_topics, cc_topic_count, 1, &err) !=
        CC_OK)
        fail_msg("topics: %s", err.detail);
    service_start(f, f->usual.smtp_url);
    return f;
}

void fixture_renew(struct fixture *f)
{
    const char *smtp_url = f->service.smtp_url;
    f->address = a_new_address(f);
    if (smtp_url != NULL && strcmp(smtp_url, f->usual.smtp_url) == 0 &&
        f->database_uri == f->usual.database_uri &&
        f->service.settings.argon2_memory_kib == f->usual.argon2_memory_kib &&
        f->service.settings.otp_ttl_s == f->usual.otp_ttl_s)
        return;
    if (smtp_url != NULL)
        service_stop(f);
    f->database_uri = f->usual.database_uri;
    f->argon2_memory_kib = f->usual.argon2_memory_kib;
    f->otp_ttl_s = f->usual.otp_ttl_s;
    service_start(f, f->usual.smtp_url);
}

void fixture_destroy(struct fixture *f)
{
    service_stop(f);
    cc_http_server_stop(f->users.server);
    pthread_mutex_destroy(&f->users.lock);
    test_database_drop();
    cc_http_client_destroy(f->client);
    cc_ids_destroy(f->service.runtime.ids);
    cc_arena_destroy(f->arena);
    cc_free(f);
}

int fixture_set_up(void **state)
{
    *state = fixture_create();
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture_destroy(*state);
    return 0;
}

int fixture_before_each(void **state)
{
    fixture_renew(*state);
    return 0;
}

/* ---- requests ---- */

static struct answer call_url(struct fixture *f, const char *method, const char *url,
                              const char *access_token, const char *body)
{
    struct cc_error err = {0};
    struct cc_http_answer answer;
    const struct cc_http_header headers[] = {
        {"Content-Type", "application/json"},
        {"X-Forwarded-For", f->address},
        {"Authorization", cc_arena_printf(f->arena, "Bearer %s", access_token)},
    };
    const struct cc_http_call call = {.method = method,
                                      .url = url,
                                      .headers = headers,
                                      .header_count = access_token != NULL ? 3 : 2,
                                      .body = body,
                                      .body_count = body != NULL ? strlen(body) : 0};
    if (cc_http_do(f->client, &call, f->arena, &answer, &err) != CC_OK)
        fail_msg("%s %s: %s %s", method, url, err.public_text, err.detail);
    const char *cache_control = cc_http_answer_header(&answer, "Cache-Control");
    return (struct answer){
        .status = answer.status,
        .body = cc_arena_strndup(f->arena, answer.body, answer.body_count),
        .cache_control = cache_control != NULL ? cache_control : "",
    };
}

struct answer service_call(struct fixture *f, const char *method, const char *path,
                           const char *access_token, const char *body)
{
    int port = cc_http_server_port(f->service.listener);
    return call_url(f, method, cc_arena_printf(f->arena, "http://127.0.0.1:%d%s", port, path),
                    access_token, body);
}

struct answer service_call_internal(struct fixture *f, const char *path)
{
    int port = cc_http_server_port(f->service.ops_listener);
    return call_url(f, "GET", cc_arena_printf(f->arena, "http://127.0.0.1:%d%s", port, path), NULL,
                    NULL);
}

int service_call_raw(struct fixture *f, const char *path, const char *body, struct cc_arena *arena,
                     const char **out_body)
{
    struct cc_error err = {0};
    struct cc_http_answer answer;
    const struct cc_http_header headers[] = {{"Content-Type", "application/json"},
                                             {"X-Forwarded-For", f->address}};
    const struct cc_http_call call = {
        .method = "POST",
        .url = cc_arena_printf(arena, "http://127.0.0.1:%d%s",
                               cc_http_server_port(f->service.listener), path),
        .headers = headers,
        .header_count = 2,
        .body = body,
        .body_count = strlen(body),
    };
    if (cc_http_do(f->client, &call, arena, &answer, &err) != CC_OK)
        return 0;
    *out_body = cc_arena_strndup(arena, answer.body, answer.body_count);
    return answer.status;
}

const char *json_text(struct fixture *f, const char *body, const char *key)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, body, strlen(body), CC_IGNORE_UNKNOWN);
    const char *text = cc_json_text(reader, key, CC_OPTIONAL, 0, 100000);
    cc_json_reader_destroy(reader);
    return text != NULL ? text : "";
}

const char *json_error_pointer(struct fixture *f, const char *body)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, body, strlen(body), CC_IGNORE_UNKNOWN);
    const char *pointer = NULL;
    if (cc_json_array_count(reader, "errors", CC_OPTIONAL, 10) > 0 &&
        cc_json_enter_element(reader, "errors", 0))
        pointer = cc_json_text(reader, "pointer", CC_OPTIONAL, 0, 100);
    cc_json_reader_destroy(reader);
    return pointer != NULL ? pointer : "";
}

/* ---- mail ---- */

struct mail_wait {
    struct fixture *f;
    const char *email;
    size_t number;
    const char *id;
};

/* A list, the newest first. */
static struct cc_json_reader *mails_to(struct fixture *f, const char *email)
{
    struct answer found = call_url(f, "GET",
                                   cc_arena_printf(f->arena, "%s/api/v1/search?query=to:%s",
                                                   test_env("CHAT_TEST_MAILPIT_URL"), email),
                                   NULL, NULL);
    return cc_json_reader_create(f->arena, found.body, strlen(found.body), CC_IGNORE_UNKNOWN);
}

size_t count_mails(struct fixture *f, const char *email)
{
    struct cc_json_reader *reader = mails_to(f, email);
    size_t count = cc_json_array_count(reader, "messages", CC_OPTIONAL, 50);
    cc_json_reader_destroy(reader);
    return count;
}

static bool mail_is_there(void *arg)
{
    struct mail_wait *wait = arg;
    struct cc_json_reader *reader = mails_to(wait->f, wait->email);
    size_t count = cc_json_array_count(reader, "messages", CC_OPTIONAL, 50);
    if (count >= wait->number && cc_json_enter_element(reader, "messages", count - wait->number))
        wait->id = cc_json_text(reader, "ID", CC_REQUIRED, 1, 100);
    cc_json_reader_destroy(reader);
    return wait->id != NULL;
}

const char *mailed_text(struct fixture *f, const char *email, size_t number)
{
    struct mail_wait wait = {f, email, number, NULL};
    test_wait_for(mail_is_there, &wait, MAIL_WAIT_MS);
    struct answer mail = call_url(f, "GET",
                                  cc_arena_printf(f->arena, "%s/api/v1/message/%s",
                                                  test_env("CHAT_TEST_MAILPIT_URL"), wait.id),
                                  NULL, NULL);
    assert_string_not_equal(json_text(f, mail.body, "HTML"), "");
    return json_text(f, mail.body, "Text");
}

const char *mailed_code(struct fixture *f, const char *email, size_t number)
{
    const char *text = mailed_text(f, email, number);
    for (; *text != '\0'; text++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == OTP_BYTES - 1)
            return cc_arena_strndup(f->arena, text, digits);
        text += digits > 0 ? digits - 1 : 0;
    }
    fail_msg("no code in the mail to %s", email);
    return NULL;
}
