/* Counts a person's live entries in Redis, many people in one round trip. Runs on consumer threads.
 * Writes nothing: presence is the gateways'. */

#include "presence.h"

#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "common/topics.h"

#define PEOPLE_AT_ONCE 1000

static struct cc_redis_args count_command(const char *user_id, const char *after,
                                          struct cc_arena *arena)
{
    const char **argv = cc_arena_calloc(arena, 4, sizeof *argv);
    char *key = cc_arena_alloc(arena, CC_REDIS_NAME_BYTES);
    cc_redis_name_presence(user_id, key);
    argv[0] = "ZCOUNT";
    argv[1] = key;
    argv[2] = after;
    argv[3] = "+inf";
    return (struct cc_redis_args){.argc = 4, .argv = argv};
}

static bool load_some(struct cc_redis *redis, const char *const *user_ids, size_t count,
                      const char *after, struct cc_arena *arena, bool *out_online)
{
    struct cc_redis_args *commands = cc_arena_calloc(arena, count, sizeof *commands);
    redisReply **replies = cc_arena_calloc(arena, count, sizeof *replies);
    struct cc_error err = {0};

    for (size_t i = 0; i < count; i++)
        commands[i] = count_command(user_ids[i], after, arena);
    if (cc_redis_pipeline(redis, commands, count, replies, &err) != CC_OK) {
        cc_log_error(CC_LOG_WARN, "presence is not known, everybody counts as offline", &err, NULL);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        out_online[i] = replies[i]->type == REDIS_REPLY_INTEGER && replies[i]->integer > 0;
        freeReplyObject(replies[i]);
    }
    return true;
}

void notification_presence_load(struct cc_redis *redis, const char *const *user_ids, size_t count,
                                int64_t now_ms, struct cc_arena *arena, bool *out_online)
{
    const char *after = cc_arena_printf(arena, "(%" PRId64, now_ms);
    memset(out_online, 0, count * sizeof *out_online);
    for (size_t from = 0; from < count; from += PEOPLE_AT_ONCE) {
        size_t some = count - from < PEOPLE_AT_ONCE ? count - from : PEOPLE_AT_ONCE;
        if (!load_some(redis, user_ids + from, some, after, arena, out_online + from))
            return;
    }
}
