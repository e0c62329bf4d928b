/* The only list of public paths. Rows of "*" forward every method; the upstream knows which it
 * speaks. The rate class of a forwarded row is by method (forward.c); CC_RATE_NONE still counts for
 * the address and for all, as does whatever is refused before a handler (gateway_settle). */

#include "http/routes.h"

#include "http/key_set.h"
#include "proxy/compose.h"
#include "proxy/forward.h"
#include "proxy/route_map.h"
#include "proxy/tunnel.h"

#define BODY       GATEWAY_BODY_MAX_BYTES
#define TOKEN_BODY 4096

/* clang-format off: columns are the point */
const struct cc_route gateway_routes[] = {
    /* method  path                                      auth          rate           body  handler
       kind */
    {"POST", "/v1/auth/register", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"POST", "/v1/auth/otp/verify", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"POST", "/v1/auth/otp/resend", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"POST", "/v1/auth/login", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"POST", "/v1/auth/refresh", CC_AUTH_NONE, CC_RATE_AUTH, TOKEN_BODY, gateway_to_auth_by_token,
     CC_ASYNC},
    {"POST", "/v1/auth/logout", CC_AUTH_NONE, CC_RATE_AUTH, TOKEN_BODY, gateway_to_auth_by_token,
     CC_ASYNC},
    {"POST", "/v1/auth/password/forgot", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth,
     CC_ASYNC},
    {"POST", "/v1/auth/password/reset", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth,
     CC_ASYNC},
    {"POST", "/v1/auth/password/change", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_auth,
     CC_ASYNC},
    {"GET", "/v1/auth/deletions/{deletion_id}", CC_AUTH_NONE, CC_RATE_AUTH, 0, gateway_to_auth,
     CC_ASYNC},
    {"*", "/v1/auth/{rest...}", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"GET", "/.well-known/jwks.json", CC_AUTH_NONE, CC_RATE_NONE, 0, gateway_http_key_set,
     CC_ASYNC},
    {"*", "/v1/sessions", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_auth, CC_ASYNC},
    {"*", "/v1/sessions/{rest...}", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_auth, CC_ASYNC},
    {"GET", "/v1/devices", CC_AUTH_USER, CC_RATE_READ, 0, gateway_to_auth, CC_ASYNC},
    {"*", "/v1/admin/users/{rest...}", CC_AUTH_ADMIN, CC_RATE_WRITE, BODY, gateway_to_auth,
     CC_ASYNC},
    {"*", "/v1/devices/{device_id}/push-token", CC_AUTH_USER, CC_RATE_WRITE, BODY,
     gateway_to_notification, CC_ASYNC},
    {"DELETE", "/v1/users/me", CC_AUTH_USER, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"*", "/v1/users", CC_AUTH_USER, CC_RATE_READ, BODY, gateway_to_user, CC_ASYNC},
    {"*", "/v1/users/{rest...}", CC_AUTH_USER, CC_RATE_READ, BODY, gateway_to_user, CC_ASYNC},
    {"GET", "/v1/bootstrap", CC_AUTH_USER, CC_RATE_READ, 0, gateway_http_bootstrap, CC_ASYNC},
    {"GET", "/v1/chats", CC_AUTH_USER, CC_RATE_READ, 0, gateway_http_list_chats, CC_ASYNC},
    {"GET", "/v1/chats/changes", CC_AUTH_USER, CC_RATE_READ, 0, gateway_http_list_chats, CC_ASYNC},
    {"*", "/v1/chats", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_chat, CC_ASYNC},
    {"*", "/v1/chats/{rest...}", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_chat, CC_ASYNC},
    {"*", "/v1/chats/{chat_id}/messages", CC_AUTH_USER, CC_RATE_SEND, BODY, gateway_to_message,
     CC_ASYNC},
    {"*", "/v1/chats/{chat_id}/messages/{rest...}", CC_AUTH_USER, CC_RATE_SEND, BODY,
     gateway_to_message, CC_ASYNC},
    {"*", "/v1/chats/{chat_id}/changes", CC_AUTH_USER, CC_RATE_READ, BODY, gateway_to_message,
     CC_ASYNC},
    {"*", "/v1/chats/{chat_id}/read", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_message,
     CC_ASYNC},
    {"*", "/v1/messages/{rest...}", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_message,
     CC_ASYNC},
    {"*", "/v1/media", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_message, CC_ASYNC},
    {"*", "/v1/media/{rest...}", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_message, CC_ASYNC},
    {"*", "/v1/notifications", CC_AUTH_USER, CC_RATE_READ, BODY, gateway_to_notification, CC_ASYNC},
    {"*", "/v1/notifications/{rest...}", CC_AUTH_USER, CC_RATE_WRITE, BODY, gateway_to_notification,
     CC_ASYNC},
    {"GET", "/v1/ws", CC_AUTH_NONE, CC_RATE_NONE, 0, gateway_http_open_tunnel, CC_ASYNC},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_ASYNC},
};
/* clang-format on */
