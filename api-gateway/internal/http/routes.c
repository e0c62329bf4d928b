/* The only list of public paths. Rows of "*" forward every method; the upstream knows which it
 * speaks. The rate class of a forwarded row is by method (forward.c). */

#include "http/routes.h"

#include "proxy/compose.h"
#include "proxy/forward.h"
#include "proxy/route_map.h"
#include "proxy/tunnel.h"

#define BODY GATEWAY_BODY_MAX_BYTES

/* clang-format off: columns are the point */
const struct cc_route gateway_routes[] = {
    /* method  path                                      auth          rate           body  handler
       kind */
    {"*", "/v1/auth/{rest...}", CC_AUTH_NONE, CC_RATE_AUTH, BODY, gateway_to_auth, CC_ASYNC},
    {"GET", "/.well-known/jwks.json", CC_AUTH_NONE, CC_RATE_NONE, 0, gateway_to_key_set, CC_ASYNC},
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
