/* The form of a bucket, and the only code that reads or writes one: a hash of v, thousandths of a
 * token (so that slow rates lose nothing), and t, when that was, in ms. Runs on the caller's
 * thread. */

#include "common/rate_bucket.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_BYTES 24
#define WORDS_MAX    (3 + 2 * CC_RATE_CHARGE_MAX)

#define BUCKET_LUA                                                                                 \
    "local t = redis.call('TIME')\n"                                                               \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"                                          \
    "local function level(key, burst, amount, period)\n"                                           \
    "  local b = redis.call('HMGET', key, 'v', 't')\n"                                             \
    "  local v, at = tonumber(b[1]) or burst * 1000, tonumber(b[2]) or now\n"                      \
    "  return math.min(burst * 1000, v + math.max(0, now - at) * amount * 1000 / period)\n"        \
    "end\n"                                                                                        \
    "local function store(key, v, burst, amount, period)\n"                                        \
    "  redis.call('HSET', key, 'v', math.floor(v), 't', now)\n"                                    \
    "  redis.call('PEXPIRE', key, math.ceil((burst * 1000 - v) * period / amount / 1000) + "       \
    "1000)\n"                                                                                      \
    "end\n"

const char cc_rate_take_script[] = BUCKET_LUA
    "local levels, refusing, wait = {}, 0, -1\n"
    "local function until_next(i)\n"
    "  if levels[i] >= 1000 then return 0 end\n"
    "  return math.ceil((1000 - levels[i]) * ARGV[3 * i] / ARGV[3 * i - 1] / 1000)\n"
    "end\n"
    "for i = 1, #KEYS do\n"
    "  levels[i] = level(KEYS[i], ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i])\n"
    "  if levels[i] < 1000 and until_next(i) > wait then refusing, wait = i, until_next(i) end\n"
    "end\n"
    "if refusing > 0 and ARGV[3 * #KEYS + 1] ~= '1' then return {refusing, 0, wait} end\n"
    "local answer = {0, 0, 0}\n"
    "for i = 1, #KEYS do\n"
    "  levels[i] = math.max(levels[i] - 1000, ARGV[3 * i - 2] * -1000)\n"
    "  store(KEYS[i], levels[i], ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i])\n"
    "  answer[3 + i] = math.floor(levels[i] / 1000)\n"
    "end\n"
    "answer[2], answer[3] = answer[4], until_next(1)\n"
    "return answer\n";

/* KEYS buckets; ARGV burst, amount, period in ms, then the tokens of each. */
static struct cc_redis_script charge_script = {
    .source =
        BUCKET_LUA "local levels = {}\n"
                   "for i = 1, #KEYS do\n"
                   "  local left = level(KEYS[i], ARGV[1], ARGV[2], ARGV[3]) - ARGV[3 + i] * 1000\n"
                   "  levels[i] = math.floor(math.max(left, ARGV[1] * -1000))\n"
                   "  store(KEYS[i], levels[i], ARGV[1], ARGV[2], ARGV[3])\n"
                   "end\n"
                   "return levels\n"};

void cc_rate_name(const char *rate_class, const char *key, char out[CC_RATE_NAME_BYTES])
{
    (void)snprintf(out, CC_RATE_NAME_BYTES, "rate:%s:%s", rate_class, key);
}

struct words {
    char names[CC_RATE_CHARGE_MAX][CC_RATE_NAME_BYTES];
    char numbers[3 + CC_RATE_CHARGE_MAX][NUMBER_BYTES];
    const char *argv[WORDS_MAX];
    size_t count, number_count;
};

static void add_number(struct words *words, int64_t value)
{
    char *text = words->numbers[words->number_count++];

    (void)snprintf(text, NUMBER_BYTES, "%" PRId64, value);
    words->argv[words->count++] = text;
}

static enum cc_code read_levels(const redisReply *reply, size_t count, int64_t *out_levels,
                                struct cc_error *err)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return cc_fail_detail(err, CC_INTERNAL, "redis: %zu levels for %zu buckets",
                              reply->elements, count);
    for (size_t i = 0; i < count; i++)
        out_levels[i] = reply->element[i]->integer;
    return CC_OK;
}

enum cc_code cc_rate_charge(struct cc_redis *redis, const struct cc_rate *rate,
                            const char *rate_class, const char *const *keys, const int64_t *tokens,
                            size_t count, int64_t *out_levels, struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct words words;

    words.count = words.number_count = 0;
    for (size_t i = 0; i < count; i++) {
        cc_rate_name(rate_class, keys[i], words.names[i]);
        words.argv[words.count++] = words.names[i];
    }
    add_number(&words, rate->burst);
    add_number(&words, rate->amount);
    add_number(&words, rate->period_ms);
    for (size_t i = 0; i < count; i++)
        add_number(&words, tokens[i]);
    CC_TRY(cc_redis_eval(redis, &charge_script, count, words.count, words.argv, NULL, &reply, err));
    return read_levels(reply, count, out_levels, err);
}
