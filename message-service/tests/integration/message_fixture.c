/* Starts and stops what message_fixture.h describes; looks into Kafka from outside. */

#include "message_fixture.h"

#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/topics.h"
#include "events/event_payload.h"
#include "http/routes.h"
#include "mongo_database.h"
#include "testing.h"

#define RECORDS_MAX 5000

/* The chat-service of these tests: every chat has the same members. */

static enum cc_code answer_members(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct message_fixture *f = cc_request_app(req);

    if (atomic_load(&f->chat_service_away))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "chat_id", cc_request_param(req, "chat_id"));
    cc_json_put_int(writer, "member_version", 1);
    cc_json_put_bool(writer, "deleted", false);
    cc_json_put_text(writer, "post", "all");
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < 3; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", f->members[i]);
        cc_json_put_text(writer, "role", i == 0 ? "owner" : "member");
        cc_json_put_text(writer, "state", "active");
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_put_null(writer, "next_cursor");
    cc_json_close_object(writer);
    return CC_OK;
}

static const struct cc_route chat_service_routes[] = {
    {"GET", "/internal/chats/{chat_id}/members", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, answer_members,
     CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};

static enum cc_code token_is_user(void *app, const char *token, size_t length,
                                  struct cc_caller *out, struct cc_error *err)
{
    (void)app;
    if (!cc_uuid_valid(token, length))
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "not a user id");
    snprintf(out->user_id, sizeof out->user_id, "%.36s", token);
    snprintf(out->device_id, sizeof out->device_id, "phone");
    return CC_OK;
}

static const struct cc_http_hooks hooks = {.authenticate = token_is_user};

static struct cc_http_server *serve(struct message_fixture *f, const struct cc_route *routes,
                                    void *app, bool internal)
{
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = routes,
                                      .hooks = &hooks,
                                      .app = app,
                                      .clock = cc_clock_system(),
                                      .ids = f->ids,
                                      .internal = internal};
    struct cc_http_server *server = NULL;

    assert_int_equal(cc_http_server_start(&options, &server, &f->err), CC_OK);
    return server;
}

/* Start and stop */

static void name_everything(struct message_fixture *f)
{
    f->names = (struct message_names){
        .created_topic = test_unique_name("message_created"),
        .persisted_topic = test_unique_name("message_persisted"),
        .read_topic = test_unique_name("message_read"),
        .users_topic = test_unique_name("user_updated"),
        .created_group = test_unique_name("created"),
        .read_group = test_unique_name("read"),
        .users_group = test_unique_name("users"),
    };
    const char *dlq = cc_arena_printf(f->arena, "%s.dlq", f->names.created_topic);
    const struct cc_topic topics[] = {{f->names.created_topic, PARTITIONS, 0},
                                      {f->names.persisted_topic, PARTITIONS, 0},
                                      {f->names.read_topic, PARTITIONS, 0},
                                      {f->names.users_topic, PARTITIONS, 0},
                                      {dlq, PARTITIONS, 0}};

    assert_int_equal(cc_topics_create(f->settings.kafka_brokers, topics, 5, 1, &f->err), CC_OK);
}

static void settle_settings(struct message_fixture *f)
{
    static char chat_service_text[64];
    static const char *chat_service_url = chat_service_text;
    static const char *jwks_url = "http://127.0.0.1:9/none";

    snprintf(chat_service_text, sizeof chat_service_text, "http://127.0.0.1:%d",
             cc_http_server_port(f->chat_service));
    f->settings = (struct message_settings){
        .kafka_brokers = test_env("CHAT_TEST_KAFKA_BROKERS"),
        .redis_url = test_env("CHAT_TEST_REDIS_URL"),
        .jwks_urls = {&jwks_url, 1},
        .chat_service_internal_urls = {&chat_service_url, 1},
        .batch_max = 200,
        .edit_window_s = 3600,
        .sweep_interval_ms = 200,
        .changes_retention_s = 2592000,
        .s3_endpoint = test_env("CHAT_TEST_S3_ENDPOINT"),
        .s3_region = "us-east-1",
        .s3_bucket = test_env("CHAT_TEST_S3_BUCKET"),
        .s3_access_key = test_env("CHAT_TEST_S3_ACCESS_KEY"),
        .s3_secret_key = test_env("CHAT_TEST_S3_SECRET_KEY"),
        .media_max_bytes = 1000000,
        .media_avatar_max_bytes = 1000,
        .media_avatars_max = 3,
        .media_url_ttl_s = 300,
        .media_abandoned_s = 3600,
        .media_unused_s = 86400,
    };
    f->runtime = (struct cc_runtime){
        .service = "message-service",
        .node_id = test_unique_name("node"),
        .settings = &f->settings,
        .clock = cc_clock_system(),
        .random = cc_random_system(),
        .ids = f->ids,
    };
}

static void start_app(struct message_fixture *f, struct message_store *store)
{
    memset(&f->app, 0, sizeof f->app);
    f->app.store = store;
    if (message_app_start_as(&f->app, &f->runtime, &f->names, &f->err) != CC_OK)
        fail_msg("%s %s", f->err.public_text, f->err.detail);
    f->public_server = serve(f, message_routes, &f->app, false);
    f->internal_server = serve(f, message_internal_routes, &f->app, true);
}

static void stop_app(struct message_fixture *f)
{
    cc_http_server_stop(f->public_server);
    cc_http_server_stop(f->internal_server);
    message_app_drain(&f->app, cc_mono_ms(cc_clock_system()) + 5000);
    message_app_stop(&f->app);
}

/* Both consumers have joined their groups: a send has been stored, and has moved its sender's read
 * position. */
static bool has_gone_through(void *arg)
{
    const struct ev_message_created *send = ((void **)arg)[1];
    struct message_fixture *f = ((void **)arg)[0];
    struct receipt receipt = {0};

    return f->store->ops->get_receipt(f->store, send->chat_id, send->sender_id, &receipt,
                                      &f->err) == CC_OK &&
           receipt.read_seq == 1;
}

static void wait_for_consumers(struct message_fixture *f)
{
    message_fixture_begin((void *[]){f});
    struct ev_message_created send = a_gateway_send(f, a_new_id(f), f->members[0], "warm-up");
    void *arg[] = {f, &send};

    must_produce(f, &send, 1);
    test_wait_for(has_gone_through, arg, 20000);
}

int message_fixture_start(void **state)
{
    static struct message_fixture fixture;
    struct message_fixture *f = &fixture;

    f->arena = cc_arena_create(0);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    f->client = cc_http_client_create();
    f->chat_service = serve(f, chat_service_routes, f, true);
    settle_settings(f);
    name_everything(f);
    f->mongo = test_mongo_open("message-service", "message_it");
    f->settings.mongo_uri = test_env("CHAT_TEST_MONGO_URI");
    f->settings.mongo_database = cc_mongo_database(f->mongo);
    f->store = message_store_mongo_create(f->mongo);
    assert_int_equal(
        cc_producer_create(f->settings.kafka_brokers, "gateway", &f->producer, &f->err), CC_OK);
    start_app(f, NULL);
    wait_for_consumers(f);
    *state = f;
    return 0;
}

int message_fixture_stop(void **state)
{
    struct message_fixture *f = *state;

    if (f == NULL)
        return 0; /* it never started */
    stop_app(f);
    message_store_destroy(f->store);
    test_mongo_close(f->mongo);
    cc_http_server_stop(f->chat_service);
    cc_producer_destroy(f->producer, 1000);
    cc_http_client_destroy(f->client);
    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

int message_fixture_begin(void **state)
{
    struct message_fixture *f = *state;

    cc_arena_reset(f->arena);
    for (size_t i = 0; i < 3; i++)
        f->members[i] = a_new_id(f);
    atomic_store(&f->chat_service_away, false);
    return 0;
}

int message_fixture_end(void **state)
{
    (void)state;
    return 0;
}

void message_restart(struct message_fixture *f, bool another_group)
{
    stop_app(f);
    if (another_group) {
        f->names.created_group = test_unique_name("created");
        f->names.read_group = test_unique_name("read");
        f->names.users_group = test_unique_name("users");
    }
    start_app(f, NULL);
}

void message_restart_failing(struct message_fixture *f, enum store_call call,
                             enum store_failure when)
{
    struct message_store *failing =
        message_store_failing_create(message_store_mongo_create(f->mongo));

    message_store_failing_plan(failing, call, 1, when, CC_OUTCOME_UNKNOWN);
    stop_app(f);
    start_app(f, failing);
}

const char *a_new_id(struct message_fixture *f)
{
    char id[CC_UUID_BYTES];

    cc_ids_next(f->ids, id);
    return cc_arena_strdup(f->arena, id);
}

/* What gateways produce */

struct ev_message_created a_gateway_send(struct message_fixture *f, const char *chat_id,
                                         const char *sender_id, const char *client_msg_id)
{
    char op_id[CC_UUID_BYTES], hash[65];
    struct ev_message_created ask = {
        .envelope = {a_new_id(f), CC_TOPIC_MESSAGE_CREATED, 1, cc_wall_ms(cc_clock_system()),
                     "websocket-gateway", chat_id},
        .op = CC_OP_CREATE,
        .client_msg_id = client_msg_id,
        .chat_id = chat_id,
        .sender_id = sender_id,
        .device_id = "phone",
        .origin = {"gateway-of-the-test", "conn-1", client_msg_id},
        .type = "text",
        .body = cc_arena_printf(f->arena, "this is %s", client_msg_id),
        .emoji = "",
        .received_at_ms = cc_wall_ms(cc_clock_system()),
    };

    cc_op_id(sender_id, chat_id, client_msg_id, op_id);
    cc_request_hash(&ask, hash);
    ask.op_id = cc_arena_strdup(f->arena, op_id);
    ask.request_hash = cc_arena_strdup(f->arena, hash);
    return ask;
}

struct ev_message_created a_chat_deletion(struct message_fixture *f, const char *chat_id)
{
    struct ev_message_created ask = a_gateway_send(f, chat_id, CC_SYSTEM_SENDER, a_new_id(f));

    ask.op = CC_OP_SYSTEM;
    ask.type = "system";
    ask.body = "";
    ask.system_json = "{\"event\":\"chat_deleted\"}";
    ask.member_version = 2;
    return ask;
}

static struct cc_produce record_of(struct message_fixture *f, const struct ev_message_created *ask)
{
    struct event_payload payload;

    event_payload_start(&payload);
    ev_message_created_write(&payload.writer, ask);
    struct cc_produce record = event_payload_finish(&payload, f->arena);
    record.topic = f->names.created_topic;
    record.key = ask->chat_id;
    return record;
}

void must_produce(struct message_fixture *f, const struct ev_message_created *operations,
                  size_t count)
{
    struct cc_produce *records = cc_arena_calloc(f->arena, count, sizeof *records);

    for (size_t i = 0; i < count; i++)
        records[i] = record_of(f, &operations[i]);
    assert_int_equal(cc_produce_all(f->producer, records, count, &f->err), CC_OK);
}

void must_produce_raw(struct message_fixture *f, const char *key, const char *payload)
{
    struct cc_produce record = {.topic = f->names.created_topic,
                                .key = key,
                                .payload = payload,
                                .payload_count = strlen(payload)};

    assert_int_equal(cc_produce_all(f->producer, &record, 1, &f->err), CC_OK);
}

/* What everybody sees */

static rd_kafka_t *open_reader(const char *topic)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", test_env("CHAT_TEST_KAFKA_BROKERS"), error,
                      sizeof error);
    rd_kafka_conf_set(conf, "group.id", test_unique_name("looker"), error, sizeof error);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", error, sizeof error);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", error, sizeof error);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    assert_non_null(kafka);
    rd_kafka_poll_set_consumer(kafka);
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(partitions, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(kafka, partitions), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(partitions);
    return kafka;
}

static struct ev_message_persisted decode(struct message_fixture *f, const void *payload,
                                          size_t count)
{
    struct ev_message_persisted event;
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, payload, count, CC_IGNORE_UNKNOWN);

    if (!ev_message_persisted_read(reader, &event))
        fail_msg("unreadable: %.*s", (int)count, (const char *)payload);
    cc_json_reader_destroy(reader);
    return event;
}

struct persisted_list persisted(struct message_fixture *f)
{
    struct persisted_list list = {
        cc_arena_calloc(f->arena, RECORDS_MAX, sizeof(struct ev_message_persisted)), 0};
    rd_kafka_t *kafka = open_reader(f->names.persisted_topic);
    int ended = 0;

    while (ended < PARTITIONS) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 5000);
        assert_non_null(message);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended++;
        else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            list.items[list.count++] = decode(f, message->payload, message->len);
        assert_true(list.count < RECORDS_MAX);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    return list;
}

struct message_list stored_messages(struct message_fixture *f, const char *chat_id)
{
    struct message_list list;

    assert_int_equal(
        f->store->ops->messages_by_seq(f->store, chat_id, 1, 1000, f->arena, &list, &f->err),
        CC_OK);
    return list;
}

/* Requests */

static struct answer send_call(struct message_fixture *f, struct cc_http_server *server,
                               struct cc_http_call *request, const char *path)
{
    struct answer answer = {0};

    request->url =
        cc_arena_printf(f->arena, "http://127.0.0.1:%d%s", cc_http_server_port(server), path);
    assert_int_equal(cc_http_do(f->client, request, f->arena, &answer.raw, &f->err), CC_OK);
    answer.status = answer.raw.status;
    answer.body = cc_arena_strndup(f->arena, answer.raw.body == NULL ? "" : answer.raw.body,
                                   answer.raw.body_count);
    return answer;
}

struct answer call(struct message_fixture *f, const char *user_id, const char *method,
                   const char *path, const char *body, const char *key)
{
    const struct cc_http_header headers[] = {
        {"Authorization", cc_arena_printf(f->arena, "Bearer %s", user_id)},
        {"Content-Type", "application/json"},
        {"Idempotency-Key", key},
    };
    struct cc_http_call request = {.method = method,
                                   .headers = headers,
                                   .header_count = key == NULL ? 2 : 3,
                                   .body = body,
                                   .body_count = body == NULL ? 0 : strlen(body)};

    return send_call(f, f->public_server, &request, path);
}

struct answer call_internal(struct message_fixture *f, const char *method, const char *path,
                            const char *body)
{
    const struct cc_http_header headers[] = {{"Content-Type", "application/json"}};
    struct cc_http_call request = {.method = method,
                                   .headers = headers,
                                   .header_count = body == NULL ? 0 : 1,
                                   .body = body,
                                   .body_count = body == NULL ? 0 : strlen(body)};

    return send_call(f, f->internal_server, &request, path);
}

struct answer send_text(struct message_fixture *f, const char *user_id, const char *chat_id,
                        const char *body, const char *key)
{
    return call(f, user_id, "POST", cc_arena_printf(f->arena, "/v1/chats/%s/messages", chat_id),
                cc_arena_printf(f->arena, "{\"type\":\"text\",\"body\":\"%s\"}", body), key);
}

int64_t number_in(struct message_fixture *f, const char *json, const char *key)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, json, strlen(json), CC_IGNORE_UNKNOWN);
    int64_t value = cc_json_int(reader, key, CC_REQUIRED, INT64_MIN, INT64_MAX);

    if (!cc_json_reader_done(reader))
        fail_msg("no number \"%s\" in %s", key, json);
    cc_json_reader_destroy(reader);
    return value;
}

const char *text_in(struct message_fixture *f, const char *json, const char *key)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, json, strlen(json), CC_IGNORE_UNKNOWN);
    const char *text = cc_json_text(reader, key, CC_REQUIRED, 0, 4096);

    if (!cc_json_reader_done(reader))
        fail_msg("no text \"%s\" in %s", key, json);
    cc_json_reader_destroy(reader);
    return text;
}
