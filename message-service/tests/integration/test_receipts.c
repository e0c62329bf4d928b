/* Who is told on Redis how far somebody has read: with real MongoDB, Kafka and Redis. */

#include <stdio.h>
#include <string.h>

#include "bus_listener.h"
#include "message_fixture.h"
#include "testing.h"

#define MANY       101
#define JSON_BYTES (MANY * 128 + 256)

static struct bus_listener *ears;

/* To the chat's own channel, and those of the fixture's three members. */
static void listen_to(struct message_fixture *f, const char *chat_id)
{
    char names[4][CC_REDIS_NAME_BYTES];
    const char *channels[] = {names[0], names[1], names[2], names[3]};

    cc_redis_name_chat(chat_id, names[0]);
    for (size_t i = 0; i < 3; i++)
        cc_redis_name_user(f->members[i], names[i + 1]);
    ears = bus_listener_start(f->settings.redis_url, channels, 4);
}

static int end(void **state)
{
    bus_listener_stop(ears);
    ears = NULL;
    return message_fixture_end(state);
}

/* How many of a kind came by one person's channel (NULL = by any) that say a text. */
static size_t heard(enum cc_bus_kind kind, const char *user_id, const char *text)
{
    char channel[CC_REDIS_NAME_BYTES];

    if (user_id != NULL)
        cc_redis_name_user(user_id, channel);
    return bus_listener_count(ears, kind, user_id == NULL ? NULL : channel, text);
}

static void expect(enum cc_bus_kind kind, const char *user_id, const char *text)
{
    char channel[CC_REDIS_NAME_BYTES];

    cc_redis_name_user(user_id, channel);
    (void)bus_listener_expect(ears, 1, kind, channel, text);
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

/* From there a gateway counts on. */
static void what_is_left_unread_says_as_of_which_change(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *grace = f->members[1];
    must_say(f, f->members[0], chat);
    must_say(f, f->members[0], chat);
    listen_to(f, chat);

    must_read(f, grace, chat, 1);

    struct heard counts = bus_listener_expect(ears, 1, CC_BUS_UNREAD, NULL, "\"unread\":1");
    assert_int_equal(counts.rev, 2);
    assert_int_equal(counts.seq, 2);
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
        TEST(what_is_left_unread_says_as_of_which_change),
        TEST(nobody_is_told_in_a_chat_of_more_than_100),
        TEST(what_is_read_in_one_go_is_told_at_its_beginning_and_its_end),
    };

    return cmocka_run_group_tests_name("message-service receipts", tests, message_fixture_start,
                                       message_fixture_stop);
}
