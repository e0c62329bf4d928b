/* From message.created to history and message.persisted, with real MongoDB, Kafka and Redis: order,
 * replays, and a store that fails at each crash point. */

#include <stdio.h>
#include <string.h>

#include "bus_listener.h"
#include "events/dead_letters.h"
#include "message_fixture.h"
#include "tcp_proxy.h"
#include "testing.h"

#define CHATS    5
#define MESSAGES 200

struct wish { /* what test_wait_for waits for */
    struct message_fixture *f;
    const char *const *chats;
    size_t chat_count, each;
    size_t announced;
};

static bool is_stored(void *arg)
{
    struct wish *wish = arg;

    for (size_t i = 0; i < wish->chat_count; i++)
        if (stored_messages(wish->f, wish->chats[i]).count < wish->each)
            return false;
    return true;
}

static bool is_announced(void *arg)
{
    struct wish *wish = arg;
    return persisted(wish->f).count >= wish->announced;
}

static void wait_for_stored(struct message_fixture *f, const char *const *chats, size_t count,
                            size_t each)
{
    struct wish wish = {.f = f, .chats = chats, .chat_count = count, .each = each};
    test_wait_for(is_stored, &wish, 20000);
}

static void wait_for_announced(struct message_fixture *f, size_t count)
{
    struct wish wish = {.f = f, .announced = count};
    test_wait_for(is_announced, &wish, 20000);
}

static void assert_history_is_whole(struct message_fixture *f, const char *chat_id, size_t count)
{
    struct message_list list = stored_messages(f, chat_id);

    assert_int_equal(list.count, count);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].seq, (int64_t)i + 1);
}

static const struct ev_message_persisted *outcome_of(const struct persisted_list *list,
                                                     const char *op_id)
{
    for (size_t i = list->count; i > 0; i--)
        if (strcmp(list->items[i - 1].op_id, op_id) == 0)
            return &list->items[i - 1];
    fail_msg("nobody was told of %s", op_id);
    return NULL;
}

/* 200 messages of two people into five chats, in turn. */
static struct ev_message_created *many_sends(struct message_fixture *f,
                                             const char *chats[static CHATS])
{
    struct ev_message_created *sends = cc_arena_calloc(f->arena, MESSAGES, sizeof *sends);

    for (size_t i = 0; i < CHATS; i++)
        chats[i] = a_new_id(f);
    for (size_t i = 0; i < MESSAGES; i++)
        sends[i] = a_gateway_send(f, chats[i % CHATS], f->members[(i / CHATS) % 2],
                                  cc_arena_printf(f->arena, "m%zu", i));
    return sends;
}

static void messages_are_numbered_without_a_gap_in_the_order_of_the_topic(void **state)
{
    struct message_fixture *f = *state;
    const char *chats[CHATS];
    struct ev_message_created *sends = many_sends(f, chats);
    size_t before = persisted(f).count;

    must_produce(f, sends, MESSAGES);
    wait_for_stored(f, chats, CHATS, MESSAGES / CHATS);
    wait_for_announced(f, before + MESSAGES);

    struct persisted_list told = persisted(f);
    assert_int_equal(told.count, before + MESSAGES);
    for (size_t i = 0; i < CHATS; i++)
        assert_history_is_whole(f, chats[i], MESSAGES / CHATS);
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct ev_message_persisted *outcome = outcome_of(&told, sends[i].op_id);
        assert_false(outcome->rejected);
        assert_false(outcome->duplicate);
        assert_int_equal(outcome->message.seq, (int64_t)(i / CHATS) + 1);
        assert_int_equal(outcome->rev, outcome->message.seq);
        assert_string_equal(outcome->message.body, sends[i].body);
        assert_int_equal(outcome->recipient_count, 3);
        assert_int_equal(outcome->member_version, 1);
        assert_string_equal(outcome->origin.conn_id, "conn-1");
    }
}

static void a_replay_from_the_beginning_changes_nothing(void **state)
{
    struct message_fixture *f = *state;
    const char *chats[CHATS];
    struct ev_message_created *sends = many_sends(f, chats);
    must_produce(f, sends, MESSAGES);
    wait_for_stored(f, chats, CHATS, MESSAGES / CHATS);
    struct message_list before = stored_messages(f, chats[0]);
    size_t told_before = persisted(f).count;

    message_restart(f, true);
    wait_for_announced(f, told_before + MESSAGES);

    struct message_list after = stored_messages(f, chats[0]);
    struct persisted_list told = persisted(f);
    assert_int_equal(after.count, before.count);
    for (size_t i = 0; i < after.count; i++) {
        assert_string_equal(after.items[i].message_id, before.items[i].message_id);
        assert_int_equal(after.items[i].rev, before.items[i].rev);
    }
    for (size_t i = 0; i < MESSAGES; i++)
        assert_int_equal(outcome_of(&told, sends[i].op_id)->message.seq, (int64_t)(i / CHATS) + 1);
}

static void survive_a_failing(struct message_fixture *f, enum store_call call,
                              enum store_failure when)
{
    const char *chats[CHATS];
    struct ev_message_created *sends = many_sends(f, chats);
    size_t before = persisted(f).count;

    message_restart_failing(f, call, when);
    must_produce(f, sends, MESSAGES);
    wait_for_stored(f, chats, CHATS, MESSAGES / CHATS);
    wait_for_announced(f, before + MESSAGES);

    assert_true(message_store_failing_done(f->app.store));
    struct persisted_list told = persisted(f);
    for (size_t i = 0; i < CHATS; i++)
        assert_history_is_whole(f, chats[i], MESSAGES / CHATS);
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct ev_message_persisted *outcome = outcome_of(&told, sends[i].op_id);
        assert_false(outcome->rejected);
        assert_int_equal(outcome->message.seq, (int64_t)(i / CHATS) + 1);
    }
}

static void a_batch_that_dies_before_the_log_comes_again(void **state)
{
    survive_a_failing(*state, STORE_APPEND_CHANGES, STORE_FAILS_BEFORE);
}

static void a_batch_that_dies_after_the_log_is_stored_once(void **state)
{
    survive_a_failing(*state, STORE_APPEND_CHANGES, STORE_FAILS_AFTER);
}

static void a_batch_that_dies_before_the_timeline_is_materialised_later(void **state)
{
    survive_a_failing(*state, STORE_MATERIALISE, STORE_FAILS_BEFORE);
}

static void a_batch_that_dies_after_the_timeline_is_announced_later(void **state)
{
    survive_a_failing(*state, STORE_MATERIALISE, STORE_FAILS_AFTER);
}

static void a_stranger_is_refused_durably_and_the_refusal_is_announced(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct ev_message_created send = a_gateway_send(f, chat, a_new_id(f), "m1");
    struct change *found;
    size_t before = persisted(f).count;

    must_produce(f, &send, 1);
    wait_for_announced(f, before + 1);

    struct persisted_list told = persisted(f);
    assert_true(outcome_of(&told, send.op_id)->rejected);
    assert_int_equal(outcome_of(&told, send.op_id)->code, CC_NOT_FOUND);
    assert_int_equal(
        f->store->ops->find_operation(f->store, chat, send.op_id, f->arena, &found, &f->err),
        CC_OK);
    assert_int_equal(found->refusal, CC_NOT_FOUND);
}

static void sends_wait_while_chat_service_is_away(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *other = a_new_id(f);
    struct ev_message_created sends[] = {a_gateway_send(f, chat, f->members[0], "m1"),
                                         a_gateway_send(f, other, f->members[0], "m1")};
    const char *both[] = {chat, other};
    atomic_store(&f->chat_service_away, true);
    must_produce(f, sends, 2);

    assert_int_equal(stored_messages(f, chat).count, 0);
    atomic_store(&f->chat_service_away, false);

    wait_for_stored(f, both, 2, 1);
}

static void what_can_not_be_read_is_put_aside_and_the_rest_goes_on(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *op_id = a_new_id(f);
    struct ev_message_created send = a_gateway_send(f, chat, f->members[0], "m1");
    size_t before = persisted(f).count;

    must_produce_raw(f, chat, "not json");
    must_produce_raw(f, a_new_id(f), "{}");
    must_produce_raw(f, chat,
                     cc_arena_printf(f->arena,
                                     "{\"op_id\":\"%s\",\"chat_id\":\"%s\",\"sender_id\":\"%s\","
                                     "\"client_msg_id\":\"x\",\"op\":\"no such thing\"}",
                                     op_id, chat, f->members[0]));
    must_produce(f, &send, 1);
    wait_for_stored(f, &chat, 1, 1);
    wait_for_announced(f, before + 2);

    struct persisted_list told = persisted(f);
    assert_int_equal(outcome_of(&told, op_id)->code, CC_UNPROCESSABLE);
    assert_int_equal(outcome_of(&told, send.op_id)->message.seq, 1);
}

struct report {
    struct message_fixture *f;
    const char *key;
    size_t about; /* lines about that key */
    char about_last[256], last[256];
};

static void take_line(const char *line, void *arg)
{
    struct report *report = arg;

    snprintf(report->last, sizeof report->last, "%s", line);
    if (strstr(line, report->key) == NULL)
        return;
    report->about++;
    snprintf(report->about_last, sizeof report->about_last, "%s", line);
}

static struct dead_letters dead_letters_of(struct message_fixture *f, struct report *report)
{
    *report = (struct report){.f = f, .key = report->key};
    return (struct dead_letters){
        .brokers = f->settings.kafka_brokers,
        .client_id = "tool",
        .created_topic = f->names.created_topic,
        .group = f->names.created_topic, /* one of its own */
        .now_ms = cc_wall_ms(cc_clock_system()),
        .tell = take_line,
        .arg = report,
    };
}

static bool is_a_dead_letter(void *arg)
{
    struct report *report = arg;
    struct dead_letters letters = dead_letters_of(report->f, report);

    assert_int_equal(dead_letters_list(&letters, &report->f->err), CC_OK);
    return report->about > 0;
}

/* As a new dead letter, which by then is too old. */
static bool comes_back(void *arg)
{
    struct report *report = arg;
    struct dead_letters letters = dead_letters_of(report->f, report);

    letters.now_ms += DEAD_LETTER_MAX_AGE_MS + 60000;
    assert_int_equal(dead_letters_replay(&letters, &report->f->err), CC_OK);
    return report->about == 1;
}

static void dead_letters_are_listed_and_replayed_once(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct report report = {.f = f, .key = chat};
    must_produce_raw(f, chat, "{\"body\":\"a secret\"}");
    test_wait_for(is_a_dead_letter, &report, 20000);
    assert_non_null(strstr(report.about_last, "unreadable"));
    assert_null(strstr(report.about_last, "secret"));

    struct dead_letters letters = dead_letters_of(f, &report);
    assert_int_equal(dead_letters_replay(&letters, &f->err), CC_OK);
    assert_int_equal(report.about, 1);
    assert_non_null(strstr(report.about_last, "replayed"));
    test_wait_for(comes_back, &report, 20000);

    assert_non_null(strstr(report.about_last, "too old"));
}

static bool has_read(void *arg)
{
    struct wish *wish = arg;
    struct receipt receipt;

    assert_int_equal(wish->f->store->ops->get_receipt(wish->f->store, wish->chats[0],
                                                      wish->f->members[0], &receipt, &wish->f->err),
                     CC_OK);
    return receipt.read_seq == (int64_t)wish->each;
}

static void whoever_sends_has_read_up_to_it(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct ev_message_created sends[] = {a_gateway_send(f, chat, f->members[1], "m1"),
                                         a_gateway_send(f, chat, f->members[0], "m2"),
                                         a_gateway_send(f, chat, f->members[1], "m3")};
    struct wish wish = {.f = f, .chats = &chat, .each = 2};

    must_produce(f, sends, 3);

    test_wait_for(has_read, &wish, 10000);
}

static bool is_raised(void *arg)
{
    struct wish *wish = arg;
    char key[CC_REDIS_NAME_BYTES];
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    cc_redis_name_head(wish->chats[0], key);
    assert_int_equal(cc_redis_do(wish->f->app.redis, &reply, &wish->f->err, "GET", key, NULL),
                     CC_OK);
    return reply->type == REDIS_REPLY_STRING && strcmp(reply->str, "2 2") == 0;
}

static void the_head_in_redis_is_raised_and_not_lowered_by_a_replay(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct ev_message_created sends[] = {a_gateway_send(f, chat, f->members[0], "m1"),
                                         a_gateway_send(f, chat, f->members[0], "m2")};
    struct wish wish = {.f = f, .chats = &chat};
    must_produce(f, sends, 2);
    test_wait_for(is_raised, &wish, 10000);
    size_t before = persisted(f).count;

    must_produce(f, sends, 1);
    wait_for_announced(f, before + 1);

    assert_true(is_raised(&wish));
}

static struct bus_listener *listen_to_chat(const char *chat_id)
{
    char name[CC_REDIS_NAME_BYTES];
    const char *channel = name;

    cc_redis_name_chat(chat_id, name);
    return bus_listener_start(test_env("CHAT_TEST_REDIS_URL"), &channel, 1);
}

static void the_owner_publishes_live_frames_in_their_order_and_says_so(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct ev_message_created sends[] = {a_gateway_send(f, chat, f->members[0], "m1"),
                                         a_gateway_send(f, chat, f->members[0], "m2"),
                                         a_gateway_send(f, chat, a_new_id(f), "a stranger's")};
    struct bus_listener *ears = listen_to_chat(chat);
    size_t before = persisted(f).count;

    must_produce(f, sends, 3);
    wait_for_announced(f, before + 3);

    for (int64_t rev = 1; rev <= 2; rev++) {
        struct heard heard = bus_listener_expect(ears, (size_t)rev, CC_BUS_MESSAGE, NULL, chat);

        assert_int_equal(heard.rev, rev);
        assert_non_null(strstr(heard.frame, sends[rev - 1].op_id));
    }
    assert_int_equal(bus_listener_count(ears, CC_BUS_MESSAGE, NULL, ""), 2);
    struct persisted_list list = persisted(f);
    assert_true(outcome_of(&list, sends[0].op_id)->published);
    assert_true(outcome_of(&list, sends[1].op_id)->published);
    assert_false(outcome_of(&list, sends[2].op_id)->published);
    bus_listener_stop(ears);
}

static void what_redis_did_not_take_is_left_to_the_gateways(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct ev_message_created send = a_gateway_send(f, chat, f->members[0], "m1");
    struct tcp_proxy *proxy = tcp_proxy_start(test_env("CHAT_TEST_REDIS_URL"));

    f->settings.redis_url = tcp_proxy_uri(proxy);
    message_restart(f, false);
    tcp_proxy_cut(proxy);
    size_t before = persisted(f).count;
    must_produce(f, &send, 1);
    wait_for_announced(f, before + 1);
    struct persisted_list list = persisted(f);
    bool published = outcome_of(&list, send.op_id)->published;

    f->settings.redis_url = test_env("CHAT_TEST_REDIS_URL");
    message_restart(f, false);
    tcp_proxy_stop(proxy);
    assert_false(published);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, message_fixture_begin, message_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_are_numbered_without_a_gap_in_the_order_of_the_topic),
        TEST(a_replay_from_the_beginning_changes_nothing),
        TEST(a_batch_that_dies_before_the_log_comes_again),
        TEST(a_batch_that_dies_after_the_log_is_stored_once),
        TEST(a_batch_that_dies_before_the_timeline_is_materialised_later),
        TEST(a_batch_that_dies_after_the_timeline_is_announced_later),
        TEST(a_stranger_is_refused_durably_and_the_refusal_is_announced),
        TEST(sends_wait_while_chat_service_is_away),
        TEST(what_can_not_be_read_is_put_aside_and_the_rest_goes_on),
        TEST(dead_letters_are_listed_and_replayed_once),
        TEST(whoever_sends_has_read_up_to_it),
        TEST(the_head_in_redis_is_raised_and_not_lowered_by_a_replay),
        TEST(the_owner_publishes_live_frames_in_their_order_and_says_so),
        TEST(what_redis_did_not_take_is_left_to_the_gateways),
    };

    return cmocka_run_group_tests_name("message.created to history", tests, message_fixture_start,
                                       message_fixture_stop);
}
