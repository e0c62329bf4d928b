/* DELETE /v1/sessions/{session_id}, DELETE /v1/sessions?others=true and ?all=true: log devices out.
 * Runs on worker threads. */

#include <string.h>

#include "app.h"
#include "http/handlers.h"
#include "revocation.h"

static struct session_ending logout_of_caller(struct cc_request *req)
{
    return auth_ending(cc_request_app(req), cc_request_caller(req)->user_id, SESSION_ENDED_LOGOUT);
}

enum cc_code auth_http_revoke_session(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    struct session_ending ending = logout_of_caller(req);
    (void)res; /* nothing to say: 204 */
    CC_TRY(cc_request_uuid(req, "session_id", &ending.only, err));
    return auth_revoke(cc_request_app(req), &ending, cc_request_arena(req), err);
}

static bool query_is_true(struct cc_request *req, const char *name)
{
    const char *value = cc_request_query(req, name);
    return value != NULL && strcmp(value, "true") == 0;
}

enum cc_code auth_http_revoke_sessions(struct cc_request *req, struct cc_response *res,
                                       struct cc_error *err)
{
    struct session_ending ending = logout_of_caller(req);
    (void)res; /* nothing to say: 204 */
    if (query_is_true(req, "others"))
        ending.all_except = cc_request_caller(req)->session_id;
    else if (!query_is_true(req, "all")) /* nobody ends all by a slip */
        return cc_fail(err, CC_INVALID, "others", "Say others=true or all=true.");
    return auth_revoke(cc_request_app(req), &ending, cc_request_arena(req), err);
}
