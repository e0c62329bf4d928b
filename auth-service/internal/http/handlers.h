#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

/* The endpoints, one file per use case; routes.c says where they are. All are blocking. */

#include "common/http_route.h"

extern const struct cc_route auth_routes[];
extern const struct cc_route auth_internal_routes[];

#define AUTH_HANDLER(name)                                                                         \
    enum cc_code name(struct cc_request *req, struct cc_response *res, struct cc_error *err)

AUTH_HANDLER(auth_http_register);
AUTH_HANDLER(auth_http_verify_otp);
AUTH_HANDLER(auth_http_resend_otp);
AUTH_HANDLER(auth_http_login);
AUTH_HANDLER(auth_http_refresh);
AUTH_HANDLER(auth_http_logout);
AUTH_HANDLER(auth_http_list_sessions);
AUTH_HANDLER(auth_http_revoke_session);
AUTH_HANDLER(auth_http_revoke_sessions);
AUTH_HANDLER(auth_http_list_devices);
AUTH_HANDLER(auth_http_forgot_password);
AUTH_HANDLER(auth_http_reset_password);
AUTH_HANDLER(auth_http_change_password);
AUTH_HANDLER(auth_http_admin_get_user);
AUTH_HANDLER(auth_http_admin_suspend);
AUTH_HANDLER(auth_http_admin_reinstate);
AUTH_HANDLER(auth_http_delete_account);
AUTH_HANDLER(auth_http_get_deletion);
AUTH_HANDLER(auth_http_jwks);
AUTH_HANDLER(auth_http_list_revocations);

#endif
