/* Writes members:{chat} and mver:{chat}, and says on the bus that they changed. Any thread that may
 * block for one round trip to Redis. */

#include "member_cache.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/bus_publish.h"
#include "common/topics.h"

#define RIGHTS_MAX_BYTES (256 * 1024)
#define RIGHTS_TTL_S     "86400"

/* Both keys together, and only forward: two replicas may announce at the same time. */
static struct cc_redis_script put_newer = {
    .source = "local known = tonumber(redis.call('GET', KEYS[2]) or '0')\n"
              "if known > tonumber(ARGV[1]) then return 0 end\n"
              "redis.call('SET', KEYS[2], ARGV[1])\n"
              "if ARGV[2] == '' then redis.call('DEL', KEYS[1])\n"
              "else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end\n"
              "return 1\n"};

static void write_rights(const struct chat_rights *rights, struct cc_strbuf *text)
{
    struct cc_json_writer writer;

    if (rights->members == NULL || rights->count > CHAT_RIGHTS_CACHED_MAX)
        return;
    cc_json_writer_init(&writer, text);
    cc_json_open_object(&writer, NULL);
    chat_json_put_rights(&writer, rights);
    cc_json_close_object(&writer);
    if (text->overflowed)
        cc_strbuf_reset(text);
}

enum cc_code chat_member_cache_put(struct cc_redis *redis, const struct chat_rights *rights,
                                   struct cc_error *err)
{
    char members[CC_REDIS_NAME_BYTES], version_key[CC_REDIS_NAME_BYTES], version[24];
    struct cc_strbuf text;

    cc_redis_name_members(rights->chat->chat_id, members);
    cc_redis_name_mver(rights->chat->chat_id, version_key);
    snprintf(version, sizeof(version), "%" PRId64, rights->chat->member_version);
    cc_strbuf_init(&text, RIGHTS_MAX_BYTES);
    write_rights(rights, &text);

    const char *argv[] = {members, version_key, version, cc_strbuf_text(&text), RIGHTS_TTL_S};
    enum cc_code code = cc_redis_eval(redis, &put_newer, 2, 5, argv, NULL, NULL, err);
    cc_strbuf_finish(&text);
    return code;
}

enum cc_code chat_member_cache_publish(struct cc_redis *redis, const struct chat *chat,
                                       struct cc_error *err)
{
    struct cc_bus_message message = {.kind = CC_BUS_MEMBER, .member_version = chat->member_version};
    char channel[CC_REDIS_NAME_BYTES];

    snprintf(message.chat_id, sizeof(message.chat_id), "%s", chat->chat_id);
    cc_redis_name_chat(chat->chat_id, channel);
    return cc_bus_publish(redis, channel, &message, err);
}
