/* Who is told on Redis how far somebody has read: with real MongoDB, Kafka and Redis. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/bus.h"
#include "message_fixture.h"
#include "testing.h"

#define HEARD_MAX  64
#define FRAME_MAX  512
#define WAIT_MS    10000
#define MANY       101
#define JSON_BYTES (MANY * 128 + 256)

struct heard {
    char channel[CC_REDIS_NAME_BYTES];
    enum cc_bus_kind kind;
    char frame[FRAME_MAX];
};
struct listener {
    struct cc_redis_subscriber *subscriber;
    pthread_mutex_t lock;
    struct heard items[HEARD_MAX];
    size_t count, subscribed, wanted;
};
static struct listener ears = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_message(void *arg, const char *channel, const char *payload, size_t length)
{
    struct listener *listener = arg;
    struct cc_bus_message message;

    if (!cc_bus_read(payload, length, &message))
        return;
    pthread_mutex_lock(&listener->lock);
    if (listener->count < HEARD_MAX) {
        struct heard *heard = &listener->items[listener->count++];
        heard->kind = message.kind;
        (void)snprintf(heard->channel, sizeof heard->channel, "%s", channel);
        (void)snprintf(heard->frame, sizeof heard->frame, "%.*s", (int)message.frame_count,
                       message.frame);
    }
    pthread_mutex_unlock(&listener->lock);
}

static void on_subscribed(void *arg, const char *channel)
{
    struct listener *listener = arg;

    (void)channel;
    pthread_mutex_lock(&listener->lock);
    listener->subscribed++;
    pthread_mutex_unlock(&listener->lock);
}

static bool all_subscribed(void *arg)
{
    struct listener *listener = arg;

    pthread_mutex_lock(&listener->lock);
    bool all = listener->subscribed >= listener->wanted;
    pthread_mutex_unlock(&listener->lock);
    return all;
}

/* To the chat's own channel, and those of the fixture's three members. */
static void listen_to(struct message_fixture *f, const char *chat_id)
{
    static const struct cc_redis_subscriber_events events = {.on_message = on_message,
                                                             .on_subscribed = on_subscribed};
    char channel[CC_REDIS_NAME_BYTES];

    ears.count = ears.subscribed = 0;
    ears.wanted = 4;
    assert_int_equal(cc_redis_subscriber_create(f->settings.redis_url, &events, &ears,
                                                &ears.subscriber, &f->err),
                     CC_OK);
    cc_redis_name_chat(chat_id, channel);
    cc_redis_subscribe(ears.subscriber, channel);
    for (size_t i = 0; i < 3; i++) {
        cc_redis_name_user(f->members[i], channel);
        cc_redis_subscribe(ears.subscriber, channel);
    }
    test_wait_for(all_subscribed, &ears, WAIT_MS);
}

static int end(void **state)
{
    cc_redis_subscriber_destroy(ears.subscriber);
    return message_fixture_end(state);
}

/* How many of a kind came by one person's channel (NULL = by any) that say a text. */
static size_t heard(enum cc_bus_kind kind, const char *user_id, const char *text)
{
    char channel[CC_REDIS_NAME_BYTES];
    size_t count = 0;

    if (user_id != NULL)
        cc_redis_name_user(user_id, channel);
    pthread_mutex_lock(&ears.lock);
    for (size_t i = 0; i < ears.count; i++)
        if (ears.items[i].kind == kind && strstr(ears.items[i].frame, text) != NULL &&
            (user_id == NULL || strcmp(ears.items[i].channel, channel) == 0))
            count++;
    pthread_mutex_unlock(&ears.lock);
    return count;
}

struct expected {
    enum cc_bus_kind kind;
    const char *user_id, *text;
};

static bool has_come(void *arg)
{
    const struct expected *expected = arg;
    return heard(expected->kind, expected->user_id, expected->text) > 0;
}

static void expect(enum cc_bus_kind kind, const char *user_id, const char *text)
{
    struct expected expected = {kind, user_id, text};
    test_wait_for(has_come, &expected, WAIT_MS);
}

static void must_say(struct message_fixture *f, const char *user_id, const char *chat_id)
{
    struct answer answer = send_text(f, user_id, chat_id, "hello", a_new_id(f));
    assert_int_equal(answer.status, 201);
}

static void must_read(struct message_fixture *f, const char *user_id, const char *chat_id, int seq)
{
    const char *path = cc_arena_printf(f->arena, "/v1/chats/%s/read", chat_id);
    const char *body = cc_arena_printf(f->arena, "{\"seq\":%d}", seq);
    assert_int_equal(call(f, user_id, "POST", path, body, NULL).status, 200);
}

/* The fixture's three members and strangers, as chat-service says it in Redis. */
static void a_chat_has(struct message_fixture *f, const char *chat_id, int count,
                       const char *version)
{
    char mver[CC_REDIS_NAME_BYTES], members[CC_REDIS_NAME_BYTES];
    struct cc_strbuf json;

    cc_redis_name_mver(chat_id, mver);
    cc_redis_name_members(chat_id, members);
    cc_strbuf_init(&json, JSON_BYTES);
    cc_strbuf_printf(&json,
                     "{\"chat_id\":\"%s\",\"member_version\":%s,\"deleted\":false,\"post\":\"all\","
                     "\"next_cursor\":null,\"items\":[",
                     chat_id, version);
    for (int i = 0; i < count; i++)
        cc_strbuf_printf(&json, "%s{\"user_id\":\"%s\",\"role\":\"member\",\"state\":\"active\"}",
                         i == 0 ? "" : ",", i < 3 ? f->members[i] : a_new_id(f));
    cc_strbuf_printf(&json, "]}");
    assert_int_equal(
        cc_redis_do(f->app.redis, NULL, &f->err, "SET", members, cc_strbuf_text(&json), NULL),
        CC_OK);
    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "SET", mver, version, NULL), CC_OK);
    cc_strbuf_finish(&json);
}

static void authors_alone_are_told_who_has_read_them(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1],
               *joan = f->members[2];
    must_say(f, ada, chat);
    must_say(f, joan, chat);
    listen_to(f, chat);

    must_read(f, grace, chat, 1);

    expect(CC_BUS_RECEIPT, ada, "\"read_seq\":1");
    expect(CC_BUS_UNREAD, grace, "\"read_seq\":1");
    assert_int_equal(heard(CC_BUS_RECEIPT, NULL, grace), 1);
    must_read(f, ada, chat, 2);
    expect(CC_BUS_RECEIPT, joan, "\"read_seq\":2");
    assert_int_equal(heard(CC_BUS_RECEIPT, NULL, ada), 1);
}

static void nobody_is_told_in_a_chat_of_more_than_100(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    a_chat_has(f, chat, MANY, "2");
    must_say(f, ada, chat);
    listen_to(f, chat);

    must_read(f, grace, chat, 1);
    expect(CC_BUS_UNREAD, grace, "\"read_seq\":1"); /* sent behind where a receipt would be */
    a_chat_has(f, chat, MANY - 1, "3");
    must_read(f, f->members[2], chat, 1);
    expect(CC_BUS_RECEIPT, ada, f->members[2]);

    assert_int_equal(heard(CC_BUS_RECEIPT, NULL, "receipt"), 1);
}

/* One at once, one for all that follow it. */
static void what_is_read_in_one_go_is_told_at_its_beginning_and_its_end(void **state)
{
    enum { MESSAGES = 8 };
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    for (int i = 0; i < MESSAGES; i++)
        must_say(f, ada, chat);
    listen_to(f, chat);

    for (int i = 1; i <= MESSAGES; i++)
        must_read(f, grace, chat, i);

    expect(CC_BUS_RECEIPT, ada, "\"read_seq\":8");
    assert_int_equal(heard(CC_BUS_RECEIPT, ada, "\"read_seq\":1"), 1);
    assert_true(heard(CC_BUS_RECEIPT, ada, grace) < MESSAGES / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, message_fixture_begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(authors_alone_are_told_who_has_read_them),
        TEST(nobody_is_told_in_a_chat_of_more_than_100),
        TEST(what_is_read_in_one_go_is_told_at_its_beginning_and_its_end),
    };

    return cmocka_run_group_tests_name("message-service receipts", tests, message_fixture_start,
                                       message_fixture_stop);
}
