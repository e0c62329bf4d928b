/* The frame `presence`: the client says that nobody is at it (away), or somebody again (online).
 * Runs on the loop thread. What comes of it for others is presence.c's. */

#include "app.h"
#include "presence.h"
#include "ws/frames.h"
#include "ws/session.h"

#define CHANGES_PER_S 1
#define CHANGES_BURST 5

enum cc_code ws_frame_presence(struct ws_session *session, const struct ws_frame *frame,
                               struct cc_error *err)
{
    static const char *const states[] = {"online", "away", NULL};
    bool away = cc_json_choice(frame->json, "state", CC_REQUIRED, states, 0) == 1;
    struct ws_out out;
    int wait_ms;

    CC_TRY(cc_json_reader_error(frame->json, err));
    if (!ws_bucket_take(&session->moods, ws_now_ms(session->app), CHANGES_PER_S, CHANGES_BURST,
                        &wait_ms)) {
        cc_fail(err, CC_RATE_LIMITED, NULL, "at most %d a second", CHANGES_PER_S);
        return cc_fail_retry_after(err, wait_ms);
    }
    ws_presence_set_away(session, away);
    ws_out_reply(&out, frame->id);
    ws_out_send(&out, session);
    return CC_OK;
}
