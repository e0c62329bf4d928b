/* The only list of auth-service's endpoints. docs/openapi/auth-service.yaml has the same ones. */

#include "http/handlers.h"

#define BODY 4096

/* clang-format off: columns are the point */
const struct cc_route auth_routes[] = {
    {"POST", "/v1/auth/register", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_register,
     CC_BLOCKING},
    {"POST", "/v1/auth/otp/verify", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_verify_otp,
     CC_BLOCKING},
    {"POST", "/v1/auth/otp/resend", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_resend_otp,
     CC_BLOCKING},
    {"POST", "/v1/auth/login", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_login, CC_BLOCKING},
    {"POST", "/v1/auth/refresh", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_refresh, CC_BLOCKING},
    {"POST", "/v1/auth/logout", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_logout, CC_BLOCKING},
    {"POST", "/v1/auth/password/forgot", CC_AUTH_NONE, CC_RATE_AUTH, BODY,
     auth_http_forgot_password, CC_BLOCKING},
    {"POST", "/v1/auth/password/reset", CC_AUTH_NONE, CC_RATE_AUTH, BODY, auth_http_reset_password,
     CC_BLOCKING},
    {"POST", "/v1/auth/password/change", CC_AUTH_USER, CC_RATE_AUTH, BODY,
     auth_http_change_password, CC_BLOCKING},
    {"GET", "/v1/devices", CC_AUTH_USER, CC_RATE_READ, 0, auth_http_list_devices, CC_BLOCKING},
    {"GET", "/v1/sessions", CC_AUTH_USER, CC_RATE_READ, 0, auth_http_list_sessions, CC_BLOCKING},
    {"DELETE", "/v1/sessions", CC_AUTH_USER, CC_RATE_WRITE, 0, auth_http_revoke_sessions,
     CC_BLOCKING},
    {"DELETE", "/v1/sessions/{session_id}", CC_AUTH_USER, CC_RATE_WRITE, 0,
     auth_http_revoke_session, CC_BLOCKING},
    {"DELETE", "/v1/users/me", CC_AUTH_USER, CC_RATE_AUTH, BODY, auth_http_delete_account,
     CC_BLOCKING},
    {"GET", "/v1/auth/deletions/{deletion_id}", CC_AUTH_NONE, CC_RATE_AUTH, 0,
     auth_http_get_deletion, CC_BLOCKING},
    {"GET", "/v1/admin/users/{user_id}", CC_AUTH_ADMIN, CC_RATE_READ, 0, auth_http_admin_get_user,
     CC_BLOCKING},
    {"POST", "/v1/admin/users/{user_id}/suspend", CC_AUTH_ADMIN, CC_RATE_WRITE, BODY,
     auth_http_admin_suspend, CC_BLOCKING},
    {"POST", "/v1/admin/users/{user_id}/reinstate", CC_AUTH_ADMIN, CC_RATE_WRITE, BODY,
     auth_http_admin_reinstate, CC_BLOCKING},
    {"GET", "/.well-known/jwks.json", CC_AUTH_NONE, CC_RATE_NONE, 0, auth_http_jwks, CC_BLOCKING},
    {0},
};
const struct cc_route auth_internal_routes[] = {
    {"GET", "/internal/jwks.json", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, auth_http_jwks, CC_BLOCKING},
    {"GET", "/internal/revocations", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, auth_http_list_revocations,
     CC_BLOCKING},
    {0},
};
/* clang-format on */
