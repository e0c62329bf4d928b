/* Starts and stops what chat_fixture.h describes; looks into Kafka and Redis from outside. */

#include "chat_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/events/message_persisted.h"
#include "common/events/user_updated.h"
#include "common/relations.h"
#include "common/topics.h"
#include "events/consume_blocks.h"
#include "events/consume_deleted.h"
#include "events/consume_persisted.h"
#include "http/routes.h"
#include "mongo_database.h"

#define PARTITION_COUNT 1
#define RECORDS_MAX     2000
#define PATIENCE_MS     20000 /* sanitizers, and a machine that is busy */

/* ---- neighbours ---- */

static enum cc_code look_up(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_json_reader *reader = NULL;
    size_t count = 0;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *const *ids = cc_json_uuids(reader, "user_ids", CC_REQUIRED, 100, &count);
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], NOBODY) == 0)
            continue;
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", ids[i]);
        cc_json_put_text(writer, "handle", "somebody");
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}

/* BLOCKER has blocked everybody. */
static bool blocks(struct chat_fixture *f, const struct cc_relation *pair)
{
    bool blocked = strcmp(pair->user_id, BLOCKER) == 0;

    for (size_t i = 0; i < FIXTURE_BLOCKS; i++) {
        const struct fixture_block *block = &f->blocks[i];

        blocked = blocked || (atomic_load(&block->holds) && atomic_load(&block->unseen) <= 0 &&
                              strcmp(block->blocker, pair->user_id) == 0 &&
                              strcmp(block->blocked, pair->actor_id) == 0);
    }
    return blocked;
}

static enum cc_code tell_relations(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct chat_fixture *f = cc_request_app(req);
    struct cc_json_reader *reader = NULL;
    struct cc_relation *pairs = NULL;
    size_t count = 0;

    if (atomic_load(&f->relations_unknown))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!cc_relations_read_question(reader, &pairs, &count))
        return cc_json_reader_error(reader, err);
    for (size_t i = 0; i < count; i++)
        pairs[i].blocked = blocks(f, &pairs[i]);
    for (size_t i = 0; i < FIXTURE_BLOCKS; i++)
        atomic_fetch_sub(&f->blocks[i].unseen, 1);
    atomic_fetch_add(&f->questions, 1);
    cc_relations_write_answer(cc_response_json(res), pairs, count);
    return CC_OK;
}

static enum cc_code find_operation(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct chat_fixture *f = cc_request_app(req);

    if (!atomic_load(&f->outcomes_known))
        return cc_fail(err, CC_NOT_FOUND, NULL, "not yet");
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "outcome", "persisted");
    cc_json_close_object(writer);
    return CC_OK;
}

/* Whoever it is asked of deleted all there is. */
static enum cc_code tell_heads(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct chat_fixture *f = cc_request_app(req);
    struct cc_json_writer *writer = cc_response_json(res);

    (void)err;
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    cc_json_open_object(writer, NULL);
    cc_json_put_int(writer, "floor_seq", atomic_load(&f->outcomes_known) ? INT32_MAX : 0);
    cc_json_close_object(writer);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}

static enum cc_code tell_reads(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct chat_fixture *f = cc_request_app(req);
    struct cc_json_writer *writer = cc_response_json(res);
    const char *chat_id = atomic_load(&f->read_chat);

    if (atomic_load(&f->reads_unknown))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    if (chat_id != NULL) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "chat_id", chat_id);
        cc_json_put_int(writer, "read_seq", atomic_load(&f->read_seq));
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}

static const struct cc_route neighbour_routes[] = {
    {"POST", "/internal/users/lookup", CC_AUTH_INTERNAL, CC_RATE_NONE, 65536, look_up, CC_BLOCKING},
    {"POST", CC_RELATIONS_CONTACT, CC_AUTH_INTERNAL, CC_RATE_NONE, CC_RELATIONS_BYTES,
     tell_relations, CC_BLOCKING},
    {"GET", "/internal/operations/{op_id}", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, find_operation,
     CC_BLOCKING},
    {"GET", "/internal/users/{user_id}/reads", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, tell_reads,
     CC_BLOCKING},
    {"POST", "/internal/heads", CC_AUTH_INTERNAL, CC_RATE_NONE, 4096, tell_heads, CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};

static enum cc_code token_is_user(void *app, const char *token, size_t length,
                                  struct cc_caller *out, struct cc_error *err)
{
    (void)app;
    if (!cc_uuid_valid(token, length))
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "not a user id");
    snprintf(out->user_id, sizeof(out->user_id), "%s", token);
    return CC_OK;
}

static const struct cc_http_hooks hooks = {.authenticate = token_is_user};

/* ---- start and stop ---- */

static struct cc_http_server *serve(struct chat_fixture *f, const struct cc_route *routes,
                                    void *app, bool internal)
{
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = routes,
                                      .hooks = &hooks,
                                      .app = app,
                                      .clock = f->app.clock,
                                      .ids = f->app.ids,
                                      .internal = internal};
    struct cc_http_server *server = NULL;

    assert_int_equal(cc_http_server_start(&options, &server, &f->err), CC_OK);
    return server;
}

static struct cc_peer *neighbour(struct chat_fixture *f)
{
    const char *url =
        cc_arena_printf(f->arena, "http://127.0.0.1:%d", cc_http_server_port(f->neighbours));
    struct cc_setting_list urls = {.items = &url, .count = 1};

    return cc_peer_create(f->app.client, &urls);
}

static void make_topics(struct chat_fixture *f, const char *brokers)
{
    snprintf(f->operations_topic, sizeof(f->operations_topic), "%s",
             test_unique_name("chat_operations"));
    snprintf(f->updates_topic, sizeof(f->updates_topic), "%s", test_unique_name("chat_updates"));
    snprintf(f->reads_topic, sizeof(f->reads_topic), "%s", test_unique_name("chat_reads"));
    const struct cc_topic topics[] = {{f->operations_topic, PARTITION_COUNT, 0},
                                      {f->updates_topic, PARTITION_COUNT, 0},
                                      {f->reads_topic, PARTITION_COUNT, 0}};

    assert_int_equal(cc_topics_create(brokers, topics, 3, 1, &f->err), CC_OK);
}

static void open_servers(struct chat_fixture *f)
{
    const char *brokers = test_env("CHAT_TEST_KAFKA_BROKERS");

    make_topics(f, brokers);
    f->app.mongo = test_mongo_open("chat-service", "chat_it");
    assert_int_equal(cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 8, &f->app.redis, &f->err),
                     CC_OK);
    assert_int_equal(cc_producer_create(brokers, "chat-test", &f->app.producer, &f->err), CC_OK);
}

int chat_fixture_start(void **state)
{
    static struct chat_fixture fixture;
    struct chat_fixture *f = &fixture;

    f->arena = cc_arena_create(0);
    f->app.clock = cc_clock_system();
    f->app.ids = cc_ids_create(f->app.clock, cc_random_system());
    f->app.client = cc_http_client_create();
    open_servers(f);
    f->neighbours = serve(f, neighbour_routes, f, true);
    f->app.user_service = neighbour(f);
    f->app.message_service = neighbour(f);
    f->app.store = chat_store_mongo_create(f->app.mongo);
    f->app.activities = activities_create(f->app.store);
    f->app.personals = personal_store_mongo_create(f->app.mongo);
    f->app.outlet = (struct chat_outlet_servers){.redis = f->app.redis,
                                                 .producer = f->app.producer,
                                                 .message_service = f->app.message_service,
                                                 .ids = f->app.ids};
    chat_outlet_servers_init(&f->app.outlet);
    f->app.outlet.operations_topic = f->operations_topic;
    f->app.outlet.updates_topic = f->updates_topic;
    f->app.outlet.reads_topic = f->reads_topic;
    chat_announcer_init(&f->app.announcer, f->app.store, f->app.personals, &f->app.outlet.base);
    f->public_server = serve(f, chat_routes, &f->app, false);
    f->internal_server = serve(f, chat_internal_routes, &f->app, true);
    *state = f;
    return 0;
}

int chat_fixture_stop(void **state)
{
    struct chat_fixture *f = *state;

    cc_http_server_stop(f->public_server);
    cc_http_server_stop(f->internal_server);
    chat_announcer_finish(&f->app.announcer);
    activities_destroy(f->app.activities);
    chat_store_destroy(f->app.store);
    personal_store_destroy(f->app.personals);
    cc_peer_destroy(f->app.user_service);
    cc_peer_destroy(f->app.message_service);
    cc_http_client_destroy(f->app.client);
    cc_http_server_stop(f->neighbours);
    cc_producer_destroy(f->app.producer, 1000);
    cc_redis_destroy(f->app.redis);
    test_mongo_close(f->app.mongo);
    cc_ids_destroy(f->app.ids);
    cc_arena_destroy(f->arena);
    return 0;
}

void outcomes_are_known(struct chat_fixture *f, bool known)
{
    atomic_store(&f->outcomes_known, known);
    f->app.outlet.persisted_wait_ms = known ? PATIENCE_MS / 2 : 300;
}

int chat_fixture_begin(void **state)
{
    struct chat_fixture *f = *state;

    cc_arena_reset(f->arena);
    outcomes_are_known(f, true);
    atomic_store(&f->relations_unknown, false);
    for (size_t i = 0; i < FIXTURE_BLOCKS; i++)
        atomic_store(&f->blocks[i].holds, false);
    return 0;
}

int chat_fixture_end(void **state)
{
    (void)state;
    return 0;
}

/* ---- calling ---- */

static struct answer call(struct chat_fixture *f, int port, const struct cc_http_call *prepared,
                          const char *path)
{
    struct cc_http_call request = *prepared;
    struct answer answer = {0};

    request.timeout_ms = PATIENCE_MS;
    request.url = cc_arena_printf(f->arena, "http://127.0.0.1:%d%s", port, path);
    assert_int_equal(cc_http_do(f->app.client, &request, f->arena, &answer.raw, &f->err), CC_OK);
    answer.status = answer.raw.status;
    answer.body = cc_arena_strndup(f->arena, answer.raw.body == NULL ? "" : answer.raw.body,
                                   answer.raw.body_count);
    return answer;
}

struct answer chat_call_with(struct chat_fixture *f, const char *user_id, const char *method,
                             const char *path, const char *body, const char *header,
                             const char *value)
{
    const struct cc_http_header headers[] = {
        {"Authorization", cc_arena_printf(f->arena, "Bearer %s", user_id)},
        {"Content-Type", "application/json"},
        {header, value},
    };
    struct cc_http_call request = {.method = method,
                                   .headers = headers,
                                   .header_count = value == NULL ? 2 : 3,
                                   .body = body,
                                   .body_count = body == NULL ? 0 : strlen(body)};

    return call(f, cc_http_server_port(f->public_server), &request, path);
}

struct answer chat_call(struct chat_fixture *f, const char *user_id, const char *method,
                        const char *path, const char *body, const char *key)
{
    return chat_call_with(f, user_id, method, path, body, "Idempotency-Key", key);
}

struct answer chat_call_internal(struct chat_fixture *f, const char *path, const char *body)
{
    static const struct cc_http_header json = {"Content-Type", "application/json"};
    struct cc_http_call request = {.method = body == NULL ? "GET" : "POST",
                                   .headers = &json,
                                   .header_count = body == NULL ? 0 : 1,
                                   .body = body,
                                   .body_count = body == NULL ? 0 : strlen(body)};

    return call(f, cc_http_server_port(f->internal_server), &request, path);
}

const char *json_text(struct chat_fixture *f, const char *json, const char *key)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, json, strlen(json), CC_IGNORE_UNKNOWN);
    const char *text = cc_json_text(reader, key, CC_REQUIRED, 0, 4096);

    if (!cc_json_reader_done(reader))
        fail_msg("no text \"%s\" in %s", key, json);
    cc_json_reader_destroy(reader);
    return text;
}

int64_t json_int(struct chat_fixture *f, const char *json, const char *key)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, json, strlen(json), CC_IGNORE_UNKNOWN);
    int64_t value = cc_json_int(reader, key, CC_REQUIRED, INT64_MIN, INT64_MAX);

    if (!cc_json_reader_done(reader))
        fail_msg("no number \"%s\" in %s", key, json);
    cc_json_reader_destroy(reader);
    return value;
}

const char *json_ids(struct chat_fixture *f, const char *const *ids, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = cc_arena_printf(f->arena, "%s%s\"%s\"", text, i == 0 ? "" : ",", ids[i]);
    return cc_arena_printf(f->arena, "[%s]", text);
}

struct answer create_group(struct chat_fixture *f, const char *owner_id, const char *const *others,
                           size_t count, const char *key)
{
    return chat_call(f, owner_id, "POST", "/v1/chats",
                     cc_arena_printf(f->arena, "{\"title\":\"Engines\",\"member_ids\":%s}",
                                     json_ids(f, others, count)),
                     key);
}

const char *must_create_group(struct chat_fixture *f, const char *owner_id,
                              const char *const *others, size_t count)
{
    struct answer answer = create_group(f, owner_id, others, count, NULL);

    if (answer.status != 201)
        fail_msg("%d %s", answer.status, answer.body);
    return json_text(f, answer.body, "chat_id");
}

const char *must_create_direct(struct chat_fixture *f, const char *user_id, const char *other_id)
{
    struct answer answer =
        chat_call(f, user_id, "POST", "/v1/chats/direct",
                  cc_arena_printf(f->arena, "{\"user_id\":\"%s\"}", other_id), NULL);

    if (answer.status != 201)
        fail_msg("%d %s", answer.status, answer.body);
    return json_text(f, answer.body, "chat_id");
}

const char *path_of(struct chat_fixture *f, const char *chat_id, const char *rest)
{
    return cc_arena_printf(f->arena, "/v1/chats/%s%s", chat_id, rest);
}

/* It must be readable. */
static enum cc_code apply(struct chat_fixture *f, const struct cc_consumer_row *row,
                          const char *payload)
{
    struct cc_record record = {.payload = payload, .payload_count = strlen(payload)};
    struct cc_batch batch = {.records = &record, .count = 1, .arena = f->arena};
    enum cc_code code = row->apply(&f->app, &batch, &f->err);

    assert_false(record.rejected);
    return code;
}

void say_until(struct chat_fixture *f, const char *chat_id, int64_t rev, int64_t at_ms,
               int64_t expires_at_ms)
{
    const char *message_id = an_id(f->arena), *sender = an_id(f->arena);
    struct ev_message_persisted event = {
        .envelope = {.event_id = an_id(f->arena),
                     .type = CC_TOPIC_MESSAGE_PERSISTED,
                     .version = 1,
                     .occurred_at_ms = at_ms,
                     .producer = "test",
                     .key = chat_id},
        .op_id = message_id,
        .chat_id = chat_id,
        .sender_id = sender,
        .sender_device_id = "d",
        .rev = rev,
        .head_seq = rev,
        .message = {.message_id = message_id,
                    .chat_id = chat_id,
                    .seq = rev,
                    .rev = rev,
                    .sender_id = sender,
                    .type = "text",
                    .body = "hello",
                    .created_at_ms = at_ms,
                    .expires_at_ms = expires_at_ms,
                    .version = 1},
        .origin = {.node = "", .conn_id = "", .client_msg_id = ""},
    };
    struct cc_strbuf text;
    struct cc_json_writer writer;

    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_message_persisted_write(&writer, &event);
    assert_int_equal(apply(f, &chat_persisted_row, cc_strbuf_text(&text)), CC_OK);
    assert_int_equal(chat_persisted_save(&f->app, f->arena, &f->err), CC_OK);
    cc_strbuf_finish(&text);
}

void say_in(struct chat_fixture *f, const char *chat_id, int64_t rev, int64_t at_ms)
{
    say_until(f, chat_id, rev, at_ms, 0);
}

enum cc_code tell_chat_update(struct chat_fixture *f, const char *payload)
{
    return apply(f, &chat_created_row, payload);
}

enum cc_code tell_user_change(struct chat_fixture *f, const char *user_id, const char *change)
{
    struct ev_user_updated event = {
        .envelope = {.event_id = an_id(f->arena),
                     .type = CC_TOPIC_USER_UPDATED,
                     .version = 1,
                     .occurred_at_ms = T0,
                     .producer = "user-service",
                     .key = user_id},
        .user_id = user_id,
        .change = change,
        .handle = "somebody",
        .display_name = "Somebody",
    };
    struct cc_strbuf text;
    struct cc_json_writer writer;

    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_user_updated_write(&writer, &event);
    const char *payload = cc_arena_strndup(f->arena, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
    enum cc_code code = apply(f, &chat_blocks_row, payload);
    return code == CC_OK ? apply(f, &chat_deleted_row, payload) : code;
}

/* ---- looking ---- */

static rd_kafka_t *reader_of(const char *topic)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", test_env("CHAT_TEST_KAFKA_BROKERS"), error,
                      sizeof(error));
    rd_kafka_conf_set(conf, "group.id", test_unique_name("looker"), error, sizeof(error));
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", error, sizeof(error));
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", error, sizeof(error));
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    assert_non_null(kafka);
    rd_kafka_poll_set_consumer(kafka);
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(partitions, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(kafka, partitions), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(partitions);
    return kafka;
}

struct payloads chat_records(struct chat_fixture *f, const char *topic, const char *key)
{
    struct payloads found = {.items = cc_arena_calloc(f->arena, RECORDS_MAX, sizeof(char *))};
    rd_kafka_t *kafka = reader_of(topic);
    bool at_end = false;

    while (!at_end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 5000);

        assert_non_null(message);
        at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->key_len == strlen(key) &&
            memcmp(message->key, key, message->key_len) == 0)
            found.items[found.count++] = cc_arena_strndup(f->arena, message->payload, message->len);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    return found;
}

struct redis_question {
    struct chat_fixture *f;
    const char *key;
    redisReply *reply;
};

static bool redis_answers(void *arg)
{
    struct redis_question *question = arg;
    struct chat_fixture *f = question->f;

    return cc_redis_do(f->app.redis, &question->reply, &f->err, "GET", question->key, NULL) ==
           CC_OK;
}

const char *redis_get(struct chat_fixture *f, const char *key)
{
    struct redis_question question = {.f = f, .key = key};

    test_wait_for(redis_answers, &question, PATIENCE_MS);
    CC_AUTO(redis_reply) redisReply *reply = question.reply;
    return reply->type == REDIS_REPLY_STRING ? cc_arena_strdup(f->arena, reply->str) : NULL;
}

struct ev_message_created operation_in(struct chat_fixture *f, const char *payload)
{
    struct ev_message_created event;
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, payload, strlen(payload), CC_IGNORE_UNKNOWN);

    if (!ev_message_created_read(reader, &event))
        fail_msg("unreadable: %s", payload);
    cc_json_reader_destroy(reader);
    return event;
}

size_t unannounced(struct chat_fixture *f, const char *chat_id)
{
    struct chat_change_list pending = {0};

    assert_int_equal(
        f->app.store->ops->list_unannounced(f->app.store, chat_id, f->arena, &pending, &f->err),
        CC_OK);
    return pending.count;
}
