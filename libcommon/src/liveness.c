/* Reading who is there; see liveness.h. Runs on the caller's thread. */

#include "common/liveness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/topics.h"

#define PEOPLE_AT_ONCE 100
#define COMMANDS       3 /* for each person */
#define NUMBER_BYTES   24

const char *const cc_live_state_names[] = {
    [CC_LIVE_OFFLINE] = "offline",
    [CC_LIVE_AWAY] = "away",
    [CC_LIVE_ONLINE] = "online",
    NULL,
};

enum cc_live_state cc_live_state_of(int64_t live, int64_t away)
{
    if (live <= 0)
        return CC_LIVE_OFFLINE;
    return live > away ? CC_LIVE_ONLINE : CC_LIVE_AWAY;
}

static int64_t number_of(const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_STRING)
        return strtoll(reply->str, NULL, 10);
    return reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
}

static enum cc_code load_some(struct cc_redis *redis, const char *const *user_ids, size_t count,
                              const char *after, struct cc_liveness *out, struct cc_error *err)
{
    char keys[PEOPLE_AT_ONCE][COMMANDS][CC_REDIS_NAME_BYTES];
    const char *words[PEOPLE_AT_ONCE][COMMANDS][4];
    struct cc_redis_args commands[PEOPLE_AT_ONCE * COMMANDS];
    redisReply *replies[PEOPLE_AT_ONCE * COMMANDS];

    for (size_t i = 0; i < count; i++) {
        struct cc_redis_args *own = &commands[i * COMMANDS];
        cc_redis_name_presence(user_ids[i], keys[i][0]);
        cc_redis_name_presence_away(user_ids[i], keys[i][1]);
        cc_redis_name_last_seen(user_ids[i], keys[i][2]);
        for (size_t k = 0; k < 2; k++) {
            const char *const counting[] = {"ZCOUNT", keys[i][k], after, "+inf"};
            memcpy(words[i][k], counting, sizeof counting);
            own[k] = (struct cc_redis_args){.argc = 4, .argv = words[i][k]};
        }
        words[i][2][0] = "GET";
        words[i][2][1] = keys[i][2];
        own[2] = (struct cc_redis_args){.argc = 2, .argv = words[i][2]};
    }
    CC_TRY(cc_redis_pipeline(redis, commands, count * COMMANDS, replies, err));
    for (size_t i = 0; i < count; i++) {
        redisReply **own = &replies[i * COMMANDS];
        out[i].state = cc_live_state_of(number_of(own[0]), number_of(own[1]));
        out[i].last_seen_ms = number_of(own[2]);
    }
    for (size_t i = 0; i < count * COMMANDS; i++)
        freeReplyObject(replies[i]);
    return CC_OK;
}

enum cc_code cc_liveness_load(struct cc_redis *redis, const char *const *user_ids, size_t count,
                              int64_t now_ms, struct cc_liveness *out, struct cc_error *err)
{
    char after[NUMBER_BYTES];
    snprintf(after, sizeof after, "(%" PRId64, now_ms);
    for (size_t from = 0; from < count; from += PEOPLE_AT_ONCE) {
        size_t some = count - from < PEOPLE_AT_ONCE ? count - from : PEOPLE_AT_ONCE;
        CC_TRY(load_some(redis, user_ids + from, some, after, out + from, err));
    }
    return CC_OK;
}
