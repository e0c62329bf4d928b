/* Replays what a client missed. Runs on the loop thread; pages come from message-service. Live
 * events are held by session.c while session->resume is set. */

#include "ws/resume.h"

#include <string.h>

#include "common/alloc.h"

#include "app.h"
#include "chats/changes.h"
#include "chats/hides.h"
#include "chats/listing.h"
#include "chats/members.h"
#include "chats/subscriptions.h"
#include "people.h"
#include "ws/session.h"

#define CHANGES_MAX    5000
#define AHEAD_MAX      8 /* pages under way at once, each of another chat */
#define OTHERS_AT_ONCE 32

struct cursor {
    struct ws_resume *resume;
    char chat_id[CC_UUID_BYTES];
    int64_t rev;    /* reached so far */
    int64_t target; /* the head when the replay began, live above; below rev: see compare */
    bool lost;      /* can't be replayed (gone from the log, or not known): reload this chat */
    bool gone;      /* no chat of this person's (any more) */
    struct ws_waiter page;
    struct ws_page *came; /* not yet replayed */
};
struct ws_resume {
    struct ws_session *session; /* from its start on */
    struct cursor *cursors;
    size_t count;
    size_t at;      /* the one that is replayed */
    size_t next;    /* the first that was not looked at */
    unsigned ahead; /* pages that were asked for and are not yet replayed */
    int64_t budget; /* changes that may still be replayed */
    bool knows_hides;
    struct other { /* a chat of the person's that has no cursor */
        char chat_id[CC_UUID_BYTES];
        bool lost;
    } * others;
    size_t other_count, told;
};

static void page_came(struct ws_app *app, struct ws_waiter *waiter, void *answer);

/* ---- what the client asks for ---- */

static enum cc_code read_cursors(struct cc_json_reader *json, struct ws_resume *resume,
                                 struct cc_error *err)
{
    const char *const *ids = cc_json_keys(json, WS_RESUME_CURSORS_MAX, &resume->count);

    CC_TRY(cc_json_reader_error(json, err));
    resume->cursors = cc_calloc(resume->count + 1, sizeof *resume->cursors);
    for (size_t i = 0; i < resume->count; i++) {
        resume->cursors[i].resume = resume;
        ws_waiter_init(&resume->cursors[i].page, page_came);
    }
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
    bool too_many;

    if (resume == NULL)
        return "none";
    too_many = session->person->chat_count > WS_RESUME_CURSORS_MAX;
    ws_listing_unmark(session->person);
    for (size_t i = 0; i < resume->count; i++) {
        struct cursor *cursor = &resume->cursors[i];
        struct ws_membership *member =
            ws_membership_find(session->app, session->person, cursor->chat_id);

        cursor->target = cursor->rev;
        cursor->gone = member == NULL;
        if (cursor->gone)
            continue;
        member->listed = true;
        if (!ws_chat_live(member->chat)) { /* where it begins to be live is not known yet */
            cursor->lost = true;
            continue;
        }
        cursor->target = member->chat->backlog.last_rev;
        if (cursor->target > cursor->rev)
            missing += cursor->target - cursor->rev;
    }
    return too_many || missing > CHANGES_MAX ? "limited" : "ok";
}

/* ---- chats without a cursor ---- */

static bool is_new_to(const struct ws_resume *resume, const struct ws_membership *membership)
{
    return !membership->listed && resume->other_count < WS_RESUME_CURSORS_MAX;
}

/* What this client does not know of yet: the verdict has marked what it does. */
static void find_others(struct ws_session *session, struct ws_resume *resume)
{
    struct ws_person *person = session->person;

    resume->others = cc_calloc(person->chat_count + 1, sizeof *resume->others);
    WS_LIST_EACH(link, &person->memberships)
    {
        const struct ws_membership *membership =
            WS_CONTAINER(link, struct ws_membership, of_person);

        if (is_new_to(resume, membership))
            memcpy(resume->others[resume->other_count++].chat_id, membership->chat->chat_id,
                   CC_UUID_BYTES);
    }
}

/* Some at a time, so that they have room in the queue. */
static void tell_others(struct ws_resume *resume)
{
    struct ws_session *session = resume->session;

    for (int i = 0; i < OTHERS_AT_ONCE && resume->told < resume->other_count; i++) {
        struct other *other = &resume->others[resume->told++];
        const struct ws_membership *membership =
            ws_membership_find(session->app, session->person, other->chat_id);
        struct ws_buffer *frame;

        if (membership == NULL)
            continue; /* removed meanwhile */
        other->lost = !ws_chat_live(membership->chat);
        frame = ws_listing_frame(membership);
        ws_session_push(session, frame, WS_MUST_ARRIVE);
        ws_buffer_unref(frame);
    }
}

/* ---- the end ---- */

static void put_reload(struct cc_json_writer *json, const struct ws_resume *resume)
{
    cc_json_open_array(json, "reload");
    for (size_t i = 0; i < resume->count; i++)
        if (resume->cursors[i].lost)
            cc_json_put_text(json, NULL, resume->cursors[i].chat_id);
    for (size_t i = 0; i < resume->other_count; i++)
        if (resume->others[i].lost)
            cc_json_put_text(json, NULL, resume->others[i].chat_id);
    cc_json_close_array(json);
}

static void put_gone(struct cc_json_writer *json, const struct ws_resume *resume)
{
    cc_json_open_array(json, "gone");
    for (size_t i = 0; i < resume->count; i++)
        if (resume->cursors[i].gone)
            cc_json_put_text(json, NULL, resume->cursors[i].chat_id);
    cc_json_close_array(json);
}

static void say_done(struct ws_session *session, const struct ws_resume *resume)
{
    struct ws_out out;

    ws_out_event(&out, "sync_done");
    cc_json_open_object(&out.json, "cursors");
    for (size_t i = 0; i < resume->count; i++)
        if (!resume->cursors[i].gone)
            cc_json_put_int(&out.json, resume->cursors[i].chat_id, resume->cursors[i].rev);
    cc_json_close_object(&out.json);
    put_reload(&out.json, resume);
    put_gone(&out.json, resume);
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

/* ---- page by page ---- */

static bool needs_page(const struct cursor *cursor)
{
    return !cursor->lost && cursor->rev != cursor->target;
}

static struct ws_membership *membership_of(const struct cursor *cursor)
{
    const struct ws_session *session = cursor->resume->session;

    return ws_membership_find(session->app, session->person, cursor->chat_id);
}

/* What one person may not see message-service alone decides; here is only known who sees all. */
static void want(struct cursor *cursor)
{
    const struct ws_session *session = cursor->resume->session;
    const struct ws_membership *membership = membership_of(cursor);

    if (membership == NULL) { /* removed meanwhile: nothing more of it */
        cursor->gone = true;
        cursor->target = cursor->rev;
        return;
    }
    cursor->resume->ahead++;
    ws_page_get(session->app, &cursor->page, cursor->chat_id,
                membership->personal ? session->person->user_id : NULL, cursor->rev);
}

static void want_more(struct ws_resume *resume)
{
    const struct ws_session *session = resume->session;

    while (resume->ahead < AHEAD_MAX && resume->next < resume->count) {
        struct cursor *cursor = &resume->cursors[resume->next];

        if (needs_page(cursor)) {
            if (!resume->knows_hides && !ws_hides_known(session->app, session->person)) {
                ws_hides_ask(session->app, session->person);
                return;
            }
            want(cursor);
        }
        resume->next++;
    }
}

/* Another replica may have told the client what this one has not heard yet. But who has seen what
 * the log does not have (it came back from a copy) would take what comes now for known. */
static void compare(struct cursor *cursor, const struct ws_page *page)
{
    cursor->target = cursor->rev;
    cursor->lost = page->head_rev < cursor->rev;
}

static void replay(struct cursor *cursor, const struct ws_page *page)
{
    int64_t before = cursor->rev;

    for (size_t i = 0; i < page->count && page->items[i].rev <= cursor->target; i++) {
        ws_session_push(cursor->resume->session, page->items[i].frame, WS_MUST_ARRIVE);
        cursor->rev = page->items[i].rev;
        cursor->resume->budget--;
    }
    cursor->lost = cursor->rev == before; /* gone from the log: the client reloads this chat */
}

/* Where members have changed in a way that is not known here yet, message-service judges whether
 * this person still is one. */
static bool is_not_for_all(const struct cursor *cursor, const struct ws_membership *membership,
                           const struct ws_page *page)
{
    struct ws_app *app = cursor->resume->session->app;

    return ws_members_outdated(app, membership->chat, page->member_version) || page->since_joining;
}

static void take_page(struct cursor *cursor)
{
    struct ws_page *page = cursor->came;
    struct ws_membership *membership = membership_of(cursor);

    cursor->came = NULL;
    cursor->resume->ahead--;
    if (membership != NULL && !membership->personal && is_not_for_all(cursor, membership, page))
        membership->personal = true; /* everybody's page is nobody's: asked for again */
    else if (membership != NULL && cursor->rev > cursor->target)
        compare(cursor, page);
    else if (membership != NULL)
        replay(cursor, page);
    ws_page_unref(page);
    if (needs_page(cursor))
        want(cursor);
}

static void page_came(struct ws_app *app, struct ws_waiter *waiter, void *answer)
{
    struct cursor *cursor = WS_CONTAINER(waiter, struct cursor, page);
    struct ws_session *session = cursor->resume->session;

    (void)app;
    if (answer != NULL) {
        cursor->came = ws_page_ref(answer);
    } else {
        cursor->lost = true;
        cursor->resume->ahead--;
    }
    if (session->out.first == NULL)
        ws_resume_go_on(session);
}

void ws_resume_start(struct ws_session *session, struct ws_resume *resume)
{
    session->resume = resume;
    resume->session = session;
    find_others(session, resume);
    ws_resume_go_on(session);
}

void ws_resume_hides_known(struct ws_session *session)
{
    if (session->resume == NULL)
        return;
    session->resume->knows_hides = true;
    ws_resume_go_on(session);
}

/* A page a time, as fast as the client reads. */
void ws_resume_go_on(struct ws_session *session)
{
    struct ws_resume *resume = session->resume;

    if (session->state != WS_READY)
        return;
    want_more(resume);
    if (session->out.first == NULL)
        tell_others(resume);
    while (session->state == WS_READY && session->out.first == NULL && resume->budget > 0 &&
           resume->at < resume->next) {
        struct cursor *cursor = &resume->cursors[resume->at];

        if (!needs_page(cursor))
            resume->at++;
        else if (cursor->came == NULL)
            return;
        else
            take_page(cursor);
        want_more(resume);
    }
    if (resume->told == resume->other_count && (resume->at == resume->count || resume->budget <= 0))
        finish(session);
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
    for (size_t i = 0; i < resume->count && resume->cursors != NULL; i++) {
        ws_waiter_cancel(&resume->cursors[i].page);
        ws_page_unref(resume->cursors[i].came);
    }
    cc_free(resume->cursors);
    cc_free(resume->others);
    cc_free(resume);
}
