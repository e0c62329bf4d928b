/* Replays what a client missed. Runs on the loop thread; pages come from message-service. Live
 * events are held by session.c while session->resume is set. */

#include "ws/resume.h"

#include <string.h>

#include "common/alloc.h"
#include "common/log.h"

#include "app.h"
#include "chats/changes.h"
#include "chats/subscriptions.h"
#include "people.h"
#include "ws/session.h"

#define CHANGES_MAX 5000

struct cursor {
    char chat_id[CC_UUID_BYTES];
    int64_t rev;    /* reached so far */
    int64_t target; /* the head when the replay began; what is above is live */
    bool lost;      /* can't be replayed (gone from the log, or not known): reload this chat */
};
struct ws_resume {
    struct cursor *cursors;
    size_t count, at;
    int64_t budget; /* changes that may still be replayed */
    bool asking;
};

static enum cc_code read_cursors(struct cc_json_reader *json, struct ws_resume *resume,
                                 struct cc_error *err)
{
    const char *const *ids = cc_json_keys(json, WS_RESUME_CURSORS_MAX, &resume->count);

    CC_TRY(cc_json_reader_error(json, err));
    resume->cursors = cc_calloc(resume->count + 1, sizeof *resume->cursors);
    for (size_t i = 0; i < resume->count; i++) {
        struct cursor *cursor = &resume->cursors[i];

        if (!cc_uuid_valid(ids[i], strlen(ids[i])))
            return cc_fail(err, CC_INVALID, "resume", "cursors are named by chat ids");
        cursor->rev = cc_json_int(json, ids[i], CC_REQUIRED, 0, INT64_MAX - 1);
        memcpy(cursor->chat_id, ids[i], sizeof cursor->chat_id);
        cc_uuid_normalise(cursor->chat_id);
    }
    return cc_json_reader_error(json, err);
}

enum cc_code ws_resume_read(const struct ws_frame *frame, struct ws_resume **out,
                            struct cc_error *err)
{
    struct ws_resume *resume;
    enum cc_code code = CC_OK;

    if (!cc_json_enter(frame->json, "resume", CC_OPTIONAL))
        return cc_json_reader_error(frame->json, err);
    resume = cc_calloc(1, sizeof *resume);
    resume->budget = CHANGES_MAX;
    if (cc_json_enter(frame->json, "cursors", CC_REQUIRED)) {
        code = read_cursors(frame->json, resume, err);
        cc_json_leave(frame->json);
    } else {
        code = cc_json_reader_error(frame->json, err);
    }
    cc_json_leave(frame->json);
    if (code == CC_OK)
        *out = resume;
    else
        ws_resume_free(resume);
    return code;
}

const char *ws_resume_verdict(struct ws_session *session, struct ws_resume *resume)
{
    int64_t missing = 0;

    if (resume == NULL)
        return "none";
    for (size_t i = 0; i < resume->count; i++) {
        struct cursor *cursor = &resume->cursors[i];
        struct ws_membership *member =
            ws_membership_find(session->app, session->person, cursor->chat_id);

        cursor->target = cursor->rev;
        if (member == NULL)
            continue;
        if (!ws_chat_live(member->chat)) { /* where it begins to be live is not known yet */
            cursor->lost = true;
            continue;
        }
        cursor->target = member->chat->backlog.last_rev;
        if (cursor->rev > cursor->target)
            return "reload"; /* this client has seen what the store does not know */
        if (cursor->target > cursor->rev)
            missing += cursor->target - cursor->rev;
    }
    return missing > CHANGES_MAX ? "limited" : "ok";
}

static void say_done(struct ws_session *session, const struct ws_resume *resume)
{
    struct ws_out out;

    ws_out_event(&out, "sync_done");
    cc_json_open_object(&out.json, "cursors");
    for (size_t i = 0; i < resume->count; i++)
        cc_json_put_int(&out.json, resume->cursors[i].chat_id, resume->cursors[i].rev);
    cc_json_close_object(&out.json);
    cc_json_open_array(&out.json, "reload");
    for (size_t i = 0; i < resume->count; i++) {
        if (resume->cursors[i].lost)
            cc_json_put_text(&out.json, NULL, resume->cursors[i].chat_id);
    }
    cc_json_close_array(&out.json);
    ws_out_send(&out, session);
}

static void finish(struct ws_session *session)
{
    struct ws_resume *resume = session->resume;

    session->resume = NULL;
    say_done(session, resume);
    ws_outbox_join(&session->out, &session->held);
    if (session->out.first != NULL)
        session->app->hub.transport->want_write(session->conn);
    ws_resume_free(resume);
}

struct page {
    struct ws_call call;
    char conn_id[CC_UUID_BYTES];
};

static void replay(struct ws_session *session, struct cursor *cursor,
                   const struct ws_changes *changes)
{
    struct ws_resume *resume = session->resume;

    for (size_t i = 0; i < changes->count && changes->items[i].rev <= cursor->target; i++) {
        struct ws_buffer *frame = ws_change_frame(&changes->items[i], cursor->chat_id);

        ws_session_push(session, frame, WS_MUST_ARRIVE);
        ws_buffer_unref(frame);
        cursor->rev = changes->items[i].rev;
        resume->budget--;
    }
}

static void page_came(struct ws_call *call)
{
    struct page *page = WS_CONTAINER(call, struct page, call);
    struct ws_session *session = ws_session_find(call->app, page->conn_id);
    struct cc_arena *arena = call->app->hub.arena;
    struct ws_changes changes = {0};
    struct cursor *cursor;

    if (session == NULL || session->resume == NULL || session->state != WS_READY)
        return;
    session->resume->asking = false;
    cursor = &session->resume->cursors[session->resume->at];
    if (call->code == CC_OK)
        call->code = ws_changes_read(arena, call->body, call->body_count, &changes, &call->err);
    if (call->code == CC_OK)
        replay(session, cursor, &changes);
    else
        cc_log_error(CC_LOG_WARN, "a resume was cut short", &call->err, NULL);
    if (changes.count == 0) { /* failed, or gone from the log: the client reloads this chat */
        cursor->lost = true;
        session->resume->at++;
    }
    cc_arena_reset(arena);
    if (session->out.first == NULL)
        ws_resume_go_on(session);
}

static void ask(struct ws_session *session, const struct cursor *cursor)
{
    struct page *page = cc_calloc(1, sizeof *page);

    session->resume->asking = true;
    page->call.done = page_came;
    page->call.discard = ws_call_free;
    memcpy(page->conn_id, session->conn_id, sizeof page->conn_id);
    ws_changes_ask(session->app, &page->call, cursor->chat_id, session->person->user_id,
                   cursor->rev, WS_CHANGES_LIMIT);
}

void ws_resume_start(struct ws_session *session, struct ws_resume *resume)
{
    session->resume = resume;
    ws_resume_go_on(session);
}

void ws_resume_go_on(struct ws_session *session)
{
    struct ws_resume *resume = session->resume;

    if (resume->asking)
        return;
    while (resume->at < resume->count &&
           resume->cursors[resume->at].rev >= resume->cursors[resume->at].target)
        resume->at++;
    if (resume->at == resume->count || resume->budget <= 0)
        finish(session);
    else
        ask(session, &resume->cursors[resume->at]);
}

void ws_resume_cancel(struct ws_session *session)
{
    ws_resume_free(session->resume);
    session->resume = NULL;
}

void ws_resume_free(struct ws_resume *resume)
{
    if (resume == NULL)
        return;
    cc_free(resume->cursors);
    cc_free(resume);
}
