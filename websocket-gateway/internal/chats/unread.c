/* Counts on from what message-service said, and asks it where that is not enough. Runs on the loop
 * thread. It does not know what makes a message unread. */

#include "chats/unread.h"

#include <string.h>

#include "common/alloc.h"
#include "common/events/message_persisted.h"
#include "common/events/message_read.h"
#include "common/json_reader.h"
#include "common/log.h"
#include "common/metrics.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "jobs.h"
#include "people.h"
#include "ws/fanout.h"
#include "ws/session.h"

#define TELL_EVERY_MS     1000
#define REST_PER_WORK     7 /* message-service counts for us an eighth of the time at most */
#define PAIRS_AT_ONCE     100
#define REQUEST_MAX_BYTES 16384

struct count {         /* of one person in one chat */
    int64_t rev, seq;  /* where the chat stood then */
    int64_t floor_seq; /* at most this was the chat's beginning for the person */
    int64_t read_seq;
    int64_t unread; /* to CC_UNREAD_MAX, then capped */
    int64_t mentions;
    bool capped;
};
struct ws_unread {          /* of a membership, once something has happened in the chat */
    struct ws_link waiting; /* in hub.unreads.due or .unknown */
    struct ws_membership *membership;
    struct count known, told;
    unsigned losses; /* of events, when it was known */
    int64_t odd_rev; /* what is known as of an earlier rev says nothing of now */
    int64_t due_ms;
    bool is_known, asked;
};
struct pair {
    char chat_id[CC_UUID_BYTES], user_id[CC_UUID_BYTES];
};
struct question {
    struct ws_call call;
    unsigned losses; /* of events, when it was asked */
    int64_t asked_ms;
    size_t count;
    struct pair pairs[PAIRS_AT_ONCE];
};

/* ---- what is known ---- */

static struct ws_unread *unread_of(struct ws_membership *membership)
{
    struct ws_unread *unread = membership->unread;

    if (unread != NULL)
        return unread;
    unread = cc_calloc(1, sizeof *unread);
    unread->membership = membership;
    ws_list_init(&unread->waiting);
    membership->unread = unread;
    return unread;
}

void ws_unread_forget(struct ws_membership *membership)
{
    if (membership->unread == NULL)
        return;
    ws_list_remove(&membership->unread->waiting);
    cc_free(membership->unread);
    membership->unread = NULL;
}

void ws_unread_begins(struct ws_membership *membership)
{
    if (membership->unread != NULL)
        membership->unread->is_known = false;
}

static bool is_current(const struct ws_app *app, const struct ws_unread *unread)
{
    return unread->is_known && unread->losses == app->hub.losses &&
           unread->known.rev >= unread->odd_rev;
}

/* Read marks only grow: the higher one is the later one. */
static void learn(const struct ws_app *app, struct ws_unread *unread, const struct count *count)
{
    const struct count *known = &unread->known;
    bool comparable = unread->is_known && unread->losses == app->hub.losses;
    bool later = count->read_seq > known->read_seq ||
                 (count->read_seq == known->read_seq && count->rev >= known->rev);

    if (count->floor_seq < unread->membership->cleared_seq || (comparable && !later))
        return;
    unread->known = *count;
    unread->losses = app->hub.losses;
    unread->is_known = true;
}

/* What came after the known rev are plain messages of others, or it would not be current. */
static struct count count_now(const struct ws_unread *unread)
{
    int64_t head_seq = unread->membership->chat->head_seq;
    struct count now = unread->known;

    if (head_seq <= now.seq)
        return now;
    now.unread += head_seq - now.seq;
    now.seq = head_seq;
    if (now.unread > CC_UNREAD_MAX) {
        now.unread = CC_UNREAD_MAX;
        now.capped = true;
    }
    return now;
}

/* ---- telling ---- */

static void tell_later(struct ws_app *app, struct ws_unread *unread)
{
    if (unread->asked || !ws_list_empty(&unread->waiting))
        return;
    unread->due_ms = ws_now_ms(app) + TELL_EVERY_MS;
    ws_list_append(&app->hub.unreads.due, &unread->waiting);
}

static bool is_told(const struct ws_unread *unread, const struct count *now)
{
    const struct count *told = &unread->told;

    return told->seq == now->seq && told->read_seq == now->read_seq &&
           told->unread == now->unread && told->mentions == now->mentions;
}

static void tell(struct ws_app *app, struct ws_unread *unread)
{
    struct count now = count_now(unread);
    struct ws_buffer *frame;
    struct ws_out out;

    if (is_told(unread, &now))
        return;
    unread->told = now;
    ws_out_event(&out, "unread");
    cc_json_put_text(&out.json, "chat_id", unread->membership->chat->chat_id);
    cc_json_put_int(&out.json, "read_seq", now.read_seq);
    cc_json_put_int(&out.json, "head_seq", now.seq);
    cc_json_put_int(&out.json, "unread", now.unread);
    cc_json_put_bool(&out.json, "capped", now.capped);
    cc_json_put_int(&out.json, "unread_mentions", now.mentions);
    frame = ws_out_finish(&out);
    ws_fanout_to_person(app, unread->membership->person, frame, WS_MAY_BE_DROPPED);
    ws_buffer_unref(frame);
    cc_counter_add(app->hub.unreads.told_counter, 1);
}

/* A chat that waits may be waiting for who is still in it. */
static void tell_or_ask(struct ws_app *app, struct ws_unread *unread)
{
    if (unread->membership->chat->wait != 0)
        tell_later(app, unread);
    else if (is_current(app, unread))
        tell(app, unread);
    else
        ws_list_append(&app->hub.unreads.unknown, &unread->waiting);
}

/* ---- asking ---- */

static struct ws_unread *find(struct ws_app *app, const char *chat_id, const char *user_id)
{
    struct ws_person *person = ws_people_find(app, user_id);
    struct ws_membership *membership =
        person == NULL ? NULL : ws_membership_find(app, person, chat_id);

    return membership == NULL ? NULL : membership->unread;
}

static void read_item(struct ws_app *app, struct cc_json_reader *reader)
{
    const char *chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
    const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    struct count count = {
        .rev = cc_json_int(reader, "rev", CC_REQUIRED, 0, INT64_MAX - 1),
        .seq = cc_json_int(reader, "seq", CC_REQUIRED, 0, INT64_MAX - 1),
        .floor_seq = cc_json_int(reader, "floor_seq", CC_REQUIRED, 0, INT64_MAX),
        .read_seq = cc_json_int(reader, "read_seq", CC_REQUIRED, 0, INT64_MAX),
        .unread = cc_json_int(reader, "unread", CC_REQUIRED, 0, CC_UNREAD_MAX),
        .mentions = cc_json_int(reader, "unread_mentions", CC_REQUIRED, 0, CC_UNREAD_MAX),
        .capped = cc_json_bool(reader, "capped", CC_REQUIRED, false),
    };
    struct ws_unread *unread =
        chat_id == NULL || user_id == NULL ? NULL : find(app, chat_id, user_id);
    struct cc_error err = {0};

    if (unread == NULL || !unread->asked || cc_json_reader_error(reader, &err) != CC_OK)
        return;
    unread->asked = false;
    learn(app, unread, &count);
    if (is_current(app, unread))
        tell_or_ask(app, unread);
    else
        tell_later(app, unread); /* it did not know the newest yet */
}

static bool read_answer(const struct ws_call *call)
{
    struct cc_arena *arena = call->app->hub.arena;
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, call->body, call->body_count, CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, PAIRS_AT_ONCE);
    bool readable;

    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        read_item(call->app, reader);
        cc_json_leave(reader);
    }
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    cc_arena_reset(arena);
    return readable;
}

/* Of whom nothing was said there is nothing to say, unless it failed or came too late. */
static void settle_others(struct ws_app *app, const struct question *question, bool again)
{
    for (size_t i = 0; i < question->count; i++) {
        const struct pair *pair = &question->pairs[i];
        struct ws_unread *unread = find(app, pair->chat_id, pair->user_id);

        if (unread == NULL || !unread->asked)
            continue;
        unread->asked = false;
        if (again)
            tell_later(app, unread);
    }
}

static void ask(struct ws_app *app);

/* Nobody waits for a count, and a crowd that comes back has many: what they wait for goes first. */
static void rest(struct ws_app *app, const struct question *question)
{
    int64_t now_ms = ws_now_ms(app), work_ms = now_ms - question->asked_ms;
    int64_t rest_ms = question->call.code == CC_OK ? 0 : TELL_EVERY_MS;

    app->hub.unreads.not_before_ms = now_ms + rest_ms + REST_PER_WORK * work_ms;
}

static void answered(struct ws_call *call)
{
    struct question *question = WS_CONTAINER(call, struct question, call);
    struct ws_unreads *unreads = &call->app->hub.unreads;
    bool in_time = question->losses == call->app->hub.losses;

    unreads->asking = false;
    if (call->code == CC_OK && in_time && !read_answer(call))
        call->code = cc_fail_detail(&call->err, CC_BAD_GATEWAY, "unreadable counts");
    if (call->code != CC_OK)
        cc_log_error(CC_LOG_WARN, "could not read what is unread", &call->err, NULL);
    rest(call->app, question);
    settle_others(call->app, question, call->code != CC_OK || !in_time);
    ask(call->app);
}

static void put_pair(struct cc_json_writer *json, struct question *question,
                     const struct ws_membership *membership)
{
    struct pair *pair = &question->pairs[question->count++];

    memcpy(pair->chat_id, membership->chat->chat_id, sizeof pair->chat_id);
    memcpy(pair->user_id, membership->person->user_id, sizeof pair->user_id);
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "chat_id", pair->chat_id);
    cc_json_put_text(json, "user_id", pair->user_id);
    cc_json_close_object(json);
}

/* Moves who waits from the line into the question. */
static void write_question(struct ws_unreads *unreads, struct question *question,
                           struct cc_strbuf *body)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, body);
    cc_json_open_object(&json, NULL);
    cc_json_open_array(&json, "pairs");
    while (question->count < PAIRS_AT_ONCE && !ws_list_empty(&unreads->unknown)) {
        struct ws_unread *unread = WS_CONTAINER(unreads->unknown.next, struct ws_unread, waiting);

        ws_list_remove(&unread->waiting);
        unread->asked = true;
        put_pair(&json, question, unread->membership);
    }
    cc_json_close_array(&json);
    cc_json_close_object(&json);
}

/* One request at a time, and a rest after it: meanwhile the others gather. */
static void ask(struct ws_app *app)
{
    struct ws_unreads *unreads = &app->hub.unreads;
    struct question *question;
    struct cc_strbuf body;

    if (unreads->asking || ws_list_empty(&unreads->unknown) ||
        ws_now_ms(app) < unreads->not_before_ms)
        return;
    question = cc_calloc(1, sizeof *question);
    question->call.done = answered;
    question->call.discard = ws_call_free;
    question->losses = app->hub.losses;
    question->asked_ms = ws_now_ms(app);
    unreads->asking = true;
    cc_strbuf_init(&body, REQUEST_MAX_BYTES);
    write_question(unreads, question, &body);
    cc_counter_add(unreads->asked_counter, (int64_t)question->count);
    ws_call_send(app, &question->call, app->message_service, "POST", "/internal/heads", &body);
    cc_strbuf_finish(&body);
}

void ws_unreads_tick(struct ws_app *app, int64_t now_ms)
{
    WS_LIST_EACH(link, &app->hub.unreads.due)
    {
        struct ws_unread *unread = WS_CONTAINER(link, struct ws_unread, waiting);

        if (unread->due_ms > now_ms)
            break;
        ws_list_remove(link);
        tell_or_ask(app, unread);
    }
    ask(app);
}

/* ---- what happens ---- */

static bool is_crowd(const struct ws_chat *chat)
{
    return chat->crowd || chat->member_count > CC_RECIPIENTS_MAX;
}

static void forget_all(struct ws_chat *chat)
{
    WS_LIST_EACH(link, &chat->members)
    ws_unread_forget(WS_CONTAINER(link, struct ws_membership, of_chat));
}

struct mentions {
    const char *const *user_ids;
    size_t count;
    bool all;
};

static struct mentions read_mentions(struct cc_arena *arena, const struct ws_buffer *frame)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, ws_buffer_text(frame), frame->count, CC_IGNORE_UNKNOWN);
    struct mentions mentions = {0};

    if (cc_json_enter(reader, "message", CC_OPTIONAL)) {
        mentions.user_ids = cc_json_uuids(reader, "mentions", CC_OPTIONAL, CC_MESSAGE_MENTIONS_MAX,
                                          &mentions.count);
        mentions.all = cc_json_bool(reader, "mention_all", CC_OPTIONAL, false);
        cc_json_leave(reader);
    }
    cc_json_reader_destroy(reader);
    return mentions;
}

static bool is_mentioned(const struct mentions *mentions, const char *user_id)
{
    for (size_t i = 0; i < mentions->count; i++)
        if (strcmp(mentions->user_ids[i], user_id) == 0)
            return true;
    return mentions->all;
}

/* Whoever sends has read up to there. The connection that sent it knows. */
static void sent(struct ws_app *app, struct ws_unread *unread, const struct cc_bus_message *message)
{
    const struct ws_person *person = unread->membership->person;
    const struct ws_session *session = ws_session_find(app, message->conn_id);
    const struct count count = {.rev = message->rev,
                                .seq = message->message_seq,
                                .floor_seq = message->message_seq,
                                .read_seq = message->message_seq};

    learn(app, unread, &count);
    if (person->session_count > 1 || session == NULL || session->person != person)
        tell_later(app, unread);
}

static void add_message(struct ws_app *app, struct ws_membership *membership,
                        const struct cc_bus_message *message, const struct mentions *mentions)
{
    struct ws_unread *unread = unread_of(membership);

    if (strcmp(membership->person->user_id, message->sender_id) == 0) {
        sent(app, unread, message);
        return;
    }
    if (is_mentioned(mentions, membership->person->user_id))
        unread->odd_rev = message->rev;
    tell_later(app, unread);
}

static void add_to_all(struct ws_app *app, struct ws_chat *chat, const struct ws_bus_event *event)
{
    CC_AUTO(arena) struct cc_arena *arena = NULL;
    struct mentions mentions = {0};

    chat->crowd = event->message.counts == CC_COUNTS_CROWD;
    if (is_crowd(chat)) {
        forget_all(chat);
        return;
    }
    if (event->message.counts == CC_COUNTS_MENTIONS) {
        arena = cc_arena_create(0);
        mentions = read_mentions(arena, event->frame);
    }
    WS_LIST_EACH(link, &chat->members)
    add_message(app, WS_CONTAINER(link, struct ws_membership, of_chat), &event->message, &mentions);
}

/* Whoever has read that message has the same unread as before, and of whom nothing is known yet
 * nothing was told. */
static void doubt_unread(struct ws_app *app, struct ws_chat *chat,
                         const struct cc_bus_message *message)
{
    WS_LIST_EACH(link, &chat->members)
    {
        struct ws_unread *unread = WS_CONTAINER(link, struct ws_membership, of_chat)->unread;

        if (unread == NULL ||
            (is_current(app, unread) && unread->known.read_seq >= message->message_seq))
            continue;
        unread->odd_rev = message->rev;
        tell_later(app, unread);
    }
}

void ws_unread_changed(struct ws_app *app, struct ws_chat *chat, const struct ws_bus_event *event)
{
    switch (event->message.counts) {
    case CC_COUNTS_SAME:
        return;
    case CC_COUNTS_ONE_MORE:
    case CC_COUNTS_MENTIONS:
    case CC_COUNTS_CROWD:
        add_to_all(app, chat, event);
        return;
    case CC_COUNTS_OTHERWISE:
        doubt_unread(app, chat, &event->message);
        return;
    }
}

void ws_unread_repaired(struct ws_app *app, struct ws_chat *chat)
{
    if (is_crowd(chat)) {
        forget_all(chat);
        return;
    }
    WS_LIST_EACH(link, &chat->members)
    {
        struct ws_unread *unread = unread_of(WS_CONTAINER(link, struct ws_membership, of_chat));

        unread->odd_rev = chat->backlog.last_rev;
        tell_later(app, unread);
    }
}

static bool read_said(const struct ws_bus_event *event, struct count *out)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = cc_json_reader_create(arena, ws_buffer_text(event->frame),
                                                          event->frame->count, CC_IGNORE_UNKNOWN);
    bool readable;

    *out = (struct count){
        .rev = event->message.rev,
        .seq = event->message.seq,
        .floor_seq = INT64_MAX, /* counted by who knows it */
        .read_seq = cc_json_int(reader, "read_seq", CC_REQUIRED, 0, INT64_MAX),
        .unread = cc_json_int(reader, "unread", CC_REQUIRED, 0, CC_UNREAD_MAX),
        .mentions = cc_json_int(reader, "unread_mentions", CC_REQUIRED, 0, CC_UNREAD_MAX),
        .capped = cc_json_bool(reader, "capped", CC_REQUIRED, false),
    };
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}

void ws_unread_said(struct ws_app *app, const struct ws_person *person,
                    const struct ws_bus_event *event)
{
    struct ws_membership *membership = ws_membership_find(app, person, event->message.chat_id);
    struct ws_unread *unread;
    struct count count, now;

    if (membership == NULL || is_crowd(membership->chat) || !read_said(event, &count))
        return;
    unread = unread_of(membership);
    unread->told = count;
    learn(app, unread, &count);
    now = count_now(unread);
    if (!is_current(app, unread) || !is_told(unread, &now))
        tell_later(app, unread); /* it was counted before the newest came */
}

void ws_unreads_init(struct ws_app *app)
{
    struct ws_unreads *unreads = &app->hub.unreads;

    ws_list_init(&unreads->due);
    ws_list_init(&unreads->unknown);
    unreads->told_counter = cc_counter_get("ws_unread_told_total",
                                           "Persons told what they have unread of a chat.", NULL);
    unreads->asked_counter =
        cc_counter_get("ws_unread_asked_total",
                       "Persons' unread counts of a chat asked of message-service.", NULL);
}
