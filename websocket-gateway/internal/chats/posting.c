/* Asks chat-service's /internal/chats/{id}/members, of which one row is enough. Runs on the loop
 * thread. */

#include "chats/posting.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/chat_terms.h"
#include "common/json_reader.h"
#include "common/log.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "jobs.h"
#include "ws/buffer.h"

#define ASK_EVERY_MS 1000

struct question {
    struct ws_call call;
    unsigned losses; /* of events, when it was asked */
    char chat_id[CC_UUID_BYTES];
};

static void learn(const struct ws_app *app, struct ws_chat *chat, enum cc_chat_posting posting)
{
    chat->posting = posting == CC_POST_NOBODY ? WS_POSTING_CLOSED : WS_POSTING_OPEN;
    chat->posting_losses = app->hub.losses;
}

static bool is_known(const struct ws_app *app, const struct ws_chat *chat)
{
    return chat->posting != WS_POSTING_UNKNOWN && chat->posting_losses == app->hub.losses;
}

/* An event that has come meanwhile is later than the answer. */
static void answered(struct ws_call *call)
{
    struct question *question = WS_CONTAINER(call, struct question, call);
    struct ws_app *app = call->app;
    struct ws_chat *chat = ws_chat_find(app, question->chat_id);
    struct cc_json_reader *reader;
    enum cc_chat_posting posting;

    if (call->code != CC_OK)
        cc_log_error(CC_LOG_WARN, "could not read who may post in a chat", &call->err, NULL);
    if (call->code != CC_OK || chat == NULL || is_known(app, chat) ||
        question->losses != app->hub.losses)
        return;
    reader = cc_json_reader_create(app->hub.arena, call->body, call->body_count, CC_IGNORE_UNKNOWN);
    posting = (enum cc_chat_posting)cc_json_choice(reader, "post", CC_REQUIRED,
                                                   cc_chat_posting_names, CC_POST_ALL);
    if (cc_json_reader_done(reader))
        learn(app, chat, posting);
    cc_json_reader_destroy(reader);
    cc_arena_reset(app->hub.arena);
}

static void ask(struct ws_app *app, struct ws_chat *chat)
{
    struct question *question = cc_calloc(1, sizeof *question);
    char path[128];

    question->call.done = answered;
    question->call.discard = ws_call_free;
    question->losses = app->hub.losses;
    memcpy(question->chat_id, chat->chat_id, sizeof question->chat_id);
    (void)snprintf(path, sizeof path, "/internal/chats/%s/members?limit=1", chat->chat_id);
    ws_call_send(app, &question->call, app->chat_service, "GET", path, NULL);
}

enum ws_posting ws_posting_of(struct ws_app *app, struct ws_chat *chat)
{
    int64_t now_ms = ws_now_ms(app);

    if (is_known(app, chat))
        return (enum ws_posting)chat->posting;
    /* Before the channel is subscribed a change after the answer would not be heard of. */
    if (ws_chat_live(chat) && now_ms - chat->posting_asked_ms >= ASK_EVERY_MS) {
        chat->posting_asked_ms = now_ms;
        ask(app, chat);
    }
    return WS_POSTING_UNKNOWN;
}

void ws_posting_changed(struct ws_app *app, struct ws_chat *chat, const struct ws_buffer *frame)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, ws_buffer_text(frame), frame->count, CC_IGNORE_UNKNOWN);

    if (cc_json_enter(reader, "chat", CC_OPTIONAL)) {
        if (cc_json_enter(reader, "settings", CC_OPTIONAL)) {
            enum cc_chat_posting posting = (enum cc_chat_posting)cc_json_choice(
                reader, "post", CC_REQUIRED, cc_chat_posting_names, CC_POST_ALL);

            cc_json_leave(reader);
            if (cc_json_reader_done(reader))
                learn(app, chat, posting);
        }
    }
    cc_json_reader_destroy(reader);
}
