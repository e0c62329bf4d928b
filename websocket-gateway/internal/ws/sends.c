/* From a checked operation to its two answers. Runs on the loop thread; `reported` alone on the
 * producer's. The rules of an operation are in frame_operation.c and, for good, in message-service.
 */

#include "ws/sends.h"

#include <string.h>

#include "common/alloc.h"
#include "common/topics.h"

#include "app.h"
#include "ws/session.h"

#define FRAME_TEXT_MAX_BYTES 128
/* Outcomes that a connection may wait for; the oldest is then forgotten, its client asks again. */
#define AWAITED_MAX 4096

struct ws_send { /* in session->sends until its outcome is known */
    struct ws_send *next;
    int64_t frame_id;
    bool accepted;
    struct ws_buffer *outcome; /* came before `accepted` */
    char op_id[CC_UUID_BYTES];
    char client_msg_id[];
};
struct report { /* what comes back from Kafka; outlives the session */
    struct ws_item item;
    struct ws_app *app;
    enum cc_code code;
    struct cc_error err;
    char conn_id[CC_UUID_BYTES];
    char op_id[CC_UUID_BYTES];
};

static void free_send(struct ws_send *send)
{
    ws_buffer_unref(send->outcome);
    cc_free(send);
}

static void skip_accepted(struct ws_session *session)
{
    while (session->unaccepted != NULL && session->unaccepted->accepted)
        session->unaccepted = session->unaccepted->next;
}

static void take_out(struct ws_session *session, struct ws_send *send)
{
    struct ws_send **at = &session->sends;

    while (*at != send)
        at = &(*at)->next;
    *at = send->next;
    if (session->unaccepted == send)
        session->unaccepted = send->next;
    skip_accepted(session);
    if (session->sends_end == &send->next)
        session->sends_end = at;
    session->send_count--;
    if (!send->accepted)
        session->unanswered--;
    free_send(send);
}

static void say_accepted(struct ws_session *session, struct ws_send *send)
{
    struct ws_out out;

    send->accepted = true;
    session->unanswered--;
    skip_accepted(session);
    ws_out_reply(&out, send->frame_id);
    cc_json_put_text(&out.json, "state", "accepted");
    cc_json_put_text(&out.json, "message_id", send->op_id);
    cc_json_put_text(&out.json, "client_msg_id", send->client_msg_id);
    ws_out_send(&out, session);
    if (send->outcome != NULL) {
        ws_session_push(session, send->outcome, WS_MUST_ARRIVE);
        take_out(session, send);
    }
}

/* Behind a backlog hundreds are accepted and wait for their outcome: those are not walked. */
static struct ws_send *oldest_unanswered(struct ws_session *session, const char *op_id)
{
    struct ws_send *send = session->unaccepted;

    while (send != NULL && (send->accepted || strcmp(send->op_id, op_id) != 0))
        send = send->next;
    return send;
}

static void report_back(struct ws_item *item)
{
    struct report *report = WS_CONTAINER(item, struct report, item);
    struct ws_session *session = ws_session_find(report->app, report->conn_id);
    struct ws_send *send = session == NULL ? NULL : oldest_unanswered(session, report->op_id);

    if (send != NULL && report->code == CC_OK) {
        say_accepted(session, send);
    } else if (send != NULL) {
        ws_session_error(session, send->frame_id, &report->err);
        take_out(session, send);
    }
    if (session != NULL && session->reading_stopped)
        ws_session_pace(session);
    cc_free(report);
}

static void report_drop(struct ws_item *item)
{
    cc_free(WS_CONTAINER(item, struct report, item));
}

static void reported(void *arg, enum cc_code code, const struct cc_error *err)
{
    struct report *report = arg;

    report->code = code;
    if (code != CC_OK && err != NULL)
        report->err = *err;
    ws_loop_queue_push(report->app->queue, &report->item);
}

static void remember(struct ws_session *session, int64_t frame_id,
                     const struct ev_message_created *event)
{
    size_t length = strlen(event->client_msg_id);
    struct ws_send *send = cc_calloc(1, sizeof *send + length + 1);

    if (session->send_count >= AWAITED_MAX)
        take_out(session, session->sends);
    send->frame_id = frame_id;
    memcpy(send->op_id, event->op_id, sizeof send->op_id);
    memcpy(send->client_msg_id, event->client_msg_id, length);
    *session->sends_end = send;
    session->sends_end = &send->next;
    if (session->unaccepted == NULL)
        session->unaccepted = send;
    session->send_count++;
    session->unanswered++;
}

enum cc_code ws_send_operation(struct ws_session *session, int64_t frame_id,
                               const struct ev_message_created *event, struct cc_error *err)
{
    struct ws_app *app = session->app;
    struct report *report = cc_calloc(1, sizeof *report);
    struct cc_strbuf payload;
    struct cc_json_writer json;
    struct cc_produce record = {.topic = CC_TOPIC_MESSAGE_CREATED,
                                .key = event->chat_id,
                                .type = CC_TOPIC_MESSAGE_CREATED,
                                .version = event->envelope.version};
    struct cc_span span;
    enum cc_code code;

    report->app = app;
    report->item.run = report_back;
    report->item.drop = report_drop;
    memcpy(report->conn_id, session->conn_id, sizeof report->conn_id);
    memcpy(report->op_id, event->op_id, sizeof report->op_id);
    cc_strbuf_init(&payload, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&json, &payload);
    ev_message_created_write(&json, event);
    record.payload = cc_strbuf_text(&payload);
    record.payload_count = payload.length;
    cc_span_begin(&span, "websocket send", CC_SPAN_PRODUCER, NULL);
    record.trace = &span.trace;
    code = cc_produce(app->producer, &record, reported, report, err);
    cc_span_end(&span, code == CC_OK ? NULL : cc_code_name(code), NULL);
    cc_strbuf_finish(&payload);
    if (code != CC_OK) {
        cc_free(report);
        return code;
    }
    remember(session, frame_id, event);
    ws_session_pace(session);
    return CC_OK;
}

static const char *client_msg_id_of(struct ws_session *session, const struct ws_buffer *frame)
{
    struct cc_json_reader *reader = cc_json_reader_create(
        session->app->hub.arena, ws_buffer_text(frame), frame->count, CC_IGNORE_UNKNOWN);
    const char *id = cc_json_text(reader, "client_msg_id", CC_OPTIONAL, 1, FRAME_TEXT_MAX_BYTES);

    cc_json_reader_destroy(reader);
    return id;
}

void ws_send_outcome(struct ws_session *session, struct ws_buffer *frame)
{
    const char *client_msg_id = client_msg_id_of(session, frame);
    struct ws_send *send = session->sends;

    if (client_msg_id == NULL) { /* a reply, as to `read` */
        ws_session_push(session, frame, WS_MUST_ARRIVE);
        return;
    }
    while (send != NULL &&
           (send->outcome != NULL || strcmp(send->client_msg_id, client_msg_id) != 0))
        send = send->next;
    if (send == NULL)
        return; /* told already */
    if (send->accepted) {
        ws_session_push(session, frame, WS_MUST_ARRIVE);
        take_out(session, send);
    } else {
        send->outcome = ws_buffer_ref(frame);
    }
}

void ws_sends_clear(struct ws_session *session)
{
    while (session->sends != NULL)
        take_out(session, session->sends);
}
