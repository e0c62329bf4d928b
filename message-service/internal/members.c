/* Members of chats for requests and for the owner's cold start. Any thread; one lock around the
 * cache, never held during I/O. Decides nothing: domain/rights.c does. */

#include "members.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/topics.h"

#define CACHE_CHATS_MAX  4096
#define PAGE_MEMBERS     500
#define PAGE_MEMBERS_MAX 20000 /* of a document in Redis */
#define CHAT_MEMBERS_MAX 20000
#define FETCH_TIMEOUT_MS 2000
#define FETCH_ROUNDS     3 /* a membership that changes while its pages are read is read again */

struct cached {
    char chat_id[CC_UUID_BYTES];
    struct rights *rights;
};
struct message_members {
    struct cc_peer *chat_service;
    struct cc_redis *redis;
    pthread_mutex_t lock;
    struct cc_hash_map *cache; /* chat_id to struct cached */
};

struct message_members *message_members_create(struct cc_peer *chat_service, struct cc_redis *redis)
{
    struct message_members *members = cc_calloc(1, sizeof *members);

    members->chat_service = chat_service;
    members->redis = redis;
    pthread_mutex_init(&members->lock, NULL);
    members->cache = cc_hash_map_create();
    return members;
}

static void clear_cache(struct message_members *members)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(members->cache, &at, &value)) {
        struct cached *cached = value;
        rights_unref(cached->rights);
        cc_free(cached);
    }
    cc_hash_map_destroy(members->cache);
    members->cache = cc_hash_map_create();
}

void message_members_destroy(struct message_members *members)
{
    if (members == NULL)
        return;
    clear_cache(members);
    cc_hash_map_destroy(members->cache);
    pthread_mutex_destroy(&members->lock);
    cc_free(members);
}

/* A document of members: one page of the internal route, or what Redis holds. */
struct page {
    int64_t version;
    bool deleted;
    enum cc_chat_posting posting;
    enum cc_chat_history history;
    int64_t retention_s;
    struct rights_member *members; /* in the arena */
    size_t count;
    const char *next_cursor; /* NULL on the last page */
};

static void read_member(struct cc_json_reader *reader, struct rights_member *out)
{
    const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);

    (void)snprintf(out->user_id, sizeof out->user_id, "%s", user_id == NULL ? "" : user_id);
    out->role = (enum cc_chat_role)cc_json_choice(reader, "role", CC_REQUIRED, cc_chat_role_names,
                                                  CC_ROLE_MEMBER);
    out->state = (enum cc_member_state)cc_json_choice(reader, "state", CC_REQUIRED,
                                                      cc_member_state_names, CC_MEMBER_BANNED);
    out->joined_seq = cc_json_int(reader, "joined_seq", CC_OPTIONAL, 0, INT64_MAX);
}

static bool read_page(struct cc_arena *arena, const void *json, size_t length, struct page *out)
{
    struct cc_json_reader *reader = cc_json_reader_create(arena, json, length, CC_IGNORE_UNKNOWN);

    *out = (struct page){
        .version = cc_json_int(reader, "member_version", CC_REQUIRED, 0, INT64_MAX),
        .deleted = cc_json_bool(reader, "deleted", CC_OPTIONAL, false),
        .posting = (enum cc_chat_posting)cc_json_choice(reader, "post", CC_OPTIONAL,
                                                        cc_chat_posting_names, CC_POST_ALL),
        .history = (enum cc_chat_history)cc_json_choice(reader, "history", CC_OPTIONAL,
                                                        cc_chat_history_names, CC_HISTORY_ALL),
        .retention_s = cc_json_int(reader, "retention_s", CC_OPTIONAL, 0, INT64_MAX),
        .next_cursor = cc_json_text(reader, "next_cursor", CC_OPTIONAL, 0, 256),
    };
    out->count = cc_json_array_count(reader, "items", CC_REQUIRED, PAGE_MEMBERS_MAX);
    out->members = cc_arena_calloc(arena, out->count + 1, sizeof *out->members);
    for (size_t i = 0; i < out->count; i++) {
        if (!cc_json_enter_element(reader, "items", i))
            break;
        read_member(reader, &out->members[i]);
        cc_json_leave(reader);
    }
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}

static enum cc_code get_page(struct message_members *members, const char *chat_id,
                             const char *cursor, struct cc_arena *arena, struct page *out,
                             struct cc_error *err)
{
    struct cc_http_answer answer;
    const char *path =
        cc_arena_printf(arena, "/internal/chats/%s/members?limit=%d%s%s", chat_id, PAGE_MEMBERS,
                        cursor == NULL ? "" : "&after=", cursor == NULL ? "" : cursor);

    CC_TRY(cc_peer_call(members->chat_service, "GET", path, NULL, 0, NULL, FETCH_TIMEOUT_MS, arena,
                        &answer, err));
    if (!read_page(arena, answer.body, answer.body_count, out))
        return cc_fail_detail(err, CC_BAD_GATEWAY, "chat-service: unreadable members of %s",
                              chat_id);
    return CC_OK;
}

/* All pages as one; out_torn: the membership changed in between. */
static enum cc_code get_pages(struct message_members *members, const char *chat_id,
                              struct cc_arena *arena, struct page *out, bool *out_torn,
                              struct cc_error *err)
{
    struct page page;

    CC_TRY(get_page(members, chat_id, NULL, arena, out, err));
    *out_torn = false;
    if (out->next_cursor == NULL)
        return CC_OK;
    struct rights_member *all = cc_arena_calloc(arena, CHAT_MEMBERS_MAX, sizeof *all);
    size_t count = 0;
    page = *out;
    for (;;) {
        if (page.version != out->version || count + page.count > CHAT_MEMBERS_MAX) {
            *out_torn = true;
            return CC_OK;
        }
        memcpy(all + count, page.members, page.count * sizeof *all);
        count += page.count;
        if (page.next_cursor == NULL)
            break;
        CC_TRY(get_page(members, chat_id, page.next_cursor, arena, &page, err));
    }
    out->members = all;
    out->count = count;
    return CC_OK;
}

static struct rights *rights_of(const struct page *page)
{
    struct rights_source source = {.version = page->version,
                                   .deleted = page->deleted,
                                   .posting = page->posting,
                                   .history = page->history,
                                   .members = page->members,
                                   .count = page->count,
                                   .retention_s = page->retention_s};
    return rights_create(&source);
}

enum cc_code message_members_fetch(struct message_members *members, const char *chat_id,
                                   struct rights **out, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct page all = {0};
    bool torn = true;

    for (int round = 0; round < FETCH_ROUNDS && torn; round++) {
        cc_arena_reset(arena);
        enum cc_code code = get_pages(members, chat_id, arena, &all, &torn, err);
        if (code == CC_NOT_FOUND) {
            all = (struct page){0};
            torn = false;
        } else if (code != CC_OK) {
            return code;
        }
    }
    if (torn)
        return cc_fail_detail(err, CC_UNAVAILABLE, "members of %s keep changing", chat_id);
    *out = rights_of(&all);
    return CC_OK;
}

static struct rights *cached_rights(struct message_members *members, const char *chat_id,
                                    int64_t version)
{
    pthread_mutex_lock(&members->lock);
    struct cached *cached = cc_hash_map_get(members->cache, chat_id);
    bool valid = cached != NULL && cached->rights->version == version;
    struct rights *rights = valid ? rights_ref(cached->rights) : NULL;
    pthread_mutex_unlock(&members->lock);
    return rights;
}

static void remember(struct message_members *members, const char *chat_id, struct rights *rights)
{
    pthread_mutex_lock(&members->lock);
    struct cached *cached = cc_hash_map_get(members->cache, chat_id);
    if (cached == NULL) {
        if (cc_hash_map_count(members->cache) >= CACHE_CHATS_MAX)
            clear_cache(members); /* coarse, bounded, and rare */
        cached = cc_calloc(1, sizeof *cached);
        (void)snprintf(cached->chat_id, sizeof cached->chat_id, "%s", chat_id);
        cc_hash_map_put(members->cache, cached->chat_id, cached);
    }
    rights_unref(cached->rights);
    cached->rights = rights_ref(rights);
    pthread_mutex_unlock(&members->lock);
}

/* -1: Redis is away, or doesn't know. */
static int64_t version_in_redis(struct message_members *members, const char *chat_id)
{
    char key[CC_REDIS_NAME_BYTES];
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    cc_redis_name_mver(chat_id, key);
    if (cc_redis_do(members->redis, &reply, NULL, "GET", key, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_STRING)
        return -1;
    return strtoll(reply->str, NULL, 10);
}

/* NULL unless Redis holds all members of exactly that version. */
static struct rights *rights_in_redis(struct message_members *members, const char *chat_id,
                                      int64_t version)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    char key[CC_REDIS_NAME_BYTES];
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct page page;

    cc_redis_name_members(chat_id, key);
    if (cc_redis_do(members->redis, &reply, NULL, "GET", key, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_STRING)
        return NULL;
    bool usable = read_page(arena, reply->str, reply->len, &page) && page.version == version &&
                  page.next_cursor == NULL;
    return usable ? rights_of(&page) : NULL;
}

enum cc_code message_members_rights(struct message_members *members, const char *chat_id,
                                    struct rights **out, struct cc_error *err)
{
    int64_t version = version_in_redis(members, chat_id);
    struct rights *rights = version < 0 ? NULL : cached_rights(members, chat_id, version);

    if (rights != NULL) {
        *out = rights;
        return CC_OK;
    }
    if (version >= 0)
        rights = rights_in_redis(members, chat_id, version);
    if (rights == NULL)
        CC_TRY(message_members_fetch(members, chat_id, &rights, err));
    remember(members, chat_id, rights);
    *out = rights;
    return CC_OK;
}

enum cc_code message_members_none(struct cc_error *err)
{
    return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such chat");
}

enum cc_code message_members_may_read(struct message_members *members, const char *chat_id,
                                      const char *user_id, struct cc_error *err)
{
    struct rights *rights;

    CC_TRY(message_members_rights(members, chat_id, &rights, err));
    enum cc_code right = rights_may_read(rights, user_id);
    rights_unref(rights);
    return right == CC_OK ? CC_OK : message_members_none(err);
}

enum cc_code message_members_may_post(struct message_members *members, const char *chat_id,
                                      const char *user_id, struct cc_error *err)
{
    struct rights *rights;

    CC_TRY(message_members_rights(members, chat_id, &rights, err));
    enum cc_code reads = rights_may_read(rights, user_id);
    enum cc_code posts = rights_may_post(rights, user_id);
    bool closed = rights->posting == CC_POST_NOBODY;
    rights_unref(rights);
    if (reads != CC_OK)
        return message_members_none(err);
    if (posts == CC_OK)
        return CC_OK;
    return cc_fail(err, posts, NULL,
                   closed ? "nobody may write here now" : "only admins may write here");
}
