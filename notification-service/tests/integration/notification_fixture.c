/* Starts and stops what notification_fixture.h describes; looks into the stores from outside. */

#include "notification_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/relations.h"
#include "common/topics.h"
#include "events/consumers.h"
#include "http/routes.h"
#include "mongo_database.h"

#define TOLD_MS    20000
#define CALL_BYTES (1024 * 1024)

/* ---- neighbours ---- */

static void put_member(struct cc_json_writer *writer, const char *user_id, const char *state)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "user_id", user_id);
    cc_json_put_text(writer, "role", "member");
    cc_json_put_text(writer, "state", state);
    cc_json_close_object(writer);
}

/* Pages of 100, by position: the cursor is opaque to those who ask. */
static enum cc_code list_members(struct cc_request *req, struct cc_response *res,
                                 struct cc_error *err)
{
    struct notification_fixture *f = cc_request_app(req);
    int64_t from = 0, active = atomic_load(&f->members);
    CC_TRY(cc_request_query_int(req, "after", 0, PEOPLE_MAX, 0, &from, err));
    if (atomic_load(&f->chat_service_away))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");

    struct cc_json_writer *writer = cc_response_json(res);
    int64_t to = from + 100;
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (int64_t i = from; i < to && i < active + 1; i++)
        put_member(writer, f->people[i], i < active ? "active" : "left");
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor",
                     to < active + 1 ? cc_arena_printf(cc_request_arena(req), "%" PRId64, to)
                                     : NULL);
    cc_json_close_object(writer);
    return CC_OK;
}

static enum cc_code list_states(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct notification_fixture *f = cc_request_app(req);
    const char *level = atomic_load(&f->level), *mute_until = atomic_load(&f->mute_until);

    if (atomic_load(&f->chat_service_away))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    if (level != NULL) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", f->people[1]);
        cc_json_put_text(writer, "mute_until", mute_until);
        cc_json_put_text(writer, "notify", level);
        cc_json_put_int(writer, "version", 1);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}

static enum cc_code tell_heads(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct notification_fixture *f = cc_request_app(req);
    struct cc_json_reader *reader;
    size_t count;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *const *chats = cc_json_uuids(reader, "chats", CC_REQUIRED, 1, &count);
    cc_json_uuid(reader, "user_id", CC_REQUIRED);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);

    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "chat_id", chats[0]);
    cc_json_put_int(writer, "read_seq", atomic_load(&f->read_seq));
    cc_json_close_object(writer);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}

static enum cc_code tell_relations(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct notification_fixture *f = cc_request_app(req);
    const char *blocker = f->people[atomic_load(&f->blocker)];
    const char *undisturbed = f->people[atomic_load(&f->undisturbed)];
    struct cc_json_reader *reader;
    struct cc_relation *pairs;
    size_t count;

    if (atomic_load(&f->user_service_away))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!cc_relations_read_question(reader, &pairs, &count))
        return cc_json_reader_error(reader, err);
    for (size_t i = 0; i < count; i++) {
        pairs[i].blocked = strcmp(pairs[i].user_id, blocker) == 0;
        pairs[i].do_not_disturb = strcmp(pairs[i].user_id, undisturbed) == 0;
    }
    cc_relations_write_answer(cc_response_json(res), pairs, count);
    return CC_OK;
}

static const struct cc_route neighbour_routes[] = {
    {"GET", "/internal/chats/{chat_id}/states", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, list_states,
     CC_BLOCKING},
    {"GET", "/internal/chats/{chat_id}/members", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, list_members,
     CC_BLOCKING},
    {"POST", CC_RELATIONS_CONTACT, CC_AUTH_INTERNAL, CC_RATE_NONE, CC_RELATIONS_BYTES,
     tell_relations, CC_BLOCKING},
    {"POST", "/internal/heads", CC_AUTH_INTERNAL, CC_RATE_NONE, 4096, tell_heads, CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};

static enum cc_code token_is_user(void *app, const char *token, size_t length,
                                  struct cc_caller *out, struct cc_error *err)
{
    (void)app;
    if (!cc_uuid_valid(token, length))
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "not a user id");
    snprintf(out->user_id, sizeof out->user_id, "%s", token);
    return CC_OK;
}

/* ---- start and stop ---- */

static void must(struct notification_fixture *f, enum cc_code code)
{
    if (code != CC_OK)
        fail_msg("%s: %s %s", cc_code_name(code), f->err.public_text, f->err.detail);
}

static struct cc_http_server *serve(struct notification_fixture *f, const struct cc_route *routes,
                                    void *app, bool internal)
{
    static const struct cc_http_hooks hooks = {.authenticate = token_is_user};
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = routes,
                                      .hooks = &hooks,
                                      .app = app,
                                      .clock = f->app.clock,
                                      .ids = f->app.ids,
                                      .internal = internal};
    struct cc_http_server *server = NULL;
    must(f, cc_http_server_start(&options, &server, &f->err));
    return server;
}

static struct cc_peer *neighbour(struct notification_fixture *f)
{
    const char *url =
        cc_arena_printf(f->arena, "http://127.0.0.1:%d", cc_http_server_port(f->neighbours));
    struct cc_setting_list urls = {.items = &url, .count = 1};
    return cc_peer_create(f->app.client, &urls);
}

static void make_topics(struct notification_fixture *f, const char *brokers)
{
    snprintf(f->persisted_topic, sizeof f->persisted_topic, "%s", test_unique_name("persisted"));
    snprintf(f->notification_topic, sizeof f->notification_topic, "%s",
             test_unique_name("notification"));
    const struct cc_topic topics[] = {
        {f->persisted_topic, 1, 60000},
        {cc_arena_printf(f->arena, "%s.dlq", f->persisted_topic), 1, 60000},
        {f->notification_topic, 2, 60000},
        {cc_arena_printf(f->arena, "%s.dlq", f->notification_topic), 1, 60000},
    };
    must(f, cc_topics_create(brokers, topics, 4, 1, &f->err));
}

static void open_servers(struct notification_fixture *f, const char *brokers)
{
    make_topics(f, brokers);
    f->app.mongo = test_mongo_open("notification-service", "notification_it");
    must(f, cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 4, &f->app.redis, &f->err));
    must(f, cc_producer_create(brokers, "test", &f->app.producer, &f->err));
}

/* Notes who is not to be disturbed, then delivers. */
static enum cc_code deliver(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct notification_fixture *f = app; /* its first member */

    for (size_t i = 0; i < batch->count; i++) {
        struct ev_notification_new event;
        struct cc_json_reader *reader = cc_record_reader(&batch->records[i], batch->arena);
        bool read = ev_notification_new_read(reader, &event);
        pthread_mutex_lock(&f->people_lock);
        for (int person = 0; read && person < PEOPLE_MAX; person++)
            if (strcmp(f->people[person], event.user_id) == 0)
                atomic_store(&f->quiet[person], event.quiet);
        pthread_mutex_unlock(&f->people_lock);
        cc_json_reader_destroy(reader);
    }
    return notification_delivery_row.apply(app, batch, err);
}

static void start_consumers(struct notification_fixture *f, const char *brokers)
{
    struct cc_consumer_options options = {
        .brokers = brokers, .client_id = "test", .producer = f->app.producer, .app = &f->app};
    struct cc_consumer_row deciding = notification_persisted_row;
    struct cc_consumer_row delivering = notification_delivery_row;
    deciding.topic = f->persisted_topic;
    deciding.group = test_unique_name("deciding");
    delivering.topic = f->notification_topic;
    delivering.apply = deliver;
    delivering.group = test_unique_name("delivering");
    must(f, cc_consumer_start(&options, &deciding, &f->app.persisted, &f->err));
    must(f, cc_consumer_start(&options, &delivering, &f->app.notifications, &f->err));
}

int notification_fixture_start(void **state)
{
    static struct notification_fixture fixture;
    struct notification_fixture *f = &fixture;
    const char *brokers = test_env("CHAT_TEST_KAFKA_BROKERS");

    pthread_mutex_init(&f->people_lock, NULL);
    f->arena = cc_arena_create(0);
    f->app.clock = cc_clock_system();
    f->app.ids = cc_ids_create(f->app.clock, cc_random_system());
    f->app.client = cc_http_client_create();
    open_servers(f, brokers);
    f->app.notification_topic = f->notification_topic;
    f->neighbours = serve(f, neighbour_routes, f, true);
    f->app.chat_service = neighbour(f);
    f->app.states = notification_states_create(f->app.chat_service, cc_clock_system());
    f->app.message_service = neighbour(f);
    f->app.user_service = neighbour(f);
    f->app.blocked = cc_counter_get("notification_blocked_total", "As in app.c.", NULL);
    f->app.store = notification_store_mongo_create(f->app.mongo);
    f->server = serve(f, notification_routes, &f->app, false);
    start_consumers(f, brokers);
    *state = f;
    return 0;
}

int notification_fixture_stop(void **state)
{
    struct notification_fixture *f = *state;

    cc_http_server_stop(f->server);
    notification_app_drain(&f->app, cc_mono_ms(f->app.clock) + 10000);
    test_mongo_drop(f->app.mongo);
    notification_app_stop(&f->app);
    cc_http_server_stop(f->neighbours);
    cc_ids_destroy(f->app.ids);
    cc_arena_destroy(f->arena);
    pthread_mutex_destroy(&f->people_lock);
    return 0;
}

int notification_fixture_begin(void **state)
{
    struct notification_fixture *f = *state;

    cc_arena_reset(f->arena);
    cc_ids_next(f->app.ids, f->chat_id);
    pthread_mutex_lock(&f->people_lock); /* what an earlier test has caused may still come */
    for (int i = 0; i < PEOPLE_MAX; i++)
        cc_ids_next(f->app.ids, f->people[i]);
    pthread_mutex_unlock(&f->people_lock);
    atomic_store(&f->members, 0);
    atomic_store(&f->read_seq, 0);
    atomic_store(&f->chat_service_away, false);
    atomic_store(&f->level, NULL);
    atomic_store(&f->mute_until, NULL);
    atomic_store(&f->user_service_away, false);
    atomic_store(&f->blocker, 0);
    atomic_store(&f->undisturbed, 0);
    return 0;
}

int notification_fixture_end(void **state)
{
    (void)state;
    return 0;
}

/* ---- events ---- */

static const char *new_id(struct notification_fixture *f)
{
    char *id = cc_arena_alloc(f->arena, CC_UUID_BYTES);
    cc_ids_next(f->app.ids, id);
    return id;
}

static struct cc_envelope envelope(struct notification_fixture *f, const char *type,
                                   const char *key)
{
    return (struct cc_envelope){.event_id = new_id(f),
                                .type = type,
                                .version = 1,
                                .occurred_at_ms = cc_wall_ms(f->app.clock),
                                .producer = "test",
                                .key = key};
}

struct ev_message_persisted a_message(struct notification_fixture *f, int64_t seq, const char *body,
                                      size_t recipients)
{
    const char **ids = cc_arena_calloc(f->arena, recipients + 1, sizeof *ids);
    for (size_t i = 0; i < recipients; i++)
        ids[i] = f->people[i];
    const char *message_id = new_id(f);
    return (struct ev_message_persisted){
        .envelope = envelope(f, CC_TOPIC_MESSAGE_PERSISTED, f->chat_id),
        .op = CC_OP_CREATE,
        .op_id = message_id,
        .chat_id = f->chat_id,
        .sender_id = f->people[0],
        .rev = seq,
        .head_seq = seq,
        .message = {.message_id = message_id,
                    .chat_id = f->chat_id,
                    .seq = seq,
                    .rev = seq,
                    .sender_id = f->people[0],
                    .type = "text",
                    .body = body,
                    .created_at_ms = cc_wall_ms(f->app.clock),
                    .version = 1},
        .recipients = ids,
        .recipient_count = recipients,
    };
}

static void produce(struct notification_fixture *f, const char *topic, const char *payload,
                    size_t count)
{
    struct cc_produce record = {
        .topic = topic, .key = f->chat_id, .payload = payload, .payload_count = count};
    must(f, cc_produce_all(f->app.producer, &record, 1, &f->err));
}

void produce_text(struct notification_fixture *f, const char *topic, const char *text)
{
    produce(f, topic, text, strlen(text));
}

void announce(struct notification_fixture *f, const struct ev_message_persisted *event)
{
    struct cc_json_writer writer;
    struct cc_strbuf text;
    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_message_persisted_write(&writer, event);
    produce(f, f->persisted_topic, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
}

void order_delivery(struct notification_fixture *f, int64_t seq, int64_t age_ms)
{
    struct cc_json_writer writer;
    struct cc_strbuf text;
    struct ev_notification_new event = {
        .envelope = envelope(f, CC_TOPIC_NOTIFICATION_NEW, f->people[1]),
        .notification_id = new_id(f),
        .user_id = f->people[1],
        .kind = "message",
        .chat_id = f->chat_id,
        .message_id = new_id(f),
        .seq = seq,
        .title = "New message",
        .preview = "hi",
        .cancel_if_read_seq = seq,
    };
    event.envelope.occurred_at_ms -= age_ms;
    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_notification_new_write(&writer, &event);
    produce(f, f->notification_topic, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
}

void connect_person(struct notification_fixture *f, int person, int64_t expires_in_ms)
{
    char key[CC_REDIS_NAME_BYTES];
    const char *score =
        cc_arena_printf(f->arena, "%" PRId64, cc_wall_ms(f->app.clock) + expires_in_ms);
    cc_redis_name_presence(f->people[person], key);
    must(f, cc_redis_do(f->app.redis, NULL, &f->err, "ZADD", key, score, "node/conn", NULL));
    must(f, cc_redis_do(f->app.redis, NULL, &f->err, "EXPIRE", key, "120", NULL));
}

/* ---- what became of it ---- */

struct answer call(struct notification_fixture *f, const char *user_id, const char *method,
                   const char *path, const char *body)
{
    const char *token = cc_arena_printf(f->arena, "Bearer %s", user_id);
    const struct cc_http_header headers[] = {{"Content-Type", "application/json"},
                                             {"Authorization", token}};
    struct cc_http_call request = {
        .method = method,
        .url = cc_arena_printf(f->arena, "http://127.0.0.1:%d%s", cc_http_server_port(f->server),
                               path),
        .headers = headers,
        .header_count = user_id[0] == '\0' ? 1 : 2,
        .body = body,
        .body_count = body == NULL ? 0 : strlen(body),
        .response_max_bytes = CALL_BYTES,
    };
    struct cc_http_answer answer;
    must(f, cc_http_do(f->app.client, &request, f->arena, &answer, &f->err));
    return (struct answer){
        answer.status,
        cc_arena_strndup(f->arena, answer.body == NULL ? "" : answer.body, answer.body_count)};
}

bool was_quiet(struct notification_fixture *f, int person)
{
    return atomic_load(&f->quiet[person]);
}

int told(struct notification_fixture *f, int person)
{
    struct answer answer = call(f, f->people[person], "GET", "/v1/notifications?limit=200", NULL);
    assert_int_equal(answer.status, 200);
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, answer.body, strlen(answer.body), CC_IGNORE_UNKNOWN);
    size_t count = cc_json_array_count(reader, "items", CC_REQUIRED, 200);
    assert_true(cc_json_reader_done(reader));
    cc_json_reader_destroy(reader);
    return (int)count;
}

struct expectation {
    struct notification_fixture *f;
    int person, count;
};

static bool is_told(void *arg)
{
    struct expectation *expected = arg;
    return told(expected->f, expected->person) >= expected->count;
}

void wait_told(struct notification_fixture *f, int person, int count)
{
    struct expectation expected = {f, person, count};
    test_wait_for(is_told, &expected, TOLD_MS);
    assert_int_equal(told(f, person), count);
}

const char *delivery_outcome(struct notification_fixture *f, const char *notification_id)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(f->app.mongo, "delivery_log");
    CC_AUTO(bson)
    bson_t *filter =
        BCON_NEW("_id", BCON_UTF8(cc_arena_printf(f->arena, "%s/in_app", notification_id)));
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(loan.collection, filter, NULL, NULL);
    const bson_t *row;
    if (!mongoc_cursor_next(cursor, &row))
        return "";
    return cc_arena_strdup(f->arena, cc_bson_text(row, "outcome"));
}
