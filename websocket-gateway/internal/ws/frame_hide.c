/* The frame `delete` with scope "me": no operation on the chat, but a row of this person's own,
 * which message-service keeps. Runs on the loop thread. The person's devices are told by a frame
 * `message_hidden` on user:{id}. */

#include <string.h>

#include "common/alloc.h"

#include "app.h"
#include "jobs.h"
#include "people.h"
#include "ws/frames.h"
#include "ws/session.h"

#define PATH_MAX_BYTES 96
#define BODY_MAX_BYTES 256

struct hiding {
    struct ws_call call;
    int64_t frame_id;
    char conn_id[CC_UUID_BYTES];
    char message_id[CC_UUID_BYTES];
};

static void hidden(struct ws_call *call)
{
    struct hiding *hiding = WS_CONTAINER(call, struct hiding, call);
    struct ws_session *session = ws_session_find(call->app, hiding->conn_id);
    struct ws_out out;

    if (session == NULL || session->state != WS_READY)
        return;
    if (call->code != CC_OK) {
        ws_session_error(session, hiding->frame_id, &call->err);
        return;
    }
    ws_out_reply(&out, hiding->frame_id);
    cc_json_put_text(&out.json, "state", "hidden");
    cc_json_put_text(&out.json, "message_id", hiding->message_id);
    ws_out_send(&out, session);
}

void ws_hide_message(struct ws_session *session, int64_t frame_id, const char *chat_id,
                     const char *message_id)
{
    struct hiding *hiding = cc_calloc(1, sizeof *hiding);
    struct cc_json_writer json;
    struct cc_strbuf body;
    char path[PATH_MAX_BYTES];

    hiding->call.done = hidden;
    hiding->call.discard = ws_call_free;
    hiding->frame_id = frame_id;
    memcpy(hiding->conn_id, session->conn_id, sizeof hiding->conn_id);
    memcpy(hiding->message_id, message_id, sizeof hiding->message_id);
    snprintf(path, sizeof path, "/internal/chats/%s/hidden", chat_id);
    cc_strbuf_init(&body, BODY_MAX_BYTES);
    cc_json_writer_init(&json, &body);
    cc_json_open_object(&json, NULL);
    cc_json_put_text(&json, "user_id", session->person->user_id);
    cc_json_put_text(&json, "message_id", message_id);
    cc_json_close_object(&json);
    ws_call_send(session->app, &hiding->call, session->app->message_service, "POST", path, &body);
    cc_strbuf_finish(&body);
}
