/* From a notification to a push provider that this test serves over HTTP on the loopback. */

#include "testing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/http_server.h"
#include "push.h"

#define ADA  "0192f0c1-7a2b-7c3d-8e4f-0000000000a1"
#define CHAT "0192f0c1-7a2b-7c3d-8e4f-0000000000c1"

#define ASKED_MAX 16

/* ---- the provider ---- */

struct provider_fixture {
    struct cc_arena *arena;
    struct cc_ids *ids;
    struct cc_http_client *client;
    struct cc_http_server *server;
    struct push_store *store;
    struct push_provider *provider;
    char url[64];
    atomic_int status; /* of its answers */
    atomic_int asked;
    const char *_Atomic says;
    char bodies[ASKED_MAX][4096]; /* of what it was asked, before `asked` counts it */
    char authorization[128];
    struct cc_error err;
};

static enum cc_code take_push(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct provider_fixture *f = cc_request_app(req);
    const char *authorization = cc_request_header(req, "Authorization");
    int at = atomic_load(&f->asked);
    size_t count;
    const void *body = cc_request_body(req, &count);

    (void)err;
    if (at < ASKED_MAX)
        snprintf(f->bodies[at], sizeof f->bodies[at], "%.*s", (int)count, (const char *)body);
    snprintf(f->authorization, sizeof f->authorization, "%s",
             authorization == NULL ? "" : authorization);
    atomic_fetch_add(&f->asked, 1);
    cc_response_status(res, atomic_load(&f->status));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "errorCode", atomic_load(&f->says));
    cc_json_close_object(writer);
    return CC_OK;
}

static int start(void **state)
{
    static const struct cc_route routes[] = {
        {"POST", "/push", CC_AUTH_INTERNAL, CC_RATE_NONE, 8192, take_push, CC_BLOCKING},
        {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
    };
    static const struct cc_http_hooks hooks = {0};
    static struct provider_fixture fixture;
    struct provider_fixture *f = &fixture;

    memset(f, 0, sizeof *f);
    f->arena = cc_arena_create(0);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    f->client = cc_http_client_create();
    f->store = push_store_memory_create();
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = routes,
                                      .hooks = &hooks,
                                      .app = f,
                                      .clock = cc_clock_system(),
                                      .ids = f->ids,
                                      .internal = true};
    assert_int_equal(cc_http_server_start(&options, &f->server, &f->err), CC_OK);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/push", cc_http_server_port(f->server));
    f->provider = push_http_create(f->client, f->url, "key-1", 2000);
    atomic_store(&f->status, 200);
    atomic_store(&f->says, "none");
    *state = f;
    return 0;
}

static int finish(void **state)
{
    struct provider_fixture *f = *state;

    push_provider_destroy(f->provider);
    push_store_destroy(f->store);
    cc_http_server_stop(f->server);
    cc_http_client_destroy(f->client);
    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

static void has_device(struct provider_fixture *f, const char *device_id, const char *token)
{
    const struct push_token row = {ADA, device_id, "session", token, FAKE_T0_MS};

    assert_int_equal(f->store->ops->put_token(f->store, &row, &f->err), CC_OK);
}

static size_t devices(struct provider_fixture *f)
{
    struct push_token_list list;

    assert_int_equal(f->store->ops->tokens_of(f->store, ADA, f->arena, &list, &f->err), CC_OK);
    return list.count;
}

static struct push_message a_message(const char *notification_id)
{
    return (struct push_message){.notification_id = notification_id,
                                 .kind = "message",
                                 .chat_id = CHAT,
                                 .message_id = "m-1",
                                 .seq = 42,
                                 .title = "New message",
                                 .collapse_key = CHAT};
}

static enum cc_code push(struct provider_fixture *f, const struct push_message *message)
{
    return notification_push(f->store, f->provider, ADA, message, FAKE_T0_MS, NULL, f->arena,
                             &f->err);
}

/* ---- tests ---- */

static void a_device_is_told_whom_to_ask_and_nothing_of_what_was_said(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1");
    has_device(f, "phone", "token-1");

    assert_int_equal(push(f, &message), CC_OK);

    assert_int_equal(atomic_load(&f->asked), 1);
    assert_string_equal(f->authorization, "Bearer key-1");
    assert_non_null(strstr(f->bodies[0], "\"token\":\"token-1\""));
    assert_non_null(strstr(f->bodies[0], "\"notification\":{\"title\":\"New message\"}"));
    assert_non_null(strstr(f->bodies[0], "\"collapse_key\":\"" CHAT "\""));
    assert_non_null(strstr(f->bodies[0], "\"apns-collapse-id\":\"" CHAT "\""));
    assert_non_null(strstr(f->bodies[0], "\"seq\":\"42\""));
}

static void what_was_said_is_told_where_that_is_permitted(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1");
    message.preview = "coffee?";
    has_device(f, "phone", "token-1");

    assert_int_equal(push(f, &message), CC_OK);

    assert_non_null(strstr(f->bodies[0], "\"body\":\"coffee?\""));
}

static void every_device_is_told_once_however_often_it_is_repeated(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1"), next = a_message("n-2");
    has_device(f, "phone", "token-1");
    has_device(f, "tablet", "token-2");

    assert_int_equal(push(f, &message), CC_OK);
    assert_int_equal(push(f, &message), CC_OK);
    assert_int_equal(atomic_load(&f->asked), 2);

    assert_int_equal(push(f, &next), CC_OK);
    assert_int_equal(atomic_load(&f->asked), 4);
}

static void a_busy_provider_is_asked_again_until_it_takes_it(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1");
    static const int later[] = {429, 503, 401};
    has_device(f, "phone", "token-1");

    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        atomic_store(&f->status, later[i]);
        assert_int_equal(push(f, &message), CC_UNAVAILABLE);
    }
    atomic_store(&f->status, 200);
    assert_int_equal(push(f, &message), CC_OK);
    assert_int_equal(push(f, &message), CC_OK);

    assert_int_equal(atomic_load(&f->asked), 4);
}

static void a_provider_that_is_away_is_asked_again_when_it_is_back(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1");
    struct push_provider *nowhere = push_http_create(f->client, "http://127.0.0.1:1/push", "", 500);
    has_device(f, "phone", "token-1");

    enum cc_code code =
        notification_push(f->store, nowhere, ADA, &message, FAKE_T0_MS, NULL, f->arena, &f->err);
    assert_int_equal(code, CC_UNAVAILABLE);
    assert_int_equal(push(f, &message), CC_OK);

    assert_int_equal(atomic_load(&f->asked), 1);
    push_provider_destroy(nowhere);
}

static void a_device_that_the_provider_does_not_know_is_forgotten(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1");
    has_device(f, "phone", "token-1");
    atomic_store(&f->status, 404);

    assert_int_equal(push(f, &message), CC_UNAVAILABLE);
    assert_int_equal(devices(f), 1);
    atomic_store(&f->says, "UNREGISTERED");
    assert_int_equal(push(f, &message), CC_OK);

    assert_int_equal(devices(f), 0);
}

/* It may have been sent. */
static void what_failed_inside_the_provider_is_not_repeated(void **state)
{
    struct provider_fixture *f = *state;
    struct push_message message = a_message("n-1");
    has_device(f, "phone", "token-1");
    atomic_store(&f->status, 500);

    assert_int_equal(push(f, &message), CC_OK);
    atomic_store(&f->status, 200);
    assert_int_equal(push(f, &message), CC_OK);

    assert_int_equal(atomic_load(&f->asked), 1);
    assert_int_equal(devices(f), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_told_whom_to_ask_and_nothing_of_what_was_said),
        TEST(what_was_said_is_told_where_that_is_permitted),
        TEST(every_device_is_told_once_however_often_it_is_repeated),
        TEST(a_busy_provider_is_asked_again_until_it_takes_it),
        TEST(a_provider_that_is_away_is_asked_again_when_it_is_back),
        TEST(a_device_that_the_provider_does_not_know_is_forgotten),
        TEST(what_failed_inside_the_provider_is_not_repeated),
    };

    return cmocka_run_group_tests_name("notification-service push", tests, NULL, NULL);
}
