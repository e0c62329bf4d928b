/* The only list of endpoints. Handlers block on the service's worker threads. */

#include "http/routes.h"

#define IDS_BYTES   (16 * 1024)
#define TOKEN_BYTES (8 * 1024)

/* Columns are the point. */
/* clang-format off */
const struct cc_route notification_routes[] = {
    /* method  path                                 auth          rate           body max     handler                       handling */
    {"GET",    "/v1/notifications",                 CC_AUTH_USER, CC_RATE_READ,  0,           notification_http_list,       CC_BLOCKING},
    {"POST",   "/v1/notifications/read",            CC_AUTH_USER, CC_RATE_WRITE, IDS_BYTES,   notification_http_mark_read,  CC_BLOCKING},
    {"PUT",    "/v1/devices/{device_id}/push-token", CC_AUTH_USER, CC_RATE_WRITE, TOKEN_BYTES, notification_http_put_token,  CC_BLOCKING},
    {"DELETE", "/v1/devices/{device_id}/push-token", CC_AUTH_USER, CC_RATE_WRITE, 0,           notification_http_drop_token, CC_BLOCKING},
    {NULL,     NULL,                                CC_AUTH_NONE, CC_RATE_NONE,  0,           NULL,                         CC_BLOCKING},
};
/* clang-format on */
