/* The frame `refresh`: a newer access token of the same session. Runs on the loop thread. */

#include <string.h>

#include "app.h"
#include "people.h"
#include "ws/auth.h"
#include "ws/frames.h"
#include "ws/session.h"

#define REFRESHES_PER_S 1 /* a token lives for minutes, and checking one takes a while */
#define REFRESHES_BURST 5

enum cc_code ws_frame_refresh(struct ws_session *session, const struct ws_frame *frame,
                              struct cc_error *err)
{
    const char *token = cc_json_text(frame->json, "token", CC_REQUIRED, 1, CC_JWT_MAX_BYTES);
    struct cc_caller caller = {0};
    struct ws_out out;
    int wait_ms;

    CC_TRY(cc_json_reader_error(frame->json, err));
    if (!ws_bucket_take(&session->refreshes, ws_now_ms(session->app), REFRESHES_PER_S,
                        REFRESHES_BURST, &wait_ms)) {
        cc_fail(err, CC_RATE_LIMITED, NULL, "refresh at most %d times a second", REFRESHES_PER_S);
        return cc_fail_retry_after(err, wait_ms);
    }
    if (cc_jwt_verify(session->app->verifier, token, strlen(token), &caller, err) != CC_OK) {
        ws_auth_refuse(session, frame->id, err, token, strlen(token));
        return CC_OK;
    }
    if (strcmp(caller.user_id, session->person->user_id) != 0)
        return cc_fail(err, CC_FORBIDDEN, "token", "the token is somebody else's");
    memcpy(session->session_id, caller.session_id, sizeof session->session_id);
    session->token_expires_at_ms = caller.token_expires_at_ms;
    ws_out_reply(&out, frame->id);
    cc_json_put_time(&out.json, "token_expires_at", session->token_expires_at_ms);
    ws_out_send(&out, session);
    return CC_OK;
}
