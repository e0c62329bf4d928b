/* The frame `typing` and how it ends. Runs on the loop thread. It has no reply; what comes too
 * often, or for a chat that is closed, is ignored. */

#include <string.h>

#include "common/alloc.h"

#include "app.h"
#include "chats/posting.h"
#include "chats/subscriptions.h"
#include "people.h"
#include "publish.h"
#include "ws/frames.h"
#include "ws/session.h"
#include "ws/typing.h"

#define TYPING_EVERY_MS 3000
#define TYPING_ENDS_MS  6000

static void announce(struct ws_session *session, const char *chat_id, bool on)
{
    struct ws_membership *member = ws_membership_find(session->app, session->person, chat_id);
    struct cc_bus_message message = {.kind = CC_BUS_TYPING};
    struct ws_out out;

    if (member == NULL)
        return; /* left meanwhile */
    ws_out_event(&out, "typing");
    cc_json_put_text(&out.json, "chat_id", chat_id);
    cc_json_put_text(&out.json, "user_id", session->person->user_id);
    cc_json_put_bool(&out.json, "on", on);
    cc_json_close_object(&out.json);
    memcpy(message.chat_id, chat_id, sizeof message.chat_id);
    memcpy(message.sender_id, session->person->user_id, sizeof message.sender_id);
    memcpy(message.conn_id, session->conn_id, sizeof session->conn_id);
    message.member_version = member->chat->member_version;
    cc_bus_carry(&message, &out.text);
    ws_publish(session->app, WS_CHANNEL_CHAT, chat_id, &message);
    cc_strbuf_finish(&out.text);
}

void ws_typing_end(struct ws_session *session)
{
    if (session->typing == NULL || session->typing->until_ms == 0)
        return;
    session->typing->until_ms = 0;
    if (!session->typing->untold)
        announce(session, session->typing->chat_id, false);
    session->typing->untold = false;
}

/* Where nobody may post nobody types. */
static void tell_when_known(struct ws_session *session)
{
    struct ws_typing *typing = session->typing;
    struct ws_membership *member =
        ws_membership_find(session->app, session->person, typing->chat_id);
    enum ws_posting posting =
        member == NULL ? WS_POSTING_CLOSED : ws_posting_of(session->app, member->chat);

    if (posting == WS_POSTING_UNKNOWN)
        return;
    typing->untold = false;
    if (posting == WS_POSTING_CLOSED)
        typing->until_ms = 0;
    else
        announce(session, typing->chat_id, true);
}

void ws_typing_tick(struct ws_session *session, int64_t now_ms)
{
    if (session->typing == NULL || session->typing->until_ms == 0)
        return;
    if (now_ms >= session->typing->until_ms)
        ws_typing_end(session);
    else if (session->typing->untold)
        tell_when_known(session);
}

enum cc_code ws_frame_typing(struct ws_session *session, const struct ws_frame *frame,
                             struct cc_error *err)
{
    const char *chat_id = cc_json_uuid(frame->json, "chat_id", CC_REQUIRED);
    bool on = cc_json_bool(frame->json, "on", CC_OPTIONAL, true);
    int64_t now_ms = ws_now_ms(session->app);
    struct ws_typing *typing;
    bool elsewhere;

    CC_TRY(cc_json_reader_error(frame->json, err));
    if (ws_membership_find(session->app, session->person, chat_id) == NULL)
        return cc_fail(err, CC_NOT_FOUND, "chat_id", "there is no such chat");
    if (session->typing == NULL)
        session->typing = cc_calloc(1, sizeof *session->typing);
    typing = session->typing;
    elsewhere = strcmp(typing->chat_id, chat_id) != 0;
    if (!on || elsewhere)
        ws_typing_end(session);
    if (!on || (typing->sent_ms != 0 && now_ms - typing->sent_ms < TYPING_EVERY_MS))
        return CC_OK;
    memcpy(typing->chat_id, chat_id, sizeof typing->chat_id);
    typing->sent_ms = now_ms;
    typing->until_ms = now_ms + TYPING_ENDS_MS;
    typing->untold = true;
    tell_when_known(session);
    return CC_OK;
}
