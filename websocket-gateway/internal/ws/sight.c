/* Questions to user-service about who may see whom; see sight.h. Runs on the loop thread; answers
 * arrive as calls. An answer counts for a watch only while no later question was asked about it: so
 * a choice that was made meanwhile can't be overtaken by what was known before. */

#include "ws/sight.h"

#include <string.h>

#include "common/alloc.h"
#include "common/relations.h"

#include "app.h"
#include "jobs.h"
#include "people.h"
#include "ws/session.h"
#include "ws/watches.h"

struct sight_pair {
    char viewer_id[CC_UUID_BYTES], user_id[CC_UUID_BYTES];
};

struct sight_call {
    struct ws_call call;
    int64_t frame_id;
    char conn_id[CC_UUID_BYTES]; /* of the frame */
    uint64_t asked_at;
    size_t count;
    struct sight_pair pairs[CC_RELATIONS_MAX];
};

/* ---- asking ---- */

static void relations_of(const struct sight_call *s, struct cc_relation *out)
{
    for (size_t i = 0; i < s->count; i++)
        out[i] =
            (struct cc_relation){.actor_id = s->pairs[i].viewer_id, .user_id = s->pairs[i].user_id};
}

static struct sight_call *new_call(struct ws_app *app)
{
    struct sight_call *s = cc_calloc(1, sizeof *s);

    s->asked_at = ++app->hub.sight_questions;
    return s;
}

static void add_pair(struct sight_call *s, struct ws_watch *watch)
{
    struct sight_pair *pair = &s->pairs[s->count++];

    watch->asked_at = s->asked_at;
    memcpy(pair->viewer_id, watch->session->person->user_id, sizeof pair->viewer_id);
    memcpy(pair->user_id, watch->person->user_id, sizeof pair->user_id);
}

static void send(struct ws_app *app, struct sight_call *s, void (*done)(struct ws_call *call))
{
    struct cc_relation relations[CC_RELATIONS_MAX];
    struct cc_json_writer json;
    struct cc_strbuf body;

    relations_of(s, relations);
    cc_strbuf_init(&body, CC_RELATIONS_BYTES);
    cc_json_writer_init(&json, &body);
    cc_relations_write_question(&json, relations, s->count);
    s->call.done = done;
    s->call.discard = ws_call_free;
    ws_call_send(app, &s->call, app->user_service, "POST", CC_RELATIONS_PRESENCE, &body);
    cc_strbuf_finish(&body);
}

/* Which of the pairs may see; false, and none, when user-service has not said it. */
static bool read_answer(const struct sight_call *s, bool out_visible[CC_RELATIONS_MAX])
{
    struct ws_app *app = s->call.app;
    struct cc_relation relations[CC_RELATIONS_MAX];
    struct cc_json_reader *reader;
    bool known;

    relations_of(s, relations);
    memset(out_visible, 0, CC_RELATIONS_MAX * sizeof *out_visible);
    if (s->call.code == CC_OK) {
        reader = cc_json_reader_create(app->hub.arena, s->call.body, s->call.body_count,
                                       CC_IGNORE_UNKNOWN);
        known = cc_relations_read_answer(reader, relations, s->count);
        cc_json_reader_destroy(reader);
        cc_arena_reset(app->hub.arena);
        for (size_t i = 0; known && i < s->count; i++)
            out_visible[i] = relations[i].presence_visible;
        if (known)
            return true;
    }
    cc_counter_add(app->hub.metrics.sight_unknown, 1);
    return false;
}

/* ---- a frame ---- */

void ws_sight_unknown(struct ws_session *session, int64_t frame_id)
{
    struct cc_error err = {0};

    cc_fail(&err, CC_UNAVAILABLE, NULL, "presence is not known now; try again");
    ws_session_error(session, frame_id, &err);
}

static void frame_answered(struct ws_call *call)
{
    const struct sight_call *s = WS_CONTAINER(call, struct sight_call, call);
    struct ws_session *session = ws_session_find(call->app, s->conn_id);
    struct ws_watched watched[CC_RELATIONS_MAX];
    bool visible[CC_RELATIONS_MAX];

    if (session == NULL || session->state != WS_READY)
        return;
    if (!read_answer(s, visible)) {
        ws_sight_unknown(session, s->frame_id);
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        struct ws_watch *watch = ws_watch_find(session, s->pairs[i].user_id);

        if (watch != NULL && watch->asked_at == s->asked_at)
            watch->visible = visible[i];
        memcpy(watched[i].user_id, s->pairs[i].user_id, sizeof watched[i].user_id);
        watched[i].visible = watch != NULL && watch->visible;
    }
    ws_watches_tell(session, s->frame_id, watched, s->count);
}

void ws_sight_ask(struct ws_session *session, int64_t frame_id, const char *const *user_ids,
                  size_t count)
{
    struct sight_call *s = new_call(session->app);

    s->frame_id = frame_id;
    memcpy(s->conn_id, session->conn_id, sizeof s->conn_id);
    for (size_t i = 0; i < count; i++)
        add_pair(s, ws_watch_find(session, user_ids[i]));
    send(session->app, s, frame_answered);
}

/* ---- looking again ---- */

static void set_visible(struct ws_watch *watch, bool visible)
{
    struct ws_watched watched = {.visible = true};

    if (watch->visible == visible)
        return;
    watch->visible = visible;
    if (!visible) {
        ws_watches_hide(watch->session, watch->person->user_id);
        return;
    }
    memcpy(watched.user_id, watch->person->user_id, sizeof watched.user_id);
    ws_watches_tell(watch->session, WS_NO_ID, &watched, 1);
}

static void review_answered(struct ws_call *call)
{
    const struct sight_call *s = WS_CONTAINER(call, struct sight_call, call);
    bool visible[CC_RELATIONS_MAX];

    (void)read_answer(s, visible); /* nobody is visible when it is not known */
    for (size_t i = 0; i < s->count; i++) {
        struct ws_person *person = ws_people_find(call->app, s->pairs[i].user_id);

        if (person == NULL)
            continue;
        WS_LIST_EACH(link, &person->watches)
        {
            struct ws_watch *watch = WS_CONTAINER(link, struct ws_watch, of_person);

            if (watch->asked_at == s->asked_at &&
                strcmp(watch->session->person->user_id, s->pairs[i].viewer_id) == 0)
                set_visible(watch, visible[i]);
        }
    }
}

/* Adds one to the question; sends what is full. */
static struct sight_call *review_watch(struct ws_app *app, struct sight_call *s,
                                       struct ws_watch *watch)
{
    if (s == NULL)
        s = new_call(app);
    add_pair(s, watch);
    if (s->count < CC_RELATIONS_MAX)
        return s;
    send(app, s, review_answered);
    return NULL;
}

static struct sight_call *review_session(struct ws_app *app, struct sight_call *s,
                                         const struct ws_session *session)
{
    for (struct ws_watch *watch = session->watches; watch != NULL; watch = watch->next)
        s = review_watch(app, s, watch);
    return s;
}

void ws_sight_review(struct ws_app *app, struct ws_person *person)
{
    struct sight_call *s = NULL;

    WS_LIST_EACH(link, &person->watches)
    s = review_watch(app, s, WS_CONTAINER(link, struct ws_watch, of_person));
    WS_LIST_EACH(link, &person->sessions)
    s = review_session(app, s, WS_CONTAINER(link, struct ws_session, of_person));
    if (s != NULL)
        send(app, s, review_answered);
}

void ws_sight_review_all(struct ws_app *app)
{
    struct sight_call *s = NULL;

    WS_LIST_EACH(link, &app->hub.all_sessions)
    s = review_session(app, s, WS_CONTAINER(link, struct ws_session, everyone));
    if (s != NULL)
        send(app, s, review_answered);
}
