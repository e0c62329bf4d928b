/* Re-reads a chat's members, page by page. Runs on the loop thread. A chat that waits for it
 * delivers nothing. */

#include "chats/members.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json_reader.h"
#include "common/log.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "jobs.h"
#include "people.h"

#define PAGE_MAX         500
#define CURSOR_MAX_BYTES 256

struct reload {
    struct ws_call call;
    char chat_id[CC_UUID_BYTES];
};
struct page {
    int64_t member_version;
    bool deleted;
    const char *next_cursor; /* NULL = the last page */
};

static void ask(struct ws_app *app, const struct ws_chat *chat, const char *cursor);

static void confirm(struct ws_app *app, struct ws_chat *chat, const char *user_id,
                    int64_t joined_seq)
{
    struct ws_person *person = ws_people_find(app, user_id);
    struct ws_membership *membership;

    if (person == NULL || person->session_count == 0)
        return;
    ws_chat_join(app, person, chat->chat_id, 0);
    ws_membership_begin(app, person, chat->chat_id, joined_seq, 0);
    membership = ws_membership_find(app, person, chat->chat_id);
    membership->confirmed = true;
}

static bool read_page(struct ws_app *app, struct ws_chat *chat, const struct ws_call *call,
                      struct page *out)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(app->hub.arena, call->body, call->body_count, CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, PAGE_MAX);
    bool readable;

    out->member_version = cc_json_int(reader, "member_version", CC_REQUIRED, 0, INT64_MAX);
    out->deleted = cc_json_bool(reader, "deleted", CC_OPTIONAL, false);
    out->next_cursor = cc_json_text(reader, "next_cursor", CC_OPTIONAL, 1, CURSOR_MAX_BYTES);
    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
        const char *state = cc_json_text(reader, "state", CC_REQUIRED, 1, 32);
        int64_t joined_seq = cc_json_int(reader, "joined_seq", CC_OPTIONAL, 0, INT64_MAX);

        cc_json_leave(reader);
        if (user_id != NULL && state != NULL && strcmp(state, "active") == 0)
            confirm(app, chat, user_id, joined_seq);
    }
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}

static void forget_confirmations(struct ws_chat *chat)
{
    WS_LIST_EACH(link, &chat->members)
    WS_CONTAINER(link, struct ws_membership, of_chat)->confirmed = false;
}

/* Removes whoever was not confirmed. False when nobody is left: the chat is gone with them. */
static bool remove_others(struct ws_app *app, struct ws_chat *chat)
{
    bool last = false;

    WS_LIST_EACH(link, &chat->members)
    {
        struct ws_membership *membership = WS_CONTAINER(link, struct ws_membership, of_chat);

        if (membership->confirmed)
            continue;
        last = chat->members.next == chat->members.prev; /* it frees the chat */
        ws_chat_leave(app, membership);
        if (last)
            break;
    }
    return !last;
}

static void finish(struct ws_app *app, struct ws_chat *chat, int64_t member_version)
{
    if (!remove_others(app, chat))
        return;
    if (member_version > chat->member_version)
        chat->member_version = member_version;
    if (chat->asked_version > chat->member_version) /* what was announced is in the answer */
        chat->member_version = chat->asked_version;
    ws_chat_resume(app, chat, WS_WAIT_MEMBERS);
}

static void page_came(struct ws_call *call)
{
    struct reload *reload = WS_CONTAINER(call, struct reload, call);
    struct ws_app *app = call->app;
    struct ws_chat *chat = ws_chat_find(app, reload->chat_id);
    struct page page = {0};

    if (chat == NULL || (chat->wait & WS_WAIT_MEMBERS) == 0)
        return;
    if (call->code == CC_OK && !read_page(app, chat, call, &page))
        call->code = cc_fail_detail(&call->err, CC_BAD_GATEWAY, "unreadable page of members");
    if (call->code == CC_OK && page.next_cursor != NULL) {
        ask(app, chat, page.next_cursor);
    } else if (call->code == CC_OK || call->code == CC_NOT_FOUND) {
        finish(app, chat, page.member_version);
    } else {
        cc_log_error(CC_LOG_WARN, "could not read a chat's members", &call->err, NULL);
        ws_chat_retry_later(app, chat);
    }
    cc_arena_reset(app->hub.arena);
}

static void ask(struct ws_app *app, const struct ws_chat *chat, const char *cursor)
{
    struct reload *reload = cc_calloc(1, sizeof *reload);
    char path[512];

    reload->call.done = page_came;
    reload->call.discard = ws_call_free;
    memcpy(reload->chat_id, chat->chat_id, sizeof reload->chat_id);
    snprintf(path, sizeof path, "/internal/chats/%s/members?limit=%d%s%s", chat->chat_id, PAGE_MAX,
             cursor[0] == '\0' ? "" : "&after=", cursor);
    ws_call_send(app, &reload->call, app->chat_service, "GET", path, NULL);
}

void ws_members_reload(struct ws_app *app, struct ws_chat *chat)
{
    chat->wait |= WS_WAIT_MEMBERS;
    forget_confirmations(chat);
    ask(app, chat, "");
}

bool ws_members_outdated(struct ws_app *app, struct ws_chat *chat, int64_t version)
{
    if (version <= chat->member_version)
        return false;
    if (version > chat->asked_version)
        chat->asked_version = version;
    if ((chat->wait & WS_WAIT_MEMBERS) == 0)
        ws_members_reload(app, chat);
    return true;
}
