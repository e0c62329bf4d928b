/* The whole HTTP surface of user-service. Reading starts here. */

#include "http/routes.h"

#include "common/relations.h"
#include "http/handlers.h"

#define PATCH_BYTES    (16 * 1024)
#define SETTINGS_BYTES (16 * 1024)
#define ENROLL_BYTES   (4 * 1024)
#define LOOKUP_BYTES   (16 * 1024)

/* clang-format off: columns are the point */
const struct cc_route user_routes[] = {
    {"GET", "/v1/users/me", CC_AUTH_USER, CC_RATE_READ, 0, user_http_get_me, CC_BLOCKING},
    {"PATCH", "/v1/users/me", CC_AUTH_USER, CC_RATE_WRITE, PATCH_BYTES, user_http_patch_me,
     CC_BLOCKING},
    {"GET", "/v1/users/me/blocks", CC_AUTH_USER, CC_RATE_READ, 0, user_http_list_blocks,
     CC_BLOCKING},
    {"PUT", "/v1/users/me/blocks/{user_id}", CC_AUTH_USER, CC_RATE_WRITE, 0, user_http_block,
     CC_BLOCKING},
    {"DELETE", "/v1/users/me/blocks/{user_id}", CC_AUTH_USER, CC_RATE_WRITE, 0, user_http_unblock,
     CC_BLOCKING},
    {"GET", "/v1/users/me/settings", CC_AUTH_USER, CC_RATE_READ, 0, user_http_get_settings,
     CC_BLOCKING},
    {"PUT", "/v1/users/me/settings", CC_AUTH_USER, CC_RATE_WRITE, SETTINGS_BYTES,
     user_http_put_settings, CC_BLOCKING},
    {"GET", "/v1/users/presence", CC_AUTH_USER, CC_RATE_READ, 0, user_http_get_presence,
     CC_BLOCKING},
    {"GET", "/v1/users", CC_AUTH_USER, CC_RATE_READ, 0, user_http_find_users, CC_BLOCKING},
    {"GET", "/v1/users/{user_id}", CC_AUTH_USER, CC_RATE_READ, 0, user_http_get_user, CC_BLOCKING},
    {0},
};

const struct cc_route user_internal_routes[] = {
    {"GET", "/internal/users/{user_id}", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, user_http_get_user,
     CC_BLOCKING},
    {"PUT", "/internal/users/{user_id}", CC_AUTH_INTERNAL, CC_RATE_NONE, ENROLL_BYTES,
     user_http_enroll, CC_BLOCKING},
    {"DELETE", "/internal/users/{user_id}", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, user_http_delete,
     CC_BLOCKING},
    {"POST", "/internal/users/lookup", CC_AUTH_INTERNAL, CC_RATE_NONE, LOOKUP_BYTES,
     user_http_lookup, CC_BLOCKING},
    {"POST", CC_RELATIONS_CONTACT, CC_AUTH_INTERNAL, CC_RATE_NONE, CC_RELATIONS_BYTES,
     user_http_contact, CC_BLOCKING},
    {"POST", CC_RELATIONS_PRESENCE, CC_AUTH_INTERNAL, CC_RATE_NONE, CC_RELATIONS_BYTES,
     user_http_sight, CC_BLOCKING},
    {0},
};
/* clang-format on */
