/* The only list of endpoints. Handlers block on the service's worker threads. */

#include "http/routes.h"

#define GROUP_BYTES  (16 * 1024)
#define PEOPLE_BYTES (8 * 1024)
#define EDIT_BYTES   (8 * 1024)
#define SMALL_BYTES  1024
#define SHARED_BYTES (32 * 1024)

/* clang-format off: columns are the point */
const struct cc_route chat_routes[] = {
    /* method    path                                      auth          rate           body max
       handler */
    {"POST", "/v1/chats/direct", CC_AUTH_USER, CC_RATE_WRITE, SMALL_BYTES, chat_http_create_direct,
     CC_BLOCKING},
    {"POST", "/v1/chats", CC_AUTH_USER, CC_RATE_WRITE, GROUP_BYTES, chat_http_create, CC_BLOCKING},
    {"GET", "/v1/chats", CC_AUTH_USER, CC_RATE_READ, 0, chat_http_list, CC_BLOCKING},
    {"GET", "/v1/chats/changes", CC_AUTH_USER, CC_RATE_READ, 0, chat_http_list_changes,
     CC_BLOCKING},
    {"DELETE", "/v1/chats/{chat_id}", CC_AUTH_USER, CC_RATE_WRITE, 0, chat_http_delete,
     CC_BLOCKING},
    {"GET", "/v1/chats/{chat_id}", CC_AUTH_USER, CC_RATE_READ, 0, chat_http_get, CC_BLOCKING},
    {"PATCH", "/v1/chats/{chat_id}", CC_AUTH_USER, CC_RATE_WRITE, EDIT_BYTES, chat_http_edit,
     CC_BLOCKING},
    {"GET", "/v1/chats/{chat_id}/members", CC_AUTH_USER, CC_RATE_READ, 0, chat_http_list_members,
     CC_BLOCKING},
    {"POST", "/v1/chats/{chat_id}/members", CC_AUTH_USER, CC_RATE_WRITE, PEOPLE_BYTES,
     chat_http_add_members, CC_BLOCKING},
    {"DELETE", "/v1/chats/{chat_id}/members/{user_id}", CC_AUTH_USER, CC_RATE_WRITE, 0,
     chat_http_remove_member, CC_BLOCKING},
    {"PATCH", "/v1/chats/{chat_id}/members/{user_id}", CC_AUTH_USER, CC_RATE_WRITE, SMALL_BYTES,
     chat_http_change_member, CC_BLOCKING},
    {"PUT", "/v1/chats/{chat_id}/me", CC_AUTH_USER, CC_RATE_WRITE, SMALL_BYTES, chat_http_put_me,
     CC_BLOCKING},
    {"POST", "/v1/chats/{chat_id}/transfer", CC_AUTH_USER, CC_RATE_WRITE, SMALL_BYTES,
     chat_http_transfer, CC_BLOCKING},
    {"POST", "/v1/chats/{chat_id}/leave", CC_AUTH_USER, CC_RATE_WRITE, SMALL_BYTES, chat_http_leave,
     CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};

const struct cc_route chat_internal_routes[] = {
    {"GET", "/internal/users/{user_id}/chats", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     chat_http_user_chats, CC_BLOCKING},
    {"POST", "/internal/users/{user_id}/shared", CC_AUTH_INTERNAL, CC_RATE_NONE, SHARED_BYTES,
     chat_http_shared, CC_BLOCKING},
    {"GET", "/internal/users/{user_id}/chats/page", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     chat_http_user_page, CC_BLOCKING},
    {"GET", "/internal/chats/{chat_id}/states", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, chat_http_states,
     CC_BLOCKING},
    {"GET", "/internal/chats/{chat_id}/members", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     chat_http_rights, CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};
/* clang-format on */
