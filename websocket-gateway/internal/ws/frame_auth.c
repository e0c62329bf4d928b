/* The frame `auth`: who is this connection? Runs on the loop thread. What follows is auth.c's. */

#include <string.h>

#include "common/alloc.h"

#include "app.h"
#include "ws/auth.h"
#include "ws/frames.h"
#include "ws/session.h"

#define DEVICE_ID_MAX_BYTES 64

enum cc_code ws_frame_auth(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err)
{
    const char *token = cc_json_text(frame->json, "token", CC_REQUIRED, 1, CC_JWT_MAX_BYTES);
    const char *device_id =
        cc_json_text(frame->json, "device_id", CC_OPTIONAL, 1, DEVICE_ID_MAX_BYTES);

    CC_TRY(cc_json_reader_error(frame->json, err));
    if (session->state != WS_NEW) { /* a second one */
        ws_session_close(session, WS_CLOSE_PROTOCOL);
        return CC_OK;
    }
    if (device_id != NULL)
        session->client_device_id = cc_strdup(device_id);
    return ws_auth_begin(session, token, strlen(token), frame, err);
}
