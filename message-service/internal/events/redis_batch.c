/* Commands for Redis in few round trips. Runs on consumer threads. Never fails its caller. */

#include "events/redis_batch.h"

#include <string.h>

#include "common/events/envelope.h"
#include "common/log.h"
#include "common/topics.h"

#define TRIES          2
#define AWAY_MS        1000
#define PER_ROUND_TRIP 256
#define READ_HINT_MS   "60000" /* longer than any save takes */

/* Sent as text, since a pipeline can't fall back from EVALSHA; the server compiles it once. */
static const char raise_head[] =
    "local is = redis.call('GET', KEYS[1]) "
    "local rev = is and tonumber(string.match(is, '^%d+')) or -1 "
    "if tonumber(ARGV[1]) > rev then redis.call('SET', KEYS[1], ARGV[1]..' '..ARGV[2]) end "
    "return 0";

struct redis_batch redis_batch_create(struct cc_arena *arena, size_t expected)
{
    return (struct redis_batch){
        .arena = arena,
        .items = cc_arena_calloc(arena, expected + 1, sizeof(struct cc_redis_args)),
        .capacity = expected + 1,
    };
}

static void grow(struct redis_batch *batch)
{
    struct cc_redis_args *items = cc_arena_calloc(batch->arena, 2 * batch->capacity, sizeof *items);

    memcpy(items, batch->items, batch->count * sizeof *items);
    batch->items = items;
    batch->capacity *= 2;
}

static void add(struct redis_batch *batch, size_t argc, const char *const *argv,
                const size_t *lengths)
{
    if (batch->count == batch->capacity)
        grow(batch);
    batch->items[batch->count++] = (struct cc_redis_args){argc, argv, lengths};
}

void redis_batch_raise_head(struct redis_batch *batch, const char *chat_id, int64_t rev,
                            int64_t seq)
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
    add(batch, 6, words, NULL);
}

void redis_batch_hint_read(struct redis_batch *batch, const struct receipt *receipt)
{
    char name[CC_REDIS_READ_NAME_BYTES];
    const char **words = cc_arena_calloc(batch->arena, 5, sizeof *words);

    cc_redis_name_read(receipt->chat_id, receipt->user_id, name);
    words[0] = "SET";
    words[1] = cc_arena_strdup(batch->arena, name);
    words[2] = cc_arena_printf(batch->arena, "%lld", (long long)receipt->read_seq);
    words[3] = "PX";
    words[4] = READ_HINT_MS;
    add(batch, 5, words, NULL);
}

void redis_batch_publish(struct redis_batch *batch, const char *channel,
                         struct cc_bus_message message, const struct cc_strbuf *frame)
{
    struct cc_strbuf text;
    const char **words = cc_arena_calloc(batch->arena, 3, sizeof *words);
    size_t *lengths = cc_arena_calloc(batch->arena, 3, sizeof *lengths);

    message.frame = cc_strbuf_text(frame);
    message.frame_count = frame->length;
    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_bus_write(&message, &text);
    words[0] = "PUBLISH";
    words[1] = cc_arena_strdup(batch->arena, channel);
    words[2] = cc_arena_strndup(batch->arena, cc_strbuf_text(&text), text.length);
    lengths[0] = strlen(words[0]);
    lengths[1] = strlen(words[1]);
    lengths[2] = text.length;
    cc_strbuf_finish(&text);
    add(batch, 3, words, lengths);
}

static enum cc_code send_some(struct redis_outlet *outlet, const struct cc_redis_args *commands,
                              size_t count, struct cc_error *err)
{
    enum cc_code code = CC_UNAVAILABLE;
    for (int i = 0; i < TRIES && code != CC_OK; i++)
        code = cc_redis_pipeline(outlet->redis, commands, count, NULL, err);
    return code;
}

bool redis_batch_send(struct redis_batch *batch, struct redis_outlet *outlet)
{
    struct cc_error err = {0};

    if (cc_mono_ms(outlet->clock) < outlet->away_until_ms)
        return false;
    for (size_t at = 0; at < batch->count; at += PER_ROUND_TRIP) {
        size_t left = batch->count - at;
        size_t some = left < PER_ROUND_TRIP ? left : PER_ROUND_TRIP;
        if (send_some(outlet, batch->items + at, some, &err) == CC_OK)
            continue;
        outlet->away_until_ms = cc_mono_ms(outlet->clock) + AWAY_MS;
        cc_log_error(CC_LOG_WARN, "heads, frames and answers were not published", &err, NULL);
        return false;
    }
    return true;
}
