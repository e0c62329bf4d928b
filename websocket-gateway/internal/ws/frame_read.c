/* The frames `read` and `delivered`: how far this person has come in a chat. Runs on the loop
 * thread. The answer comes from message-service when the mark is stored, on this node's channel. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/events/message_read.h"
#include "common/topics.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "events/envelope.h"
#include "people.h"
#include "ws/frames.h"
#include "ws/session.h"

#define MARKS_PER_S          3
#define MARKS_BURST          20
#define EVENT_MARK_MAX_BYTES 4096
#define NOT_SAID             (-1)

struct mark_report { /* only a failure is told from here */
    struct ws_item item;
    struct ws_app *app;
    struct cc_error err;
    int64_t frame_id;
    char conn_id[CC_UUID_BYTES];
};

static void report_back(struct ws_item *item)
{
    struct mark_report *report = WS_CONTAINER(item, struct mark_report, item);
    struct ws_session *session = ws_session_find(report->app, report->conn_id);

    if (session != NULL)
        ws_session_error(session, report->frame_id, &report->err);
    cc_free(report);
}

static void report_drop(struct ws_item *item)
{
    cc_free(WS_CONTAINER(item, struct mark_report, item));
}

static void reported(void *arg, enum cc_code code, const struct cc_error *err)
{
    struct mark_report *report = arg;

    if (code == CC_OK) {
        cc_free(report);
        return;
    }
    if (err != NULL)
        report->err = *err;
    ws_loop_queue_push(report->app->queue, &report->item);
}

static enum cc_code produce(struct ws_session *session, int64_t frame_id,
                            const struct ev_message_read *event, struct cc_error *err)
{
    struct mark_report *report = cc_calloc(1, sizeof *report);
    struct cc_produce record = {.topic = CC_TOPIC_MESSAGE_READ,
                                .key = event->chat_id,
                                .type = CC_TOPIC_MESSAGE_READ,
                                .version = event->envelope.version};
    struct cc_strbuf payload;
    struct cc_json_writer json;
    enum cc_code code;

    report->app = session->app;
    report->item.run = report_back;
    report->item.drop = report_drop;
    report->frame_id = frame_id;
    memcpy(report->conn_id, session->conn_id, sizeof report->conn_id);
    cc_strbuf_init(&payload, EVENT_MARK_MAX_BYTES);
    cc_json_writer_init(&json, &payload);
    ev_message_read_write(&json, event);
    record.payload = cc_strbuf_text(&payload);
    record.payload_count = payload.length;
    code = cc_produce(session->app->producer, &record, reported, report, err);
    cc_strbuf_finish(&payload);
    if (code != CC_OK)
        cc_free(report);
    return code;
}

static enum cc_code move_mark(struct ws_session *session, const struct ws_frame *frame,
                              struct ev_message_read *event, struct cc_error *err)
{
    struct ws_app *app = session->app;
    char event_id[CC_UUID_BYTES], frame_id[24] = "";
    int wait_ms = 0;

    if (ws_membership_find(session->app, session->person, event->chat_id) == NULL)
        return cc_fail(err, CC_NOT_FOUND, "chat_id", "there is no such chat");
    if (!ws_bucket_take(&session->reads, ws_now_ms(app), MARKS_PER_S, MARKS_BURST, &wait_ms)) {
        cc_fail(err, CC_RATE_LIMITED, NULL, "send read marks at most %d times a second",
                MARKS_PER_S);
        return cc_fail_retry_after(err, wait_ms);
    }
    if (frame->id != WS_NO_ID)
        snprintf(frame_id, sizeof frame_id, "%" PRId64, frame->id);
    event->envelope = ws_envelope(app, CC_TOPIC_MESSAGE_READ, event->chat_id, event_id);
    event->user_id = session->person->user_id;
    event->device_id = session->device_id;
    event->from_seq = event->cleared_seq = NOT_SAID;
    event->at_ms = event->envelope.occurred_at_ms;
    event->origin = (struct cc_origin){
        .node = app->runtime.node_id, .conn_id = session->conn_id, .client_msg_id = frame_id};
    return produce(session, frame->id, event, err);
}

enum cc_code ws_frame_read(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err)
{
    struct ev_message_read event = {.delivered_seq = NOT_SAID};

    event.chat_id = cc_json_uuid(frame->json, "chat_id", CC_REQUIRED);
    event.read_seq = cc_json_int(frame->json, "seq", CC_REQUIRED, 0, INT64_MAX);
    CC_TRY(cc_json_reader_error(frame->json, err));
    return move_mark(session, frame, &event, err);
}

enum cc_code ws_frame_delivered(struct ws_session *session, const struct ws_frame *frame,
                                struct cc_error *err)
{
    struct ev_message_read event = {.read_seq = NOT_SAID};

    event.chat_id = cc_json_uuid(frame->json, "chat_id", CC_REQUIRED);
    event.delivered_seq = cc_json_int(frame->json, "seq", CC_REQUIRED, 0, INT64_MAX);
    CC_TRY(cc_json_reader_error(frame->json, err));
    return move_mark(session, frame, &event, err);
}
