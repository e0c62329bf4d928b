/* Calls over several instances, which are sockets that do what the test wants. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

#include "common/arena.h"
#include "common/http_client.h"

/* ---- instances ---- */

#define ANSWER(status, body)                                                                       \
    "HTTP/1.1 " status "\r\nContent-Length: " body "\r\nConnection: close\r\n\r\n"
#define GOOD ANSWER("200 OK", "0")

struct instance {
    int fd, port;
    const char *_Atomic answer;  /* "" = hangs up, NULL = says nothing */
    _Atomic int requests, lives; /* takes no more than so many; 0 = no bound */
    char head[4096];             /* of the last request */
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct instance *instance = arg;
    int fd, silent = -1;

    while ((fd = accept(instance->fd, NULL, NULL)) >= 0) {
        ssize_t got = recv(fd, instance->head, sizeof(instance->head) - 1, 0);
        const char *answer = atomic_load(&instance->answer);

        instance->head[got > 0 ? got : 0] = '\0';
        atomic_fetch_add(&instance->requests, got > 0);
        if (atomic_load(&instance->requests) == atomic_load(&instance->lives))
            shutdown(instance->fd, SHUT_RDWR);
        if (answer != NULL)
            send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        if (silent >= 0)
            close(silent);
        silent = answer == NULL ? fd : -1;
        if (answer != NULL)
            close(fd);
    }
    if (silent >= 0)
        close(silent);
    return NULL;
}

static void start_instance(struct instance *instance, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    atomic_store(&instance->answer, answer);
    atomic_store(&instance->requests, 0);
    atomic_store(&instance->lives, 0);
    instance->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(instance->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(instance->fd, 64), 0);
    getsockname(instance->fd, (struct sockaddr *)&address, &length);
    instance->port = ntohs(address.sin_port);
    pthread_create(&instance->thread, NULL, serve, instance);
}

static void stop_instance(struct instance *instance)
{
    shutdown(instance->fd, SHUT_RDWR);
    pthread_join(instance->thread, NULL);
    close(instance->fd);
}

/* ---- the caller ---- */

struct fixture {
    struct instance instances[2];
    struct cc_http_client *client;
    struct cc_targets *targets;
    struct cc_arena *arena;
    _Atomic bool ended;
    enum cc_code code;
    int status;
};

static int set_up(void **state)
{
    static struct fixture f;
    const char *items[2];
    const struct cc_setting_list urls = {.items = items, .count = 2};

    f.arena = cc_arena_create(0);
    f.client = cc_http_client_create();
    for (int i = 0; i < 2; i++) {
        start_instance(&f.instances[i], GOOD);
        items[i] = cc_arena_printf(f.arena, "http://127.0.0.1:%d", f.instances[i].port);
    }
    f.targets = cc_targets_create("test", &urls, cc_clock_system());
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_http_client_destroy(f->client);
    cc_targets_destroy(f->targets);
    for (int i = 0; i < 2; i++)
        stop_instance(&f->instances[i]);
    cc_arena_destroy(f->arena);
    return 0;
}

static void note(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                 const struct cc_error *err)
{
    struct fixture *f = arg;

    (void)err;
    f->code = code;
    f->status = answer != NULL ? answer->status : 0;
    atomic_store(&f->ended, true);
}

static bool has_ended(void *arg)
{
    return atomic_load(&((struct fixture *)arg)->ended);
}

static void ask_within(struct fixture *f, const char *method, int timeout_ms)
{
    struct cc_balanced_call call = {.client = f->client,
                                    .targets = f->targets,
                                    .clock = cc_clock_system(),
                                    .http = {.method = method, .timeout_ms = timeout_ms},
                                    .path = "/x",
                                    .deadline_mono_ms = cc_mono_ms(cc_clock_system()) + timeout_ms,
                                    .done = note,
                                    .arg = f};

    atomic_store(&f->ended, false);
    cc_balanced_start(&call);
    test_wait_for(has_ended, f, 10000);
}

static void ask(struct fixture *f, const char *method)
{
    ask_within(f, method, 3000);
}

static void both_answer(struct fixture *f, const char *answer)
{
    for (int i = 0; i < 2; i++)
        atomic_store(&f->instances[i].answer, answer);
}

static int requests(struct fixture *f)
{
    return atomic_load(&f->instances[0].requests) + atomic_load(&f->instances[1].requests);
}

/* ---- tests ---- */

static void an_idempotent_method_is_sent_again_and_others_are_not(void **state)
{
    struct fixture *f = *state;

    both_answer(f, ANSWER("502 Bad Gateway", "0"));
    ask(f, "POST");
    assert_int_equal(f->status, 502);
    assert_int_equal(requests(f), 1);
    ask(f, "PATCH");
    assert_int_equal(requests(f), 2);
    ask(f, "GET");
    assert_int_equal(f->status, 502);
    assert_int_equal(requests(f), 2 + CC_RETRY_ATTEMPTS);
}

static void a_lost_connection_is_retried_only_when_that_is_harmless(void **state)
{
    struct fixture *f = *state;

    both_answer(f, "");
    ask(f, "POST");
    assert_int_equal(f->code, CC_OUTCOME_UNKNOWN);
    assert_int_equal(requests(f), 1);
    ask(f, "DELETE");
    assert_int_equal(f->code, CC_OUTCOME_UNKNOWN);
    assert_int_equal(requests(f), 1 + CC_RETRY_ATTEMPTS);
}

static void a_last_attempt_that_did_nothing_does_not_hide_the_first(void **state)
{
    struct fixture *f = *state;

    both_answer(f, "");
    for (int i = 0; i < 2; i++)
        atomic_store(&f->instances[i].lives, 1);
    ask(f, "DELETE"); /* lost, lost, refused */
    assert_int_equal(f->code, CC_OUTCOME_UNKNOWN);
    assert_int_equal(requests(f), 2);
}

static void one_bad_instance_is_hidden_from_readers(void **state)
{
    struct fixture *f = *state;

    atomic_store(&f->instances[0].answer, ANSWER("503 Service Unavailable", "0"));
    for (int i = 0; i < 20; i++) {
        ask(f, "GET");
        assert_int_equal(f->status, 200);
    }
    assert_in_range(f->instances[0].requests, 1, CC_BREAKER_FAILURES + 1);
}

static void the_budget_ends_a_storm_of_retries(void **state)
{
    struct fixture *f = *state;

    while (cc_targets_take_retry(f->targets))
        ;
    both_answer(f, ANSWER("502 Bad Gateway", "0"));
    ask(f, "GET");
    assert_int_equal(f->status, 502);
    assert_int_equal(requests(f), 1);
}

static void an_instance_that_only_fails_is_asked_no_more(void **state)
{
    struct fixture *f = *state;

    both_answer(f, ANSWER("500 Internal Server Error", "0"));
    for (int i = 0; i < 2 * CC_BREAKER_FAILURES; i++)
        ask(f, "GET");
    assert_int_equal(f->status, 500);
    ask(f, "GET");
    assert_int_equal(f->code, CC_UNAVAILABLE);
    assert_int_equal(requests(f), 2 * CC_BREAKER_FAILURES); /* nor was one repeated */
}

static void an_open_breaker_refuses_at_once_lets_one_probe_pass_and_closes(void **state)
{
    struct fixture *f = *state;
    int64_t began_us;
    int before;

    both_answer(f, ANSWER("503 Service Unavailable", "0"));
    for (int i = 0; i < 2 * CC_BREAKER_FAILURES; i++)
        ask(f, "POST");
    before = requests(f);
    assert_int_equal(before, 2 * CC_BREAKER_FAILURES);
    began_us = cc_mono_us(cc_clock_system());
    ask(f, "POST");
    assert_true(cc_mono_us(cc_clock_system()) - began_us < 50000); /* no instance was waited for */
    assert_int_equal(f->code, CC_UNAVAILABLE);
    assert_int_equal(requests(f), before);
    both_answer(f, GOOD);
    do
        ask(f, "POST");
    while (f->code == CC_UNAVAILABLE);
    assert_int_equal(f->status, 200);
    assert_int_equal(requests(f), before + 1);
}

static void the_deadline_caps_every_attempt_and_travels_along(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms = cc_mono_ms(cc_clock_system());

    ask_within(f, "GET", 900);
    assert_non_null(
        strstr(f->instances[f->instances[0].requests == 0].head, "X-Request-Timeout-Ms: "));
    both_answer(f, NULL);
    ask_within(f, "GET", 200);
    assert_int_equal(f->code, CC_TIMEOUT);
    assert_true(cc_mono_ms(cc_clock_system()) - began_ms < 5000);
}

int main(void)
{
#define CALLED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CALLED(an_idempotent_method_is_sent_again_and_others_are_not),
        CALLED(a_lost_connection_is_retried_only_when_that_is_harmless),
        CALLED(a_last_attempt_that_did_nothing_does_not_hide_the_first),
        CALLED(one_bad_instance_is_hidden_from_readers),
        CALLED(the_budget_ends_a_storm_of_retries),
        CALLED(an_instance_that_only_fails_is_asked_no_more),
        CALLED(an_open_breaker_refuses_at_once_lets_one_probe_pass_and_closes),
        CALLED(the_deadline_caps_every_attempt_and_travels_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
