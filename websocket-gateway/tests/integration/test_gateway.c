/* Two gateways, real Kafka and Redis, clients on sockets: what people send and see. */

#include <string.h>

#include "common/events/chat_updated.h"
#include "common/topics.h"

#include "bus_listener.h"
#include "gateway_fixture.h"

static void a_message_is_accepted_then_persisted_and_reaches_the_other_gateway(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    send_message(f, ann, 7, "hello there");

    ws_client_expect(ann, "\"re\":7", "\"ok\":true", "\"state\":\"accepted\"", NULL);
    ws_client_expect(ann, "\"t\":\"persisted\"", "\"seq\":1", NULL);
    ws_client_expect(bob, "\"t\":\"message\"", "hello there", "\"rev\":1", NULL);
    ws_client_expect_none(ann, "\"t\":\"message\"", 200);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void what_its_owner_could_not_publish_a_gateway_does(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    atomic_store(&f->world->owner_lost_redis, true);
    send_message(f, ann, 7, "hello there");

    ws_client_expect(bob, "\"t\":\"message\"", "hello there", "\"rev\":1", NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

/* The gateways take both from one partition, one after the other. */
static void what_its_owner_has_published_no_gateway_publishes_again(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    char name[CC_REDIS_NAME_BYTES];
    const char *channel = name;
    struct bus_listener *ears;

    cc_redis_name_chat(f->chat->chat_id, name);
    ears = bus_listener_start(test_env("CHAT_TEST_REDIS_URL"), &channel, 1);
    send_message(f, ann, 1, "the owner's");
    (void)bus_listener_expect(ears, 1, CC_BUS_MESSAGE, NULL, "the owner's");
    atomic_store(&f->world->owner_lost_redis, true);
    send_message(f, ann, 2, "the gateway's");
    (void)bus_listener_expect(ears, 1, CC_BUS_MESSAGE, NULL, "the gateway's");

    assert_int_equal(bus_listener_count(ears, CC_BUS_MESSAGE, NULL, ""), 2);
    bus_listener_stop(ears);
    ws_client_close(ann);
}

static void a_message_is_followed_by_what_is_unread(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *tablet = connect_person(f, 1, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    for (int i = 1; i <= 2; i++)
        send_message(f, ann, i, "hello");

    ws_client_expect(bob, "\"t\":\"unread\"", f->chat->chat_id, "\"head_seq\":2,\"unread\":2",
                     NULL);
    ws_client_expect(tablet, "\"t\":\"unread\"", "\"read_seq\":2,\"head_seq\":2,\"unread\":0",
                     NULL);
    ws_client_close(ann);
    ws_client_close(tablet);
    ws_client_close(bob);
}

static void in_a_crowd_nobody_is_told_what_is_unread(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_set(f->world, &f->chat->crowd, true);
    send_message(f, ann, 1, "hello");
    ws_client_expect(bob, "\"t\":\"message\"", NULL);

    ws_client_expect_none(bob, "\"t\":\"unread\"", 2500); /* it would be told after a second */
    ws_client_close(ann);
    ws_client_close(bob);
}

static void messages_of_one_sender_arrive_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    for (int i = 1; i <= 15; i++)
        send_message(f, ann, i, "next");

    for (int i = 1; i <= 15; i++) {
        char rev[32];

        snprintf(rev, sizeof rev, "\"rev\":%d,", i);
        assert_non_null(strstr(ws_client_expect(bob, "\"t\":\"message\"", NULL), rev));
    }
    ws_client_close(ann);
    ws_client_close(bob);
}

static void an_edit_arrives_as_an_updated_message(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);
    char id[CC_UUID_BYTES];

    world_new_id(f->world, id);
    ws_client_send(ann,
                   "{\"id\":3,\"t\":\"edit\",\"chat_id\":\"%s\",\"client_msg_id\":\"%s\","
                   "\"message_id\":\"%s\",\"body\":\"better\"}",
                   f->chat->chat_id, id, id);

    ws_client_expect(ann, "\"re\":3", "\"accepted\"", NULL);
    ws_client_expect(bob, "\"t\":\"message_updated\"", "better", NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void what_is_deleted_for_oneself_is_told_to_ones_own_devices(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);
    struct ws_client *elsewhere = connect_person(f, 1, f->ann);
    struct ws_client *ann = connect_person(f, 0, f->ann);
    char id[CC_UUID_BYTES];

    world_new_id(f->world, id);
    send_delete(f, ann, 4, id, "me");

    ws_client_expect(ann, "\"re\":4", "\"ok\":true", "\"hidden\"", id, NULL);
    ws_client_expect(elsewhere, "\"t\":\"message_hidden\"", id, NULL);
    ws_client_expect_none(bob, id, 200);
    ws_client_close(ann);
    ws_client_close(elsewhere);
    ws_client_close(bob);
}

static void only_what_is_there_is_deleted_for_oneself(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);

    send_delete(f, ann, 5, f->chat->chat_id, "me"); /* no message has that id */
    ws_client_expect(ann, "\"re\":5", "\"ok\":false", "\"not_found\"", NULL);
    send_delete(f, ann, 6, f->chat->chat_id, "nobody");
    ws_client_expect(ann, "\"re\":6", "\"ok\":false", "\"invalid\"", NULL);
    ws_client_close(ann);
}

static void what_is_no_emoji_is_no_reaction(void **state)
{
    static const char *const hostile[] = {"$set", "a.b", "a b", "\\u0000", "\\ud83d", ""};
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    char id[CC_UUID_BYTES], reply[32];

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        world_new_id(f->world, id);
        ws_client_send(ann,
                       "{\"id\":%zu,\"t\":\"react\",\"chat_id\":\"%s\",\"client_msg_id\":\"%s\","
                       "\"message_id\":\"%s\",\"emoji\":\"%s\"}",
                       i + 20, f->chat->chat_id, id, id, hostile[i]);
        snprintf(reply, sizeof reply, "\"re\":%zu", i + 20);
        /* What is no JSON has no id to answer. */
        ws_client_expect(ann, hostile[i][0] == '\\' ? "\"t\":\"error\"" : reply, "\"invalid\"",
                         NULL);
    }
    ws_client_close(ann);
}

static void a_stranger_gets_not_found(void **state)
{
    struct fixture *f = *state;
    char eve_id[CC_UUID_BYTES];
    struct ws_client *eve;

    world_new_id(f->world, eve_id);
    eve = connect_person(f, 0, eve_id);
    send_message(f, eve, 2, "let me in");

    ws_client_expect(eve, "\"re\":2", "\"ok\":false", "\"not_found\"", NULL);
    ws_client_close(eve);
}

static void too_many_sends_are_refused_with_the_time_to_wait(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);

    for (int i = 1; i <= 25; i++)
        send_message(f, ann, i, "flood");

    ws_client_expect(ann, "\"ok\":false", "\"rate_limited\"", "\"retry_after_ms\"", NULL);
    ws_client_close(ann);
}

static void typing_reaches_the_others_and_ends_with_the_connection(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    ws_client_send(ann, "{\"t\":\"typing\",\"chat_id\":\"%s\",\"on\":true}", f->chat->chat_id);

    ws_client_expect(bob, "\"t\":\"typing\"", f->ann, "\"on\":true", NULL);
    ws_client_close(ann);
    ws_client_expect(bob, "\"t\":\"typing\"", f->ann, "\"on\":false", NULL);
    ws_client_close(bob);
}

static void type(struct fixture *f, struct ws_client *client, bool on)
{
    ws_client_send(client, "{\"t\":\"typing\",\"chat_id\":\"%s\",\"on\":%s}", f->chat->chat_id,
                   on ? "true" : "false");
}

enum { NO_TYPING_MS = 1500 }; /* the gateway may ask chat-service first */

static void nobody_types_in_a_chat_that_is_closed(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann, *tablet, *bob;

    world_set(f->world, &f->chat->closed, true);
    ann = connect_person(f, 0, f->ann);
    tablet = connect_person(f, 0, f->ann);
    bob = connect_person(f, 1, f->bob);
    type(f, ann, true);
    ws_client_expect_none(bob, "\"t\":\"typing\"", NO_TYPING_MS);
    world_close(f->world, f->chat, false);
    ws_client_expect(tablet, "\"t\":\"chat\"", "\"all\"", NULL);
    type(f, tablet, true);

    ws_client_expect(bob, "\"t\":\"typing\"", f->ann, "\"on\":true", NULL);
    ws_client_close(ann);
    ws_client_close(tablet);
    ws_client_close(bob);
}

static void whoever_types_when_the_chat_is_closed_types_no_more(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);
    struct ws_client *tablet = connect_person(f, 1, f->bob);

    type(f, bob, true);
    ws_client_expect(ann, "\"t\":\"typing\"", "\"on\":true", NULL);
    world_close(f->world, f->chat, true);
    ws_client_expect(tablet, "\"t\":\"chat\"", "\"nobody\"", NULL);
    type(f, bob, false);
    ws_client_expect(ann, "\"t\":\"typing\"", "\"on\":false", NULL); /* what began ends */
    type(f, tablet, true);

    ws_client_expect_none(ann, "\"t\":\"typing\"", NO_TYPING_MS);
    ws_client_close(ann);
    ws_client_close(bob);
    ws_client_close(tablet);
}

enum { REPLY_BYTES = 32 };

/* reply: how the answer begins. */
static void ask_to_watch(struct ws_client *client, int id, const char *user_id,
                         char reply[REPLY_BYTES])
{
    (void)snprintf(reply, REPLY_BYTES, "\"re\":%d,", id);
    ws_client_send(client, "{\"id\":%d,\"t\":\"watch\",\"user_ids\":[\"%s\"]}", id, user_id);
}

static void watch(struct ws_client *client, int id, const char *user_id, const char *state)
{
    char reply[REPLY_BYTES];

    ask_to_watch(client, id, user_id, reply);
    ws_client_expect(client, reply, user_id, state, NULL);
}

static void watching_tells_who_is_online_and_who_comes(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob;

    watch(ann, 5, f->bob, "\"offline\"");
    bob = connect_person(f, 1, f->bob);

    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"online\"", NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void who_hides_is_not_seen_until_they_show_themselves(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_hide(f->world, f->bob);
    watch(ann, 5, f->bob, "\"state\":\"offline\",\"last_seen_at\":null");
    world_hide(f->world, "");
    world_update_user(f->world, f->bob, "settings", 3);
    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"online\"", NULL);
    world_hide(f->world, f->bob);
    world_update_user(f->world, f->bob, "blocks", 0);
    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"offline\",\"last_seen_at\":null", NULL);

    world_hide(f->world, "");
    ws_client_close(ann);
    ws_client_close(bob);
}

static void changes_of_who_hides_are_not_delivered(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann), *bob;

    world_hide(f->world, f->bob);
    watch(ann, 5, f->bob, "\"offline\"");
    bob = connect_person(f, 1, f->bob);
    ws_client_send(bob, "{\"id\":6,\"t\":\"presence\",\"state\":\"away\"}");
    ws_client_expect(bob, "\"re\":6", "\"ok\":true", NULL);

    ws_client_expect_none(ann, "\"t\":\"presence\"", 300);
    world_hide(f->world, "");
    ws_client_close(ann);
    ws_client_close(bob);
}

static void somebody_is_away_when_all_their_connections_are(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *phone = connect_person(f, 0, f->bob), *desk = connect_person(f, 1, f->bob);

    watch(ann, 5, f->bob, "\"online\"");
    ws_client_send(phone, "{\"id\":6,\"t\":\"presence\",\"state\":\"away\"}");
    ws_client_expect(phone, "\"re\":6", "\"ok\":true", NULL);
    ws_client_send(desk, "{\"id\":7,\"t\":\"presence\",\"state\":\"away\"}");
    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"away\"", NULL);
    watch(ann, 8, f->bob, "\"away\"");
    ws_client_send(phone, "{\"id\":9,\"t\":\"presence\",\"state\":\"online\"}");
    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"online\"", NULL);
    ws_client_close(phone);
    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"away\"", NULL);

    ws_client_send(desk, "{\"id\":10,\"t\":\"presence\",\"state\":\"busy\"}");
    ws_client_expect(desk, "\"re\":10", "\"invalid\"", NULL);
    ws_client_close(ann);
    ws_client_close(desk);
}

/* While a service that was away may not be asked yet, the answer is still that nobody knows. */
static void watch_until_known(struct ws_client *client, int first_id, const char *user_id)
{
    enum { TRIES = 100, PAUSE_MS = 50 };
    char reply[REPLY_BYTES];

    for (int id = first_id; id < first_id + TRIES; id++) {
        ask_to_watch(client, id, user_id, reply);
        if (strstr(ws_client_expect(client, reply, NULL), "\"online\"") != NULL)
            return;
        ws_client_expect_none(client, reply, PAUSE_MS);
    }
    fail_msg("nobody said whether %s is there", user_id);
}

static void without_user_service_nobody_is_shown(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_set(f->world, &f->world->user_service_away, true);
    ws_client_send(ann, "{\"id\":5,\"t\":\"watch\",\"user_ids\":[\"%s\"]}", f->bob);
    ws_client_expect(ann, "\"re\":5", "\"unavailable\"", NULL);
    world_set(f->world, &f->world->user_service_away, false);
    watch_until_known(ann, 6, f->bob);

    ws_client_close(ann);
    ws_client_close(bob);
}

static void a_change_of_the_account_reaches_all_devices_of_its_person(void **state)
{
    struct fixture *f = *state;
    struct ws_client *phone = connect_person(f, 0, f->ann), *desk = connect_person(f, 1, f->ann);

    world_update_user(f->world, f->ann, "settings", 7);

    ws_client_expect(phone, "\"t\":\"user\"", f->ann, "\"change\":\"settings\",\"version\":7",
                     NULL);
    ws_client_expect(desk, "\"t\":\"user\"", f->ann, "\"change\":\"settings\",\"version\":7", NULL);
    ws_client_close(phone);
    ws_client_close(desk);
}

static void a_read_mark_is_answered_and_seen_by_the_other(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    ws_client_send(bob, "{\"id\":9,\"t\":\"read\",\"chat_id\":\"%s\",\"seq\":1}", f->chat->chat_id);

    ws_client_expect(bob, "\"re\":9", "\"ok\":true", NULL);
    ws_client_expect(ann, "\"t\":\"receipt\"", f->bob, NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void who_was_removed_gets_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    pthread_mutex_lock(&f->world->lock);
    f->chat->members[1][0] = '\0';
    f->chat->member_version = 2;
    pthread_mutex_unlock(&f->world->lock);
    send_message(f, ann, 1, "he is gone");

    ws_client_expect(ann, "\"t\":\"persisted\"", NULL);
    ws_client_expect_none(bob, "he is gone", 500);
    send_message(f, bob, 2, "am I?");
    ws_client_expect(bob, "\"re\":2", "\"not_found\"", NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

/* Chosen while he was a member, it comes when he is none any more. */
static void who_was_removed_hears_of_no_reading(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_tell_receipt(f->world, f->chat, f->bob, f->ann);
    ws_client_expect(bob, "\"t\":\"receipt\"", f->ann, NULL);
    pthread_mutex_lock(&f->world->lock);
    f->chat->members[1][0] = '\0';
    f->chat->member_version = 2;
    pthread_mutex_unlock(&f->world->lock);
    world_tell_receipt(f->world, f->chat, f->bob, f->ann);

    ws_client_expect_none(bob, "\"t\":\"receipt\"", 500);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void announce_chat(struct fixture *f, const struct world_chat *chat, const char *target)
{
    char event_id[CC_UUID_BYTES];
    const char *targets[] = {target};
    struct ev_chat_updated event = {.chat_id = chat->chat_id,
                                    .version = chat->member_version,
                                    .change = CC_CHAT_CREATED,
                                    .actor_id = f->ann,
                                    .targets = targets,
                                    .target_count = 1,
                                    .chat_json = "{\"title\":\"new one\"}"};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    world_new_id(f->world, event_id);
    event.envelope = (struct cc_envelope){.event_id = event_id,
                                          .type = CC_TOPIC_CHAT_UPDATED,
                                          .version = 1,
                                          .occurred_at_ms = now_ms(),
                                          .producer = "chat-service",
                                          .key = chat->chat_id};
    cc_strbuf_init(&payload, 8192);
    cc_json_writer_init(&json, &payload);
    ev_chat_updated_write(&json, &event);
    world_produce(f->world, CC_TOPIC_CHAT_UPDATED, chat->chat_id, &payload);
    cc_strbuf_finish(&payload);
}

static void a_new_chat_is_introduced_and_then_live(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);
    struct world_chat *chat = world_add_chat(f->world, f->ann, f->bob);

    world_store(f->world, chat, "before", false);
    announce_chat(f, chat, f->bob);

    ws_client_expect(bob, "\"t\":\"chat\"", chat->chat_id, "\"head_rev\":1", "new one", NULL);
    world_store(f->world, chat, "after", true);
    ws_client_expect(bob, "\"t\":\"message\"", chat->chat_id, "after", NULL);
    ws_client_close(bob);
}

/* ---- what somebody deleted for themselves ---- */

/* Ann sees the edit, bob its rev alone. */
static void expect_edit_for_ann_alone(struct fixture *f, struct ws_client *ann,
                                      struct ws_client *bob)
{
    world_edit_last(f->world, f->chat, "again");
    ws_client_expect(ann, "\"t\":\"message_updated\"", "again", NULL);
    const char *bare = ws_client_expect(bob, "\"rev\":2", NULL);
    assert_null(strstr(bare, "again"));
    assert_non_null(strstr(bare, "\"seq\":1"));
}

static void what_was_hidden_before_is_not_shown_by_a_change(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann, *bob;

    world_store(f->world, f->chat, "unwanted", false);
    world_hide_all(f->world, f->chat, f->bob);
    ann = connect_person(f, 0, f->ann);
    bob = connect_person(f, 1, f->bob);

    expect_edit_for_ann_alone(f, ann, bob);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void what_is_hidden_now_is_not_shown_by_a_change(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann), *bob = connect_person(f, 1, f->bob);

    world_store(f->world, f->chat, "unwanted", true);
    ws_client_expect(bob, "unwanted", NULL);
    send_delete(f, bob, 9, f->session, "me"); /* any id but the chat's is a message's */
    ws_client_expect(bob, "message_hidden", NULL);

    expect_edit_for_ann_alone(f, ann, bob);
    ws_client_close(ann);
    ws_client_close(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(what_was_hidden_before_is_not_shown_by_a_change),
        GATEWAY_TEST(what_is_hidden_now_is_not_shown_by_a_change),
        GATEWAY_TEST(a_message_is_accepted_then_persisted_and_reaches_the_other_gateway),
        GATEWAY_TEST(what_its_owner_could_not_publish_a_gateway_does),
        GATEWAY_TEST(what_its_owner_has_published_no_gateway_publishes_again),
        GATEWAY_TEST(a_message_is_followed_by_what_is_unread),
        GATEWAY_TEST(in_a_crowd_nobody_is_told_what_is_unread),
        GATEWAY_TEST(messages_of_one_sender_arrive_in_their_order),
        GATEWAY_TEST(an_edit_arrives_as_an_updated_message),
        GATEWAY_TEST(what_is_deleted_for_oneself_is_told_to_ones_own_devices),
        GATEWAY_TEST(only_what_is_there_is_deleted_for_oneself),
        GATEWAY_TEST(what_is_no_emoji_is_no_reaction),
        GATEWAY_TEST(a_stranger_gets_not_found),
        GATEWAY_TEST(too_many_sends_are_refused_with_the_time_to_wait),
        GATEWAY_TEST(typing_reaches_the_others_and_ends_with_the_connection),
        GATEWAY_TEST(nobody_types_in_a_chat_that_is_closed),
        GATEWAY_TEST(whoever_types_when_the_chat_is_closed_types_no_more),
        GATEWAY_TEST(watching_tells_who_is_online_and_who_comes),
        GATEWAY_TEST(who_hides_is_not_seen_until_they_show_themselves),
        GATEWAY_TEST(changes_of_who_hides_are_not_delivered),
        GATEWAY_TEST(somebody_is_away_when_all_their_connections_are),
        GATEWAY_TEST(without_user_service_nobody_is_shown),
        GATEWAY_TEST(a_change_of_the_account_reaches_all_devices_of_its_person),
        GATEWAY_TEST(a_read_mark_is_answered_and_seen_by_the_other),
        GATEWAY_TEST(who_was_removed_gets_nothing_more),
        GATEWAY_TEST(who_was_removed_hears_of_no_reading),
        GATEWAY_TEST(a_new_chat_is_introduced_and_then_live),
    };

    return cmocka_run_group_tests_name("websocket-gateway", tests, gateway_world_start,
                                       gateway_world_end);
}
