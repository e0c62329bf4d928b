/* Cards and activities of chats in Redis. Any thread that may block for one round trip. */

#include "list_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/topics.h"

#define TTL_S "3600"

/* A value begins with its counter; a smaller one never replaces a larger one. */
static struct cc_redis_script put_newer = {
    .source = "local known = redis.call('GET', KEYS[1])\n"
              "if known and tonumber(string.match(known, '^%d+')) > tonumber(ARGV[1]) then\n"
              "  return 0 end\n"
              "redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'EX', ARGV[3])\n"
              "return 1\n"};

static void name_of(const char *family, const char *chat_id, char out[CC_REDIS_NAME_BYTES])
{
    snprintf(out, CC_REDIS_NAME_BYTES, "%s:%s", family, chat_id);
}

static void put(struct cc_redis *redis, const char *key, int64_t counter, const char *rest)
{
    char text[24];
    struct cc_error err;

    snprintf(text, sizeof(text), "%" PRId64, counter);
    const char *argv[] = {key, text, rest, TTL_S};
    if (cc_redis_eval(redis, &put_newer, 1, 4, argv, NULL, NULL, &err) != CC_OK)
        cc_log_error(CC_LOG_DEBUG, "the list cache was not written", &err, "key", key, NULL);
}

void chat_list_cache_put_card(struct cc_redis *redis, const struct chat *chat, const char *card)
{
    char key[CC_REDIS_NAME_BYTES];

    name_of("chat-card", chat->chat_id, key);
    put(redis, key, chat->version, card);
}

void chat_list_cache_put_activity(struct cc_redis *redis, const struct chat_activity *activity)
{
    const char *message_id = activity->last_message_id;
    const char *json = activity->last_message_json;
    char key[CC_REDIS_NAME_BYTES];
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);

    name_of("chat-activity", activity->chat_id, key);
    put(redis, key, activity->rev,
        cc_arena_printf(arena, "%" PRId64 " %" PRId64 " %s %s", activity->seq,
                        activity->last_activity_at_ms, message_id == NULL ? "-" : message_id,
                        json == NULL ? "" : json));
}

/* MGET of one family; NULL when Redis is away. */
static redisReply *get_all(struct cc_redis *redis, const char *family, const char *const *ids,
                           size_t count, struct cc_arena *arena)
{
    const char **argv = cc_arena_calloc(arena, count + 1, sizeof(*argv));
    redisReply *reply = NULL;
    struct cc_error err;

    argv[0] = "MGET";
    for (size_t i = 0; i < count; i++) {
        char *key = cc_arena_alloc(arena, CC_REDIS_NAME_BYTES);

        name_of(family, ids[i], key);
        argv[i + 1] = key;
    }
    if (cc_redis_command(redis, count + 1, argv, NULL, &reply, &err) != CC_OK) {
        cc_log_error(CC_LOG_DEBUG, "the list cache was not read", &err, NULL);
        return NULL;
    }
    return reply;
}

static const char *value_at(const redisReply *reply, size_t index)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || index >= reply->elements)
        return NULL;
    return reply->element[index]->type == REDIS_REPLY_STRING ? reply->element[index]->str : NULL;
}

void chat_list_cache_cards(struct cc_redis *redis, const char *const *ids, size_t count,
                           struct cc_arena *arena, const char **out)
{
    memset(out, 0, count * sizeof(*out));
    if (count == 0)
        return;
    CC_AUTO(redis_reply) redisReply *reply = get_all(redis, "chat-card", ids, count, arena);
    for (size_t i = 0; i < count; i++) {
        const char *value = value_at(reply, i);
        const char *space = value == NULL ? NULL : strchr(value, ' ');

        out[i] = space == NULL ? NULL : cc_arena_strdup(arena, space + 1);
    }
}

static bool read_counter(const char **at, int64_t *out)
{
    char *end;

    *out = strtoll(*at, &end, 10);
    if (end == *at || *end != ' ')
        return false;
    *at = end + 1;
    return true;
}

static bool read_activity(const char *value, struct cc_arena *arena, struct chat_activity *out)
{
    const char *at = value, *space;

    if (!read_counter(&at, &out->rev) || !read_counter(&at, &out->seq) ||
        !read_counter(&at, &out->last_activity_at_ms) || (space = strchr(at, ' ')) == NULL)
        return false;
    if (*at != '-') {
        out->last_message_id = cc_arena_strndup(arena, at, (size_t)(space - at));
        out->last_message_json = cc_arena_strdup(arena, space + 1);
    }
    return true;
}

void chat_list_cache_activities(struct cc_redis *redis, const char *const *ids, size_t count,
                                struct cc_arena *arena, struct chat_activity *out)
{
    memset(out, 0, count * sizeof(*out));
    if (count == 0)
        return;
    CC_AUTO(redis_reply) redisReply *reply = get_all(redis, "chat-activity", ids, count, arena);
    for (size_t i = 0; i < count; i++) {
        const char *value = value_at(reply, i);

        if (value == NULL || !read_activity(value, arena, &out[i]))
            out[i] = (struct chat_activity){0};
        out[i].chat_id = ids[i];
    }
}
