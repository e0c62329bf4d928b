/* Sorts events by channel and kind and delivers them. ws_fanout_read runs on the subscriber's
 * thread, everything else on the loop thread. Frames are sent as they came: encoded once, by
 * whoever published them. */

#include "ws/fanout.h"

#include <string.h>

#include "common/alloc.h"
#include "common/events/chat_updated.h"
#include "common/events/session_revoked.h"
#include "common/json_reader.h"
#include "common/metrics.h"
#include "common/topics.h"

#include "app.h"
#include "chats/changes.h"
#include "chats/hides.h"
#include "chats/members.h"
#include "chats/posting.h"
#include "chats/repair.h"
#include "chats/subscriptions.h"
#include "chats/unread.h"
#include "people.h"
#include "publish.h"
#include "ws/sends.h"
#include "ws/session.h"
#include "ws/sight.h"
#include "ws/watches.h"

#define ACCESS_TOKEN_LIFE_MS (15 * 60 * 1000) /* no access token lives longer */
#define NAME_MAX_BYTES       32
#define FRAME_MAX_BYTES      (320 * 1024)

static enum ws_weight weight_of(enum cc_bus_kind kind)
{
    bool hint = kind == CC_BUS_TYPING || kind == CC_BUS_PRESENCE || kind == CC_BUS_RECEIPT;

    return hint ? WS_MAY_BE_DROPPED : WS_MUST_ARRIVE;
}

/* ---- to whom ---- */

static void to_person(struct ws_app *app, const struct ws_person *person, struct ws_buffer *frame,
                      const char *except_conn, enum ws_weight weight)
{
    WS_LIST_EACH(link, &person->sessions)
    {
        struct ws_session *session = WS_CONTAINER(link, struct ws_session, of_person);

        if (strcmp(session->conn_id, except_conn) == 0)
            continue;
        ws_session_deliver(session, frame, weight);
        cc_counter_add(app->hub.metrics.deliveries, 1);
    }
}

void ws_fanout_to_person(struct ws_app *app, const struct ws_person *person,
                         struct ws_buffer *frame, enum ws_weight weight)
{
    to_person(app, person, frame, "", weight);
}

void ws_fanout_to_members(struct ws_app *app, struct ws_chat *chat, struct ws_buffer *frame,
                          const char *except_conn, enum ws_weight weight)
{
    WS_LIST_EACH(link, &chat->members)
    to_person(app, WS_CONTAINER(link, struct ws_membership, of_chat)->person, frame, except_conn,
              weight);
}

void ws_fanout_change(struct ws_app *app, struct ws_chat *chat, int64_t rev,
                      const struct ws_about *about, struct ws_buffer *frame,
                      const char *except_conn)
{
    struct ws_buffer *bare = NULL;

    WS_LIST_EACH(link, &chat->members)
    {
        struct ws_membership *membership = WS_CONTAINER(link, struct ws_membership, of_chat);
        bool shown = !ws_membership_is_past(membership, about) &&
                     !ws_hides_holds(membership->person, chat->chat_id, about->seq);

        if (!shown && bare == NULL)
            bare = ws_change_bare_frame(chat->chat_id, rev, about->seq);
        to_person(app, membership->person, shown ? frame : bare, except_conn, WS_MUST_ARRIVE);
    }
    if (bare != NULL)
        ws_buffer_unref(bare);
}

static void to_members_but_sender(struct ws_app *app, struct ws_chat *chat,
                                  const struct ws_bus_event *event)
{
    WS_LIST_EACH(link, &chat->members)
    {
        struct ws_person *person = WS_CONTAINER(link, struct ws_membership, of_chat)->person;

        if (strcmp(person->user_id, event->message.sender_id) != 0)
            to_person(app, person, event->frame, "", weight_of(event->message.kind));
    }
}

/* ---- events of a chat ---- */

static const char *person_addressed(const struct ws_bus_event *event)
{
    enum ws_channel channel;
    const char *id;

    return ws_channel_parse(event->channel, &channel, &id) && channel == WS_CHANNEL_USER ? id
                                                                                         : NULL;
}

static struct cc_json_reader *read_frame(struct cc_arena *arena, const struct ws_buffer *frame)
{
    return cc_json_reader_create(arena, ws_buffer_text(frame), frame->count, CC_IGNORE_UNKNOWN);
}

/* With an arena of its own: whoever delivers what waited may still read from the hub's. */
static bool says_change(const struct ws_buffer *frame, enum cc_chat_change wanted)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = read_frame(arena, frame);
    const char *change = cc_json_text(reader, "change", CC_OPTIONAL, 1, NAME_MAX_BYTES);
    bool said = change != NULL && strcmp(change, cc_chat_change_names[wanted]) == 0;

    cc_json_reader_destroy(reader);
    return said;
}

/* Whoever was added begins here, until chat-service's members say it exactly. */
static void begin_here(struct ws_app *app, struct ws_chat *chat, const struct ws_person *person,
                       const struct ws_buffer *chat_frame)
{
    struct ws_membership *membership = ws_membership_find(app, person, chat->chat_id);

    if (membership != NULL && membership->joined_seq == 0 &&
        says_change(chat_frame, CC_CHAT_MEMBER_ADDED))
        membership->joined_seq = chat->head_seq;
}

/* A chat that this person has just entered, with the head from which it syncs. */
static void introduce(struct ws_app *app, struct ws_chat *chat, const char *user_id,
                      const struct ws_buffer *chat_frame)
{
    struct ws_person *person = ws_people_find(app, user_id);
    struct cc_strbuf text;
    struct ws_buffer *frame;

    if (person == NULL || chat_frame->count < 2)
        return;
    begin_here(app, chat, person, chat_frame);
    cc_strbuf_init(&text, FRAME_MAX_BYTES);
    cc_strbuf_append(&text, ws_buffer_text(chat_frame), chat_frame->count - 1); /* without its } */
    cc_strbuf_printf(&text, ",\"head_rev\":%lld,\"head_seq\":%lld}",
                     (long long)chat->backlog.last_rev, (long long)chat->head_seq);
    frame = ws_buffer_from(&text);
    to_person(app, person, frame, "", WS_MUST_ARRIVE);
    ws_buffer_unref(frame);
    cc_strbuf_finish(&text);
}

/* What is only for one of the members, if it still is one. */
static void to_member(struct ws_app *app, struct ws_chat *chat, const char *user_id,
                      const struct ws_bus_event *event)
{
    struct ws_person *person = ws_people_find(app, user_id);

    if (person != NULL && ws_membership_find(app, person, chat->chat_id) != NULL)
        to_person(app, person, event->frame, "", weight_of(event->message.kind));
}

static void deliver(struct ws_app *app, struct ws_chat *chat, const struct ws_bus_event *event)
{
    const struct cc_bus_message *message = &event->message;
    const char *user_id = person_addressed(event);

    if (user_id != NULL && message->kind == CC_BUS_RECEIPT)
        to_member(app, chat, user_id, event);
    else if (user_id != NULL)
        introduce(app, chat, user_id, event->frame);
    else if (message->kind == CC_BUS_TYPING)
        to_members_but_sender(app, chat, event);
    else if (message->kind == CC_BUS_MESSAGE)
        ws_fanout_change(app, chat, message->rev,
                         &(struct ws_about){message->message_seq, message->since_joining},
                         event->frame, message->conn_id);
    else if (message->kind != CC_BUS_MEMBER)
        ws_fanout_to_members(app, chat, event->frame, "", weight_of(message->kind));
    if (message->kind == CC_BUS_CHAT)
        ws_posting_changed(app, chat, event->frame);
    if (message->rev > 0) {
        chat->backlog.last_rev = message->rev;
        if (message->seq > chat->head_seq)
            chat->head_seq = message->seq;
        ws_unread_changed(app, chat, event);
    }
}

/* False when it must wait: then why is in chat->wait. */
static bool handle(struct ws_app *app, struct ws_chat *chat, const struct ws_bus_event *event)
{
    const struct cc_bus_message *message = &event->message;

    if (ws_members_outdated(app, chat, message->member_version))
        return false;
    switch (ws_backlog_judge(&chat->backlog, message->rev)) {
    case WS_DELIVER:
        deliver(app, chat, event);
        return true;
    case WS_OLD:
        return true;
    case WS_HOLE:
        ws_repair(app, chat);
        return false;
    }
    return true;
}

void ws_fanout_go_on(struct ws_app *app, struct ws_chat *chat)
{
    while (chat->wait == 0) {
        struct ws_bus_event *event = ws_backlog_next(&chat->backlog);

        if (event == NULL)
            return;
        if (handle(app, chat, event))
            ws_bus_event_free(event);
        else
            ws_backlog_put_back(&chat->backlog, event);
    }
}

static void take_chat_event(struct ws_app *app, struct ws_chat *chat, struct ws_bus_event *event)
{
    ws_backlog_wait(&chat->backlog, event);
    ws_fanout_go_on(app, chat);
}

/* ---- events of a person ---- */

static bool ends_membership(const struct ws_buffer *frame)
{
    return says_change(frame, CC_CHAT_MEMBER_REMOVED) || says_change(frame, CC_CHAT_DELETED);
}

/* The person's own state of a chat: what they deleted of it is shown to them no more. */
static void take_own_state(struct ws_app *app, struct ws_person *person,
                           const struct ws_bus_event *event)
{
    struct ws_membership *membership = ws_membership_find(app, person, event->message.chat_id);
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = read_frame(arena, event->frame);

    if (cc_json_enter(reader, "me", CC_OPTIONAL)) {
        int64_t cleared_seq = cc_json_int(reader, "cleared_seq", CC_OPTIONAL, 0, INT64_MAX);

        cc_json_leave(reader);
        ws_membership_begin(app, person, event->message.chat_id, 0, cleared_seq);
        if (membership != NULL)
            ws_unread_begins(membership);
    } else if (cc_json_has(reader, "seq")) { /* message_hidden */
        ws_hides_add(person, event->message.chat_id,
                     cc_json_int(reader, "seq", CC_REQUIRED, 1, INT64_MAX));
    }
    cc_json_reader_destroy(reader);
    if (membership != NULL)
        membership->personal = true;
}

/* Takes the event. */
static void take_chat_of_person(struct ws_app *app, struct ws_person *person,
                                struct ws_bus_event *event)
{
    struct ws_membership *membership = ws_membership_find(app, person, event->message.chat_id);

    if (!ends_membership(event->frame)) {
        take_chat_event(
            app, ws_chat_join(app, person, event->message.chat_id, event->message.member_version),
            event);
        return;
    }
    if (membership != NULL && membership->chat->member_version <= event->message.member_version)
        ws_chat_leave(app, membership);
    to_person(app, person, event->frame, "", WS_MUST_ARRIVE);
    ws_bus_event_free(event);
}

static void to_watchers(struct ws_person *person, struct ws_buffer *frame)
{
    WS_LIST_EACH(link, &person->watches)
    {
        const struct ws_watch *watch = WS_CONTAINER(link, struct ws_watch, of_person);

        if (watch->visible)
            ws_session_deliver(watch->session, frame, WS_MAY_BE_DROPPED);
    }
}

static void take_person_event(struct ws_app *app, struct ws_person *person,
                              struct ws_bus_event *event)
{
    struct ws_membership *membership;

    switch (event->message.kind) {
    case CC_BUS_CHAT:
        if (person->session_count > 0) {
            take_chat_of_person(app, person, event);
            return;
        }
        break;
    case CC_BUS_PRESENCE:
        to_watchers(person, event->frame);
        break;
    case CC_BUS_USER:
        to_person(app, person, event->frame, "", WS_MUST_ARRIVE);
        ws_sight_review(app, person);
        break;
    case CC_BUS_PERSONAL:
        take_own_state(app, person, event);
        to_person(app, person, event->frame, "", WS_MUST_ARRIVE);
        break;
    case CC_BUS_RECEIPT: /* in the chat's order: it may follow a removal */
        if ((membership = ws_membership_find(app, person, event->message.chat_id)) != NULL) {
            take_chat_event(app, membership->chat, event);
            return;
        }
        break;
    case CC_BUS_UNREAD:
        to_person(app, person, event->frame, event->message.conn_id, WS_MUST_ARRIVE);
        ws_unread_said(app, person, event);
        break;
    case CC_BUS_NOTIFICATION:
        to_person(app, person, event->frame, event->message.conn_id, WS_MUST_ARRIVE);
        break;
    case CC_BUS_MESSAGE:
    case CC_BUS_TYPING:
    case CC_BUS_MEMBER:
    case CC_BUS_OUTCOME:
    case CC_BUS_CANARY:
    case CC_BUS_REVOKED:
    case CC_BUS_UNKNOWN:
        break;
    }
    ws_bus_event_free(event);
}

static void revoke(struct ws_app *app, const char *session_id, bool suspended)
{
    struct cc_error err = {0};

    if (suspended)
        cc_fail(&err, CC_SUSPENDED, NULL, "an administrator has suspended this account");
    else
        cc_fail(&err, CC_UNAUTHENTICATED, NULL, "this session was revoked");
    cc_jwt_revoke_session(app->verifier, session_id, ws_wall_ms(app) + ACCESS_TOKEN_LIFE_MS);
    WS_LIST_EACH(link, &app->hub.all_sessions)
    {
        struct ws_session *session = WS_CONTAINER(link, struct ws_session, everyone);

        if (session->state == WS_CLOSING || strcmp(session->session_id, session_id) != 0)
            continue;
        ws_session_error(session, WS_NO_ID, &err);
        ws_session_close(session, suspended ? WS_CLOSE_SUSPENDED : WS_CLOSE_REVOKED);
    }
}

/* Takes the event. */
static void take_revocation(struct ws_app *app, struct ws_bus_event *event)
{
    char session_id[CC_UUID_BYTES];
    bool suspended;

    if (ev_session_frame_read(ws_buffer_text(event->frame), event->frame->count, session_id,
                              &suspended))
        revoke(app, session_id, suspended);
    ws_bus_event_free(event);
}

/* ---- events of this node ---- */

static void take_node_event(struct ws_app *app, struct ws_bus_event *event)
{
    struct ws_session *session;

    if (event->message.kind == CC_BUS_CANARY) {
        app->hub.canary_seen_ms = ws_now_ms(app);
        cc_health_report(app->bus_health, CC_OK, "");
    } else if (event->message.kind == CC_BUS_OUTCOME) {
        session = ws_session_find(app, event->message.conn_id);
        if (session != NULL && session->state == WS_READY)
            ws_send_outcome(session, event->frame);
        cc_arena_reset(app->hub.arena);
    }
    ws_bus_event_free(event);
}

/* ---- in ---- */

static void take(struct ws_item *item)
{
    struct ws_bus_event *event = WS_CONTAINER(item, struct ws_bus_event, item);
    struct ws_app *app = event->app;
    struct ws_person *person;
    struct ws_chat *chat;
    enum ws_channel channel;
    const char *id;

    if (event->message.kind == CC_BUS_REVOKED) {
        take_revocation(app, event);
        return;
    }
    if (!ws_channel_parse(event->channel, &channel, &id)) {
        ws_bus_event_free(event);
        return;
    }
    if (channel == WS_CHANNEL_CHAT && (chat = ws_chat_find(app, id)) != NULL)
        take_chat_event(app, chat, event);
    else if (channel == WS_CHANNEL_USER && (person = ws_people_find(app, id)) != NULL)
        take_person_event(app, person, event);
    else if (channel == WS_CHANNEL_NODE)
        take_node_event(app, event);
    else
        ws_bus_event_free(event); /* unsubscribed meanwhile */
}

static void drop(struct ws_item *item)
{
    ws_bus_event_free(WS_CONTAINER(item, struct ws_bus_event, item));
}

struct ws_bus_event *ws_fanout_read(struct ws_app *app, const char *channel, const char *payload,
                                    size_t count)
{
    struct cc_bus_message message;
    struct ws_bus_event *event;

    if (strlen(channel) >= sizeof event->channel)
        return NULL;
    if (strcmp(channel, CC_CHANNEL_SESSION_REVOKED) == 0)
        message =
            (struct cc_bus_message){.kind = CC_BUS_REVOKED, .frame = payload, .frame_count = count};
    else if (!cc_bus_read(payload, count, &message))
        return NULL;
    event = cc_calloc(1, sizeof *event);
    event->item.run = take;
    event->item.drop = drop;
    event->app = app;
    memcpy(event->channel, channel, strlen(channel) + 1);
    event->message = message;
    event->frame = ws_buffer_create(message.frame, message.frame_count);
    event->message.frame = NULL; /* the payload is borrowed */
    if (message.kind == CC_BUS_MESSAGE)
        event->frame->occurred_at_ms =
            cc_change_frame_occurred_at(message.frame, message.frame_count);
    return event;
}
