/* The surroundings of the gateways under test: what tests ask for, and how all of it is made and
 * ended. Who stands in for the other services: world_http.c and world_owner.c. */

#include "world.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/alloc.h"
#include "common/events/change_frame.h"
#include "common/events/user_updated.h"
#include "common/http_server.h"
#include "common/topics.h"
#include "testing.h"

#include "health_private.h" /* the skeleton's own; tests do without a skeleton */
#include "world_private.h"

#define STUB_WORKERS 64 /* those who are held must not be in the way of others */

/* ---- what tests ask for ---- */

void world_publish(struct world *world, enum ws_channel channel, const char *id,
                   const struct cc_bus_message *message)
{
    char name[CC_REDIS_NAME_BYTES];
    struct cc_error err = {0};

    ws_channel_name(channel, id, name);
    assert_int_equal(cc_bus_publish(world->redis, name, message, &err), CC_OK);
}

void world_produce(struct world *world, const char *topic, const char *key,
                   const struct cc_strbuf *payload)
{
    struct cc_produce record = {.topic = topic,
                                .key = key,
                                .payload = cc_strbuf_text(payload),
                                .payload_count = payload->length,
                                .type = topic,
                                .version = 1};
    struct cc_error err = {0};

    if (cc_produce_all(world->producer, &record, 1, &err) != CC_OK)
        fail_msg("could not produce to %s: %s", topic, err.detail);
}

void world_new_id(struct world *world, char out[CC_UUID_BYTES])
{
    cc_ids_next(world->ids, out);
}

struct world_chat *world_add_chat(struct world *world, const char *a, const char *b)
{
    struct world_chat *chat = &world->chats[world->chat_count];

    assert_in_range(world->chat_count, 0, WORLD_CHATS_MAX - 1);
    pthread_mutex_lock(&world->lock);
    world_new_id(world, chat->chat_id);
    snprintf(chat->members[0], CC_UUID_BYTES, "%s", a);
    snprintf(chat->members[1], CC_UUID_BYTES, "%s", b);
    chat->member_version = 1;
    world->chat_count++;
    pthread_mutex_unlock(&world->lock);
    return chat;
}

void world_set_many(struct world *world, const char *user_id, unsigned count)
{
    pthread_mutex_lock(&world->lock);
    (void)snprintf(world->busy, sizeof world->busy, "%s", user_id);
    world->busy_chats = count;
    pthread_mutex_unlock(&world->lock);
}

/* The lock is held. */
static void replace_member(struct world_chat *chat, const char *before, const char *now)
{
    for (size_t i = 0; i < WORLD_PEOPLE; i++) {
        if (strcmp(chat->members[i], before) != 0)
            continue;
        (void)snprintf(chat->members[i], CC_UUID_BYTES, "%s", now);
        chat->member_version++;
        return;
    }
    fail_msg("no such member");
}

void world_remove(struct world *world, struct world_chat *chat, const char *user_id)
{
    pthread_mutex_lock(&world->lock);
    replace_member(chat, user_id, "");
    pthread_mutex_unlock(&world->lock);
}

void world_say_members(struct world *world, const struct world_chat *chat)
{
    char key[CC_REDIS_NAME_BYTES], version[24];
    struct cc_error err = {0};

    cc_redis_name_mver(chat->chat_id, key);
    (void)snprintf(version, sizeof version, "%lld", (long long)chat->member_version);
    assert_int_equal(cc_redis_do(world->redis, NULL, &err, "SET", key, version, "EX", "60", NULL),
                     CC_OK);
}

/* ---- the connections to Redis that are ours ---- */

/* Whether a socket of this process has that local port. */
static bool is_our_port(int port)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in address = {0};
        socklen_t length = sizeof address;

        if (getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
            address.sin_family == AF_INET && ntohs(address.sin_port) == port)
            return true;
    }
    return false;
}

void world_cut_bus(struct world *world)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    static const char key[] = " addr=";
    struct cc_error err = {0};
    char address[64];
    unsigned cut = 0;

    assert_int_equal(
        cc_redis_do(world->redis, &reply, &err, "CLIENT", "LIST", "TYPE", "pubsub", NULL), CC_OK);
    for (const char *at = strstr(reply->str, key); at != NULL; at = strstr(at, key)) {
        at += strlen(key);
        (void)snprintf(address, sizeof address, "%.*s", (int)strcspn(at, " "), at);
        if (!is_our_port((int)strtol(strrchr(address, ':') + 1, NULL, 10)))
            continue; /* of another test program */
        assert_int_equal(
            cc_redis_do(world->redis, NULL, &err, "CLIENT", "KILL", "ADDR", address, NULL), CC_OK);
        cut++;
    }
    assert_int_equal(cut, WORLD_GATEWAYS);
}

int world_port(const struct world *world, int gateway)
{
    return (int)world->settings[gateway].common.port;
}

char *world_token(struct world *world, const char *user_id, const char *session_id,
                  int64_t issued_at_ms)
{
    struct cc_caller subject = {.device_id = "device-1", .role = "user"};
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};
    char token_id[CC_UUID_BYTES], *copy;
    const char *token;

    snprintf(subject.user_id, sizeof subject.user_id, "%s", user_id);
    snprintf(subject.session_id, sizeof subject.session_id, "%s", session_id);
    subject.token_expires_at_ms = issued_at_ms + 600000;
    world_new_id(world, token_id);
    assert_int_equal(
        cc_jwt_sign(world->signer, &subject, issued_at_ms, token_id, arena, &token, &err), CC_OK);
    copy = cc_strdup(token);
    cc_arena_destroy(arena);
    return copy;
}

/* On the chat's channel, as a gateway's consumer does. */
static void announce_change(struct world *world, const struct world_chat *chat,
                            const struct cc_change *change, int64_t member_version)
{
    struct cc_bus_message bus = {.kind = CC_BUS_MESSAGE,
                                 .rev = change->rev,
                                 .seq = change->seq,
                                 .message_seq = change->seq,
                                 .member_version = member_version};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, TEXT_MAX);
    cc_change_frame_write(&frame, change, chat->chat_id, 0);
    snprintf(bus.chat_id, sizeof bus.chat_id, "%s", chat->chat_id);
    snprintf(bus.sender_id, sizeof bus.sender_id, "%s", chat->members[0]);
    cc_bus_carry(&bus, &frame);
    world_publish(world, WS_CHANNEL_CHAT, chat->chat_id, &bus);
    cc_strbuf_finish(&frame);
}

static int64_t store(struct world *world, struct world_chat *chat, enum cc_op op, const char *body,
                     bool announce)
{
    char message_id[CC_UUID_BYTES];
    struct cc_message message = {.message_id = message_id,
                                 .chat_id = chat->chat_id,
                                 .sender_id = chat->members[0],
                                 .type = "text",
                                 .body = body,
                                 .created_at_ms = cc_wall_ms(cc_clock_system()),
                                 .version = 1};
    struct cc_change sent = {.op = op};
    int64_t member_version;

    world_new_id(world, message_id);
    pthread_mutex_lock(&world->lock);
    sent.message_json = world_append(chat, op, &message)->message_json;
    member_version = chat->member_version;
    pthread_mutex_unlock(&world->lock);
    sent.rev = message.rev;
    sent.seq = message.seq;
    if (announce)
        announce_change(world, chat, &sent, member_version);
    return message.rev;
}

int64_t world_store(struct world *world, struct world_chat *chat, const char *body, bool announce)
{
    return store(world, chat, CC_OP_CREATE, body, announce);
}

void world_edit_last(struct world *world, struct world_chat *chat, const char *body)
{
    (void)store(world, chat, CC_OP_EDIT, body, true);
}

void world_notify(struct world *world, const char *user_id, const char *frame)
{
    struct cc_bus_message message = {
        .kind = CC_BUS_NOTIFICATION, .frame = frame, .frame_count = strlen(frame)};

    world_publish(world, WS_CHANNEL_USER, user_id, &message);
}

void world_close(struct world *world, struct world_chat *chat, bool closed)
{
    struct cc_bus_message bus = {.kind = CC_BUS_CHAT};
    char frame[256];

    world_set(world, &chat->closed, closed);
    (void)snprintf(frame, sizeof frame,
                   "{\"t\":\"chat\",\"chat_id\":\"%s\",\"change\":\"settings\","
                   "\"chat\":{\"settings\":{\"post\":\"%s\"}}}",
                   chat->chat_id, closed ? "nobody" : "all");
    (void)snprintf(bus.chat_id, sizeof bus.chat_id, "%s", chat->chat_id);
    bus.frame = frame;
    bus.frame_count = strlen(frame);
    world_publish(world, WS_CHANNEL_CHAT, chat->chat_id, &bus);
}

void world_hide(struct world *world, const char *user_id)
{
    pthread_mutex_lock(&world->lock);
    snprintf(world->hidden, sizeof world->hidden, "%s", user_id);
    pthread_mutex_unlock(&world->lock);
}

void world_set(struct world *world, bool *flag, bool value)
{
    pthread_mutex_lock(&world->lock);
    *flag = value;
    pthread_mutex_unlock(&world->lock);
}

void world_hide_all(struct world *world, struct world_chat *chat, const char *user_id)
{
    pthread_mutex_lock(&world->lock);
    (void)snprintf(chat->hides, sizeof chat->hides, "%s", user_id);
    pthread_mutex_unlock(&world->lock);
}

void world_hold(struct world *world, struct world_gate *gate, bool held)
{
    pthread_mutex_lock(&world->lock);
    gate->held = held;
    pthread_cond_broadcast(&world->released);
    pthread_mutex_unlock(&world->lock);
}

struct world_gate world_look(struct world *world, const struct world_gate *gate)
{
    struct world_gate seen;

    pthread_mutex_lock(&world->lock);
    seen = *gate;
    pthread_mutex_unlock(&world->lock);
    return seen;
}

void world_tell_receipt(struct world *world, const struct world_chat *chat, const char *user_id,
                        const char *reader_id)
{
    struct cc_bus_message receipt = {.kind = CC_BUS_RECEIPT};
    char text[512];

    snprintf(text, sizeof text, "{\"t\":\"receipt\",\"chat_id\":\"%s\",\"user_id\":\"%s\"}",
             chat->chat_id, reader_id);
    snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", chat->chat_id);
    receipt.member_version = chat->member_version;
    receipt.frame = text;
    receipt.frame_count = strlen(text);
    world_publish(world, WS_CHANNEL_USER, user_id, &receipt);
}

void world_update_user(struct world *world, const char *user_id, const char *change,
                       int64_t version)
{
    char event_id[CC_UUID_BYTES];
    struct ev_user_updated event = {.user_id = user_id,
                                    .change = change,
                                    .handle = "somebody",
                                    .display_name = "Somebody",
                                    .change_version = version};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    cc_ids_next(world->ids, event_id);
    event.envelope = (struct cc_envelope){.event_id = event_id,
                                          .type = CC_TOPIC_USER_UPDATED,
                                          .version = 1,
                                          .occurred_at_ms = cc_wall_ms(cc_clock_system()),
                                          .producer = "user-service",
                                          .key = user_id};
    cc_strbuf_init(&payload, TEXT_MAX);
    cc_json_writer_init(&json, &payload);
    ev_user_updated_write(&json, &event);
    world_produce(world, CC_TOPIC_USER_UPDATED, user_id, &payload);
    cc_strbuf_finish(&payload);
}

/* ---- making it ---- */

static void make_signer(struct world *world)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    struct cc_error err = {0};
    char *pem, *copy;
    long length;

    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    length = BIO_get_mem_data(bio, &pem);
    copy = cc_strndup(pem, (size_t)length);
    assert_int_equal(cc_jwt_signer_create(copy, &world->signer, &err), CC_OK);
    cc_free(copy);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static void start_stub(struct world *world)
{
    struct cc_http_options options = {.host = "127.0.0.1",
                                      .routes = world_routes,
                                      .app = world,
                                      .clock = cc_clock_system(),
                                      .ids = world->ids,
                                      .internal = true,
                                      .workers = STUB_WORKERS};
    struct cc_error err = {0};

    assert_int_equal(cc_http_server_start(&options, &world->stub, &err), CC_OK);
}

static struct cc_consumer *start_consumer(struct world *world, const struct cc_consumer_row *row)
{
    struct cc_consumer_options options = {.brokers = test_env("CHAT_TEST_KAFKA_BROKERS"),
                                          .client_id = "world",
                                          .producer = world->producer,
                                          .health = world->health,
                                          .app = world};
    struct cc_consumer *consumer;
    struct cc_error err = {0};

    assert_int_equal(cc_consumer_start(&options, row, &consumer, &err), CC_OK);
    return consumer;
}

/* A port that nobody has, for a listener that can't choose by itself. */
static int free_port(void)
{
    struct cc_http_options options = {
        .host = "127.0.0.1", .routes = world_routes, .clock = cc_clock_system(), .internal = true};
    struct cc_http_server *server;
    struct cc_error err = {0};
    int port;

    assert_int_equal(cc_http_server_start(&options, &server, &err), CC_OK);
    port = cc_http_server_port(server);
    cc_http_server_stop(server);
    return port;
}

static void make_settings(struct world *world, int gateway, const char *base_url)
{
    static const char *bases[1];
    static char jwks_url[128];
    static const char *jwks[1];
    static char node_ids[WORLD_GATEWAYS][CC_REDIS_NAME_BYTES];
    struct ws_settings *s = &world->settings[gateway];

    bases[0] = base_url;
    snprintf(jwks_url, sizeof jwks_url, "%s/internal/jwks.json", base_url);
    jwks[0] = jwks_url;
    snprintf(node_ids[gateway], sizeof node_ids[0], "%s", test_unique_name("ws"));
    *s = (struct ws_settings){
        .common = {.host = "127.0.0.1", .port = free_port(), .node_id = node_ids[gateway]},
        .kafka_brokers = test_env("CHAT_TEST_KAFKA_BROKERS"),
        .redis_url = test_env("CHAT_TEST_REDIS_URL"),
        .jwks_urls = {jwks, 1},
        .chat_service_internal_urls = {bases, 1},
        .message_service_internal_urls = {bases, 1},
        .user_service_internal_urls = {bases, 1},
        .send_per_s = 5,
        .send_burst = 20,
        .sync_per_s = 1,
        .sync_burst = 10,
        .watch_per_s = 1,
        .watch_burst = 1000,
        .sockets_per_user = 10,
        .max_unanswered = 32,
        .queue_frames = 256,
        .queue_bytes = 1048576,
        .frame_max_bytes = 65536,
        .auth_deadline_ms = 2000,
        .ping_ms = 25000,
        .pong_ms = 8000,
        .heads_interval_ms = 1000,
        .canary_ms = 500,
    };
}

static void start_gateway(struct world *world, int gateway)
{
    struct cc_runtime runtime = {.service = "websocket-gateway",
                                 .node_id = world->settings[gateway].common.node_id,
                                 .settings = &world->settings[gateway],
                                 .clock = cc_clock_system(),
                                 .random = cc_random_system(),
                                 .ids = world->ids,
                                 .health = world->health};
    struct cc_error err = {0};

    if (ws_app_start(&world->gateways[gateway], &runtime, &err) != CC_OK)
        fail_msg("a gateway did not start: %s", err.detail);
}

static bool is_ready(void *health)
{
    char reason[CC_HEALTH_REASON_BYTES];

    return cc_health_ready(health, reason);
}

static bool has_a_message(void *arg)
{
    struct world *world = arg;
    bool has;

    pthread_mutex_lock(&world->lock);
    has = world->chats[0].rev > 0;
    pthread_mutex_unlock(&world->lock);
    return has;
}

/* The owner reads the topic from its beginning; on a busy broker that takes a while. */
static void wait_until_owner_keeps_up(struct world *world)
{
    char id[CC_UUID_BYTES], person[CC_UUID_BYTES];
    struct ev_message_created event = {.op = CC_OP_CREATE, .type = "text", .body = "first"};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    world_new_id(world, id);
    world_new_id(world, person);
    event.chat_id = world_add_chat(world, person, "")->chat_id;
    event.op_id = event.client_msg_id = id;
    event.sender_id = person;
    event.device_id = event.origin.node = event.origin.conn_id = "";
    event.origin.client_msg_id = "";
    event.request_hash = "-";
    event.received_at_ms = cc_wall_ms(cc_clock_system());
    event.envelope = (struct cc_envelope){.event_id = id,
                                          .type = CC_TOPIC_MESSAGE_CREATED,
                                          .version = 1,
                                          .occurred_at_ms = event.received_at_ms,
                                          .producer = "test",
                                          .key = event.chat_id};
    cc_strbuf_init(&payload, TEXT_MAX);
    cc_json_writer_init(&json, &payload);
    ev_message_created_write(&json, &event);
    world_produce(world, CC_TOPIC_MESSAGE_CREATED, event.chat_id, &payload);
    cc_strbuf_finish(&payload);
    test_wait_for(has_a_message, world, 60000);
}

struct world *world_create(void)
{
    static char base_url[64];
    const char *brokers = test_env("CHAT_TEST_KAFKA_BROKERS");
    struct world *world = cc_calloc(1, sizeof *world);
    struct cc_consumer_row owner = {.topic = CC_TOPIC_MESSAGE_CREATED,
                                    .group = test_unique_name("ws_test_owner"),
                                    .batch_max = 100,
                                    .apply = world_apply_created};
    struct cc_consumer_row marks = {.topic = CC_TOPIC_MESSAGE_READ,
                                    .group = test_unique_name("ws_test_marks"),
                                    .batch_max = 100,
                                    .apply = world_apply_read};
    struct cc_error err = {0};

    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->released, NULL);
    world->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    world->health = cc_health_create(cc_clock_system());
    assert_int_equal(cc_topics_create(brokers, cc_topics, cc_topic_count, 1, &err), CC_OK);
    assert_int_equal(cc_producer_create(brokers, "world", &world->producer, &err), CC_OK);
    assert_int_equal(cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 4, &world->redis, &err),
                     CC_OK);
    make_signer(world);
    start_stub(world);
    world->owner = start_consumer(world, &owner);
    world->marks = start_consumer(world, &marks);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", cc_http_server_port(world->stub));
    for (int i = 0; i < WORLD_GATEWAYS; i++) {
        make_settings(world, i, base_url);
        start_gateway(world, i);
    }
    cc_health_start(world->health);
    cc_health_set_started(world->health);
    test_wait_for(is_ready, world->health, 20000);
    wait_until_owner_keeps_up(world);
    return world;
}

void world_destroy(struct world *world)
{
    int64_t deadline_ms = cc_mono_ms(cc_clock_system()) + 8000;

    cc_health_stop(world->health);
    for (int i = 0; i < WORLD_GATEWAYS; i++) {
        ws_app_drain(&world->gateways[i], deadline_ms);
        ws_app_stop(&world->gateways[i]);
    }
    cc_consumer_stop(world->owner, deadline_ms);
    cc_consumer_stop(world->marks, deadline_ms);
    cc_http_server_stop(world->stub);
    cc_jwt_signer_destroy(world->signer);
    cc_producer_destroy(world->producer, 1000);
    cc_redis_destroy(world->redis);
    cc_health_destroy(world->health);
    cc_ids_destroy(world->ids);
    for (size_t i = 0; i < world->chat_count; i++) {
        for (int64_t rev = 0; rev < world->chats[i].rev; rev++)
            cc_free(world->chats[i].log[rev].message_json);
    }
    pthread_mutex_destroy(&world->lock);
    pthread_cond_destroy(&world->released);
    cc_free(world);
}
