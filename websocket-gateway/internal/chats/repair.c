/* Repairs a chat from its log. Runs on the loop thread; pages come from message-service. */

#include "chats/repair.h"

#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"

#include "app.h"
#include "chats/changes.h"
#include "chats/members.h"
#include "chats/subscriptions.h"
#include "chats/unread.h"
#include "ws/fanout.h"

struct repair {
    struct ws_call call;
    int64_t after_rev;
    char chat_id[CC_UUID_BYTES];
};

/* True when something was delivered. */
static bool deliver(struct ws_app *app, struct ws_chat *chat, const struct ws_changes *changes)
{
    int64_t before = chat->backlog.last_rev;

    for (size_t i = 0; i < changes->count; i++) {
        const struct cc_change *change = &changes->items[i];
        struct ws_buffer *frame;

        if (ws_backlog_judge(&chat->backlog, change->rev) == WS_OLD)
            continue;
        frame = ws_change_frame(change, chat->chat_id);
        chat->backlog.last_rev = change->rev;
        ws_fanout_change(app, chat, change->rev,
                         &(struct ws_about){change->seq, changes->since_joining}, frame, "");
        ws_buffer_unref(frame);
    }
    if (chat->backlog.last_rev == before)
        return false;
    ws_unread_repaired(app, chat);
    return true;
}

/* The log does not hold what is missing (it goes back 30 days): go on after the hole. */
static void skip_hole(struct ws_chat *chat)
{
    const struct ws_bus_event *next = chat->backlog.first;

    if (next != NULL && next->message.rev > chat->backlog.last_rev + 1)
        chat->backlog.last_rev = next->message.rev - 1;
}

static void page_came(struct ws_call *call)
{
    struct repair *repair = WS_CONTAINER(call, struct repair, call);
    struct ws_app *app = call->app;
    struct ws_chat *chat = ws_chat_find(app, repair->chat_id);
    struct ws_changes changes = {0};
    bool moved = false;

    if (chat == NULL || (chat->wait & WS_WAIT_REPAIR) == 0 ||
        repair->after_rev != chat->backlog.last_rev)
        return;
    if (call->code == CC_OK)
        call->code =
            ws_changes_read(app->hub.arena, call->body, call->body_count, &changes, &call->err);
    if (call->code != CC_OK && cc_code_retryable(call->code)) {
        cc_log_error(CC_LOG_WARN, "a repair must be tried again", &call->err, NULL);
        ws_chat_retry_later(app, chat);
        return;
    }
    if (call->code == CC_OK && ws_members_outdated(app, chat, changes.member_version)) {
        cc_arena_reset(app->hub.arena);
        return; /* whoever was removed must not get it: again when the members are known */
    }
    if (call->code == CC_OK)
        moved = deliver(app, chat, &changes);
    cc_arena_reset(app->hub.arena);
    if (moved && chat->backlog.last_rev < changes.head_rev) {
        ws_repair(app, chat);
        return;
    }
    if (!moved)
        skip_hole(chat);
    ws_chat_resume(app, chat, WS_WAIT_REPAIR);
}

void ws_repair(struct ws_app *app, struct ws_chat *chat)
{
    struct repair *repair = cc_calloc(1, sizeof *repair);

    chat->wait |= WS_WAIT_REPAIR;
    cc_counter_add(app->hub.metrics.repairs, 1);
    repair->call.done = page_came;
    repair->call.discard = ws_call_free;
    repair->after_rev = chat->backlog.last_rev;
    memcpy(repair->chat_id, chat->chat_id, sizeof repair->chat_id);
    ws_changes_ask(app, &repair->call, chat->chat_id, NULL, chat->backlog.last_rev,
                   WS_CHANGES_LIMIT);
}
