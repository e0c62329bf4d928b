/* Authentication of a connection, step by step. Runs on the loop thread; answers of Redis and
 * chat-service arrive as jobs and calls. It does not judge tokens itself (libcommon's jwt.h). */

#include "ws/auth.h"

#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/topics.h"

#include "app.h"
#include "chats/hides.h"
#include "chats/listing.h"
#include "jobs.h"
#include "people.h"
#include "presence.h"
#include "ws/resume.h"
#include "ws/session.h"

#define CHANNEL_WAIT_MS 1000 /* for user:{id}; without Redis we go on and repair later */
#define CHATS_WAIT_MS   2000 /* for the baselines of all chats, and what is hidden of them */
/* Lists of chats asked for at once: when thousands come back together they stand in line here, not
 * before chat-service's workers, who would refuse them. */
#define CHAT_LOADS_AT_ONCE 24

enum step { STEP_REVOCATION, STEP_CHANNEL, STEP_LOADING, STEP_BASELINES };

struct ws_auth {
    enum step step;
    int64_t deadline_ms; /* of the step, where it has one */
    int64_t frame_id;
    struct ws_session *session;
    struct ws_link waiting;   /* in hub.sign_ins, until it is its turn */
    struct ws_resume *resume; /* what the client asked for; NULL = nothing */
};

/* ---- the token ---- */

/* Only to tell a client that must fetch a new token (42xx) from one that must stop (43xx); the
 * token has been refused already. Source: RFC 7519 section 4.1.4. */
static bool token_has_expired(struct ws_session *session, const char *token, size_t count)
{
    const char *dot = memchr(token, '.', count), *end;
    char claims[CC_JWT_MAX_BYTES];
    size_t claims_count;
    struct cc_json_reader *reader;
    int64_t expires_at_s;

    if (dot == NULL || (end = memchr(dot + 1, '.', count - (size_t)(dot + 1 - token))) == NULL)
        return false;
    if (!cc_base64url_decode(dot + 1, (size_t)(end - dot - 1), claims, sizeof claims,
                             &claims_count))
        return false;
    reader =
        cc_json_reader_create(session->app->hub.arena, claims, claims_count, CC_IGNORE_UNKNOWN);
    expires_at_s = cc_json_int(reader, "exp", CC_REQUIRED, 0, INT64_MAX / 1000);
    cc_json_reader_destroy(reader);
    return expires_at_s > 0 && expires_at_s * 1000 <= ws_wall_ms(session->app);
}

void ws_auth_refuse(struct ws_session *session, int64_t frame_id, const struct cc_error *err,
                    const char *token, size_t count)
{
    enum ws_close close = WS_CLOSE_BAD_TOKEN;

    ws_session_error(session, frame_id, err);
    if (err->code == CC_UNAVAILABLE)
        close = WS_CLOSE_INTERNAL;
    else if (token_has_expired(session, token, count))
        close = WS_CLOSE_EXPIRED;
    ws_session_close(session, close);
}

static void give_up(struct ws_session *session, const struct cc_error *err, enum ws_close close)
{
    ws_session_error(session, session->auth->frame_id, err);
    ws_session_close(session, close);
}

/* ---- step 4: all chats have a baseline, and what the person hides is known ---- */

static void say_ready(struct ws_session *session)
{
    struct ws_out out;

    ws_out_event(&out, "ready");
    if (session->auth->frame_id != WS_NO_ID)
        cc_json_put_int(&out.json, "re", session->auth->frame_id);
    cc_json_put_bool(&out.json, "ok", true);
    cc_json_put_text(&out.json, "user_id", session->person->user_id);
    cc_json_put_text(&out.json, "session_id", session->session_id);
    cc_json_put_time(&out.json, "token_expires_at", session->token_expires_at_ms);
    cc_json_put_text(&out.json, "resume", ws_resume_verdict(session, session->auth->resume));
    ws_out_send(&out, session);
}

static void become_ready(struct ws_session *session)
{
    struct ws_resume *resume = session->auth->resume;

    say_ready(session);
    session->state = WS_READY;
    session->auth->resume = NULL;
    ws_auth_cancel(session);
    ws_presence_enter(session);
    if (resume != NULL)
        ws_resume_start(session, resume);
}

static bool nothing_is_missing(const struct ws_person *person)
{
    return person->not_live == 0 && !ws_hides_asked(person);
}

static void wait_for_baselines(struct ws_session *session)
{
    session->auth->step = STEP_BASELINES;
    session->auth->deadline_ms = ws_now_ms(session->app) + CHATS_WAIT_MS;
    if (!ws_hides_known(session->app, session->person))
        ws_hides_ask(session->app, session->person);
    if (nothing_is_missing(session->person))
        become_ready(session);
}

/* ---- step 3: the person's chats ---- */

struct load {
    struct ws_call call;
    char conn_id[CC_UUID_BYTES];
};

static void take_chats(struct ws_session *session, struct ws_call *call)
{
    if (call->code == CC_OK &&
        !ws_listing_join(call->app, session->person, call->body, call->body_count))
        call->code = cc_fail_detail(&call->err, CC_BAD_GATEWAY, "unreadable list of chats");
    if (call->code == CC_OK) {
        wait_for_baselines(session);
        return;
    }
    cc_log_error(CC_LOG_WARN, "could not load a person's chats", &call->err, NULL);
    cc_fail(&call->err, CC_UNAVAILABLE, NULL, "chats can't be loaded now; try again");
    give_up(session, &call->err, WS_CLOSE_INTERNAL);
}

static void load_next(struct ws_app *app);

static void chats_loaded(struct ws_call *call)
{
    struct load *load = WS_CONTAINER(call, struct load, call);
    struct ws_session *session = ws_session_find(call->app, load->conn_id);

    call->app->hub.chat_loads--;
    if (session != NULL && session->state == WS_AUTHENTICATING)
        take_chats(session, call);
    load_next(call->app);
}

static void ask_chats(struct ws_session *session)
{
    struct load *load = cc_calloc(1, sizeof *load);

    load->call.done = chats_loaded;
    load->call.discard = ws_call_free;
    memcpy(load->conn_id, session->conn_id, sizeof load->conn_id);
    session->app->hub.chat_loads++;
    ws_listing_ask(session->app, &load->call, session->person);
}

static void load_next(struct ws_app *app)
{
    struct ws_hub *hub = &app->hub;

    while (hub->chat_loads < CHAT_LOADS_AT_ONCE && !ws_list_empty(&hub->sign_ins)) {
        struct ws_auth *first = WS_CONTAINER(hub->sign_ins.next, struct ws_auth, waiting);

        ws_list_remove(&first->waiting);
        if (ws_people_knows(app, first->session->person, first->session->person->chats_known_ms))
            wait_for_baselines(first->session);
        else
            ask_chats(first->session);
    }
}

static void load_chats(struct ws_session *session)
{
    session->auth->step = STEP_LOADING;
    ws_list_append(&session->app->hub.sign_ins, &session->auth->waiting);
    load_next(session->app);
}

/* ---- step 2: the person's channel; chats made from now on can't be missed ---- */

static void wait_for_channel(struct ws_session *session)
{
    session->auth->step = STEP_CHANNEL;
    session->auth->deadline_ms = ws_now_ms(session->app) + CHANNEL_WAIT_MS;
    if (session->person->subscribed)
        load_chats(session);
}

/* ---- step 1: was the session revoked? ---- */

struct revocation {
    struct ws_job job;
    char conn_id[CC_UUID_BYTES];
    char session_id[CC_UUID_BYTES];
    bool revoked;
};

static enum cc_code ask_revoked(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    struct revocation *ask = WS_CONTAINER(job, struct revocation, job);
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char key[CC_REDIS_NAME_BYTES];

    cc_redis_name_revoked(ask->session_id, key);
    CC_TRY(cc_redis_do(redis, &reply, err, "EXISTS", key, NULL));
    ask->revoked = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
    return CC_OK;
}

static void revocation_known(struct ws_job *job)
{
    struct revocation *ask = WS_CONTAINER(job, struct revocation, job);
    struct ws_session *session = ws_session_find(job->app, ask->conn_id);
    struct cc_error err = {0};

    if (session == NULL || session->state != WS_AUTHENTICATING)
        return;
    if (job->code == CC_OK && ask->revoked) {
        cc_fail(&err, CC_UNAUTHENTICATED, NULL, "this session was revoked");
        give_up(session, &err, WS_CLOSE_REVOKED);
        return;
    }
    wait_for_channel(session); /* Redis away: its copy is only the faster way, see README */
}

static void check_revocation(struct ws_session *session)
{
    struct revocation *ask = cc_calloc(1, sizeof *ask);

    ask->job.work = ask_revoked;
    ask->job.done = revocation_known;
    ask->job.discard = ws_job_free;
    memcpy(ask->conn_id, session->conn_id, sizeof ask->conn_id);
    memcpy(ask->session_id, session->session_id, sizeof ask->session_id);
    ws_job_submit(session->app, &ask->job);
}

/* ---- the beginning ---- */

static void replace_older(struct ws_session *session)
{
    struct ws_session *older = ws_people_replaced_by(session);
    struct ws_out out;

    if (older == NULL)
        return;
    ws_out_event(&out, "moved");
    cc_json_put_int(&out.json, "after_ms", 0);
    cc_json_put_text(&out.json, "reason", "replaced");
    ws_out_send(&out, older);
    ws_session_close(older, WS_CLOSE_REPLACED);
}

static enum cc_code attach(struct ws_session *session, const struct cc_caller *caller,
                           struct cc_error *err)
{
    struct ws_person *person = ws_people_get(session->app, caller->user_id);

    memcpy(session->session_id, caller->session_id, sizeof session->session_id);
    session->device_id = cc_strdup(caller->device_id);
    session->token_expires_at_ms = caller->token_expires_at_ms;
    ws_people_attach(person, session);
    session->state = WS_AUTHENTICATING;
    session->auth = cc_calloc(1, sizeof *session->auth);
    session->auth->frame_id = WS_NO_ID;
    session->auth->session = session;
    ws_list_init(&session->auth->waiting);
    replace_older(session);
    if (person->session_count > session->app->settings->sockets_per_user)
        return cc_fail(err, CC_RATE_LIMITED, NULL, "this person has too many connections");
    return CC_OK;
}

enum cc_code ws_auth_begin(struct ws_session *session, const char *token, size_t count,
                           const struct ws_frame *frame, struct cc_error *err)
{
    struct cc_caller caller = {0};
    int64_t frame_id = frame == NULL ? WS_NO_ID : frame->id;
    struct ws_resume *resume = NULL;

    if (cc_jwt_verify(session->app->verifier, token, count, &caller, err) != CC_OK) {
        ws_auth_refuse(session, frame_id, err, token, count);
        return CC_OK;
    }
    if (frame != NULL)
        CC_TRY(ws_resume_read(frame, &resume, err));
    if (attach(session, &caller, err) != CC_OK) {
        session->auth->frame_id = frame_id;
        session->auth->resume = resume;
        give_up(session, err, WS_CLOSE_RATE);
        return CC_OK;
    }
    session->auth->frame_id = frame_id;
    session->auth->resume = resume;
    check_revocation(session);
    return CC_OK;
}

void ws_auth_by_handshake(struct ws_session *session)
{
    struct cc_error err = {0};
    char *token = session->handshake_token;

    session->handshake_token = NULL;
    (void)ws_auth_begin(session, token, strlen(token), NULL, &err); /* refuses by itself */
    cc_free(token);
}

void ws_auth_tick(struct ws_session *session, int64_t now_ms)
{
    struct ws_auth *auth = session->auth;

    if (auth->deadline_ms == 0 || now_ms < auth->deadline_ms)
        return;
    auth->deadline_ms = 0;
    if (auth->step == STEP_CHANNEL)
        load_chats(session);
    else if (auth->step == STEP_BASELINES)
        become_ready(session);
}

void ws_auth_person_changed(struct ws_person *person)
{
    WS_LIST_EACH(link, &person->sessions)
    {
        struct ws_session *session = WS_CONTAINER(link, struct ws_session, of_person);

        if (session->state != WS_AUTHENTICATING)
            continue;
        if (session->auth->step == STEP_CHANNEL && person->subscribed) {
            session->auth->deadline_ms = 0;
            load_chats(session);
        } else if (session->auth->step == STEP_BASELINES && nothing_is_missing(person)) {
            become_ready(session);
        }
    }
}

void ws_auth_cancel(struct ws_session *session)
{
    if (session->auth == NULL)
        return;
    ws_list_remove(&session->auth->waiting);
    ws_resume_free(session->auth->resume);
    cc_free(session->auth);
    session->auth = NULL;
}
