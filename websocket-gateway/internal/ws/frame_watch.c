/* The frames `watch` and `unwatch`: presence on demand. Runs on the loop thread; the present states
 * are read by the worker. Changes come through user:{id} (fanout.c). */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/topics.h"

#include "app.h"
#include "jobs.h"
#include "people.h"
#include "presence.h"
#include "ws/frames.h"
#include "ws/session.h"
#include "ws/watches.h"

#define FRAME_MAX_BYTES 512
#define PIPELINED_USERS 100
#define NUMBER_BYTES    24

struct state {
    char user_id[CC_UUID_BYTES];
    bool online;
    int64_t last_seen_ms;
};
struct states_job {
    struct ws_job job;
    int64_t frame_id, wall_ms;
    char conn_id[CC_UUID_BYTES];
    size_t count;
    struct state states[];
};

static enum cc_code read_some(struct cc_redis *redis, struct state *states, size_t count,
                              const char *now, struct cc_error *err)
{
    struct cc_redis_args commands[2 * PIPELINED_USERS] = {0};
    const char *argv[2 * PIPELINED_USERS][4];
    char keys[2 * PIPELINED_USERS][CC_REDIS_NAME_BYTES];
    redisReply *replies[2 * PIPELINED_USERS] = {0};
    enum cc_code code;

    for (size_t i = 0; i < count; i++) {
        const char **live = argv[2 * i], **seen = argv[2 * i + 1];

        cc_redis_name_presence(states[i].user_id, keys[2 * i]);
        snprintf(keys[2 * i + 1], sizeof keys[0], WS_LAST_SEEN_KEY "%s", states[i].user_id);
        memcpy(live, (const char *[]){"ZCOUNT", keys[2 * i], now, "+inf"}, sizeof argv[0]);
        memcpy(seen, (const char *[]){"GET", keys[2 * i + 1]}, 2 * sizeof *seen);
        commands[2 * i] = (struct cc_redis_args){.argc = 4, .argv = live};
        commands[2 * i + 1] = (struct cc_redis_args){.argc = 2, .argv = seen};
    }
    code = cc_redis_pipeline(redis, commands, 2 * count, replies, err);
    for (size_t i = 0; code == CC_OK && i < count; i++) {
        states[i].online = replies[2 * i]->integer > 0;
        if (replies[2 * i + 1]->str != NULL)
            states[i].last_seen_ms = strtoll(replies[2 * i + 1]->str, NULL, 10);
    }
    for (size_t i = 0; code == CC_OK && i < 2 * count; i++)
        freeReplyObject(replies[i]);
    return code;
}

static enum cc_code read_states(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    struct states_job *s = WS_CONTAINER(job, struct states_job, job);
    char now[NUMBER_BYTES];

    snprintf(now, sizeof now, "%" PRId64, s->wall_ms);
    for (size_t at = 0; at < s->count; at += PIPELINED_USERS) {
        size_t left = s->count - at;

        CC_TRY(read_some(redis, s->states + at, left < PIPELINED_USERS ? left : PIPELINED_USERS,
                         now, err));
    }
    return CC_OK;
}

static void push_event(struct ws_session *session, const struct state *state)
{
    struct cc_strbuf text;
    struct ws_buffer *frame;

    cc_strbuf_init(&text, FRAME_MAX_BYTES);
    ws_presence_frame(&text, state->user_id, state->online, state->last_seen_ms);
    frame = ws_buffer_from(&text);
    ws_session_deliver(session, frame, WS_MAY_BE_DROPPED);
    ws_buffer_unref(frame);
    cc_strbuf_finish(&text);
}

static void reply_states(struct ws_session *session, const struct states_job *s)
{
    struct ws_out out;

    ws_out_reply(&out, s->frame_id);
    cc_json_open_array(&out.json, "items");
    for (size_t i = 0; i < s->count; i++) {
        cc_json_open_object(&out.json, NULL);
        cc_json_put_text(&out.json, "user_id", s->states[i].user_id);
        cc_json_put_text(&out.json, "state", s->states[i].online ? "online" : "offline");
        cc_json_put_time(&out.json, "last_seen_at", s->states[i].last_seen_ms);
        cc_json_close_object(&out.json);
    }
    cc_json_close_array(&out.json);
    ws_out_send(&out, session);
}

static void states_known(struct ws_job *job)
{
    const struct states_job *s = WS_CONTAINER(job, struct states_job, job);
    struct ws_session *session = ws_session_find(job->app, s->conn_id);
    struct cc_error err = {0};

    if (session == NULL || session->state != WS_READY)
        return;
    if (job->code != CC_OK) {
        cc_fail(&err, CC_UNAVAILABLE, NULL, "presence is not known now; try again");
        ws_session_error(session, s->frame_id, &err);
        return;
    }
    reply_states(session, s);
    for (size_t i = 0; i < s->count; i++) { /* so that a client needs one way of hearing it */
        if (s->states[i].online)
            push_event(session, &s->states[i]);
    }
}

static struct ws_watch **find_watch(struct ws_session *session, const char *user_id)
{
    struct ws_watch **at = &session->watches;

    while (*at != NULL && strcmp((*at)->person->user_id, user_id) != 0)
        at = &(*at)->next;
    return at;
}

static void add_watch(struct ws_session *session, const char *user_id)
{
    struct ws_watch *watch;

    if (*find_watch(session, user_id) != NULL)
        return;
    watch = cc_calloc(1, sizeof *watch);
    watch->session = session;
    watch->person = ws_people_get(session->app, user_id);
    watch->next = session->watches;
    session->watches = watch;
    ws_list_append(&watch->person->watches, &watch->of_person);
}

static void end_watch(struct ws_session *session, struct ws_watch **at)
{
    struct ws_watch *watch = *at;

    *at = watch->next;
    ws_list_remove(&watch->of_person);
    ws_people_release(session->app, watch->person);
    cc_free(watch);
}

void ws_watches_clear(struct ws_session *session)
{
    while (session->watches != NULL)
        end_watch(session, &session->watches);
}

static size_t count_watches(const struct ws_session *session)
{
    size_t count = 0;

    for (const struct ws_watch *watch = session->watches; watch != NULL; watch = watch->next)
        count++;
    return count;
}

static enum cc_code read_users(const struct ws_frame *frame, const char *const **out_ids,
                               size_t *out_count, struct cc_error *err)
{
    *out_ids = cc_json_uuids(frame->json, "user_ids", CC_REQUIRED, WS_WATCHES_MAX, out_count);
    return cc_json_reader_error(frame->json, err);
}

enum cc_code ws_frame_watch(struct ws_session *session, const struct ws_frame *frame,
                            struct cc_error *err)
{
    const char *const *ids;
    struct states_job *s;
    size_t count;

    CC_TRY(read_users(frame, &ids, &count, err));
    if (count_watches(session) + count > WS_WATCHES_MAX)
        return cc_fail(err, CC_TOO_LARGE, "user_ids", "watch at most %d people", WS_WATCHES_MAX);
    s = cc_calloc(1, sizeof *s + count * sizeof s->states[0]);
    s->job.work = read_states;
    s->job.done = states_known;
    s->job.discard = ws_job_free;
    s->frame_id = frame->id;
    s->wall_ms = ws_wall_ms(session->app);
    s->count = count;
    memcpy(s->conn_id, session->conn_id, sizeof s->conn_id);
    for (size_t i = 0; i < count; i++) {
        add_watch(session, ids[i]);
        memcpy(s->states[i].user_id, ids[i], sizeof s->states[i].user_id);
    }
    ws_job_submit(session->app, &s->job);
    return CC_OK;
}

enum cc_code ws_frame_unwatch(struct ws_session *session, const struct ws_frame *frame,
                              struct cc_error *err)
{
    const char *const *ids;
    struct ws_out out;
    size_t count;

    CC_TRY(read_users(frame, &ids, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct ws_watch **at = find_watch(session, ids[i]);

        if (*at != NULL)
            end_watch(session, at);
    }
    ws_out_reply(&out, frame->id);
    ws_out_send(&out, session);
    return CC_OK;
}
