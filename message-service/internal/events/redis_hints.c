/* Commands for Redis. Runs on consumer threads and workers. Never fails its caller. */

#include "events/redis_hints.h"

#include "common/log.h"
#include "common/topics.h"

#define TRIES        2
#define AWAY_MS      1000
#define READ_HINT_MS "60000" /* longer than any save takes */

/* Sent as text, since a pipeline can't fall back from EVALSHA; the server compiles it once. */
static const char raise_head[] =
    "local is = redis.call('GET', KEYS[1]) "
    "local rev = is and tonumber(string.match(is, '^%d+')) or -1 "
    "if tonumber(ARGV[1]) > rev then redis.call('SET', KEYS[1], ARGV[1]..' '..ARGV[2]) end "
    "return 0";

void redis_hint_head(struct cc_bus_batch *batch, const char *chat_id, int64_t rev, int64_t seq)
{
    char name[CC_REDIS_NAME_BYTES];
    const char **words = cc_arena_calloc(batch->arena, 6, sizeof *words);

    cc_redis_name_head(chat_id, name);
    words[0] = "EVAL";
    words[1] = raise_head;
    words[2] = "1";
    words[3] = cc_arena_strdup(batch->arena, name);
    words[4] = cc_arena_printf(batch->arena, "%lld", (long long)rev);
    words[5] = cc_arena_printf(batch->arena, "%lld", (long long)seq);
    cc_bus_batch_command(batch, 6, words);
}

void redis_hint_read(struct cc_bus_batch *batch, const struct receipt *receipt)
{
    char name[CC_REDIS_READ_NAME_BYTES];
    const char **words = cc_arena_calloc(batch->arena, 5, sizeof *words);

    cc_redis_name_read(receipt->chat_id, receipt->user_id, name);
    words[0] = "SET";
    words[1] = cc_arena_strdup(batch->arena, name);
    words[2] = cc_arena_printf(batch->arena, "%lld", (long long)receipt->read_seq);
    words[3] = "PX";
    words[4] = READ_HINT_MS;
    cc_bus_batch_command(batch, 5, words);
}

bool redis_outlet_send(struct redis_outlet *outlet, const struct cc_bus_batch *batch)
{
    struct cc_error err = {0};

    if (cc_mono_ms(outlet->clock) < outlet->away_until_ms)
        return false;
    for (int i = 0; i < TRIES; i++)
        if (cc_bus_batch_send(batch, outlet->redis, &err) == CC_OK)
            return true;
    outlet->away_until_ms = cc_mono_ms(outlet->clock) + AWAY_MS;
    cc_log_error(CC_LOG_WARN, "heads, frames and answers were not published", &err, NULL);
    return false;
}
