/* Reads heads and membership versions of many chats in one round trip. Decided on the loop thread,
 * read on the worker (Redis) or, heads alone, by message-service. It does not fetch changes. */

#include "chats/heads.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json_reader.h"
#include "common/json_writer.h"
#include "common/log.h"
#include "common/topics.h"

#include "app.h"
#include "chats/members.h"
#include "chats/repair.h"
#include "chats/subscriptions.h"
#include "jobs.h"

#define AT_ONCE           200
#define REQUEST_MAX_BYTES 16384
#define SECOND_LOOK_MS    1000

struct head {
    char chat_id[CC_UUID_BYTES];
    bool known;
    int64_t rev, seq;
    int64_t member_version; /* 0 = not known */
};
struct heads_job {
    struct ws_job job;
    size_t count;
    struct head heads[AT_ONCE];
};
struct heads_call { /* the same from message-service, for what Redis did not know */
    struct ws_call call;
    size_t count;
    char chat_ids[AT_ONCE][CC_UUID_BYTES];
};

static void head_known(struct ws_app *app, const char *chat_id, int64_t rev, int64_t seq)
{
    struct ws_chat *chat = ws_chat_find(app, chat_id);

    if (chat == NULL || (chat->wait & WS_WAIT_SUBSCRIBE))
        return;
    if (chat->wait & WS_WAIT_BASELINE) {
        ws_chat_baseline(app, chat, rev, seq);
    } else if (rev > chat->backlog.last_rev && chat->suspect_rev == 0) {
        chat->suspect_rev = rev;
        if (app->hub.second_look_ms == 0)
            app->hub.second_look_ms = ws_now_ms(app) + SECOND_LOOK_MS;
    }
}

/* What told it may have been lost, or come before the chat was subscribed. */
static void version_known(struct ws_app *app, const char *chat_id, int64_t member_version)
{
    struct ws_chat *chat = ws_chat_find(app, chat_id);

    if (chat != NULL && (chat->wait & WS_WAIT_SUBSCRIBE) == 0)
        (void)ws_members_outdated(app, chat, member_version);
}

static void head_failed(struct ws_app *app, const char *chat_id)
{
    struct ws_chat *chat = ws_chat_find(app, chat_id);

    if (chat != NULL && (chat->wait & WS_WAIT_FOR_LIFE) == WS_WAIT_BASELINE)
        ws_chat_retry_later(app, chat);
}

static bool read_heads(struct ws_call *call)
{
    struct cc_arena *arena = call->app->hub.arena;
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, call->body, call->body_count, CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, AT_ONCE);
    bool readable;

    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        const char *chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
        int64_t rev = cc_json_int(reader, "rev", CC_REQUIRED, 0, INT64_MAX - 1);
        int64_t seq = cc_json_int(reader, "seq", CC_REQUIRED, 0, INT64_MAX - 1);

        cc_json_leave(reader);
        if (chat_id != NULL)
            head_known(call->app, chat_id, rev, seq);
    }
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    cc_arena_reset(arena);
    return readable;
}

static void heads_came(struct ws_call *call)
{
    struct heads_call *ask = WS_CONTAINER(call, struct heads_call, call);

    if (call->code == CC_OK && !read_heads(call))
        call->code = cc_fail_detail(&call->err, CC_BAD_GATEWAY, "unreadable heads");
    if (call->code != CC_OK)
        cc_log_error(CC_LOG_WARN, "could not read heads from message-service", &call->err, NULL);
    for (size_t i = 0; i < ask->count; i++) /* whatever was not in the answer */
        head_failed(call->app, ask->chat_ids[i]);
}

static void ask_message_service(struct ws_app *app, const struct head *heads, size_t count)
{
    struct heads_call *ask = cc_calloc(1, sizeof *ask);
    struct cc_strbuf body;
    struct cc_json_writer json;

    cc_strbuf_init(&body, REQUEST_MAX_BYTES);
    cc_json_writer_init(&json, &body);
    cc_json_open_object(&json, NULL);
    cc_json_open_array(&json, "chats");
    for (size_t i = 0; i < count; i++) {
        if (heads[i].known)
            continue;
        memcpy(ask->chat_ids[ask->count++], heads[i].chat_id, CC_UUID_BYTES);
        cc_json_put_text(&json, NULL, heads[i].chat_id);
    }
    cc_json_close_array(&json);
    cc_json_close_object(&json);
    ask->call.done = heads_came;
    ask->call.discard = ws_call_free;
    if (ask->count > 0)
        ws_call_send(app, &ask->call, app->message_service, "POST", "/internal/heads", &body);
    else
        cc_free(ask);
    cc_strbuf_finish(&body);
}

/* "<rev> <seq>" */
static bool read_head(const char *text, struct head *out)
{
    char *end;

    if (text == NULL)
        return false;
    out->rev = strtoll(text, &end, 10);
    if (end == text || *end != ' ')
        return false;
    text = end + 1;
    out->seq = strtoll(text, &end, 10);
    return end != text && *end == '\0' && out->rev >= 0 && out->seq >= 0;
}

/* NULL = none */
static int64_t read_version(const char *text)
{
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static enum cc_code read_from_redis(struct ws_job *job, struct cc_redis *redis,
                                    struct cc_error *err)
{
    struct heads_job *h = WS_CONTAINER(job, struct heads_job, job);
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char keys[2 * AT_ONCE][CC_REDIS_NAME_BYTES];
    const char *argv[2 * AT_ONCE + 1] = {"MGET"};

    for (size_t i = 0; i < h->count; i++) {
        cc_redis_name_head(h->heads[i].chat_id, keys[2 * i]);
        cc_redis_name_mver(h->heads[i].chat_id, keys[2 * i + 1]);
    }
    for (size_t i = 0; i < 2 * h->count; i++)
        argv[i + 1] = keys[i];
    CC_TRY(cc_redis_command(redis, 2 * h->count + 1, argv, NULL, &reply, err));
    for (size_t i = 0; i < h->count && 2 * i + 1 < reply->elements; i++) {
        h->heads[i].known = read_head(reply->element[2 * i]->str, &h->heads[i]);
        h->heads[i].member_version = read_version(reply->element[2 * i + 1]->str);
    }
    return CC_OK;
}

static void redis_answered(struct ws_job *job)
{
    const struct heads_job *h = WS_CONTAINER(job, struct heads_job, job);

    for (size_t i = 0; i < h->count; i++) {
        version_known(job->app, h->heads[i].chat_id, h->heads[i].member_version);
        if (h->heads[i].known)
            head_known(job->app, h->heads[i].chat_id, h->heads[i].rev, h->heads[i].seq);
    }
    ask_message_service(job->app, h->heads, h->count);
}

struct gathering {
    struct ws_app *app;
    struct heads_job *job;
};

static void flush(struct gathering *gathering)
{
    if (gathering->job == NULL)
        return;
    gathering->job->job.work = read_from_redis;
    gathering->job->job.done = redis_answered;
    gathering->job->job.discard = ws_job_free;
    ws_job_submit(gathering->app, &gathering->job->job);
    gathering->job = NULL;
}

static void gather(struct gathering *gathering, const struct ws_chat *chat)
{
    if (gathering->job == NULL)
        gathering->job = cc_calloc(1, sizeof *gathering->job);
    memcpy(gathering->job->heads[gathering->job->count++].chat_id, chat->chat_id, CC_UUID_BYTES);
    if (gathering->job->count == AT_ONCE)
        flush(gathering);
}

void ws_heads_ask_baselines(struct ws_app *app)
{
    struct gathering gathering = {.app = app};

    WS_LIST_EACH(link, &app->hub.no_baseline)
    {
        ws_list_remove(link);
        gather(&gathering, WS_CONTAINER(link, struct ws_chat, waiting));
    }
    flush(&gathering);
}

static void gather_live(struct ws_node *node, void *arg)
{
    const struct ws_chat *chat = WS_CONTAINER(node, struct ws_chat, node);

    if (ws_chat_live(chat))
        gather(arg, chat);
}

void ws_heads_compare(struct ws_app *app)
{
    struct gathering gathering = {.app = app};

    ws_table_each(&app->hub.chats, gather_live, &gathering);
    flush(&gathering);
}

static void look_again(struct ws_node *node, void *arg)
{
    struct ws_chat *chat = WS_CONTAINER(node, struct ws_chat, node);
    bool behind = chat->suspect_rev > chat->backlog.last_rev;

    chat->suspect_rev = 0;
    if (behind && chat->wait == 0)
        ws_repair(arg, chat);
    else if (behind && chat->wait == WS_WAIT_MEMBERS)
        chat->wait |= WS_WAIT_REPAIR; /* next */
}

void ws_heads_look_again(struct ws_app *app)
{
    app->hub.second_look_ms = 0;
    ws_table_each(&app->hub.chats, look_again, app);
}
