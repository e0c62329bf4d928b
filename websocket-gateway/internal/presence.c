/* Keeps presence in Redis and announces its changes on user:{id}. Decided on the loop thread, done
 * on the worker. Delivery to watchers is fanout.c's. */

#include "presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json_writer.h"
#include "common/topics.h"

#include "app.h"
#include "jobs.h"
#include "people.h"
#include "publish.h"
#include "ws/session.h"

#define LIVE_MS           60000
#define GRACE_MS          15000
#define EXPIRY_KEY        "presence-expiry"
#define REFRESHED_AT_ONCE 100 /* connections, two commands each */
#define MEMBER_BYTES      (CC_NODE_BYTES + CC_UUID_BYTES)
#define NUMBER_BYTES      24
#define FRAME_MAX_BYTES   512
#define PAYLOAD_MAX_BYTES 1024

enum change { ENTERED, LEFT, GRACE_ENDED };

struct presence_job {
    struct ws_job job;
    enum change change;
    int64_t wall_ms;
    char user_id[CC_UUID_BYTES];
    char member[MEMBER_BYTES]; /* "<node>/<conn_id>" */
};

void ws_presence_frame(struct cc_strbuf *out, const char *user_id, bool online,
                       int64_t last_seen_ms)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    cc_json_open_object(&json, NULL);
    cc_json_put_text(&json, "t", "presence");
    cc_json_put_text(&json, "user_id", user_id);
    cc_json_put_text(&json, "state", online ? "online" : "offline");
    cc_json_put_time(&json, "last_seen_at", last_seen_ms);
    cc_json_close_object(&json);
}

static enum cc_code announce(struct cc_redis *redis, const char *user_id, bool online,
                             int64_t last_seen_ms, struct cc_error *err)
{
    struct cc_bus_message message = {.kind = CC_BUS_PRESENCE};
    char channel[CC_REDIS_NAME_BYTES];
    struct cc_strbuf frame, payload;
    enum cc_code code;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    cc_strbuf_init(&payload, PAYLOAD_MAX_BYTES);
    ws_presence_frame(&frame, user_id, online, last_seen_ms);
    snprintf(message.sender_id, sizeof message.sender_id, "%s", user_id);
    message.frame = cc_strbuf_text(&frame);
    message.frame_count = frame.length;
    cc_bus_write(&message, &payload);
    cc_redis_name_user(user_id, channel);
    code = cc_redis_do(redis, NULL, err, "PUBLISH", channel, cc_strbuf_text(&payload), NULL);
    cc_strbuf_finish(&payload);
    cc_strbuf_finish(&frame);
    return code;
}

/* Live connections of the person, after those that have expired were removed. */
static enum cc_code count_live(struct cc_redis *redis, const struct presence_job *p,
                               int64_t *out_count, struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char key[CC_REDIS_NAME_BYTES], now[NUMBER_BYTES];

    cc_redis_name_presence(p->user_id, key);
    snprintf(now, sizeof now, "%" PRId64, p->wall_ms);
    CC_TRY(cc_redis_do(redis, NULL, err, "ZREMRANGEBYSCORE", key, "-inf", now, NULL));
    CC_TRY(cc_redis_do(redis, &reply, err, "ZCARD", key, NULL));
    *out_count = reply->integer;
    return CC_OK;
}

static enum cc_code do_enter(struct cc_redis *redis, const struct presence_job *p,
                             struct cc_error *err)
{
    char key[CC_REDIS_NAME_BYTES], expiry[NUMBER_BYTES];
    int64_t before;

    cc_redis_name_presence(p->user_id, key);
    snprintf(expiry, sizeof expiry, "%" PRId64, p->wall_ms + LIVE_MS);
    CC_TRY(count_live(redis, p, &before, err));
    CC_TRY(cc_redis_do(redis, NULL, err, "ZADD", key, expiry, p->member, NULL));
    CC_TRY(cc_redis_do(redis, NULL, err, "ZADD", EXPIRY_KEY, expiry, p->user_id, NULL));
    return before == 0 ? announce(redis, p->user_id, true, 0, err) : CC_OK;
}

static enum cc_code do_leave(struct cc_redis *redis, const struct presence_job *p,
                             struct cc_error *err)
{
    char key[CC_REDIS_NAME_BYTES], seen_key[CC_REDIS_NAME_BYTES], now[NUMBER_BYTES];

    cc_redis_name_presence(p->user_id, key);
    snprintf(seen_key, sizeof seen_key, WS_LAST_SEEN_KEY "%s", p->user_id);
    snprintf(now, sizeof now, "%" PRId64, p->wall_ms);
    CC_TRY(cc_redis_do(redis, NULL, err, "SET", seen_key, now, NULL));
    return cc_redis_do(redis, NULL, err, "ZREM", key, p->member, NULL);
}

static enum cc_code do_end_grace(struct cc_redis *redis, const struct presence_job *p,
                                 struct cc_error *err)
{
    int64_t live;

    CC_TRY(count_live(redis, p, &live, err));
    if (live > 0)
        return CC_OK; /* a newer connection, here or elsewhere */
    CC_TRY(cc_redis_do(redis, NULL, err, "ZREM", EXPIRY_KEY, p->user_id, NULL));
    return announce(redis, p->user_id, false, p->wall_ms - GRACE_MS, err);
}

static enum cc_code change_presence(struct ws_job *job, struct cc_redis *redis,
                                    struct cc_error *err)
{
    const struct presence_job *p = WS_CONTAINER(job, struct presence_job, job);

    switch (p->change) {
    case ENTERED:
        return do_enter(redis, p, err);
    case LEFT:
        return do_leave(redis, p, err);
    case GRACE_ENDED:
        return do_end_grace(redis, p, err);
    }
    return CC_OK;
}

static void submit(struct ws_app *app, enum change change, const char *user_id, const char *conn_id)
{
    struct presence_job *p = cc_calloc(1, sizeof *p);

    p->job.work = change_presence;
    p->job.discard = ws_job_free;
    p->change = change;
    p->wall_ms = ws_wall_ms(app);
    snprintf(p->user_id, sizeof p->user_id, "%s", user_id);
    snprintf(p->member, sizeof p->member, "%s/%s", app->runtime.node_id, conn_id);
    ws_job_submit(app, &p->job);
}

void ws_presence_enter(struct ws_session *session)
{
    submit(session->app, ENTERED, session->person->user_id, session->conn_id);
}

struct grace { /* in hub.graces, oldest first */
    struct ws_link link;
    int64_t due_ms;
    char user_id[CC_UUID_BYTES];
};

void ws_presence_leave(struct ws_session *session)
{
    struct ws_app *app = session->app;
    struct grace *grace;

    submit(app, LEFT, session->person->user_id, session->conn_id);
    if (session->person->session_count > 1)
        return;
    grace = cc_calloc(1, sizeof *grace);
    grace->due_ms = ws_now_ms(app) + GRACE_MS;
    memcpy(grace->user_id, session->person->user_id, sizeof grace->user_id);
    ws_list_append(&app->hub.graces, &grace->link);
}

void ws_presence_tick(struct ws_app *app, int64_t now_ms)
{
    WS_LIST_EACH(link, &app->hub.graces)
    {
        struct grace *grace = WS_CONTAINER(link, struct grace, link);

        if (grace->due_ms > now_ms)
            return;
        submit(app, GRACE_ENDED, grace->user_id, "");
        ws_list_remove(link);
        cc_free(grace);
    }
}

void ws_presence_finish(struct ws_app *app)
{
    WS_LIST_EACH(link, &app->hub.graces)
    {
        ws_list_remove(link);
        cc_free(WS_CONTAINER(link, struct grace, link));
    }
}

/* ---- every 20 s: what is connected stays so ---- */

struct refresh_job {
    struct ws_job job;
    int64_t wall_ms;
    size_t count;
    struct refreshed {
        char user_id[CC_UUID_BYTES];
        char member[MEMBER_BYTES];
    } items[REFRESHED_AT_ONCE];
};

static enum cc_code refresh_all(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    const struct refresh_job *r = WS_CONTAINER(job, struct refresh_job, job);
    struct cc_redis_args commands[2 * REFRESHED_AT_ONCE] = {0};
    const char *argv[2 * REFRESHED_AT_ONCE][4];
    char keys[REFRESHED_AT_ONCE][CC_REDIS_NAME_BYTES], expiry[NUMBER_BYTES];

    snprintf(expiry, sizeof expiry, "%" PRId64, r->wall_ms + LIVE_MS);
    for (size_t i = 0; i < r->count; i++) {
        const char **connection = argv[2 * i], **person = argv[2 * i + 1];

        cc_redis_name_presence(r->items[i].user_id, keys[i]);
        memcpy(connection, (const char *[]){"ZADD", keys[i], expiry, r->items[i].member},
               sizeof argv[0]);
        memcpy(person, (const char *[]){"ZADD", EXPIRY_KEY, expiry, r->items[i].user_id},
               sizeof argv[0]);
        commands[2 * i] = (struct cc_redis_args){.argc = 4, .argv = connection};
        commands[2 * i + 1] = (struct cc_redis_args){.argc = 4, .argv = person};
    }
    return cc_redis_pipeline(redis, commands, 2 * r->count, NULL, err);
}

void ws_presence_refresh(struct ws_app *app)
{
    struct refresh_job *r = NULL;

    WS_LIST_EACH(link, &app->hub.all_sessions)
    {
        const struct ws_session *session = WS_CONTAINER(link, struct ws_session, everyone);
        struct refreshed *item;

        if (session->state != WS_READY)
            continue;
        if (r == NULL) {
            r = cc_calloc(1, sizeof *r);
            r->job.work = refresh_all;
            r->job.discard = ws_job_free;
            r->wall_ms = ws_wall_ms(app);
        }
        item = &r->items[r->count++];
        memcpy(item->user_id, session->person->user_id, sizeof item->user_id);
        snprintf(item->member, sizeof item->member, "%s/%s", app->runtime.node_id,
                 session->conn_id);
        if (r->count == REFRESHED_AT_ONCE) {
            ws_job_submit(app, &r->job);
            r = NULL;
        }
    }
    if (r != NULL)
        ws_job_submit(app, &r->job);
}

/* ---- every 5 s: what a gateway that died left behind; one of us claims it ---- */

struct sweep_job {
    struct ws_job job;
    int64_t wall_ms;
};

static const char sweep_source[] =
    "local gone = {}\n"
    "for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 100)) "
    "do\n"
    "  local key = ARGV[2] .. user\n"
    "  redis.call('ZREMRANGEBYSCORE', key, '-inf', ARGV[1])\n"
    "  local latest = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')\n"
    "  if latest[2] then\n"
    "    redis.call('ZADD', KEYS[1], latest[2], user)\n"
    "  else\n"
    "    redis.call('ZREM', KEYS[1], user)\n"
    "    gone[#gone + 1] = user\n"
    "  end\n"
    "end\n"
    "return gone\n";

static enum cc_code sweep(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    const struct sweep_job *s = WS_CONTAINER(job, struct sweep_job, job);
    CC_AUTO(redis_reply) redisReply *gone = NULL;
    char prefix[CC_REDIS_NAME_BYTES], now[NUMBER_BYTES];

    cc_redis_name_presence("", prefix);
    snprintf(now, sizeof now, "%" PRId64, s->wall_ms);
    CC_TRY(
        cc_redis_do(redis, &gone, err, "EVAL", sweep_source, "1", EXPIRY_KEY, now, prefix, NULL));
    for (size_t i = 0; i < gone->elements; i++)
        CC_TRY(announce(redis, gone->element[i]->str, false, s->wall_ms - LIVE_MS, err));
    return CC_OK;
}

void ws_presence_sweep(struct ws_app *app)
{
    struct sweep_job *s = cc_calloc(1, sizeof *s);

    s->job.work = sweep;
    s->job.discard = ws_job_free;
    s->wall_ms = ws_wall_ms(app);
    ws_job_submit(app, &s->job);
}
