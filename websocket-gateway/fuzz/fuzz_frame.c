/*
 * What clients may send, and what peers answer, on any bytes: a line is a frame of a member of one
 * chat; "+..." one of a stranger who has not authenticated; "<..." the body of the next answers of
 * chat-service and message-service; "?" loses the next answer. Redis, Kafka and the peers are taken
 * away by --wrap (CMakeLists.txt): their answers come at once, in this file. Each frame that goes
 * out must be a JSON object with a type or an `ok`.
 */

#include <string.h>

#include "testing.h"

#include "common/alloc.h"
#include "common/log.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "fuzz.h"
#include "jobs.h"
#include "people.h"
#include "ws/session.h"

#define USER         "0190a000-0000-7000-8000-000000000001"
#define SESSION      "0190a000-0000-7000-8000-000000000002"
#define CHAT         "0190a000-0000-7000-8000-000000000003"
#define GOOD_TOKEN   "good"
#define CHATS        "{\"items\":[{\"chat_id\":\"" CHAT "\",\"member_version\":1}]}"
#define AUTH         "{\"t\":\"auth\",\"token\":\"" GOOD_TOKEN "\"}"
#define QUEUE_LIMIT  1000
#define LINES_MAX    64
#define ROUNDS_MAX   100
#define CHATS_HEAD   7
#define STEP_TIME_MS 2100 /* longer than sign-in waits for anything */

struct waiting { /* in the order of their asking */
    struct ws_item *first, **last;
};
static struct {
    struct fake_clock clock;
    struct ws_app app;
    struct ws_settings settings;
    struct waiting jobs, calls;
    const char *answer; /* of the next call; NULL = none comes */
    size_t answer_count;
} world;

static void wait_in(struct waiting *waiting, struct ws_item *item)
{
    item->next = NULL;
    *waiting->last = item;
    waiting->last = &item->next;
}

static struct ws_item *next_of(struct waiting *waiting)
{
    struct ws_item *item = waiting->first;

    if (item == NULL)
        return NULL;
    waiting->first = item->next;
    if (waiting->first == NULL)
        waiting->last = &waiting->first;
    return item;
}

/* ---- what is behind the gateway ---- */

void __wrap_cc_redis_subscribe(struct cc_redis_subscriber *subscriber, const char *channel);
void __wrap_cc_redis_unsubscribe(struct cc_redis_subscriber *subscriber, const char *channel);
void __wrap_ws_job_submit(struct ws_app *app, struct ws_job *job);
void __wrap_ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                         const char *method, const char *path, const struct cc_strbuf *body);
enum cc_code __wrap_cc_produce(struct cc_producer *producer, const struct cc_produce *record,
                               cc_produced done, void *arg, struct cc_error *err);
int __wrap_cc_producer_queue_percent(const struct cc_producer *producer);
enum cc_code __wrap_cc_jwt_verify(struct cc_jwt_verifier *verifier, const char *token,
                                  size_t length, struct cc_caller *out, struct cc_error *err);

void __wrap_cc_redis_subscribe(struct cc_redis_subscriber *subscriber, const char *channel)
{
    (void)subscriber;
    (void)channel;
}

void __wrap_cc_redis_unsubscribe(struct cc_redis_subscriber *subscriber, const char *channel)
{
    (void)subscriber;
    (void)channel;
}

void __wrap_ws_job_submit(struct ws_app *app, struct ws_job *job)
{
    job->app = app;
    wait_in(&world.jobs, &job->item);
}

void __wrap_ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                         const char *method, const char *path, const struct cc_strbuf *body)
{
    (void)peer;
    (void)body;
    FUZZ_REQUIRE(method != NULL && path[0] == '/');
    call->app = app;
    wait_in(&world.calls, &call->item);
}

static bool is_object(const char *text, size_t count, bool outgoing)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = cc_json_reader_create(arena, text, count, CC_IGNORE_UNKNOWN);
    bool is = cc_json_reader_done(reader) &&
              (!outgoing || cc_json_has(reader, "t") || cc_json_has(reader, "ok"));

    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    return is;
}

enum cc_code __wrap_cc_produce(struct cc_producer *producer, const struct cc_produce *record,
                               cc_produced done, void *arg, struct cc_error *err)
{
    (void)producer;
    (void)err;
    FUZZ_REQUIRE(is_object(record->payload, record->payload_count, false));
    done(arg, CC_OK, NULL);
    return CC_OK;
}

int __wrap_cc_producer_queue_percent(const struct cc_producer *producer)
{
    (void)producer;
    return 0;
}

enum cc_code __wrap_cc_jwt_verify(struct cc_jwt_verifier *verifier, const char *token,
                                  size_t length, struct cc_caller *out, struct cc_error *err)
{
    (void)verifier;
    if (length != strlen(GOOD_TOKEN) || memcmp(token, GOOD_TOKEN, length) != 0)
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "no such token");
    *out = (struct cc_caller){.user_id = USER,
                              .session_id = SESSION,
                              .device_id = "phone",
                              .role = "user",
                              .token_expires_at_ms = world.clock.wall_ms + 600000};
    return CC_OK;
}

/* ---- the connections ---- */

static bool never_write_now(void *conn, struct ws_buffer *frame)
{
    (void)conn;
    (void)frame;
    return false;
}

static void want_write(void *conn)
{
    (void)conn;
}

static void read_socket(void *conn, bool on)
{
    (void)conn;
    (void)on;
}

static void kill_socket(void *conn)
{
    (void)conn;
}

static const struct ws_transport transport = {never_write_now, want_write, read_socket,
                                              kill_socket};

static void wake(void *arg)
{
    (void)arg;
}

static void fill(const struct cc_random *random, void *out, size_t count)
{
    (void)random;
    memset(out, 7, count);
}
static const struct cc_random fixed_random = {fill};

static void set_up(void)
{
    static struct cc_ids *ids;

    cc_log_set_level(CC_LOG_ERROR);
    memset(&world, 0, sizeof world);
    fake_clock_init(&world.clock);
    world.settings = (struct ws_settings){.send_per_s = 5,
                                          .send_burst = 20,
                                          .sync_per_s = 10,
                                          .sync_burst = 50,
                                          .watch_per_s = 50,
                                          .watch_burst = 1000,
                                          .sockets_per_user = 3,
                                          .max_unanswered = 32,
                                          .queue_frames = 256,
                                          .queue_bytes = 1 << 20,
                                          .frame_max_bytes = 65536,
                                          .auth_deadline_ms = 5000,
                                          .ping_ms = 25000,
                                          .pong_ms = 8000,
                                          .heads_interval_ms = 20000,
                                          .canary_ms = 2000};
    if (ids == NULL)
        ids = cc_ids_create(&world.clock.clock, &fixed_random);
    world.app.runtime = (struct cc_runtime){.service = "websocket-gateway",
                                            .node_id = "node-1",
                                            .settings = &world.settings,
                                            .clock = &world.clock.clock,
                                            .random = &fixed_random,
                                            .ids = ids};
    world.app.settings = &world.settings;
    world.app.queue = ws_loop_queue_create(QUEUE_LIMIT, wake, NULL);
    world.jobs.last = &world.jobs.first;
    world.calls.last = &world.calls.first;
    ws_hub_init(&world.app);
    world.app.hub.transport = &transport;
}

/* ---- answers come ---- */

static void answer_job(struct ws_job *job)
{
    if (job->done != NULL)
        job->done(job);
    job->discard(job);
}

static void answer_call(struct ws_call *call)
{
    if (world.answer == NULL) {
        call->code = cc_fail(&call->err, CC_UNAVAILABLE, NULL, "no answer");
    } else {
        call->body = cc_calloc(1, world.answer_count + 1); /* it may hold NUL */
        memcpy(call->body, world.answer, world.answer_count);
        call->body_count = world.answer_count;
    }
    call->done(call);
    call->discard(call);
}

static void settle(void)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct ws_item *job = next_of(&world.jobs), *call = next_of(&world.calls);

        if (job != NULL)
            answer_job(WS_CONTAINER(job, struct ws_job, item));
        if (call != NULL)
            answer_call(WS_CONTAINER(call, struct ws_call, item));
        (void)ws_loop_queue_run(world.app.queue);
        if (job == NULL && call == NULL)
            return;
    }
}

static void drop_the_rest(void)
{
    for (struct ws_item *item; (item = next_of(&world.jobs)) != NULL;) {
        struct ws_job *job = WS_CONTAINER(item, struct ws_job, item);

        job->discard(job);
    }
    for (struct ws_item *item; (item = next_of(&world.calls)) != NULL;) {
        struct ws_call *call = WS_CONTAINER(item, struct ws_call, item);

        call->discard(call);
    }
}

static void read_what_came(struct ws_session *session)
{
    for (struct ws_buffer *frame; (frame = ws_session_next(session)) != NULL;) {
        FUZZ_REQUIRE(is_object(ws_buffer_text(frame), frame->count, true));
        ws_buffer_unref(frame);
    }
}

static void let_time_pass(struct ws_session *session)
{
    fake_clock_advance_ms(&world.clock, STEP_TIME_MS);
    ws_session_tick(session, ws_now_ms(&world.app));
    settle();
    read_what_came(session);
}

/* In two pieces, the second of one byte. The connection goes when the gateway closes it. */
static void say(struct ws_session **session, const char *frame, size_t count)
{
    if (*session == NULL || count == 0)
        return;
    ws_session_receive(*session, frame, count - 1, false);
    ws_session_receive(*session, frame + count - 1, 1, true);
    settle();
    read_what_came(*session);
    let_time_pass(*session);
    if ((*session)->state == WS_CLOSING) {
        ws_session_closed(*session);
        *session = NULL;
    }
}

static void sign_in(struct ws_session **session)
{
    world.answer = CHATS;
    world.answer_count = strlen(CHATS);
    say(session, AUTH, strlen(AUTH));
    ws_people_subscribed(&world.app, USER);
    settle();
    ws_chat_subscribed(&world.app, CHAT);
    ws_chat_baseline(&world.app, ws_chat_find(&world.app, CHAT), CHATS_HEAD, CHATS_HEAD);
    settle();
    FUZZ_REQUIRE(*session != NULL && (*session)->state == WS_READY);
}

static void take_line(struct ws_session **member, struct ws_session **stranger, const char *line,
                      size_t count)
{
    switch (count == 0 ? '\0' : line[0]) {
    case '<':
        world.answer = line + 1;
        world.answer_count = count - 1;
        return;
    case '?':
        world.answer = NULL;
        return;
    case '+':
        say(stranger, line + 1, count - 1);
        return;
    default:
        say(member, line, count);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const char *at = (const char *)bytes, *end = at + count;
    struct ws_session *member, *stranger;

    set_up();
    member = ws_session_open(&world.app, &world, NULL);
    sign_in(&member);
    stranger = ws_session_open(&world.app, &world, NULL);
    for (int lines = 0; at < end && lines < LINES_MAX; lines++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));

        if (line_end == NULL)
            line_end = end;
        take_line(&member, &stranger, at, (size_t)(line_end - at));
        at = line_end + (line_end < end);
    }
    drop_the_rest();
    ws_hub_finish(&world.app);
    drop_the_rest(); /* those who were still here have left */
    ws_loop_queue_destroy(world.app.queue);
    return 0;
}
