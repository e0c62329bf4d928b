/* Stand-ins that answer by HTTP: chat-, message-, user- and auth-service, as far as a gateway asks
 * them. Run on the threads of an HTTP server; the world's lock guards what they share with tests.
 */

#include <string.h>

#include "common/http_server.h"
#include "common/relations.h"

#include "chats/changes.h"
#include "world_private.h"

static bool is_member(const struct world_chat *chat, const char *user_id)
{
    for (size_t i = 0; i < WORLD_PEOPLE; i++) {
        if (strcmp(chat->members[i], user_id) == 0)
            return true;
    }
    return false;
}

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
    chat = world_find_chat(world, chat_id);
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
    chat = world->no_pages ? NULL : world_find_chat(world, chat_id);
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
            world_find_chat(world, cc_json_uuid(reader, "chat_id", CC_REQUIRED));

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
        const struct world_chat *chat = world_find_chat(world, chat_ids[i]);

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
    known = world_find_chat(world, chat_id) != NULL;
    pthread_mutex_unlock(&world->lock);
    if (!known || strcmp(message_id, chat_id) == 0)
        return cc_fail(err, CC_NOT_FOUND, "message_id", "there is no such message");
    frame =
        cc_arena_printf(cc_request_arena(req),
                        "{\"t\":\"message_hidden\",\"message_id\":\"%s\",\"seq\":1}", message_id);
    snprintf(bus.chat_id, sizeof bus.chat_id, "%s", chat_id);
    bus.frame = frame;
    bus.frame_count = strlen(frame);
    world_publish(world, WS_CHANNEL_USER, user_id, &bus);
    return CC_OK;
}

static enum cc_code get_keys(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct world *world = cc_request_app(req);

    (void)err; /* it can't fail */
    cc_jwt_write_jwks(&world->signer, 1, cc_response_json(res));
    return CC_OK;
}

const struct cc_route world_routes[] = {
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
