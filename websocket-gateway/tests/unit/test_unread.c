/* Who is told what they have unread, and when message-service is asked: a clock that the test
 * moves, events as they come from Redis, and a message-service that answers when the test says so.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "testing.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "jobs.h"
#include "people.h"
#include "publish.h"
#include "ws/backlog.h"
#include "ws/fanout.h"
#include "ws/session.h"

#define CHAT "0190a000-0000-7000-8000-0000000000c1"
#define ANN  "0190a000-0000-7000-8000-0000000000a1"
#define BOB  "0190a000-0000-7000-8000-0000000000b1"
#define CYD  "0190a000-0000-7000-8000-0000000000d1"

enum { SENT_MAX = 16, FRAMES_MAX = 64, TEXT_BYTES = 512, SECOND_MS = 1000, CROWD = 101 };

static struct { /* to message-service, in their order; NULL = answered */
    struct ws_call *call;
    char body[16384];
} sent[SENT_MAX];
static size_t sent_count;

void __wrap_ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                         const char *method, const char *path, const struct cc_strbuf *body);
void __wrap_cc_redis_subscribe(struct cc_redis_subscriber *subscriber, const char *channel);
void __wrap_cc_redis_unsubscribe(struct cc_redis_subscriber *subscriber, const char *channel);
void __wrap_ws_job_submit(struct ws_app *app, struct ws_job *job);

void __wrap_ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                         const char *method, const char *path, const struct cc_strbuf *body)
{
    (void)peer, (void)method;
    assert_string_equal(path, "/internal/heads");
    assert_in_range(sent_count, 0, SENT_MAX - 1);
    call->app = app;
    sent[sent_count].call = call;
    (void)snprintf(sent[sent_count++].body, sizeof sent[0].body, "%s", cc_strbuf_text(body));
}

void __wrap_cc_redis_subscribe(struct cc_redis_subscriber *subscriber, const char *channel)
{
    (void)subscriber, (void)channel;
}

void __wrap_cc_redis_unsubscribe(struct cc_redis_subscriber *subscriber, const char *channel)
{
    (void)subscriber, (void)channel;
}

void __wrap_ws_job_submit(struct ws_app *app, struct ws_job *job)
{
    (void)app;
    job->discard(job);
}

/* ---- the gateway ---- */

struct socket { /* what has come by it, but hello */
    struct ws_session *session;
    char frames[FRAMES_MAX][TEXT_BYTES];
    size_t count, unread_count;
    const char *last; /* unread frame */
};
struct fixture {
    struct ws_app app;
    struct ws_settings settings;
    struct fake_clock clock;
    struct ws_chat *chat;
    struct socket ann, bob;
    int64_t rev, seq;
};

static bool take_frame(void *conn, struct ws_buffer *frame)
{
    struct socket *socket = conn;
    char *text = socket->frames[socket->count++];

    assert_in_range(socket->count, 1, FRAMES_MAX);
    (void)snprintf(text, TEXT_BYTES, "%.*s", (int)frame->count, ws_buffer_text(frame));
    if (strstr(text, "{\"t\":\"unread\"") == text) {
        socket->unread_count++;
        socket->last = text;
    }
    return true;
}

static void nothing(void *conn)
{
    (void)conn;
}

static void no_reading(void *conn, bool on)
{
    (void)conn, (void)on;
}

static const struct ws_transport transport = {take_frame, nothing, no_reading, nothing};

static struct ws_person *open_socket(struct fixture *f, struct socket *socket, const char *user_id)
{
    struct ws_person *person = ws_people_get(&f->app, user_id);

    socket->session = ws_session_open(&f->app, socket, NULL);
    while (socket->session->out.first != NULL) /* hello */
        ws_buffer_unref(ws_session_next(socket->session));
    socket->session->state = WS_READY;
    ws_people_attach(person, socket->session);
    socket->count = 0;
    return person;
}

static struct ws_membership *join(struct fixture *f, struct ws_person *person)
{
    f->chat = ws_chat_join(&f->app, person, CHAT, 1);
    f->chat->wait = 0;
    person->not_live = 0;
    return ws_membership_find(&f->app, person, CHAT);
}

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);

    fake_clock_init(&f->clock);
    f->settings = (struct ws_settings){.queue_frames = 256, .queue_bytes = 1 << 20};
    f->app.runtime = (struct cc_runtime){.node_id = "node-1",
                                         .settings = &f->settings,
                                         .clock = &f->clock.clock,
                                         .random = cc_random_system(),
                                         .ids = cc_ids_create(&f->clock.clock, cc_random_system())};
    f->app.settings = &f->settings;
    ws_hub_init(&f->app);
    f->app.hub.transport = &transport;
    sent_count = 0;
    join(f, open_socket(f, &f->ann, ANN));
    join(f, open_socket(f, &f->bob, BOB));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ws_hub_finish(&f->app);
    for (size_t i = 0; i < sent_count; i++)
        if (sent[i].call != NULL)
            sent[i].call->discard(sent[i].call);
    cc_ids_destroy((struct cc_ids *)f->app.runtime.ids);
    cc_free(f);
    return 0;
}

/* ---- what happens ---- */

static void pass_ms(struct fixture *f, int64_t ms)
{
    fake_clock_advance_ms(&f->clock, ms);
    ws_unreads_tick(&f->app, ws_now_ms(&f->app));
}

static void come(struct fixture *f, enum ws_channel channel, const char *id,
                 struct cc_bus_message *message, const char *frame)
{
    struct ws_bus_event *event;
    struct cc_strbuf payload;
    char name[64];

    message->frame = frame;
    message->frame_count = strlen(frame);
    (void)snprintf(message->chat_id, sizeof message->chat_id, "%s", CHAT);
    ws_channel_name(channel, id, name);
    cc_strbuf_init(&payload, 8192);
    cc_bus_write(message, &payload);
    event = ws_fanout_read(&f->app, name, cc_strbuf_text(&payload), payload.length);
    event->item.run(&event->item);
    cc_strbuf_finish(&payload);
}

static void name_other(int number, char out[CC_UUID_BYTES])
{
    (void)snprintf(out, CC_UUID_BYTES, "0190a000-0000-7000-8000-%012u", (unsigned)number);
}

/* A change of the log; message_seq 0 = a new message. */
static void change(struct fixture *f, enum cc_bus_counts counts, const char *sender_id,
                   const char *conn_id, int64_t message_seq, const char *frame)
{
    struct cc_bus_message message = {.kind = CC_BUS_MESSAGE, .counts = counts};

    if (message_seq == 0)
        message_seq = ++f->seq;
    message.rev = ++f->rev;
    message.seq = f->seq;
    message.message_seq = message_seq;
    (void)snprintf(message.sender_id, sizeof message.sender_id, "%s", sender_id);
    (void)snprintf(message.conn_id, sizeof message.conn_id, "%s", conn_id);
    come(f, WS_CHANNEL_CHAT, CHAT, &message, frame);
}

static void say(struct fixture *f, const char *sender_id)
{
    change(f, CC_COUNTS_ONE_MORE, sender_id, "", 0, "{\"t\":\"message\"}");
}

static void delete_message(struct fixture *f, int64_t seq)
{
    change(f, CC_COUNTS_OTHERWISE, ANN, "", seq, "{\"t\":\"message_deleted\"}");
}

/* message-service tells the person's sockets, after another device has read. */
static void tell_read(struct fixture *f, const char *user_id, int64_t read_seq, int64_t rev,
                      int64_t seq, int64_t unread)
{
    struct cc_bus_message message = {.kind = CC_BUS_UNREAD, .rev = rev, .seq = seq};
    char frame[TEXT_BYTES];

    (void)snprintf(frame, sizeof frame,
                   "{\"t\":\"unread\",\"chat_id\":\"%s\",\"read_seq\":%" PRId64
                   ",\"head_seq\":%" PRId64 ",\"unread\":%" PRId64
                   ",\"capped\":false,\"unread_mentions\":0}",
                   CHAT, read_seq, seq, unread);
    come(f, WS_CHANNEL_USER, user_id, &message, frame);
}

static void answer_with(size_t which, enum cc_code code, const char *items)
{
    struct ws_call *call = sent[which].call;
    char body[TEXT_BYTES * 2];

    assert_non_null(call);
    sent[which].call = NULL;
    (void)snprintf(body, sizeof body, "{\"items\":[%s]}", items);
    call->code = code;
    call->body = cc_strdup(body);
    call->body_count = strlen(body);
    call->done(call);
    cc_free(call->body);
    call->body = NULL;
    call->discard(call);
}

struct said { /* by message-service of one person */
    const char *user_id;
    int64_t rev, seq, read_seq, floor_seq, unread, mentions;
};
static void answer(size_t which, struct said said)
{
    char item[TEXT_BYTES];

    (void)snprintf(item, sizeof item,
                   "{\"chat_id\":\"%s\",\"user_id\":\"%s\",\"rev\":%" PRId64 ",\"seq\":%" PRId64
                   ",\"read_seq\":%" PRId64 ",\"floor_seq\":%" PRId64 ",\"unread\":%" PRId64
                   ",\"capped\":false,\"unread_mentions\":%" PRId64 "}",
                   CHAT, said.user_id, said.rev, said.seq, said.read_seq, said.floor_seq,
                   said.unread, said.mentions);
    answer_with(which, CC_OK, item);
}

/* Ann has said so many, Bob has read none, and has been told so. */
static void have_told_bob(struct fixture *f, int messages)
{
    for (int i = 0; i < messages; i++)
        say(f, ANN);
    pass_ms(f, SECOND_MS);
    answer(0, (struct said){BOB, .rev = f->rev, .seq = f->seq, .unread = messages});
    assert_int_equal(f->bob.unread_count, 1);
}

#define assert_last(socket, text)                                                                  \
    do {                                                                                           \
        if ((socket).last == NULL || strstr((socket).last, text) == NULL)                          \
            fail_msg("%s is not in %s", text, (socket).last == NULL ? "-" : (socket).last);        \
    } while (0)

/* ---- */

static void a_second_after_a_message_its_receiver_is_told_what_was_counted(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    pass_ms(f, SECOND_MS - 1);
    assert_int_equal(sent_count, 0);
    pass_ms(f, 1);
    assert_int_equal(sent_count, 1);
    assert_non_null(strstr(sent[0].body, "{\"chat_id\":\"" CHAT "\",\"user_id\":\"" BOB "\"}"));
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 1});

    assert_int_equal(f->bob.unread_count, 1);
    assert_last(f->bob, "\"chat_id\":\"" CHAT "\",\"read_seq\":0,\"head_seq\":1,\"unread\":1,"
                        "\"capped\":false,\"unread_mentions\":0}");
}

static void plain_messages_are_counted_without_asking_and_told_once_a_second(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 1);
    for (int i = 0; i < 20; i++) {
        say(f, ANN);
        pass_ms(f, 40);
    }
    assert_int_equal(f->bob.unread_count, 1);
    pass_ms(f, SECOND_MS);
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 1);
    assert_int_equal(f->bob.unread_count, 2);
    assert_last(f->bob, "\"head_seq\":21,\"unread\":21,");
}

static void what_came_while_it_was_asked_is_counted_too(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    say(f, ANN);
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 1});

    assert_last(f->bob, "\"head_seq\":2,\"unread\":2,");
}

static void who_sends_has_read_and_only_other_devices_are_told(void **state)
{
    struct fixture *f = *state;
    struct socket tablet = {0};

    change(f, CC_COUNTS_ONE_MORE, ANN, f->ann.session->conn_id, 0, "{\"t\":\"message\"}");
    pass_ms(f, SECOND_MS);
    assert_int_equal(f->ann.unread_count, 0);
    open_socket(f, &tablet, ANN);
    change(f, CC_COUNTS_ONE_MORE, ANN, f->ann.session->conn_id, 0, "{\"t\":\"message\"}");
    pass_ms(f, SECOND_MS);

    assert_null(strstr(sent[0].body, ANN));
    assert_last(tablet, "\"read_seq\":2,\"head_seq\":2,\"unread\":0,");
}

static void a_deletion_of_what_is_unread_is_counted_by_message_service(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 3);
    delete_message(f, 2);
    pass_ms(f, SECOND_MS);
    assert_int_equal(sent_count, 2);
    answer(1, (struct said){BOB, .rev = f->rev - 1, .seq = 3, .unread = 3}); /* it was before */
    assert_int_equal(f->bob.unread_count, 1);
    pass_ms(f, SECOND_MS);
    answer(2, (struct said){BOB, .rev = f->rev, .seq = 3, .unread = 2});

    assert_last(f->bob, "\"head_seq\":3,\"unread\":2,");
}

static void a_deletion_of_what_is_read_changes_nothing(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 3);
    tell_read(f, BOB, 2, f->rev, f->seq, 1);
    delete_message(f, 1);
    say(f, ANN);
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 1);
    assert_last(f->bob, "\"read_seq\":2,\"head_seq\":4,\"unread\":2,");
}

static void only_those_who_are_mentioned_are_asked_for(void **state)
{
    struct fixture *f = *state;
    struct socket cyd = {0};

    join(f, open_socket(f, &cyd, CYD));
    have_told_bob(f, 1);
    tell_read(f, CYD, 1, f->rev, f->seq, 0);
    change(f, CC_COUNTS_MENTIONS, ANN, "", 0,
           "{\"t\":\"message\",\"message\":{\"mentions\":[\"" BOB "\"]}}");
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 2);
    assert_non_null(strstr(sent[1].body, BOB));
    assert_null(strstr(sent[1].body, CYD));
    assert_last(cyd, "\"head_seq\":2,\"unread\":1,");
    answer(1, (struct said){BOB, .rev = f->rev, .seq = 2, .unread = 2, .mentions = 1});
    assert_last(f->bob, "\"unread\":2,\"capped\":false,\"unread_mentions\":1}");
}

static void what_message_service_has_told_is_not_told_again(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 2);
    say(f, ANN);
    tell_read(f, BOB, 3, f->rev, f->seq, 0);
    pass_ms(f, SECOND_MS);

    assert_int_equal(f->bob.unread_count, 2); /* the second is message-service's own */
    assert_int_equal(sent_count, 1);
}

static void what_was_counted_before_the_newest_message_is_corrected(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 2);
    say(f, ANN);
    pass_ms(f, SECOND_MS);
    tell_read(f, BOB, 2, f->rev - 1, f->seq - 1, 0);
    assert_last(f->bob, "\"head_seq\":2,\"unread\":0,");
    pass_ms(f, SECOND_MS);

    assert_last(f->bob, "\"read_seq\":2,\"head_seq\":3,\"unread\":1,");
    assert_int_equal(sent_count, 1);
}

static void a_late_answer_does_not_take_a_read_mark_back(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    tell_read(f, BOB, 1, 1, 1, 0);
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 1});
    pass_ms(f, SECOND_MS);

    assert_last(f->bob, "\"read_seq\":1,\"head_seq\":1,\"unread\":0,");
}

static void one_request_is_under_way_and_after_a_rest_the_next_asks_for_all_who_wait(void **state)
{
    struct fixture *f = *state;
    struct socket others[3] = {{0}};
    char user_id[CC_UUID_BYTES];

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    for (int i = 0; i < 3; i++) {
        name_other(i, user_id);
        join(f, open_socket(f, &others[i], user_id));
    }
    say(f, ANN);
    pass_ms(f, SECOND_MS);
    assert_int_equal(sent_count, 1);
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 1});

    pass_ms(f, 7 * SECOND_MS - 1); /* it took a second: message-service has other things to do */
    assert_int_equal(sent_count, 1);
    pass_ms(f, 1);
    assert_int_equal(sent_count, 2);
    for (int i = 0; i < 3; i++) {
        name_other(i, user_id);
        assert_non_null(strstr(sent[1].body, user_id));
    }
    assert_null(strstr(sent[1].body, BOB)); /* who was answered */
}

static void a_failure_is_asked_again_a_second_later(void **state)
{
    struct fixture *f = *state;
    struct socket cyd = {0};

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    join(f, open_socket(f, &cyd, CYD));
    say(f, ANN);
    answer_with(0, CC_UNAVAILABLE, "");
    pass_ms(f, SECOND_MS - 1);
    assert_int_equal(sent_count, 1);
    pass_ms(f, 1);
    assert_non_null(strstr(sent[1].body, CYD));
    answer(1, (struct said){BOB, .rev = 2, .seq = 2, .unread = 2});

    assert_last(f->bob, "\"unread\":2,");
}

static void who_is_not_named_in_the_answer_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    answer_with(0, CC_OK, "");
    pass_ms(f, 10 * SECOND_MS);

    assert_int_equal(sent_count, 1);
    assert_int_equal(f->bob.unread_count, 0);
}

static void what_was_known_before_events_were_lost_is_asked_again(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 2);
    say(f, ANN);
    pass_ms(f, SECOND_MS);
    f->app.hub.losses++; /* a read mark among them */
    say(f, ANN);
    pass_ms(f, SECOND_MS);
    assert_int_equal(sent_count, 2);
    answer(1, (struct said){BOB, .rev = 4, .seq = 4, .read_seq = 3, .floor_seq = 0, .unread = 1});

    assert_last(f->bob, "\"read_seq\":3,\"head_seq\":4,\"unread\":1,");
}

static void an_answer_from_before_events_were_lost_is_not_relied_on(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    f->app.hub.losses++;
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 1});
    assert_int_equal(f->bob.unread_count, 0);
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 2);
}

static void nothing_is_believed_that_does_not_know_where_the_chat_begins(void **state)
{
    struct fixture *f = *state;
    struct cc_bus_message cleared = {.kind = CC_BUS_PERSONAL};

    have_told_bob(f, 2);
    come(f, WS_CHANNEL_USER, BOB, &cleared, "{\"t\":\"chat\",\"me\":{\"cleared_seq\":2}}");
    say(f, ANN);
    pass_ms(f, SECOND_MS);
    answer(1, (struct said){BOB, .rev = 3, .seq = 3, .unread = 3});
    assert_int_equal(f->bob.unread_count, 1);
    pass_ms(f, SECOND_MS);
    answer(2, (struct said){BOB, .rev = 3, .seq = 3, .floor_seq = 2, .unread = 1});

    assert_last(f->bob, "\"head_seq\":3,\"unread\":1,");
}

static void after_a_repair_everybody_is_asked_for(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 1);
    f->chat->backlog.last_rev = ++f->rev;
    ws_unread_repaired(&f->app, f->chat);
    pass_ms(f, SECOND_MS);

    assert_non_null(strstr(sent[1].body, ANN));
    assert_non_null(strstr(sent[1].body, BOB));
    answer(1, (struct said){BOB, .rev = f->rev, .seq = 2, .unread = 2});
    assert_last(f->bob, "\"head_seq\":2,\"unread\":2,");
}

static void in_a_crowd_a_repair_asks_for_nobody(void **state)
{
    struct fixture *f = *state;

    change(f, CC_COUNTS_CROWD, ANN, "", 0, "{\"t\":\"message\"}");
    ws_unread_repaired(&f->app, f->chat);
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 0);
}

static void counts_are_exact_up_to_999(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 998});
    say(f, ANN);
    pass_ms(f, SECOND_MS);
    assert_last(f->bob, "\"unread\":999,\"capped\":false");
    say(f, ANN);
    pass_ms(f, SECOND_MS);

    assert_last(f->bob, "\"unread\":999,\"capped\":true");
}

static void a_chat_that_waits_tells_when_it_goes_on(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 1);
    say(f, ANN);
    f->chat->wait = WS_WAIT_MEMBERS;
    pass_ms(f, SECOND_MS);
    assert_int_equal(f->bob.unread_count, 1);
    f->chat->wait = 0;
    pass_ms(f, SECOND_MS);

    assert_last(f->bob, "\"unread\":2,");
}

static void in_a_crowd_nobody_is_told_and_nobody_is_asked_for(void **state)
{
    struct fixture *f = *state;

    have_told_bob(f, 1);
    change(f, CC_COUNTS_CROWD, ANN, "", 0, "{\"t\":\"message\"}");
    pass_ms(f, SECOND_MS);
    assert_int_equal(f->bob.unread_count, 1);
    say(f, ANN); /* small again: what was known is not */
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 2);
}

static void a_crowd_at_the_sockets_here_is_one_too(void **state)
{
    struct fixture *f = *state;
    char user_id[CC_UUID_BYTES];

    for (int i = 0; i < CROWD; i++) {
        name_other(i, user_id);
        join(f, ws_people_get(&f->app, user_id));
    }
    say(f, ANN);
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 0);
    for (int i = 0; i < CROWD; i++) {
        name_other(i, user_id);
        ws_people_release(&f->app, ws_people_find(&f->app, user_id));
    }
}

static void who_has_left_is_not_asked_for(void **state)
{
    struct fixture *f = *state;

    say(f, ANN);
    ws_chat_leave(&f->app, ws_membership_find(&f->app, ws_people_find(&f->app, BOB), CHAT));
    pass_ms(f, SECOND_MS);

    assert_int_equal(sent_count, 0);
}

static void who_leaves_meanwhile_is_told_nothing(void **state)
{
    struct fixture *f = *state;
    struct ws_person *bob = ws_people_find(&f->app, BOB);

    say(f, ANN);
    pass_ms(f, SECOND_MS);
    ws_chat_leave(&f->app, ws_membership_find(&f->app, bob, CHAT));
    answer(0, (struct said){BOB, .rev = 1, .seq = 1, .unread = 1});
    pass_ms(f, SECOND_MS);

    assert_int_equal(f->bob.unread_count, 0);
}

#define UNREAD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNREAD_TEST(a_second_after_a_message_its_receiver_is_told_what_was_counted),
        UNREAD_TEST(plain_messages_are_counted_without_asking_and_told_once_a_second),
        UNREAD_TEST(what_came_while_it_was_asked_is_counted_too),
        UNREAD_TEST(who_sends_has_read_and_only_other_devices_are_told),
        UNREAD_TEST(a_deletion_of_what_is_unread_is_counted_by_message_service),
        UNREAD_TEST(a_deletion_of_what_is_read_changes_nothing),
        UNREAD_TEST(only_those_who_are_mentioned_are_asked_for),
        UNREAD_TEST(what_message_service_has_told_is_not_told_again),
        UNREAD_TEST(what_was_counted_before_the_newest_message_is_corrected),
        UNREAD_TEST(a_late_answer_does_not_take_a_read_mark_back),
        UNREAD_TEST(one_request_is_under_way_and_after_a_rest_the_next_asks_for_all_who_wait),
        UNREAD_TEST(a_failure_is_asked_again_a_second_later),
        UNREAD_TEST(who_is_not_named_in_the_answer_is_not_asked_for_again),
        UNREAD_TEST(what_was_known_before_events_were_lost_is_asked_again),
        UNREAD_TEST(an_answer_from_before_events_were_lost_is_not_relied_on),
        UNREAD_TEST(nothing_is_believed_that_does_not_know_where_the_chat_begins),
        UNREAD_TEST(after_a_repair_everybody_is_asked_for),
        UNREAD_TEST(in_a_crowd_a_repair_asks_for_nobody),
        UNREAD_TEST(counts_are_exact_up_to_999),
        UNREAD_TEST(a_chat_that_waits_tells_when_it_goes_on),
        UNREAD_TEST(in_a_crowd_nobody_is_told_and_nobody_is_asked_for),
        UNREAD_TEST(a_crowd_at_the_sockets_here_is_one_too),
        UNREAD_TEST(who_has_left_is_not_asked_for),
        UNREAD_TEST(who_leaves_meanwhile_is_told_nothing),
    };
    return cmocka_run_group_tests_name("websocket-gateway unread", tests, NULL, NULL);
}
