/* GET /v1/users/presence?ids=a,b: who has a live socket, and when the others last had one. Read
 * from Redis, where the gateways keep it; runs on a worker thread. Knows nothing of profiles:
 * somebody who does not exist is offline. */

#include "app.h"
#include "common/topics.h"
#include "http/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct presence {
    bool online;
    int64_t last_seen_ms; /* 0 = never */
};

static enum cc_code read_ids(struct cc_request *req, const char **out, size_t *out_count,
                             struct cc_error *err)
{
    const char *at = cc_request_query(req, "ids");
    size_t count = 0;
    if (at == NULL || at[0] == '\0')
        return cc_fail(err, CC_INVALID, "ids", "give user ids, separated by commas");
    for (bool more = true; more; count++) {
        size_t length = strcspn(at, ",");
        if (count == USER_PRESENCE_MAX)
            return cc_fail(err, CC_INVALID, "ids", "at most %d ids", USER_PRESENCE_MAX);
        if (!cc_uuid_valid(at, length))
            return cc_fail(err, CC_INVALID, "ids", "every id is a UUID");
        char *id = cc_arena_strndup(cc_request_arena(req), at, length);
        cc_uuid_normalise(id);
        out[count] = id;
        more = at[length] == ',';
        at += length + 1;
    }
    *out_count = count;
    return CC_OK;
}

/* Two commands for each person: live entries of the sorted set, last seen. */
static enum cc_code look_up(struct user_app *app, const char *const *ids, size_t count,
                            struct presence *out, struct cc_error *err)
{
    char keys[USER_PRESENCE_MAX][2][CC_REDIS_NAME_BYTES], now[24];
    const char *words[USER_PRESENCE_MAX][2][4];
    struct cc_redis_args commands[USER_PRESENCE_MAX * 2];
    redisReply *replies[USER_PRESENCE_MAX * 2];

    snprintf(now, sizeof now, "(%lld", (long long)cc_wall_ms(app->clock));
    for (size_t i = 0; i < count; i++) {
        cc_redis_name_presence(ids[i], keys[i][0]);
        cc_redis_name_last_seen(ids[i], keys[i][1]);
        memcpy(words[i][0], (const char *[]){"ZCOUNT", keys[i][0], now, "+inf"},
               sizeof words[i][0]);
        memcpy(words[i][1], (const char *[]){"GET", keys[i][1]}, 2 * sizeof(const char *));
        commands[2 * i] = (struct cc_redis_args){4, words[i][0], NULL};
        commands[2 * i + 1] = (struct cc_redis_args){2, words[i][1], NULL};
    }
    CC_TRY(cc_redis_pipeline(app->redis, commands, 2 * count, replies, err));
    for (size_t i = 0; i < count; i++) {
        const redisReply *live = replies[2 * i], *seen = replies[2 * i + 1];
        out[i].online = live->integer > 0;
        out[i].last_seen_ms = seen->type == REDIS_REPLY_STRING ? strtoll(seen->str, NULL, 10) : 0;
        freeReplyObject(replies[2 * i]);
        freeReplyObject(replies[2 * i + 1]);
    }
    return CC_OK;
}

static void write_presence(struct cc_json_writer *writer, const char *const *ids,
                           const struct presence *presence, size_t count)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", ids[i]);
        cc_json_put_text(writer, "state", presence[i].online ? "online" : "offline");
        cc_json_put_time(writer, "last_seen_at", presence[i].last_seen_ms);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}

enum cc_code user_http_get_presence(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    const char *ids[USER_PRESENCE_MAX];
    struct presence presence[USER_PRESENCE_MAX];
    size_t count = 0;

    CC_TRY(read_ids(req, ids, &count, err));
    CC_TRY(look_up(cc_request_app(req), ids, count, presence, err));
    write_presence(cc_response_json(res), ids, presence, count);
    return CC_OK;
}
