/* Shared requests and their line. Runs on the loop thread. It does not know what is asked. */

#include "chats/shared_calls.h"

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"

#include "app.h"

/* With two gateways half of what one message-service lets wait; a request is given up after as long
 * as a client would rather load the chat anew. */
#define UNDER_WAY_MAX 16
#define LINE_MS       8000

struct request {
    struct ws_call call;
    struct ws_node node; /* in by_path, until it is answered */
    struct ws_link in_line;
    struct ws_link waiters;
    const struct ws_shared_kind *kind;
    int64_t since_ms;
    char *path; /* owned */
};

static void discard(struct ws_call *call)
{
    struct request *request = WS_CONTAINER(call, struct request, call);

    cc_free(request->path);
    ws_call_free(call);
}

static void tell_all(struct ws_app *app, struct request *request, void *answer)
{
    while (!ws_list_empty(&request->waiters)) {
        struct ws_waiter *first = WS_CONTAINER(request->waiters.next, struct ws_waiter, waiting);

        ws_list_remove(&first->waiting);
        first->came(app, first, answer);
    }
    if (answer != NULL)
        request->kind->release(answer);
}

static void go_on(struct ws_app *app);

static void answered(struct ws_call *call)
{
    struct request *request = WS_CONTAINER(call, struct request, call);
    struct ws_app *app = call->app;
    void *answer = NULL;

    app->hub.shared.under_way--;
    ws_table_remove(&app->hub.shared.by_path, &request->node);
    if (call->code == CC_OK)
        answer = request->kind->read(app, call, request->path, &call->err);
    cc_arena_reset(app->hub.arena);
    if (answer == NULL)
        cc_log_error(CC_LOG_WARN, "a question of those who return was not answered", &call->err,
                     NULL);
    tell_all(app, request, answer);
    go_on(app);
}

static void leave_line(struct ws_app *app, struct request *request)
{
    ws_list_remove(&request->in_line);
    cc_gauge_add(app->hub.shared.line_gauge, -1);
}

static void send(struct ws_app *app, struct request *request)
{
    app->hub.shared.under_way++;
    cc_counter_add(app->hub.shared.asked_counter, 1);
    ws_call_send(app, &request->call, app->message_service, "GET", request->path, NULL);
}

/* It is this one's turn: sent, unless nobody waits for it or it is too late. */
static void take_turn(struct ws_app *app, struct request *request)
{
    bool late = ws_now_ms(app) - request->since_ms > LINE_MS;

    leave_line(app, request);
    cc_counter_add(app->hub.shared.late_counter, late ? 1 : 0);
    if (!late && !ws_list_empty(&request->waiters)) {
        send(app, request);
        return;
    }
    ws_table_remove(&app->hub.shared.by_path, &request->node);
    tell_all(app, request, NULL);
    discard(&request->call);
}

static void go_on(struct ws_app *app)
{
    struct ws_shared_calls *shared = &app->hub.shared;

    if (shared->going_on) /* whoever is told that it is late may ask for the next thing */
        return;
    shared->going_on = true;
    while (shared->under_way < UNDER_WAY_MAX && !ws_list_empty(&shared->line))
        take_turn(app, WS_CONTAINER(shared->line.next, struct request, in_line));
    shared->going_on = false;
}

static struct request *create(struct ws_app *app, const struct ws_shared_kind *kind,
                              const char *path)
{
    struct request *request = cc_calloc(1, sizeof *request);

    request->call.done = answered;
    request->call.discard = discard;
    request->kind = kind;
    request->path = cc_strdup(path);
    request->since_ms = ws_now_ms(app);
    ws_list_init(&request->waiters);
    ws_table_add(&app->hub.shared.by_path, &request->node, request->path);
    ws_list_append(&app->hub.shared.line, &request->in_line);
    cc_gauge_add(app->hub.shared.line_gauge, 1);
    return request;
}

void ws_shared_get(struct ws_app *app, struct ws_waiter *waiter, const struct ws_shared_kind *kind,
                   const char *path)
{
    struct ws_node *node = ws_table_find(&app->hub.shared.by_path, path);

    if (node != NULL) {
        struct request *request = WS_CONTAINER(node, struct request, node);

        cc_counter_add(app->hub.shared.shared_counter, 1);
        ws_list_append(&request->waiters, &waiter->waiting);
        return;
    }
    ws_list_append(&create(app, kind, path)->waiters, &waiter->waiting);
    go_on(app);
}

void ws_waiter_init(struct ws_waiter *waiter,
                    void (*came)(struct ws_app *app, struct ws_waiter *waiter, void *answer))
{
    waiter->came = came;
    ws_list_init(&waiter->waiting);
}

void ws_waiter_cancel(struct ws_waiter *waiter)
{
    ws_list_remove(&waiter->waiting);
}

static struct cc_counter *counter(const char *how)
{
    return cc_counter_get("ws_shared_calls_total", "Questions of those who return, and their ends.",
                          "how", how, NULL);
}

void ws_shared_init(struct ws_app *app)
{
    struct ws_shared_calls *shared = &app->hub.shared;

    ws_table_init(&shared->by_path);
    ws_list_init(&shared->line);
    shared->asked_counter = counter("asked");
    shared->shared_counter = counter("shared");
    shared->late_counter = counter("late");
    shared->line_gauge =
        cc_gauge_get("ws_shared_calls_waiting", "Questions that stand in line.", NULL);
}

void ws_shared_finish(struct ws_app *app)
{
    struct ws_shared_calls *shared = &app->hub.shared;

    while (!ws_list_empty(&shared->line)) {
        struct request *request = WS_CONTAINER(shared->line.next, struct request, in_line);

        leave_line(app, request);
        discard(&request->call);
    }
    ws_table_finish(&shared->by_path);
}
