/* The surroundings of the gateways under test. The stand-ins run on the threads of an HTTP server
 * and of two consumers; `lock` guards what they share with the test. */

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
#include "common/bus.h"
#include "common/events/change_frame.h"
#include "common/events/message_persisted.h"
#include "common/events/message_read.h"
#include "common/events/user_updated.h"
#include "common/http_server.h"
#include "common/relations.h"
#include "common/topics.h"
#include "testing.h"

#include "chats/changes.h"
#include "health_private.h" /* the skeleton's own; tests do without a skeleton */
#include "publish.h"

#define TEXT_MAX     (512 * 1024)
#define STUB_WORKERS 64 /* those who are held must not be in the way of others */

static struct world_chat *find_chat(struct world *world, const char *chat_id)
{
    for (size_t i = 0; i < world->chat_count; i++) {
        if (strcmp(world->chats[i].chat_id, chat_id) == 0)
            return &world->chats[i];
    }
    return NULL;
}

static bool is_member(const struct world_chat *chat, const char *user_id)
{
    for (size_t i = 0; i < WORLD_PEOPLE; i++) {
        if (strcmp(chat->members[i], user_id) == 0)
            return true;
    }
    return false;
}

/* ---- stand-ins: HTTP ---- */

/* The lock is held. */
static void pass_gate(struct world *world, struct world_gate *gate)
{
    gate->asked++;
    gate->waiting++;
    while (gate->held)
        pthread_cond_wait(&world->released, &world->lock);
    gate->waiting--;
}

static void put_listed(struct cc_json_writer *json, const char *chat_id, int64_t member_version)
{
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "chat_id", chat_id);
    cc_json_put_text(json, "role", "member");
    cc_json_put_int(json, "member_version", member_version);
    cc_json_put_int(json, "joined_seq", 0);
    cc_json_close_object(json);
}

static enum cc_code get_user_chats(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    struct cc_json_writer *json = cc_response_json(res);
    const char *user_id;
    bool refused;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    pthread_mutex_lock(&world->lock);
    refused = world->no_chats;
    pthread_mutex_unlock(&world->lock);
    if (refused)
        return cc_fail(err, CC_UNAVAILABLE, NULL, "no lists now");
    cc_json_open_object(json, NULL);
    cc_json_open_array(json, "items");
    pthread_mutex_lock(&world->lock);
    pass_gate(world, &world->chats_gate);
    for (size_t i = 0; i < world->chat_count; i++) {
        if (is_member(&world->chats[i], user_id))
            put_listed(json, world->chats[i].chat_id, world->chats[i].member_version);
    }
    for (unsigned i = 0; i < world->busy_chats && strcmp(world->busy, user_id) == 0; i++) {
        char chat_id[CC_UUID_BYTES];

        world_new_id(world, chat_id);
        put_listed(json, chat_id, 1);
    }
    pthread_mutex_unlock(&world->lock);
    cc_json_close_array(json);
    cc_json_close_object(json);
    return CC_OK;
}

static enum cc_code get_members(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    struct cc_json_writer *json = cc_response_json(res);
    struct world_chat *chat;
    const char *chat_id;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    pthread_mutex_lock(&world->lock);
    chat = find_chat(world, chat_id);
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "chat_id", chat_id);
    cc_json_put_int(json, "member_version", chat == NULL ? 0 : chat->member_version);
    cc_json_put_bool(json, "deleted", false);
    cc_json_put_text(json, "post", chat != NULL && chat->closed ? "nobody" : "all");
    cc_json_open_array(json, "items");
    for (size_t i = 0; chat != NULL && i < WORLD_PEOPLE; i++) {
        if (chat->members[i][0] == '\0')
            continue;
        cc_json_open_object(json, NULL);
        cc_json_put_text(json, "user_id", chat->members[i]);
        cc_json_put_text(json, "role", "member");
        cc_json_put_text(json, "state", "active");
        cc_json_close_object(json);
    }
    cc_json_close_array(json);
    cc_json_put_null(json, "next_cursor");
    cc_json_close_object(json);
    pthread_mutex_unlock(&world->lock);
    return CC_OK;
}

static void put_changes(struct cc_json_writer *json, const struct world_chat *chat,
                        const char *user_id, int64_t after_rev, int64_t limit)
{
    bool hides = user_id != NULL && strcmp(user_id, chat->hides) == 0;
    int64_t last = after_rev + limit < chat->rev ? after_rev + limit : chat->rev;

    cc_json_open_object(json, NULL);
    cc_json_open_array(json, "items");
    for (int64_t rev = after_rev + 1; rev <= last && !chat->purged; rev++) {
        const struct world_change *change = &chat->log[rev - 1];

        cc_json_open_object(json, NULL);
        cc_json_put_int(json, "rev", change->rev);
        cc_json_put_int(json, "seq", change->seq);
        cc_json_put_text(json, "op", change->op);
        if (!hides)
            cc_json_put_raw(json, "message", change->message_json, strlen(change->message_json));
        cc_json_close_object(json);
    }
    cc_json_close_array(json);
    cc_json_put_int(json, "head_rev", chat->rev);
    cc_json_put_int(json, "next_rev", last);
    cc_json_put_bool(json, "more", last < chat->rev);
    cc_json_put_bool(json, "reload", chat->purged);
    cc_json_put_bool(json, "since_joining", chat->since_joining);
    cc_json_put_int(json, "member_version", chat->member_version);
    cc_json_close_object(json);
}

static enum cc_code get_changes(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    int64_t after_rev, limit;
    struct world_chat *chat;
    const char *chat_id, *user_id = cc_request_query(req, "user_id");
    bool stranger;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_query_int(req, "after_rev", 0, INT64_MAX, 0, &after_rev, err));
    CC_TRY(cc_request_query_int(req, "limit", 1, 200, 100, &limit, err));
    pthread_mutex_lock(&world->lock);
    pass_gate(world, &world->pages_gate);
    chat = world->no_pages ? NULL : find_chat(world, chat_id);
    stranger = chat != NULL && user_id != NULL && !is_member(chat, user_id);
    if (chat != NULL && !stranger)
        put_changes(cc_response_json(res), chat, user_id, after_rev, limit);
    pthread_mutex_unlock(&world->lock);
    if (stranger)
        return cc_fail(err, CC_NOT_FOUND, "chat_id", "there is no such chat");
    return chat == NULL ? cc_fail(err, CC_UNAVAILABLE, NULL, "no pages now") : CC_OK;
}

static void put_head(struct cc_json_writer *json, const struct world_chat *chat)
{
    cc_json_put_text(json, "chat_id", chat->chat_id);
    cc_json_put_int(json, "rev", chat->rev);
    cc_json_put_int(json, "seq", chat->seq);
}

/* Nobody has read anything. The lock is held. */
static void put_counts(struct world *world, struct cc_json_reader *reader,
                       struct cc_json_writer *json)
{
    size_t count = cc_json_array_count(reader, "pairs", CC_REQUIRED, 200);

    for (size_t i = 0; i < count && cc_json_enter_element(reader, "pairs", i); i++) {
        const struct world_chat *chat =
            find_chat(world, cc_json_uuid(reader, "chat_id", CC_REQUIRED));

        cc_json_open_object(json, NULL);
        put_head(json, chat);
        cc_json_put_text(json, "user_id", cc_json_uuid(reader, "user_id", CC_REQUIRED));
        cc_json_put_int(json, "read_seq", 0);
        cc_json_put_int(json, "floor_seq", 0);
        cc_json_put_int(json, "unread", chat->seq);
        cc_json_put_bool(json, "capped", false);
        cc_json_put_int(json, "unread_mentions", 0);
        cc_json_close_object(json);
        cc_json_leave(reader);
    }
}

/* The lock is held. */
static void put_heads(struct world *world, const char *const *chat_ids, size_t count,
                      struct cc_json_writer *json)
{
    for (size_t i = 0; i < count; i++) {
        const struct world_chat *chat = find_chat(world, chat_ids[i]);

        if (chat == NULL || world->heads_unknown)
            continue;
        cc_json_open_object(json, NULL);
        put_head(json, chat);
        cc_json_close_object(json);
    }
}

static enum cc_code post_heads(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    struct cc_json_writer *json = cc_response_json(res);
    struct cc_json_reader *reader;
    const char *const *ids;
    size_t count;
    bool pairs;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    pairs = cc_json_has(reader, "pairs");
    ids = cc_json_uuids(reader, "chats", pairs ? CC_OPTIONAL : CC_REQUIRED, 500, &count);
    CC_TRY(cc_json_reader_error(reader, err));
    cc_json_open_object(json, NULL);
    cc_json_open_array(json, "items");
    pthread_mutex_lock(&world->lock);
    if (pairs)
        put_counts(world, reader, json);
    else
        put_heads(world, ids, count, json);
    pthread_mutex_unlock(&world->lock);
    cc_json_close_array(json);
    cc_json_close_object(json);
    return CC_OK;
}

static enum cc_code post_presence(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    struct cc_json_reader *reader;
    struct cc_relation *pairs;
    size_t count;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!cc_relations_read_question(reader, &pairs, &count))
        return cc_json_reader_error(reader, err);
    pthread_mutex_lock(&world->lock);
    bool away = world->user_service_away;
    for (size_t i = 0; i < count; i++)
        pairs[i].presence_visible = strcmp(pairs[i].user_id, world->hidden) != 0;
    pthread_mutex_unlock(&world->lock);
    if (away)
        return cc_fail(err, CC_UNAVAILABLE, NULL, "away");
    cc_relations_write_answer(cc_response_json(res), pairs, count);
    return CC_OK;
}

static void publish(struct world *world, enum ws_channel channel, const char *id,
                    const struct cc_bus_message *message)
{
    char name[CC_REDIS_NAME_BYTES];
    struct cc_strbuf payload;
    struct cc_error err = {0};

    ws_channel_name(channel, id, name);
    cc_strbuf_init(&payload, TEXT_MAX);
    cc_bus_write(message, &payload);
    assert_int_equal(
        cc_redis_do(world->redis, NULL, &err, "PUBLISH", name, cc_strbuf_text(&payload), NULL),
        CC_OK);
    cc_strbuf_finish(&payload);
}

static enum cc_code get_hidden(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    struct cc_json_writer *json = cc_response_json(res);
    const char *user_id;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    cc_json_open_object(json, NULL);
    cc_json_open_array(json, "items");
    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->chat_count; i++) {
        for (int64_t seq = 1; strcmp(world->chats[i].hides, user_id) == 0 && seq <= 10; seq++) {
            cc_json_open_object(json, NULL);
            cc_json_put_text(json, "chat_id", world->chats[i].chat_id);
            cc_json_put_int(json, "seq", seq);
            cc_json_close_object(json);
        }
    }
    pthread_mutex_unlock(&world->lock);
    cc_json_close_array(json);
    cc_json_put_bool(json, "more", false);
    cc_json_close_object(json);
    return CC_OK;
}

/* message-service's stand-in: tells the person's devices, as it does. */
static enum cc_code post_hidden(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct world *world = cc_request_app(req);
    struct cc_bus_message bus = {.kind = CC_BUS_PERSONAL};
    const char *chat_id, *user_id, *message_id, *frame;
    struct cc_json_reader *reader;
    bool known;

    (void)res; /* 204 */
    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    message_id = cc_json_uuid(reader, "message_id", CC_REQUIRED);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    pthread_mutex_lock(&world->lock);
    known = find_chat(world, chat_id) != NULL;
    pthread_mutex_unlock(&world->lock);
    if (!known || strcmp(message_id, chat_id) == 0)
        return cc_fail(err, CC_NOT_FOUND, "message_id", "there is no such message");
    frame =
        cc_arena_printf(cc_request_arena(req),
                        "{\"t\":\"message_hidden\",\"message_id\":\"%s\",\"seq\":1}", message_id);
    snprintf(bus.chat_id, sizeof bus.chat_id, "%s", chat_id);
    bus.frame = frame;
    bus.frame_count = strlen(frame);
    publish(world, WS_CHANNEL_USER, user_id, &bus);
    return CC_OK;
}

static enum cc_code get_keys(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct world *world = cc_request_app(req);

    (void)err; /* it can't fail */
    cc_jwt_write_jwks(&world->signer, 1, cc_response_json(res));
    return CC_OK;
}

static const struct cc_route routes[] = {
    {"GET", "/internal/users/{user_id}/chats", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, get_user_chats,
     CC_BLOCKING},
    {"GET", "/internal/chats/{chat_id}/members", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, get_members,
     CC_BLOCKING},
    {"GET", "/internal/chats/{chat_id}/changes", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, get_changes,
     CC_BLOCKING},
    {"POST", "/internal/chats/{chat_id}/hidden", CC_AUTH_INTERNAL, CC_RATE_NONE, 1024, post_hidden,
     CC_BLOCKING},
    {"GET", "/internal/users/{user_id}/hidden", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, get_hidden,
     CC_BLOCKING},
    {"POST", "/internal/heads", CC_AUTH_INTERNAL, CC_RATE_NONE, 65536, post_heads, CC_BLOCKING},
    {"POST", CC_RELATIONS_PRESENCE, CC_AUTH_INTERNAL, CC_RATE_NONE, CC_RELATIONS_BYTES,
     post_presence, CC_BLOCKING},
    {"GET", "/internal/jwks.json", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, get_keys, CC_BLOCKING},
    {.method = NULL},
};

/* ---- stand-in: the owner of the chats ---- */

static struct world_change *append(struct world_chat *chat, enum cc_op op,
                                   struct cc_message *message)
{
    struct world_change *change = &chat->log[chat->rev];
    struct cc_strbuf text;
    struct cc_json_writer json;

    assert_in_range(chat->rev, 0, WORLD_LOG_MAX - 1);
    if (op == CC_OP_CREATE)
        chat->seq++;
    message->seq = chat->seq;
    message->rev = ++chat->rev;
    change->rev = message->rev;
    change->seq = message->seq;
    snprintf(change->op, sizeof change->op, "%s", cc_op_names[op]);
    cc_strbuf_init(&text, TEXT_MAX);
    cc_json_writer_init(&json, &text);
    cc_json_open_object(&json, NULL);
    cc_message_write(&json, message);
    cc_json_close_object(&json);
    change->message_json = cc_strbuf_take(&text, NULL);
    return change;
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

static void publish_live(struct world *world, const struct ev_message_persisted *event)
{
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, TEXT_MAX);
    const struct cc_bus_message message = cc_change_publication(event, &frame);
    publish(world, WS_CHANNEL_CHAT, event->chat_id, &message);
    cc_strbuf_finish(&frame);
}

static void announce_persisted(struct world *world, const struct ev_message_created *created,
                               const struct cc_message *message, int64_t member_version, bool crowd)
{
    char event_id[CC_UUID_BYTES];
    struct ev_message_persisted event = {.op = created->op,
                                         .op_id = created->op_id,
                                         .chat_id = created->chat_id,
                                         .sender_id = created->sender_id,
                                         .sender_device_id = created->device_id,
                                         .rev = message->rev,
                                         .head_seq = message->seq,
                                         .message = *message,
                                         .member_version = member_version,
                                         .recipients_omitted = crowd,
                                         .origin = created->origin};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    cc_ids_next(world->ids, event_id);
    event.envelope = (struct cc_envelope){.event_id = event_id,
                                          .type = CC_TOPIC_MESSAGE_PERSISTED,
                                          .version = 1,
                                          .occurred_at_ms = cc_wall_ms(cc_clock_system()),
                                          .producer = "message-service",
                                          .key = created->chat_id};
    event.published = !atomic_load(&world->owner_lost_redis);
    if (event.published)
        publish_live(world, &event);
    cc_strbuf_init(&payload, TEXT_MAX);
    cc_json_writer_init(&json, &payload);
    ev_message_persisted_write(&json, &event);
    world_produce(world, CC_TOPIC_MESSAGE_PERSISTED, created->chat_id, &payload);
    cc_strbuf_finish(&payload);
}

static void tell_sender(struct world *world, const struct ev_message_created *created,
                        const struct cc_message *message)
{
    struct cc_bus_message outcome = {
        .kind = CC_BUS_OUTCOME, .rev = message->rev, .seq = message->seq};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, 4096);
    cc_strbuf_printf(&frame,
                     "{\"t\":\"persisted\",\"client_msg_id\":\"%s\",\"chat_id\":\"%s\","
                     "\"message_id\":\"%s\",\"seq\":%lld,\"rev\":%lld,\"duplicate\":false}",
                     created->origin.client_msg_id, created->chat_id, message->message_id,
                     (long long)message->seq, (long long)message->rev);
    snprintf(outcome.chat_id, sizeof outcome.chat_id, "%s", created->chat_id);
    snprintf(outcome.conn_id, sizeof outcome.conn_id, "%s", created->origin.conn_id);
    outcome.frame = cc_strbuf_text(&frame);
    outcome.frame_count = frame.length;
    publish(world, WS_CHANNEL_NODE, created->origin.node, &outcome);
    cc_strbuf_finish(&frame);
}

static void apply_operation(struct world *world, const struct ev_message_created *created)
{
    struct cc_message message = {.message_id = created->target_message_id == NULL
                                                   ? created->op_id
                                                   : created->target_message_id,
                                 .chat_id = created->chat_id,
                                 .sender_id = created->sender_id,
                                 .type = "text",
                                 .body = created->body == NULL ? "" : created->body,
                                 .created_at_ms = created->received_at_ms,
                                 .version = 1};
    struct world_chat *chat;
    int64_t member_version = 0;
    bool crowd = false;

    pthread_mutex_lock(&world->lock);
    chat = find_chat(world, created->chat_id);
    if (chat != NULL) {
        append(chat, created->op, &message);
        member_version = chat->member_version;
        crowd = chat->crowd;
    }
    pthread_mutex_unlock(&world->lock);
    if (chat == NULL)
        return; /* another test's */
    announce_persisted(world, created, &message, member_version, crowd);
    tell_sender(world, created, &message);
}

static enum cc_code apply_created(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    (void)err; /* failures end the test */
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_json_reader *reader =
            cc_json_reader_create(batch->arena, batch->records[i].payload,
                                  batch->records[i].payload_count, CC_IGNORE_UNKNOWN);
        struct ev_message_created created = {0};

        if (ev_message_created_read(reader, &created))
            apply_operation(arg, &created);
        cc_json_reader_destroy(reader);
    }
    return CC_OK;
}

static void apply_mark(struct world *world, const struct ev_message_read *mark)
{
    struct cc_bus_message receipt = {.kind = CC_BUS_RECEIPT};
    struct cc_bus_message reply = {.kind = CC_BUS_OUTCOME};
    char text[512], members[WORLD_PEOPLE][CC_UUID_BYTES];

    pthread_mutex_lock(&world->lock);
    const struct world_chat *chat = find_chat(world, mark->chat_id);
    if (chat != NULL)
        memcpy(members, chat->members, sizeof members);
    pthread_mutex_unlock(&world->lock);
    if (chat == NULL)
        return; /* another test's */
    snprintf(text, sizeof text,
             "{\"t\":\"receipt\",\"chat_id\":\"%s\",\"user_id\":\"%s\",\"read_seq\":%lld}",
             mark->chat_id, mark->user_id, (long long)mark->read_seq);
    snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", mark->chat_id);
    receipt.frame = text;
    receipt.frame_count = strlen(text);
    for (size_t i = 0; i < WORLD_PEOPLE; i++)
        if (members[i][0] != '\0' && strcmp(members[i], mark->user_id) != 0)
            publish(world, WS_CHANNEL_USER, members[i], &receipt);
    snprintf(text, sizeof text, "{\"re\":%s,\"ok\":true,\"read_seq\":%lld}",
             mark->origin.client_msg_id, (long long)mark->read_seq);
    snprintf(reply.conn_id, sizeof reply.conn_id, "%s", mark->origin.conn_id);
    reply.frame = text;
    reply.frame_count = strlen(text);
    publish(world, WS_CHANNEL_NODE, mark->origin.node, &reply);
}

static enum cc_code apply_read(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    (void)err; /* failures end the test */
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_json_reader *reader =
            cc_json_reader_create(batch->arena, batch->records[i].payload,
                                  batch->records[i].payload_count, CC_IGNORE_UNKNOWN);
        struct ev_message_read mark = {0};

        if (ev_message_read_read(reader, &mark))
            apply_mark(arg, &mark);
        cc_json_reader_destroy(reader);
    }
    return CC_OK;
}

/* ---- what tests ask for ---- */

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
        struct sockaddr_in address;
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
    bus.frame = cc_strbuf_text(&frame);
    bus.frame_count = frame.length;
    publish(world, WS_CHANNEL_CHAT, chat->chat_id, &bus);
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
    sent.message_json = append(chat, op, &message)->message_json;
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

    publish(world, WS_CHANNEL_USER, user_id, &message);
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
    publish(world, WS_CHANNEL_CHAT, chat->chat_id, &bus);
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
    publish(world, WS_CHANNEL_USER, user_id, &receipt);
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
                                      .routes = routes,
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
        .host = "127.0.0.1", .routes = routes, .clock = cc_clock_system(), .internal = true};
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
                                    .apply = apply_created};
    struct cc_consumer_row marks = {.topic = CC_TOPIC_MESSAGE_READ,
                                    .group = test_unique_name("ws_test_marks"),
                                    .batch_max = 100,
                                    .apply = apply_read};
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
