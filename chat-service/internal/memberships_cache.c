/* A person's memberships in Redis. Any thread that may block for one round trip. */

#include "memberships_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/redis_whole.h"
#include "common/strbuf.h"
#include "common/topics.h"

#define TTL_S       "600"
#define ROW_BYTES   128
#define PUT_AT_ONCE 25 /* keys of one script, which takes 64 words */
#define ROWS_BYTES  (1024 * 1024)

/* Lua: a row replaces none that is as new. */
#define PUT_ROW                                                                                    \
    "local function put(key, chat, row)\n"                                                         \
    "  local known = redis.call('HGET', key, chat)\n"                                              \
    "  if not known or tonumber(string.match(known, '^%d+'))\n"                                    \
    "      < tonumber(string.match(row, '^%d+')) then\n"                                           \
    "    redis.call('HSET', key, chat, row) end\n"                                                 \
    "end\n"

/* KEYS: of the people. ARGV: the chat, the seconds, a row for each of them. What would expire while
 * somebody fills it begins anew. */
static struct cc_redis_script put_newer = {.source = PUT_ROW
                                           "for i = 1, #KEYS do\n"
                                           "  put(KEYS[i], ARGV[1], ARGV[i + 2])\n"
                                           "  if redis.call('TTL', KEYS[i]) < 60 then\n"
                                           "    redis.call('HDEL', KEYS[i], '" CC_REDIS_WHOLE "')\n"
                                           "    redis.call('EXPIRE', KEYS[i], ARGV[2]) end\n"
                                           "end\n"
                                           "return #KEYS\n"};

/* KEYS[1]: of the person. ARGV: the seconds, then a line for each chat: its id and its row. */
static struct cc_redis_script fill_up = {
    .source = PUT_ROW "for chat, row in string.gmatch(ARGV[2], '(%S+) ([^\\n]+)\\n') do\n"
                      "  put(KEYS[1], chat, row)\n"
                      "end\n"
                      "redis.call('HSET', KEYS[1], '" CC_REDIS_WHOLE "', '')\n"
                      "redis.call('EXPIRE', KEYS[1], ARGV[1])\n"
                      "return 1\n"};

static void name_of(const char *user_id, char out[CC_REDIS_NAME_BYTES])
{
    (void)snprintf(out, CC_REDIS_NAME_BYTES, "memberships:%s", user_id);
}

/* ---- rows ---- */

static void write_row(const struct membership *member, char out[ROW_BYTES])
{
    (void)snprintf(out, ROW_BYTES, "%" PRId64 " %s %s %" PRId64 " %" PRId64 " %" PRId64,
                   member->version, cc_member_state_names[member->state],
                   cc_chat_role_names[member->role], member->joined_at_ms, member->joined_seq,
                   member->place);
}

static bool next_number(char **at, int64_t *out)
{
    const char *word = strsep(at, " ");
    char *end;

    if (word == NULL || *word == '\0')
        return false;
    *out = strtoll(word, &end, 10);
    return *end == '\0';
}

static int next_name(char **at, const char *const *names)
{
    const char *word = strsep(at, " ");
    return word == NULL ? -1 : cc_name_index(names, word, -1);
}

/* False for what an older or newer version of this service wrote. */
static bool read_row(const char *text, struct cc_arena *arena, struct membership *out)
{
    char *at = cc_arena_strdup(arena, text);
    bool versioned = next_number(&at, &out->version);
    int state = next_name(&at, cc_member_state_names), role = next_name(&at, cc_chat_role_names);

    if (!versioned || state < 0 || role < 0 || !next_number(&at, &out->joined_at_ms) ||
        !next_number(&at, &out->joined_seq) || !next_number(&at, &out->place))
        return false;
    out->state = (enum cc_member_state)state;
    out->role = (enum cc_chat_role)role;
    return at == NULL;
}

/* ---- writing ---- */

static enum cc_code put_some(struct cc_redis *redis, const struct membership *members, size_t count,
                             struct cc_error *err)
{
    char names[PUT_AT_ONCE][CC_REDIS_NAME_BYTES], rows[PUT_AT_ONCE][ROW_BYTES];
    const char *argv[2 * PUT_AT_ONCE + 2];

    for (size_t i = 0; i < count; i++) {
        name_of(members[i].user_id, names[i]);
        write_row(&members[i], rows[i]);
        argv[i] = names[i];
        argv[count + 2 + i] = rows[i];
    }
    argv[count] = members[0].chat_id;
    argv[count + 1] = TTL_S;
    return cc_redis_eval(redis, &put_newer, count, 2 * count + 2, argv, NULL, NULL, err);
}

enum cc_code chat_memberships_cache_put(struct cc_redis *redis, const struct membership *members,
                                        size_t count, struct cc_error *err)
{
    for (size_t i = 0; i < count; i += PUT_AT_ONCE)
        CC_TRY(
            put_some(redis, members + i, count - i < PUT_AT_ONCE ? count - i : PUT_AT_ONCE, err));
    return CC_OK;
}

static void fill(struct cc_redis *redis, const char *user_id, const struct chat_member_list *mine)
{
    char name[CC_REDIS_NAME_BYTES], row[ROW_BYTES];
    struct cc_strbuf rows;
    struct cc_error err;

    name_of(user_id, name);
    cc_strbuf_init(&rows, ROWS_BYTES);
    for (size_t i = 0; i < mine->count; i++) {
        write_row(&mine->items[i], row);
        cc_strbuf_printf(&rows, "%s %s\n", mine->items[i].chat_id, row);
    }
    const char *argv[] = {name, TTL_S, cc_strbuf_text(&rows)};
    if (cc_redis_eval(redis, &fill_up, 1, 3, argv, NULL, NULL, &err) != CC_OK)
        cc_log_error(CC_LOG_DEBUG, "memberships were not cached", &err, "user_id", user_id, NULL);
    cc_strbuf_finish(&rows);
}

/* ---- reading ---- */

static int compare_chats(const void *left, const void *right)
{
    return strcmp(((const struct membership *)left)->chat_id,
                  ((const struct membership *)right)->chat_id);
}

static bool read_rows(const redisReply *rows, const char *user_id, struct cc_arena *arena,
                      struct chat_member_list *out)
{
    out->items = cc_arena_calloc(arena, rows->elements / 2 + 1, sizeof(*out->items));
    for (size_t i = 0; i + 1 < rows->elements; i += 2) {
        struct membership *member = &out->items[out->count++];

        if (!read_row(rows->element[i + 1]->str, arena, member))
            return false;
        member->chat_id = cc_arena_strdup(arena, rows->element[i]->str);
        member->user_id = user_id;
    }
    return true;
}

static enum cc_redis_whole find_cached(struct cc_redis *redis, const char *user_id,
                                       struct cc_arena *arena, struct chat_member_list *out)
{
    char name[CC_REDIS_NAME_BYTES];
    CC_AUTO(redis_reply) redisReply *rows = NULL;

    *out = (struct chat_member_list){0};
    name_of(user_id, name);
    enum cc_redis_whole found = cc_redis_whole_get(redis, name, &rows);
    if (found != CC_REDIS_WHOLE_ALL)
        return found;
    if (!read_rows(rows, user_id, arena, out))
        return CC_REDIS_WHOLE_PARTS;
    qsort(out->items, out->count, sizeof(*out->items), compare_chats);
    return CC_REDIS_WHOLE_ALL;
}

static void keep_active(struct chat_member_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (membership_active(&list->items[i]))
            list->items[kept++] = list->items[i];
    list->count = kept;
}

enum cc_code chat_memberships_list(struct cc_redis *redis, struct chat_store *store,
                                   const char *user_id, enum chat_member_filter filter,
                                   struct cc_arena *arena, struct chat_member_list *out,
                                   struct cc_error *err)
{
    enum cc_redis_whole cached = find_cached(redis, user_id, arena, out);

    if (cached != CC_REDIS_WHOLE_ALL) {
        CC_TRY(store->ops->list_memberships(store, user_id, CHAT_MEMBERS_EVER, arena, out, err));
        if (cached == CC_REDIS_WHOLE_PARTS && out->count < CHAT_MEMBERSHIPS_MAX)
            fill(redis, user_id, out);
    }
    if (filter == CHAT_MEMBERS_ACTIVE)
        keep_active(out);
    return CC_OK;
}
