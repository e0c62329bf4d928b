/* Read positions in Redis, by person. Any thread that may block for one round trip. */

#include "reads_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/redis_whole.h"
#include "common/topics.h"

#define TTL_S       "600"
#define LINE_BYTES  96
#define LINES_BYTES (1024 * 1024)
#define PUT_AT_ONCE 50 /* keys of one script */

/* KEYS: of the people, or of the one. ARGV: the seconds; a line "<chat> <read> <cleared>" for each
 * key, or all of the one; "*" when those are all there are. What would expire while somebody fills
 * it begins anew. */
static struct cc_redis_script raise_all = {
    .source = "local at = 0\n"
              "for chat, read, cleared in string.gmatch(ARGV[2], '(%S+) (%d+) (%d+)\\n') do\n"
              "  at = math.min(at + 1, #KEYS)\n"
              "  local known = redis.call('HGET', KEYS[at], chat) or ''\n"
              "  local r, c = string.match(known, '^(%d+) (%d+)$')\n"
              "  r = math.max(tonumber(r or 0), tonumber(read))\n"
              "  c = math.max(tonumber(c or 0), tonumber(cleared))\n"
              "  redis.call('HSET', KEYS[at], chat, string.format('%.0f %.0f', r, c))\n"
              "  if ARGV[3] ~= '" CC_REDIS_WHOLE "' and redis.call('TTL', KEYS[at]) < 60 then\n"
              "    redis.call('HDEL', KEYS[at], '" CC_REDIS_WHOLE "')\n"
              "    redis.call('EXPIRE', KEYS[at], ARGV[1]) end\n"
              "end\n"
              "if ARGV[3] == '" CC_REDIS_WHOLE "' then\n"
              "  redis.call('HSET', KEYS[1], '" CC_REDIS_WHOLE "', '')\n"
              "  redis.call('EXPIRE', KEYS[1], ARGV[1]) end\n"
              "return 1\n"};

static void name_of(const char *user_id, char out[CC_REDIS_NAME_BYTES])
{
    (void)snprintf(out, CC_REDIS_NAME_BYTES, "reads:%s", user_id);
}

/* ---- writing ---- */

static void write_line(struct cc_strbuf *lines, const struct receipt *receipt)
{
    cc_strbuf_printf(lines, "%s %" PRId64 " %" PRId64 "\n", receipt->chat_id, receipt->read_seq,
                     receipt->cleared_seq);
}

/* In a pipeline, which can't fall back from EVALSHA; the server compiles it once. */
static void raise_some(struct cc_bus_batch *batch, const struct receipt *receipts, size_t count)
{
    const char **words = cc_arena_calloc(batch->arena, count + 6, sizeof *words);
    struct cc_strbuf lines;

    cc_strbuf_init(&lines, count * LINE_BYTES);
    words[0] = "EVAL";
    words[1] = raise_all.source;
    words[2] = cc_arena_printf(batch->arena, "%zu", count);
    for (size_t i = 0; i < count; i++) {
        char *name = cc_arena_alloc(batch->arena, CC_REDIS_NAME_BYTES);

        name_of(receipts[i].user_id, name);
        words[3 + i] = name;
        write_line(&lines, &receipts[i]);
    }
    words[3 + count] = TTL_S;
    words[4 + count] = cc_arena_strdup(batch->arena, cc_strbuf_text(&lines));
    words[5 + count] = "";
    cc_bus_batch_command(batch, count + 6, words);
    cc_strbuf_finish(&lines);
}

void reads_cache_raise(struct cc_bus_batch *batch, const struct receipt *receipts, size_t count)
{
    for (size_t i = 0; i < count; i += PUT_AT_ONCE)
        raise_some(batch, receipts + i, count - i < PUT_AT_ONCE ? count - i : PUT_AT_ONCE);
}

static void fill(struct cc_redis *redis, const char *user_id, const struct receipt_list *list)
{
    char name[CC_REDIS_NAME_BYTES];
    struct cc_strbuf lines;
    struct cc_error err;

    name_of(user_id, name);
    cc_strbuf_init(&lines, LINES_BYTES);
    for (size_t i = 0; i < list->count; i++)
        write_line(&lines, &list->items[i]);
    const char *argv[] = {name, TTL_S, cc_strbuf_text(&lines), CC_REDIS_WHOLE};
    if (lines.overflowed)
        cc_log(CC_LOG_DEBUG, "too many read positions to be cached", "user_id", user_id, NULL);
    else if (cc_redis_eval(redis, &raise_all, 1, 4, argv, NULL, NULL, &err) != CC_OK)
        cc_log_error(CC_LOG_DEBUG, "read positions were not cached", &err, "user_id", user_id,
                     NULL);
    cc_strbuf_finish(&lines);
}

/* ---- reading ---- */

static bool read_positions(const redisReply *value, struct receipt *out)
{
    char *rest;

    if (value->type != REDIS_REPLY_STRING)
        return false;
    int64_t read_seq = strtoll(value->str, &rest, 10);
    if (*rest != ' ')
        return false;
    out->read_seq = read_seq;
    out->cleared_seq = strtoll(rest, NULL, 10);
    return true;
}

static void name_receipt(struct receipt *out, const char *chat_id, const char *user_id)
{
    (void)snprintf(out->chat_id, sizeof out->chat_id, "%s", chat_id);
    (void)snprintf(out->user_id, sizeof out->user_id, "%s", user_id);
}

void reads_cache_find(struct cc_redis *redis, const char *user_id, const char *const *chat_ids,
                      size_t count, struct cc_arena *arena, struct receipt *out)
{
    char name[CC_REDIS_NAME_BYTES];
    const char **words = cc_arena_calloc(arena, count + 2, sizeof *words);
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    name_of(user_id, name);
    words[0] = "HMGET";
    words[1] = name;
    for (size_t i = 0; i < count; i++) {
        words[i + 2] = chat_ids[i];
        out[i] = (struct receipt){0};
        name_receipt(&out[i], chat_ids[i], user_id);
    }
    if (count == 0 || cc_redis_command(redis, count + 2, words, NULL, &reply, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return;
    for (size_t i = 0; i < count; i++)
        (void)read_positions(reply->element[i], &out[i]); /* what can't be read is not known */
}

static bool read_rows(const redisReply *rows, const char *user_id, struct cc_arena *arena,
                      struct receipt_list *out)
{
    out->items = cc_arena_calloc(arena, rows->elements / 2 + 1, sizeof *out->items);
    for (size_t i = 0; i + 1 < rows->elements; i += 2) {
        struct receipt *receipt = &out->items[out->count++];

        if (!read_positions(rows->element[i + 1], receipt))
            return false;
        name_receipt(receipt, rows->element[i]->str, user_id);
    }
    return true;
}

static enum cc_redis_whole find_all(struct cc_redis *redis, const char *user_id,
                                    struct cc_arena *arena, struct receipt_list *out)
{
    char name[CC_REDIS_NAME_BYTES];
    CC_AUTO(redis_reply) redisReply *rows = NULL;

    *out = (struct receipt_list){0};
    name_of(user_id, name);
    enum cc_redis_whole found = cc_redis_whole_get(redis, name, &rows);
    if (found == CC_REDIS_WHOLE_ALL && !read_rows(rows, user_id, arena, out))
        return CC_REDIS_WHOLE_PARTS;
    return found;
}

enum cc_code reads_cache_list(struct cc_redis *redis, struct message_store *store,
                              const char *user_id, struct cc_arena *arena, struct receipt_list *out,
                              struct cc_error *err)
{
    enum cc_redis_whole cached = find_all(redis, user_id, arena, out);

    if (cached == CC_REDIS_WHOLE_ALL)
        return CC_OK;
    CC_TRY(store->ops->receipts_by(store, user_id, arena, out, err));
    if (cached == CC_REDIS_WHOLE_PARTS)
        fill(redis, user_id, out);
    return CC_OK;
}
