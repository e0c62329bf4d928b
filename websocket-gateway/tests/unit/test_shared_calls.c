/* Sharing of requests and the line they stand in, with a clock made of numbers and a
 * message-service that answers when the test says so. */

#include <string.h>

#include "common/alloc.h"
#include "testing.h"

#include "app.h"
#include "chats/shared_calls.h"

enum { SENT_MAX = 64, AT_ONCE = 16, LATE_MS = 9000 };

static struct ws_call *sent[SENT_MAX]; /* in their order; NULL = answered */
static char *sent_paths[SENT_MAX];
static size_t sent_count;
static int answers_alive;

void __wrap_ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                         const char *method, const char *path, const struct cc_strbuf *body);
void __wrap_ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                         const char *method, const char *path, const struct cc_strbuf *body)
{
    (void)peer;
    (void)method;
    (void)body;
    assert_true(sent_count < SENT_MAX);
    call->app = app;
    sent_paths[sent_count] = cc_strdup(path);
    sent[sent_count++] = call;
}

static void answer(size_t which, enum cc_code code)
{
    struct ws_call *call = sent[which];

    sent[which] = NULL;
    call->code = code;
    call->done(call);
    call->discard(call);
}

/* What is read is the path itself. */
static void *read_path(struct ws_app *app, const struct ws_call *call, const char *path,
                       struct cc_error *err)
{
    (void)app;
    (void)call;
    (void)err;
    answers_alive++;
    return cc_strdup(path);
}

static void release_path(void *path)
{
    answers_alive--;
    cc_free(path);
}

static const struct ws_shared_kind paths = {read_path, release_path};

struct asker {
    struct ws_waiter waiter;
    int told;
    char heard[32]; /* "" = nothing to be had */
    const char *then_asks;
};

static void came(struct ws_app *app, struct ws_waiter *waiter, void *path)
{
    struct asker *asker = WS_CONTAINER(waiter, struct asker, waiter);

    asker->told++;
    (void)snprintf(asker->heard, sizeof asker->heard, "%s", path == NULL ? "" : (char *)path);
    if (asker->then_asks != NULL)
        ws_shared_get(app, &asker->waiter, &paths, asker->then_asks);
    asker->then_asks = NULL;
}

struct fixture {
    struct ws_app app;
    struct fake_clock clock;
    struct asker askers[SENT_MAX];
};

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);

    fake_clock_init(&f->clock);
    f->app.runtime.clock = &f->clock.clock;
    f->app.hub.arena = cc_arena_create(0);
    ws_shared_init(&f->app);
    for (size_t i = 0; i < SENT_MAX; i++)
        ws_waiter_init(&f->askers[i].waiter, came);
    sent_count = 0;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ws_shared_finish(&f->app);
    for (size_t i = 0; i < sent_count; i++) {
        if (sent[i] != NULL)
            sent[i]->discard(sent[i]);
        cc_free(sent_paths[i]);
    }
    assert_int_equal(answers_alive, 0);
    cc_arena_destroy(f->app.hub.arena);
    cc_free(f);
    return 0;
}

static void ask(struct fixture *f, size_t who, const char *path)
{
    ws_shared_get(&f->app, &f->askers[who].waiter, &paths, path);
}

/* Each a path of its own. */
static void ask_many(struct fixture *f, size_t count)
{
    char path[32];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "/%zu", i);
        ask(f, i, path);
    }
}

static void who_asks_the_same_shares_one_request(void **state)
{
    struct fixture *f = *state;

    ask(f, 0, "/same");
    ask(f, 1, "/same");
    ask(f, 2, "/other");
    assert_int_equal(sent_count, 2);
    answer(0, CC_OK);

    assert_string_equal(f->askers[0].heard, "/same");
    assert_string_equal(f->askers[1].heard, "/same");
    assert_int_equal(f->askers[2].told, 0);
    ask(f, 0, "/same"); /* what was answered is old */
    assert_int_equal(sent_count, 3);
}

static void the_rest_stands_in_line(void **state)
{
    struct fixture *f = *state;

    ask_many(f, AT_ONCE + 2);
    assert_int_equal(sent_count, AT_ONCE);
    ask(f, AT_ONCE + 2, "/16"); /* the first in line */
    answer(3, CC_OK);
    assert_int_equal(sent_count, AT_ONCE + 1);
    assert_string_equal(sent_paths[AT_ONCE], "/16");
    answer(AT_ONCE, CC_OK);

    assert_int_equal(f->askers[AT_ONCE].told, 1);
    assert_int_equal(f->askers[AT_ONCE + 2].told, 1);
    assert_string_equal(sent_paths[AT_ONCE + 1], "/17");
}

static void what_nobody_waits_for_any_more_is_not_asked(void **state)
{
    struct fixture *f = *state;

    ask_many(f, AT_ONCE + 2);
    ws_waiter_cancel(&f->askers[AT_ONCE].waiter);
    ws_waiter_cancel(&f->askers[0].waiter); /* under way already */
    answer(0, CC_OK);

    assert_string_equal(sent_paths[AT_ONCE], "/17");
    assert_int_equal(f->askers[0].told, 0);
    assert_int_equal(f->askers[AT_ONCE].told, 0);
}

static void whoever_stands_in_line_for_too_long_is_told_so(void **state)
{
    struct fixture *f = *state;

    ask_many(f, SENT_MAX);
    f->askers[AT_ONCE].then_asks = "/another";
    fake_clock_advance_ms(&f->clock, LATE_MS);
    answer(0, CC_OK);

    for (size_t i = AT_ONCE; i < SENT_MAX; i++)
        assert_int_equal(f->askers[i].told, 1);
    assert_string_equal(f->askers[AT_ONCE].heard, "");
    assert_int_equal(sent_count, AT_ONCE + 1);
    assert_string_equal(sent_paths[AT_ONCE], "/another");
}

static void a_failure_is_everybodys(void **state)
{
    struct fixture *f = *state;

    ask(f, 0, "/same");
    ask(f, 1, "/same");
    answer(0, CC_UNAVAILABLE);

    assert_int_equal(f->askers[0].told, 1);
    assert_int_equal(f->askers[1].told, 1);
    assert_string_equal(f->askers[1].heard, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_asks_the_same_shares_one_request),
        TEST(the_rest_stands_in_line),
        TEST(what_nobody_waits_for_any_more_is_not_asked),
        TEST(whoever_stands_in_line_for_too_long_is_told_so),
        TEST(a_failure_is_everybodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
