/* What /readyz of an instance says decides whether it is asked. Two fakes play two instances of
 * user-service; each has an ops listener beside it. */
#include <string.h>

#include "gateway_fixture.h"

#include "common/alloc.h"

#define INSTANCES 2
#define REQUESTS  20

struct ops {
    struct cc_http_server *server;
    _Atomic bool ready, hangs;
    struct cc_request *_Atomic held; /* the question that gets no answer */
};
struct fixture {
    struct gateway *g;
    struct ops ops[INSTANCES];
    int distance;
    struct ops *expected;
};

static const int places[INSTANCES] = {FAKE_USER, FAKE_NOTIFICATION};

static enum cc_code readyz(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct ops *ops = cc_request_app(req);

    if (atomic_load(&ops->hangs) && atomic_load(&ops->held) == NULL) {
        atomic_store(&ops->held, req);
        return CC_OK;
    }
    if (!atomic_load(&ops->ready))
        return cc_fail_detail(err, CC_UNAVAILABLE, "as the test wants it");
    cc_response_status(res, 200);
    cc_request_complete(req, CC_OK, NULL);
    return CC_OK;
}

static const struct cc_route ops_routes[] = {
    {"GET", "/readyz", CC_AUTH_NONE, CC_RATE_NONE, 0, readyz, CC_ASYNC},
    {NULL},
};

static void stop_ops(struct fixture *f)
{
    for (size_t i = 0; i < INSTANCES; i++) {
        cc_http_server_stop(f->ops[i].server);
        f->ops[i].server = NULL;
    }
}

/* At the same distance from each instance. */
static bool start_ops(struct fixture *f, int distance)
{
    for (size_t i = 0; i < INSTANCES; i++) {
        const struct cc_http_options options = {
            .host = "127.0.0.1",
            .port = fake_upstream_port(&f->g->fakes, places[i]) + distance,
            .routes = ops_routes,
            .app = &f->ops[i],
            .clock = cc_clock_system(),
            .ids = f->g->fakes.ids};
        struct cc_error err = {0};

        if (options.port > 65535 ||
            cc_http_server_start(&options, &f->ops[i].server, &err) != CC_OK) {
            stop_ops(f);
            return false;
        }
    }
    f->distance = distance;
    return true;
}

static int set_up_instances(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof(*f));
    struct gateway *g = f->g = create();

    for (int distance = 7; f->distance == 0; distance += 13) {
        assert_in_range(distance, 7, 5000);
        start_ops(f, distance);
    }
    set(g, "READY_PORT_DISTANCE", cc_arena_printf(g->arena, "%d", f->distance));
    set(g, "USER_SERVICE_URLS",
        cc_arena_printf(g->arena, "http://127.0.0.1:%d,http://127.0.0.1:%d",
                        fake_upstream_port(&g->fakes, places[0]),
                        fake_upstream_port(&g->fakes, places[1])));
    atomic_store(&f->ops[0].ready, true);
    default_settings(g);
    run_gateway(g);
    *state = f;
    return 0;
}

static int tear_down_instances(void **state)
{
    struct fixture *f = *state;
    void *g = f->g;

    for (size_t i = 0; i < INSTANCES; i++)
        if (atomic_load(&f->ops[i].held) != NULL)
            cc_request_complete(atomic_load(&f->ops[i].held), CC_OK, NULL);
    tear_down(&g);
    stop_ops(f);
    cc_free(f);
    return 0;
}

static int requests_of(const struct fixture *f, size_t instance)
{
    return atomic_load(&f->g->fakes.services[places[instance]].requests);
}

/* In a row, so that a turn by chance is none. */
static bool all_go_to(struct fixture *f, size_t instance)
{
    int before = requests_of(f, instance);

    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(status_of(ask_signed(f->g, "GET /v1/users/me")), 200);
    return requests_of(f, instance) == before + REQUESTS;
}

static bool all_go_to_the_first(void *arg)
{
    return all_go_to(arg, 0);
}

static bool all_go_to_the_second(void *arg)
{
    return all_go_to(arg, 1);
}

static void an_instance_that_is_not_ready_gets_no_traffic_until_it_is(void **state)
{
    struct fixture *f = *state;

    test_wait_for(all_go_to_the_first, f, 10000);
    atomic_store(&f->ops[1].ready, true);
    atomic_store(&f->ops[0].ready, false);
    test_wait_for(all_go_to_the_second, f, 10000);
}

static bool the_question_hangs(void *arg)
{
    return atomic_load(&((struct fixture *)arg)->ops[0].held) != NULL;
}

/* The groups are asked one after the other: user-service comes before the rest. */
static void a_service_that_hangs_keeps_no_other_from_being_asked(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms, took_ms;
    struct cc_error err = {0};
    enum cc_code code;

    atomic_store(&f->ops[0].hangs, true);
    test_wait_for(the_question_hangs, f, 10000);
    began_ms = cc_mono_ms(cc_clock_system());
    code = gateway_upstreams_probe(f->g->app.upstreams, GATEWAY_USER, &err);
    took_ms = cc_mono_ms(cc_clock_system()) - began_ms;
    assert_true(code == CC_OK || code == CC_UNAVAILABLE); /* of before */
    assert_in_range(took_ms, 0, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_instance_that_is_not_ready_gets_no_traffic_until_it_is,
                                        set_up_instances, tear_down_instances),
        cmocka_unit_test_setup_teardown(a_service_that_hangs_keeps_no_other_from_being_asked,
                                        set_up_instances, tear_down_instances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
