/* The only list of endpoints. Handlers block on the service's worker threads. */

#include "http/routes.h"

#define SEND_BYTES  (64 * 1024)
#define EDIT_BYTES  (32 * 1024)
#define READ_BYTES  1024
#define MEDIA_BYTES 2048
#define HEADS_BYTES (32 * 1024)

/* clang-format off: columns are the point */
const struct cc_route message_routes[] = {
    /* method  path                              auth          rate          body max    handler */
    {"POST", "/v1/chats/{chat_id}/messages", CC_AUTH_USER, CC_RATE_SEND, SEND_BYTES,
     message_http_send, CC_BLOCKING},
    {"GET", "/v1/chats/{chat_id}/messages", CC_AUTH_USER, CC_RATE_READ, 0, message_http_list,
     CC_BLOCKING},
    {"GET", "/v1/messages/{message_id}", CC_AUTH_USER, CC_RATE_READ, 0, message_http_get,
     CC_BLOCKING},
    {"PATCH", "/v1/messages/{message_id}", CC_AUTH_USER, CC_RATE_SEND, EDIT_BYTES,
     message_http_edit, CC_BLOCKING},
    {"DELETE", "/v1/messages/{message_id}", CC_AUTH_USER, CC_RATE_SEND, 0, message_http_delete,
     CC_BLOCKING},
    {"GET", "/v1/messages/{message_id}/history", CC_AUTH_USER, CC_RATE_READ, 0,
     message_http_history, CC_BLOCKING},
    {"GET", "/v1/messages/{message_id}/receipts", CC_AUTH_USER, CC_RATE_READ, 0,
     message_http_receipts, CC_BLOCKING},
    {"PUT", "/v1/messages/{message_id}/reactions/{emoji}", CC_AUTH_USER, CC_RATE_SEND, 0,
     message_http_react, CC_BLOCKING},
    {"DELETE", "/v1/messages/{message_id}/reactions/{emoji}", CC_AUTH_USER, CC_RATE_SEND, 0,
     message_http_unreact, CC_BLOCKING},
    {"PUT", "/v1/messages/{message_id}/pin", CC_AUTH_USER, CC_RATE_SEND, 0, message_http_pin,
     CC_BLOCKING},
    {"DELETE", "/v1/messages/{message_id}/pin", CC_AUTH_USER, CC_RATE_SEND, 0, message_http_unpin,
     CC_BLOCKING},
    {"GET", "/v1/chats/{chat_id}/changes", CC_AUTH_USER, CC_RATE_READ, 0, message_http_changes,
     CC_BLOCKING},
    {"POST", "/v1/chats/{chat_id}/read", CC_AUTH_USER, CC_RATE_WRITE, READ_BYTES, message_http_read,
     CC_BLOCKING},
    {"POST", "/v1/media/uploads", CC_AUTH_USER, CC_RATE_WRITE, MEDIA_BYTES,
     message_http_begin_upload, CC_BLOCKING},
    {"POST", "/v1/media/uploads/{media_id}/complete", CC_AUTH_USER, CC_RATE_WRITE, MEDIA_BYTES,
     message_http_complete_upload, CC_BLOCKING},
    {"GET", "/v1/media/{media_id}/url", CC_AUTH_USER, CC_RATE_READ, 0, message_http_media_url,
     CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};

const struct cc_route message_internal_routes[] = {
    {"GET", "/internal/chats/{chat_id}/changes", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     message_http_internal_changes, CC_BLOCKING},
    {"POST", "/internal/chats/{chat_id}/hidden", CC_AUTH_INTERNAL, CC_RATE_NONE, READ_BYTES,
     message_http_internal_hide, CC_BLOCKING},
    {"GET", "/internal/users/{user_id}/hidden", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     message_http_hidden_by, CC_BLOCKING},
    {"GET", "/internal/users/{user_id}/reads", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     message_http_reads_by, CC_BLOCKING},
    {"POST", "/internal/heads", CC_AUTH_INTERNAL, CC_RATE_NONE, HEADS_BYTES, message_http_heads,
     CC_BLOCKING},
    {"GET", "/internal/operations/{op_id}", CC_AUTH_INTERNAL, CC_RATE_NONE, 0,
     message_http_operation, CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};
/* clang-format on */
