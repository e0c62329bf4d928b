/* Reads lists of chats, and reviews those of everybody. Runs on the loop thread. */

#include "chats/listing.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/events/chat_updated.h"
#include "common/json_reader.h"
#include "common/log.h"

#include "app.h"
#include "chats/hides.h"
#include "chats/subscriptions.h"
#include "jobs.h"
#include "people.h"
#include "ws/fanout.h"
#include "ws/session.h"

#define CHATS_MAX 10000
/* Every gateway of the fleet does so at the same time, and sign-ins come first. */
#define REVIEWS_AT_ONCE 4

struct review {
    struct ws_call call;
    char user_id[CC_UUID_BYTES];
    unsigned turn; /* of the person's memberships when it was asked */
};

/* ---- the list ---- */

void ws_listing_ask(struct ws_app *app, struct ws_call *call, const struct ws_person *person)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/internal/users/%s/chats", person->user_id);
    ws_call_send(app, call, app->chat_service, "GET", path, NULL);
}

void ws_listing_unmark(struct ws_person *person)
{
    WS_LIST_EACH(link, &person->memberships)
    WS_CONTAINER(link, struct ws_membership, of_person)->listed = false;
}

static void join(struct ws_app *app, struct ws_person *person, struct cc_json_reader *item)
{
    const char *chat_id = cc_json_uuid(item, "chat_id", CC_REQUIRED);
    int64_t version = cc_json_int(item, "member_version", CC_OPTIONAL, 0, INT64_MAX);
    int64_t joined_seq = cc_json_int(item, "joined_seq", CC_OPTIONAL, 0, INT64_MAX);
    int64_t cleared_seq = cc_json_int(item, "cleared_seq", CC_OPTIONAL, 0, INT64_MAX);

    if (chat_id == NULL)
        return;
    ws_chat_join(app, person, chat_id, version);
    ws_membership_begin(app, person, chat_id, joined_seq, cleared_seq);
    ws_membership_find(app, person, chat_id)->listed = true;
}

bool ws_listing_join(struct ws_app *app, struct ws_person *person, const char *body, size_t count)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(app->hub.arena, body, count, CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, CHATS_MAX);
    bool readable;

    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        join(app, person, reader);
        cc_json_leave(reader);
    }
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    cc_arena_reset(app->hub.arena);
    if (readable)
        person->chats_known_ms = ws_now_ms(app);
    return readable;
}

/* ---- what is told ---- */

static void begin_frame(struct ws_out *out, const struct ws_membership *membership)
{
    ws_out_event(out, "chat");
    cc_json_put_text(&out->json, "chat_id", membership->chat->chat_id);
}

/* Takes the frame. */
static void tell(struct ws_app *app, const struct ws_membership *membership,
                 struct ws_buffer *frame)
{
    ws_fanout_to_person(app, membership->person, frame, WS_MUST_ARRIVE);
    ws_buffer_unref(frame);
}

struct ws_buffer *ws_listing_frame(const struct ws_membership *membership)
{
    const struct ws_chat *chat = membership->chat;
    struct ws_out out;

    begin_frame(&out, membership);
    if (ws_chat_live(chat)) {
        cc_json_put_int(&out.json, "head_rev", chat->backlog.last_rev);
        cc_json_put_int(&out.json, "head_seq", chat->head_seq);
    }
    return ws_out_finish(&out);
}

void ws_listing_introduce(struct ws_app *app, const struct ws_membership *membership)
{
    tell(app, membership, ws_listing_frame(membership));
}

static void tell_end(struct ws_app *app, const struct ws_membership *membership)
{
    struct ws_out out;

    begin_frame(&out, membership);
    cc_json_put_text(&out.json, "change", cc_chat_change_names[CC_CHAT_MEMBER_REMOVED]);
    cc_json_open_array(&out.json, "targets");
    cc_json_put_text(&out.json, NULL, membership->person->user_id);
    cc_json_close_array(&out.json);
    tell(app, membership, ws_out_finish(&out));
}

/* ---- the review ---- */

/* Whatever was there before the answer is listed again or over; what is new with it is told when
 * its head is known. */
static void compare(struct ws_app *app, struct ws_person *person, unsigned known)
{
    unsigned at = 0;

    WS_LIST_EACH(link, &person->memberships)
    {
        struct ws_membership *membership = WS_CONTAINER(link, struct ws_membership, of_person);
        bool is_new = at++ >= known;

        if (!membership->listed) {
            tell_end(app, membership);
            ws_chat_leave(app, membership);
        } else if (is_new && ws_chat_live(membership->chat)) {
            ws_listing_introduce(app, membership);
        } else if (is_new) {
            membership->introduce = true;
        }
    }
}

static void stand_in_line(struct ws_app *app, struct ws_person *person)
{
    if (ws_list_empty(&person->review))
        ws_list_append(&app->hub.review.line, &person->review);
}

/* What was asked before the memberships changed once more says nothing about them now. */
static void take(struct ws_app *app, struct ws_person *person, struct review *review)
{
    struct ws_call *call = &review->call;
    unsigned known = person->chat_count;

    if (call->code != CC_OK)
        cc_log_error(CC_LOG_WARN, "could not review a person's chats", &call->err, NULL);
    if (call->code != CC_OK || review->turn != person->membership_turn) {
        stand_in_line(app, person);
        return;
    }
    ws_listing_unmark(person);
    if (ws_listing_join(app, person, call->body, call->body_count))
        compare(app, person, known);
    if (person->session_count > 0)
        ws_hides_ask(app, person);
}

static void answered(struct ws_call *call)
{
    struct review *review = WS_CONTAINER(call, struct review, call);
    struct ws_person *person = ws_people_find(call->app, review->user_id);

    call->app->hub.review.under_way--;
    if (person != NULL && person->session_count > 0)
        take(call->app, person, review);
    if (call->code == CC_OK)
        ws_review_go_on(call->app); /* else with the next tick */
}

void ws_review_go_on(struct ws_app *app)
{
    struct ws_review *reviews = &app->hub.review;

    while (reviews->under_way < REVIEWS_AT_ONCE && !ws_list_empty(&reviews->line)) {
        struct ws_person *person = WS_CONTAINER(reviews->line.next, struct ws_person, review);
        struct review *review = cc_calloc(1, sizeof *review);

        ws_list_remove(&person->review);
        review->call.done = answered;
        review->call.discard = ws_call_free;
        review->turn = person->membership_turn;
        memcpy(review->user_id, person->user_id, sizeof review->user_id);
        reviews->under_way++;
        ws_listing_ask(app, &review->call, person);
    }
}

static void put_in_line(struct ws_node *node, void *arg)
{
    struct ws_person *person = WS_CONTAINER(node, struct ws_person, node);

    person->chats_known_ms = 0;
    person->hides_known_ms = 0;
    if (person->session_count > 0)
        stand_in_line(arg, person);
}

void ws_review_everybody(struct ws_app *app)
{
    ws_table_each(&app->hub.people, put_in_line, app);
    ws_review_go_on(app);
}

void ws_review_init(struct ws_app *app)
{
    ws_list_init(&app->hub.review.line);
}
