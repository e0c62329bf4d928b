/* DELETE /v1/sessions/{session_id} and DELETE /v1/sessions?others=true: log other devices out. Runs
 * on worker threads. */

#include <string.h>

#include "app.h"
#include "http/handlers.h"
#include "revocation.h"

enum cc_code auth_http_revoke_session(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    struct session_selection this_one = {.user_id = cc_request_caller(req)->user_id};
    (void)res; /* nothing to say: 204 */
    CC_TRY(cc_request_uuid(req, "session_id", &this_one.only, err));
    return auth_revoke(cc_request_app(req), &this_one, SESSION_ENDED_LOGOUT, cc_request_arena(req),
                       err);
}

enum cc_code auth_http_revoke_other_sessions(struct cc_request *req, struct cc_response *res,
                                             struct cc_error *err)
{
    const struct cc_caller *caller = cc_request_caller(req);
    const struct session_selection others = {.user_id = caller->user_id,
                                             .all_except = caller->session_id};
    const char *wanted = cc_request_query(req, "others");
    (void)res;                                         /* nothing to say: 204 */
    if (wanted == NULL || strcmp(wanted, "true") != 0) /* nobody ends all by a slip */
        return cc_fail(err, CC_INVALID, "others", "Say others=true.");
    return auth_revoke(cc_request_app(req), &others, SESSION_ENDED_LOGOUT, cc_request_arena(req),
                       err);
}
