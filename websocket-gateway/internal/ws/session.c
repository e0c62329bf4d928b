/* One client connection, without its socket. Runs on the loop thread. It does not know frames'
 * meaning (frames.c) nor libwebsockets (server.c). */

#include "ws/session.h"

#include <string.h>

#include "common/alloc.h"
#include "common/log.h"

#include "app.h"
#include "people.h"
#include "presence.h"
#include "ws/auth.h"
#include "ws/frames.h"
#include "ws/resume.h"
#include "ws/sends.h"
#include "ws/typing.h"
#include "ws/watches.h"

#define CLOSE_LINGER_MS 5000
/* A reader that had stopped gets this long to find the close frame behind what it has not read. */
#define SLOW_CLOSE_LINGER_MS  65000
#define OUT_MAX_BYTES         (8 * 1024 * 1024)
#define PRODUCER_FULL_PERCENT 80

static void say_hello(struct ws_session *session)
{
    const struct ws_settings *set = session->app->settings;
    struct ws_out out;

    ws_out_event(&out, "hello");
    cc_json_put_text(&out.json, "conn_id", session->conn_id);
    cc_json_put_text(&out.json, "node", session->app->runtime.node_id);
    cc_json_put_int(&out.json, "ping_ms", set->ping_ms);
    cc_json_put_int(&out.json, "pong_ms", set->pong_ms);
    cc_json_put_int(&out.json, "auth_deadline_ms", set->auth_deadline_ms);
    cc_json_put_time(&out.json, "server_time", ws_wall_ms(session->app));
    cc_json_open_object(&out.json, "limits");
    cc_json_put_int(&out.json, "frame_bytes", set->frame_max_bytes);
    cc_json_put_int(&out.json, "body_bytes", CC_MESSAGE_BODY_MAX_BYTES);
    cc_json_put_int(&out.json, "mentions", CC_MESSAGE_MENTIONS_MAX);
    cc_json_put_int(&out.json, "attachments", WS_ATTACHMENTS_MAX);
    cc_json_put_int(&out.json, "sends_per_s", set->send_per_s);
    cc_json_put_int(&out.json, "send_burst", set->send_burst);
    cc_json_put_int(&out.json, "person_writes_per_s", set->rate_write_per_s);
    cc_json_put_int(&out.json, "person_write_burst", set->rate_write_burst);
    cc_json_put_int(&out.json, "syncs_per_s", set->sync_per_s);
    cc_json_put_int(&out.json, "sync_burst", set->sync_burst);
    cc_json_put_int(&out.json, "syncs_open", WS_SYNCS_OPEN_MAX);
    cc_json_put_int(&out.json, "watches_per_s", set->watch_per_s);
    cc_json_put_int(&out.json, "watch_burst", set->watch_burst);
    cc_json_put_int(&out.json, "unanswered_sends", set->max_unanswered);
    cc_json_put_int(&out.json, "sockets_per_user", set->sockets_per_user);
    cc_json_put_int(&out.json, "watched_users", WS_WATCHES_MAX);
    cc_json_put_int(&out.json, "resume_cursors", WS_RESUME_CURSORS_MAX);
    cc_json_close_object(&out.json);
    ws_out_send(&out, session);
}

struct ws_session *ws_session_open(struct ws_app *app, void *conn, const char *token)
{
    struct ws_session *session = cc_calloc(1, sizeof *session);

    session->app = app;
    session->conn = conn;
    session->heard_ms = ws_now_ms(app);
    session->deadline_ms = session->heard_ms + app->settings->auth_deadline_ms;
    session->sends_end = &session->sends;
    session->handshake_token = token == NULL ? NULL : cc_strdup(token);
    cc_ids_next(app->runtime.ids, session->conn_id);
    ws_list_init(&session->of_person);
    ws_list_append(&app->hub.all_sessions, &session->everyone);
    ws_table_add(&app->hub.sessions, &session->node, session->conn_id);
    cc_gauge_add(app->hub.metrics.connections, 1);
    say_hello(session);
    if (token != NULL)
        ws_auth_by_handshake(session);
    return session;
}

static void free_partial(struct ws_session *session)
{
    if (session->partial == NULL)
        return;
    cc_strbuf_finish(session->partial);
    cc_free(session->partial);
    session->partial = NULL;
}

void ws_session_closed(struct ws_session *session)
{
    struct ws_app *app = session->app;

    session->conn = NULL;
    ws_typing_end(session);
    if (session->person != NULL) {
        ws_presence_leave(session);
        ws_watches_clear(session);
        ws_people_detach(session);
    }
    ws_auth_cancel(session);
    ws_resume_cancel(session);
    ws_sends_clear(session);
    ws_list_remove(&session->everyone);
    ws_table_remove(&app->hub.sessions, &session->node);
    ws_outbox_clear(&session->out);
    ws_outbox_clear(&session->held);
    free_partial(session);
    cc_gauge_add(app->hub.metrics.connections, -1);
    cc_free(session->typing);
    cc_free(session->handshake_token);
    cc_free(session->device_id);
    cc_free(session->client_device_id);
    cc_free(session);
}

struct ws_session *ws_session_find(struct ws_app *app, const char *conn_id)
{
    struct ws_node *node = ws_table_find(&app->hub.sessions, conn_id);

    return node == NULL ? NULL : WS_CONTAINER(node, struct ws_session, node);
}

void ws_session_receive(struct ws_session *session, const void *bytes, size_t count, bool last)
{
    size_t max_bytes = (size_t)session->app->settings->frame_max_bytes;
    size_t before = session->partial == NULL ? 0 : session->partial->length;

    ws_session_heard(session);
    if (session->state == WS_CLOSING)
        return;
    if (before + count > max_bytes) {
        free_partial(session);
        ws_session_close(session, WS_CLOSE_TOO_BIG);
        return;
    }
    if (last && session->partial == NULL) {
        ws_frames_handle(session, bytes, count);
        return;
    }
    if (session->partial == NULL) {
        session->partial = cc_alloc(sizeof *session->partial);
        cc_strbuf_init(session->partial, max_bytes);
    }
    cc_strbuf_append(session->partial, bytes, count);
    if (!last)
        return;
    ws_frames_handle(session, cc_strbuf_text(session->partial), session->partial->length);
    free_partial(session);
}

void ws_session_heard(struct ws_session *session)
{
    session->heard_ms = ws_now_ms(session->app);
    session->pinged_ms = 0;
}

static void check_liveness(struct ws_session *session, int64_t now_ms)
{
    const struct ws_settings *set = session->app->settings;

    if (session->pinged_ms != 0) {
        if (now_ms - session->pinged_ms >= set->pong_ms)
            ws_session_close(session, WS_CLOSE_NO_PONG);
    } else if (now_ms - session->heard_ms >= set->ping_ms) {
        session->pinged_ms = now_ms;
        session->ping_due = true;
        session->app->hub.transport->want_write(session->conn);
    }
}

static void fail_and_close(struct ws_session *session, enum cc_code code, const char *text,
                           enum ws_close close)
{
    struct cc_error err = {0};

    cc_fail(&err, code, NULL, "%s", text);
    ws_session_error(session, WS_NO_ID, &err);
    ws_session_close(session, close);
}

void ws_session_tick(struct ws_session *session, int64_t now_ms)
{
    if (session->drain_ms != 0 && now_ms >= session->drain_ms)
        ws_session_close(session, WS_CLOSE_DRAIN);
    switch (session->state) {
    case WS_NEW:
        if (now_ms >= session->deadline_ms)
            fail_and_close(session, CC_UNAUTHENTICATED, "no authentication in time",
                           WS_CLOSE_BAD_TOKEN);
        return;
    case WS_AUTHENTICATING:
        ws_auth_tick(session, now_ms);
        return;
    case WS_READY:
        ws_typing_tick(session, now_ms);
        if (session->reading_stopped)
            ws_session_pace(session);
        check_liveness(session, now_ms);
        if (session->state == WS_READY && session->token_expires_at_ms <= ws_wall_ms(session->app))
            fail_and_close(session, CC_UNAUTHENTICATED, "the access token has expired",
                           WS_CLOSE_EXPIRED);
        return;
    case WS_CLOSING:
        if (now_ms >= session->deadline_ms) {
            session->deadline_ms = INT64_MAX;
            session->app->hub.transport->kill(session->conn);
        }
        return;
    }
}

/* One system call instead of five, where nothing is in front. During a resume the empty queue asks
 * for the next page, so that all goes through it. */
static bool written_at_once(struct ws_session *session, const struct ws_outbox *outbox,
                            struct ws_buffer *frame)
{
    return session->state == WS_READY && session->resume == NULL && !session->writing &&
           outbox == &session->out && outbox->first == NULL &&
           session->app->hub.transport->write_now(session->conn, frame);
}

static void push_to(struct ws_session *session, struct ws_outbox *outbox, struct ws_buffer *frame,
                    enum ws_weight weight)
{
    const struct ws_settings *set = session->app->settings;
    struct ws_outbox_limits limits = {(uint32_t)set->queue_frames, (uint32_t)set->queue_bytes};

    if (session->state == WS_CLOSING || written_at_once(session, outbox, frame))
        return;
    if (ws_outbox_push(outbox, &limits, frame, weight) == WS_OUTBOX_FULL) {
        ws_outbox_clear(&session->out);
        ws_session_close(session, WS_CLOSE_SLOW);
        return;
    }
    session->app->hub.transport->want_write(session->conn);
}

void ws_session_push(struct ws_session *session, struct ws_buffer *frame, enum ws_weight weight)
{
    push_to(session, &session->out, frame, weight);
}

void ws_session_deliver(struct ws_session *session, struct ws_buffer *frame, enum ws_weight weight)
{
    if (session->state != WS_READY)
        return;
    push_to(session, session->resume != NULL ? &session->held : &session->out, frame, weight);
}

struct ws_buffer *ws_session_next(struct ws_session *session)
{
    struct ws_buffer *frame = ws_outbox_pop(&session->out);

    session->writing = frame != NULL; /* sync_done must not overtake it */
    if (session->out.first == NULL && session->resume != NULL && session->state == WS_READY)
        ws_resume_go_on(session); /* the reader keeps up: the next page may come */
    session->writing = false;
    return frame;
}

void ws_session_close(struct ws_session *session, enum ws_close code)
{
    if (session->state == WS_CLOSING)
        return;
    if (code == WS_CLOSE_REVOKED || code == WS_CLOSE_SLOW)
        ws_outbox_clear(&session->held);
    session->state = WS_CLOSING;
    session->close_code = (uint16_t)code;
    session->deadline_ms =
        ws_now_ms(session->app) + (code == WS_CLOSE_SLOW ? SLOW_CLOSE_LINGER_MS : CLOSE_LINGER_MS);
    session->app->hub.transport->want_write(session->conn);
}

void ws_session_pace(struct ws_session *session)
{
    struct ws_app *app = session->app;
    bool stop = session->unanswered >= (unsigned)app->settings->max_unanswered ||
                cc_producer_queue_percent(app->producer) >= PRODUCER_FULL_PERCENT ||
                (session->person != NULL && ws_quota_is_behind(app, session->person->user_id));

    if (stop == session->reading_stopped || session->conn == NULL)
        return;
    session->reading_stopped = stop;
    app->hub.transport->read(session->conn, !stop);
}

void ws_out_event(struct ws_out *out, const char *type)
{
    cc_strbuf_init(&out->text, OUT_MAX_BYTES);
    cc_json_writer_init(&out->json, &out->text);
    cc_json_open_object(&out->json, NULL);
    cc_json_put_text(&out->json, "t", type);
}

void ws_out_reply(struct ws_out *out, int64_t frame_id)
{
    cc_strbuf_init(&out->text, OUT_MAX_BYTES);
    cc_json_writer_init(&out->json, &out->text);
    cc_json_open_object(&out->json, NULL);
    if (frame_id != WS_NO_ID)
        cc_json_put_int(&out->json, "re", frame_id);
    cc_json_put_bool(&out->json, "ok", true);
}

struct ws_buffer *ws_out_finish(struct ws_out *out)
{
    struct ws_buffer *frame;

    cc_json_close_object(&out->json);
    frame = ws_buffer_from(&out->text);
    cc_strbuf_finish(&out->text);
    return frame;
}

void ws_out_send(struct ws_out *out, struct ws_session *session)
{
    struct ws_buffer *frame = ws_out_finish(out);

    ws_session_push(session, frame, WS_MUST_ARRIVE);
    ws_buffer_unref(frame);
}

void ws_session_error(struct ws_session *session, int64_t frame_id, const struct cc_error *err)
{
    struct ws_out out;

    ws_out_event(&out, "error");
    if (frame_id != WS_NO_ID) {
        cc_json_put_int(&out.json, "re", frame_id);
        cc_json_put_bool(&out.json, "ok", false);
    }
    cc_json_put_text(&out.json, "code", cc_code_name(err->code));
    cc_json_put_text(&out.json, "message",
                     err->public_text[0] != '\0' ? err->public_text : cc_code_title(err->code));
    cc_json_put_text_opt(&out.json, "field", err->field);
    cc_json_put_bool(&out.json, "retryable", cc_code_retryable(err->code));
    if (err->retry_after_ms > 0)
        cc_json_put_int(&out.json, "retry_after_ms", err->retry_after_ms);
    ws_out_send(&out, session);
}
