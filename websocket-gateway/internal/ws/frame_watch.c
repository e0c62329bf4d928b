/* The frames `watch` and `unwatch`: presence on demand. Runs on the loop thread; the present states
 * are read by the worker, of those whom the person may see (sight.c). Changes come through
 * user:{id} (fanout.c). */

#include <string.h>

#include "common/alloc.h"

#include "app.h"
#include "jobs.h"
#include "people.h"
#include "presence.h"
#include "ws/frames.h"
#include "ws/session.h"
#include "ws/sight.h"
#include "ws/watches.h"

#define FRAME_MAX_BYTES 512

struct state {
    struct ws_watched watched;
    struct cc_liveness is; /* offline and never seen unless visible */
};
struct states_job {
    struct ws_job job;
    int64_t frame_id, wall_ms;
    char conn_id[CC_UUID_BYTES];
    size_t count;
    struct state states[];
};

/* What may not be seen is not even read. */
static enum cc_code read_states(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    struct states_job *s = WS_CONTAINER(job, struct states_job, job);
    const char *ids[WS_WATCHES_MAX];
    struct cc_liveness found[WS_WATCHES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        if (s->states[i].watched.visible)
            ids[count++] = s->states[i].watched.user_id;
    CC_TRY(cc_liveness_load(redis, ids, count, s->wall_ms, found, err));
    for (size_t i = s->count; i-- > 0;)
        if (s->states[i].watched.visible)
            s->states[i].is = found[--count];
    return CC_OK;
}

static void push_event(struct ws_session *session, const struct state *state)
{
    struct cc_strbuf text;
    struct ws_buffer *frame;

    cc_strbuf_init(&text, FRAME_MAX_BYTES);
    ws_presence_frame(&text, state->watched.user_id, state->is.state, state->is.last_seen_ms);
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
        const struct state *state = &s->states[i];

        cc_json_open_object(&out.json, NULL);
        cc_json_put_text(&out.json, "user_id", state->watched.user_id);
        cc_json_put_text(&out.json, "state", cc_live_state_names[state->is.state]);
        cc_json_put_time(&out.json, "last_seen_at", state->is.last_seen_ms);
        cc_json_close_object(&out.json);
    }
    cc_json_close_array(&out.json);
    ws_out_send(&out, session);
}

static void states_known(struct ws_job *job)
{
    const struct states_job *s = WS_CONTAINER(job, struct states_job, job);
    struct ws_session *session = ws_session_find(job->app, s->conn_id);
    bool as_reply = s->frame_id != WS_NO_ID;

    if (session == NULL || session->state != WS_READY)
        return;
    if (job->code != CC_OK) {
        if (as_reply)
            ws_sight_unknown(session, s->frame_id);
        return;
    }
    if (as_reply)
        reply_states(session, s);
    for (size_t i = 0; i < s->count; i++) { /* so that a client needs one way of hearing it */
        if (!as_reply || s->states[i].is.state != CC_LIVE_OFFLINE)
            push_event(session, &s->states[i]);
    }
}

void ws_watches_tell(struct ws_session *session, int64_t frame_id, const struct ws_watched *watched,
                     size_t count)
{
    struct states_job *s = cc_calloc(1, sizeof *s + count * sizeof s->states[0]);

    s->job.work = read_states;
    s->job.done = states_known;
    s->job.discard = ws_job_free;
    s->frame_id = frame_id;
    s->wall_ms = ws_wall_ms(session->app);
    s->count = count;
    memcpy(s->conn_id, session->conn_id, sizeof s->conn_id);
    for (size_t i = 0; i < count; i++)
        s->states[i].watched = watched[i];
    ws_job_submit(session->app, &s->job);
}

void ws_watches_hide(struct ws_session *session, const char *user_id)
{
    struct state hidden = {.is = {.state = CC_LIVE_OFFLINE}};

    memcpy(hidden.watched.user_id, user_id, sizeof hidden.watched.user_id);
    push_event(session, &hidden);
}

static struct ws_watch **find_watch(struct ws_session *session, const char *user_id)
{
    struct ws_watch **at = &session->watches;

    while (*at != NULL && strcmp((*at)->person->user_id, user_id) != 0)
        at = &(*at)->next;
    return at;
}

struct ws_watch *ws_watch_find(struct ws_session *session, const char *user_id)
{
    return *find_watch(session, user_id);
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

/* How many it watches, with those that are not watched yet. */
static size_t count_with(struct ws_session *session, const char *const *ids, size_t id_count)
{
    size_t count = 0;

    for (const struct ws_watch *watch = session->watches; watch != NULL; watch = watch->next)
        count++;
    for (size_t i = 0; i < id_count; i++)
        count += ws_watch_find(session, ids[i]) == NULL ? 1 : 0;
    return count;
}

/* Whoever is named is asked for at user-service and Redis, however often. */
static enum cc_code admit(struct ws_session *session, size_t count, struct cc_error *err)
{
    const struct ws_settings *set = session->app->settings;
    int wait_ms;

    if (ws_bucket_take_many(&session->watched, ws_now_ms(session->app), (int)count,
                            (int)set->watch_per_s, (int)set->watch_burst, &wait_ms))
        return CC_OK;
    cc_fail(err, CC_RATE_LIMITED, NULL, "name at most %lld people a second",
            (long long)set->watch_per_s);
    return cc_fail_retry_after(err, wait_ms);
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
    size_t count;

    CC_TRY(read_users(frame, &ids, &count, err));
    CC_TRY(admit(session, count, err));
    if (count_with(session, ids, count) > WS_WATCHES_MAX)
        return cc_fail(err, CC_TOO_LARGE, "user_ids", "watch at most %d people", WS_WATCHES_MAX);
    for (size_t i = 0; i < count; i++)
        add_watch(session, ids[i]);
    ws_sight_ask(session, frame->id, ids, count);
    return CC_OK;
}

enum cc_code ws_frame_unwatch(struct ws_session *session, const struct ws_frame *frame,
                              struct cc_error *err)
{
    const char *const *ids;
    struct ws_out out;
    size_t count;

    CC_TRY(read_users(frame, &ids, &count, err));
    CC_TRY(admit(session, count, err));
    for (size_t i = 0; i < count; i++) {
        struct ws_watch **at = find_watch(session, ids[i]);

        if (*at != NULL)
            end_watch(session, at);
    }
    ws_out_reply(&out, frame->id);
    ws_out_send(&out, session);
    return CC_OK;
}
