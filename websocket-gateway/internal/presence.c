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
#define AWAY_KEY_S        "120" /* without anybody to refresh it */
#define REFRESHED_AT_ONCE 100   /* connections, at most four commands each */
#define MEMBER_BYTES      (CC_NODE_BYTES + CC_UUID_BYTES)
#define NUMBER_BYTES      24
#define FRAME_MAX_BYTES   512

enum change { ENTERED, LEFT, GRACE_ENDED, WENT_AWAY, CAME_BACK };

struct presence_job {
    struct ws_job job;
    enum change change;
    bool was_away; /* the connection that left */
    int64_t wall_ms;
    char user_id[CC_UUID_BYTES];
    char member[MEMBER_BYTES]; /* "<node>/<conn_id>" */
};

void ws_presence_frame(struct cc_strbuf *out, const char *user_id, enum cc_live_state state,
                       int64_t last_seen_ms)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    cc_json_open_object(&json, NULL);
    cc_json_put_text(&json, "t", "presence");
    cc_json_put_text(&json, "user_id", user_id);
    cc_json_put_text(&json, "state", cc_live_state_names[state]);
    cc_json_put_time(&json, "last_seen_at", last_seen_ms);
    cc_json_close_object(&json);
}

static enum cc_code announce(struct cc_redis *redis, const char *user_id, enum cc_live_state state,
                             int64_t last_seen_ms, struct cc_error *err)
{
    struct cc_bus_message message = {.kind = CC_BUS_PRESENCE};
    char channel[CC_REDIS_NAME_BYTES];
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    ws_presence_frame(&frame, user_id, state, last_seen_ms);
    snprintf(message.sender_id, sizeof message.sender_id, "%s", user_id);
    cc_bus_carry(&message, &frame);
    cc_redis_name_user(user_id, channel);
    enum cc_code code = cc_bus_publish(redis, channel, &message, err);
    cc_strbuf_finish(&frame);
    return code;
}

struct keys {
    char live[CC_REDIS_NAME_BYTES], away[CC_REDIS_NAME_BYTES];
    char now[NUMBER_BYTES], expiry[NUMBER_BYTES];
};

static void make_keys(const char *user_id, int64_t wall_ms, struct keys *out)
{
    cc_redis_name_presence(user_id, out->live);
    cc_redis_name_presence_away(user_id, out->away);
    snprintf(out->now, sizeof out->now, "%" PRId64, wall_ms);
    snprintf(out->expiry, sizeof out->expiry, "%" PRId64, wall_ms + LIVE_MS);
}

/* Expired connections are removed on the way. */
static enum cc_code count_live(struct cc_redis *redis, const struct keys *keys, int64_t *out,
                               struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    CC_TRY(cc_redis_do(redis, NULL, err, "ZREMRANGEBYSCORE", keys->live, "-inf", keys->now, NULL));
    CC_TRY(cc_redis_do(redis, &reply, err, "ZCARD", keys->live, NULL));
    *out = reply->integer;
    return CC_OK;
}

static enum cc_code count_away(struct cc_redis *redis, const struct keys *keys, int64_t *out,
                               struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    CC_TRY(cc_redis_do(redis, &reply, err, "ZCOUNT", keys->away, keys->now, "+inf", NULL));
    *out = reply->integer;
    return CC_OK;
}

static enum cc_code read_state(struct cc_redis *redis, const struct keys *keys,
                               enum cc_live_state *out, struct cc_error *err)
{
    int64_t live, away;

    CC_TRY(count_live(redis, keys, &live, err));
    CC_TRY(count_away(redis, keys, &away, err));
    *out = cc_live_state_of(live, away);
    return CC_OK;
}

static enum cc_code do_enter(struct cc_redis *redis, const struct presence_job *p,
                             const struct keys *keys, struct cc_error *err)
{
    enum cc_live_state before;

    CC_TRY(read_state(redis, keys, &before, err));
    CC_TRY(cc_redis_do(redis, NULL, err, "ZADD", keys->live, keys->expiry, p->member, NULL));
    CC_TRY(cc_redis_do(redis, NULL, err, "ZADD", EXPIRY_KEY, keys->expiry, p->user_id, NULL));
    return before == CC_LIVE_ONLINE ? CC_OK : announce(redis, p->user_id, CC_LIVE_ONLINE, 0, err);
}

/* When the last one leaves, the end of the grace tells it. Who leaves others that are all away was
 * the one because of whom the person was online, unless away, too. */
static enum cc_code do_leave(struct cc_redis *redis, const struct presence_job *p,
                             const struct keys *keys, struct cc_error *err)
{
    char seen_key[CC_REDIS_NAME_BYTES];
    int64_t live, away;

    cc_redis_name_last_seen(p->user_id, seen_key);
    CC_TRY(cc_redis_do(redis, NULL, err, "SET", seen_key, keys->now, NULL));
    CC_TRY(cc_redis_do(redis, NULL, err, "ZREM", keys->live, p->member, NULL));
    if (p->was_away)
        return cc_redis_do(redis, NULL, err, "ZREM", keys->away, p->member, NULL);
    CC_TRY(count_away(redis, keys, &away, err));
    if (away == 0)
        return CC_OK;
    CC_TRY(count_live(redis, keys, &live, err));
    return cc_live_state_of(live, away) == CC_LIVE_AWAY
               ? announce(redis, p->user_id, CC_LIVE_AWAY, 0, err)
               : CC_OK;
}

static enum cc_code do_end_grace(struct cc_redis *redis, const struct presence_job *p,
                                 const struct keys *keys, struct cc_error *err)
{
    enum cc_live_state now;

    CC_TRY(read_state(redis, keys, &now, err));
    if (now != CC_LIVE_OFFLINE)
        return CC_OK; /* a newer connection, here or elsewhere */
    CC_TRY(cc_redis_do(redis, NULL, err, "ZREM", EXPIRY_KEY, p->user_id, NULL));
    return announce(redis, p->user_id, CC_LIVE_OFFLINE, p->wall_ms - GRACE_MS, err);
}

static enum cc_code do_set_away(struct cc_redis *redis, const struct presence_job *p,
                                const struct keys *keys, struct cc_error *err)
{
    enum cc_live_state before, after;

    CC_TRY(read_state(redis, keys, &before, err));
    if (p->change == WENT_AWAY) {
        CC_TRY(cc_redis_do(redis, NULL, err, "ZADD", keys->away, keys->expiry, p->member, NULL));
        CC_TRY(cc_redis_do(redis, NULL, err, "EXPIRE", keys->away, AWAY_KEY_S, NULL));
    } else {
        CC_TRY(cc_redis_do(redis, NULL, err, "ZREM", keys->away, p->member, NULL));
    }
    CC_TRY(read_state(redis, keys, &after, err));
    return after == before ? CC_OK : announce(redis, p->user_id, after, 0, err);
}

static enum cc_code change_presence(struct ws_job *job, struct cc_redis *redis,
                                    struct cc_error *err)
{
    const struct presence_job *p = WS_CONTAINER(job, struct presence_job, job);
    struct keys keys;

    make_keys(p->user_id, p->wall_ms, &keys);
    switch (p->change) {
    case ENTERED:
        return do_enter(redis, p, &keys, err);
    case LEFT:
        return do_leave(redis, p, &keys, err);
    case GRACE_ENDED:
        return do_end_grace(redis, p, &keys, err);
    case WENT_AWAY:
    case CAME_BACK:
        return do_set_away(redis, p, &keys, err);
    }
    return CC_OK;
}

static struct presence_job *prepare(struct ws_app *app, enum change change, const char *user_id,
                                    const char *conn_id)
{
    struct presence_job *p = cc_calloc(1, sizeof *p);

    p->job.work = change_presence;
    p->job.discard = ws_job_free;
    p->change = change;
    p->wall_ms = ws_wall_ms(app);
    snprintf(p->user_id, sizeof p->user_id, "%s", user_id);
    snprintf(p->member, sizeof p->member, "%s/%s", app->runtime.node_id, conn_id);
    return p;
}

static void submit(struct ws_session *session, enum change change)
{
    struct presence_job *p =
        prepare(session->app, change, session->person->user_id, session->conn_id);

    p->was_away = session->away;
    ws_job_submit(session->app, &p->job);
}

void ws_presence_enter(struct ws_session *session)
{
    submit(session, ENTERED);
}

void ws_presence_set_away(struct ws_session *session, bool away)
{
    if (session->away == away)
        return;
    session->away = away;
    submit(session, away ? WENT_AWAY : CAME_BACK);
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

    submit(session, LEFT);
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
        ws_job_submit(app, &prepare(app, GRACE_ENDED, grace->user_id, "")->job);
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
        bool away;
    } items[REFRESHED_AT_ONCE];
};

/* Appends a command of up to four words; returns how many commands there are. */
static size_t add_command(struct cc_redis_args *commands, const char *(*argv)[4], size_t count,
                          const char *const words[4])
{
    memcpy(argv[count], words, sizeof argv[count]);
    commands[count] = (struct cc_redis_args){.argc = words[3] == NULL ? 3 : 4, .argv = argv[count]};
    return count + 1;
}

static enum cc_code refresh_all(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    const struct refresh_job *r = WS_CONTAINER(job, struct refresh_job, job);
    struct cc_redis_args commands[4 * REFRESHED_AT_ONCE];
    const char *argv[4 * REFRESHED_AT_ONCE][4];
    struct keys keys[REFRESHED_AT_ONCE];
    size_t count = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct refreshed *item = &r->items[i];
        const char *const live[] = {"ZADD", keys[i].live, keys[i].expiry, item->member};
        const char *const person[] = {"ZADD", EXPIRY_KEY, keys[i].expiry, item->user_id};
        const char *const away[] = {"ZADD", keys[i].away, keys[i].expiry, item->member};
        const char *const keep[] = {"EXPIRE", keys[i].away, AWAY_KEY_S, NULL};

        make_keys(item->user_id, r->wall_ms, &keys[i]);
        count = add_command(commands, argv, count, live);
        count = add_command(commands, argv, count, person);
        if (item->away) {
            count = add_command(commands, argv, count, away);
            count = add_command(commands, argv, count, keep);
        }
    }
    return cc_redis_pipeline(redis, commands, count, NULL, err);
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
        item->away = session->away;
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
        CC_TRY(announce(redis, gone->element[i]->str, CC_LIVE_OFFLINE, s->wall_ms - LIVE_MS, err));
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
