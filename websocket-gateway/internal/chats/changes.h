#ifndef CHATS_CHANGES_H
#define CHATS_CHANGES_H

/* A page of a chat's log, as message-service's /internal/chats/{id}/changes gives it, and the
 * client frames that are made of it. Loop thread. */

#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/events/change_frame.h"

#include "chats/shared_calls.h"
#include "jobs.h"
#include "ws/buffer.h"

#define WS_CHANGES_LIMIT 100

struct ws_changes {
    struct cc_change *items; /* rev ascending, contiguous */
    size_t count;
    int64_t head_rev;
    bool more;
    bool reload;            /* the log does not go back to what was asked for */
    bool since_joining;     /* the chat shows nobody what was before they came */
    int64_t member_version; /* of the chat, when the page was made */
};

/* Asks for the changes after a rev, as that person sees them (NULL = as everybody does); `call` as
 * for ws_call_send. */
void ws_changes_ask(struct ws_app *app, struct ws_call *call, const char *chat_id,
                    const char *user_id, int64_t after_rev, int limit);
/* Everything read lives in the arena. CC_BAD_GATEWAY: unreadable. */
CC_MUST_CHECK enum cc_code ws_changes_read(struct cc_arena *arena, const char *body, size_t count,
                                           struct ws_changes *out, struct cc_error *err);

/* The same for those who return (shared_calls.h): as that person sees them, NULL = as everybody
 * does. `came` gets a struct ws_page. */
struct ws_page {
    unsigned references;
    size_t count;
    int64_t head_rev;
    bool since_joining; /* as in ws_changes */
    int64_t member_version;
    struct ws_page_item {
        int64_t rev;
        struct ws_buffer *frame;
    } items[]; /* rev ascending, contiguous */
};
void ws_page_get(struct ws_app *app, struct ws_waiter *waiter, const char *chat_id,
                 const char *user_id, int64_t after_rev);
struct ws_page *ws_page_ref(struct ws_page *page);
void ws_page_unref(struct ws_page *page); /* accepts NULL */

/* The frame of a change that somebody is not shown: its rev, and where it is, alone. */
struct ws_buffer *ws_change_bare_frame(const char *chat_id, int64_t rev, int64_t seq);
struct ws_buffer *ws_change_frame(const struct cc_change *change, const char *chat_id);

#endif
