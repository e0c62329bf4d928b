/* Two gateways, real Kafka and Redis, clients on sockets: what people see. */

#include <string.h>

#include "common/alloc.h"
#include "common/events/chat_updated.h"
#include "common/events/session_revoked.h"
#include "common/topics.h"
#include "testing.h"

#include "world.h"
#include "ws_client.h"

#define PATH "/v1/ws"

struct fixture {
    struct world *world;
    struct world_chat *chat;
    char ann[CC_UUID_BYTES], bob[CC_UUID_BYTES], session[CC_UUID_BYTES];
};

static struct world *shared_world; /* one for all tests: starting it takes seconds */

static int setup_world(void **state)
{
    (void)state;
    shared_world = world_create();
    return 0;
}

static int teardown_world(void **state)
{
    (void)state;
    world_destroy(shared_world);
    return 0;
}

/* Every test has people and a chat of its own. */
static int setup(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);

    f->world = shared_world;
    world_new_id(f->world, f->ann);
    world_new_id(f->world, f->bob);
    world_new_id(f->world, f->session);
    f->chat = world_add_chat(f->world, f->ann, f->bob);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cc_free(*state);
    return 0;
}

static int64_t now_ms(void)
{
    return cc_wall_ms(cc_clock_system());
}

static struct ws_client *open_socket(struct fixture *f, int gateway)
{
    struct ws_client *client = ws_client_open(world_port(f->world, gateway), PATH, NULL);

    assert_non_null(client);
    ws_client_expect(client, "\"t\":\"hello\"", "\"auth_deadline_ms\":2000", NULL);
    return client;
}

/* resume: the frame's further members, "" = none. */
static struct ws_client *sign_in(struct fixture *f, int gateway, const char *user_id,
                                 const char *resume)
{
    struct ws_client *client = open_socket(f, gateway);
    char *token = world_token(f->world, user_id, f->session, now_ms());

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"%s\"%s}", token, resume);
    cc_free(token);
    return client;
}

static struct ws_client *connect_person(struct fixture *f, int gateway, const char *user_id)
{
    struct ws_client *client = sign_in(f, gateway, user_id, "");

    ws_client_expect(client, "\"t\":\"ready\"", user_id, "\"resume\":\"none\"", NULL);
    return client;
}

static void send_message(struct fixture *f, struct ws_client *client, int id, const char *body)
{
    char client_msg_id[CC_UUID_BYTES];

    world_new_id(f->world, client_msg_id);
    ws_client_send(client,
                   "{\"id\":%d,\"t\":\"send\",\"chat_id\":\"%s\",\"client_msg_id\":\"%s\","
                   "\"type\":\"text\",\"body\":\"%s\"}",
                   id, f->chat->chat_id, client_msg_id, body);
}

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

static void send_delete(struct fixture *f, struct ws_client *client, int frame_id,
                        const char *message_id, const char *scope)
{
    char id[CC_UUID_BYTES];

    world_new_id(f->world, id);
    ws_client_send(client,
                   "{\"id\":%d,\"t\":\"delete\",\"chat_id\":\"%s\",\"client_msg_id\":\"%s\","
                   "\"message_id\":\"%s\",\"scope\":\"%s\"}",
                   frame_id, f->chat->chat_id, id, message_id, scope);
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

static void watching_tells_who_is_online_and_who_comes(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob;

    ws_client_send(ann, "{\"id\":5,\"t\":\"watch\",\"user_ids\":[\"%s\"]}", f->bob);
    ws_client_expect(ann, "\"re\":5", f->bob, "\"offline\"", NULL);
    bob = connect_person(f, 1, f->bob);

    ws_client_expect(ann, "\"t\":\"presence\"", f->bob, "\"online\"", NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void watch(struct ws_client *client, int id, const char *user_id, const char *state)
{
    char reply[32];

    snprintf(reply, sizeof reply, "\"re\":%d", id);
    ws_client_send(client, "{\"id\":%d,\"t\":\"watch\",\"user_ids\":[\"%s\"]}", id, user_id);
    ws_client_expect(client, reply, user_id, state, NULL);
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

static void without_user_service_nobody_is_shown(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_set(f->world, &f->world->user_service_away, true);
    ws_client_send(ann, "{\"id\":5,\"t\":\"watch\",\"user_ids\":[\"%s\"]}", f->bob);
    ws_client_expect(ann, "\"re\":5", "\"unavailable\"", NULL);
    world_set(f->world, &f->world->user_service_away, false);
    watch(ann, 6, f->bob, "\"online\"");

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

static void what_pubsub_lost_is_fetched_before_anything_later_is_delivered(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_store(f->world, f->chat, "lost one", false);
    world_store(f->world, f->chat, "lost two", false);
    world_store(f->world, f->chat, "announced", true);

    assert_non_null(strstr(ws_client_expect(bob, "\"t\":\"message\"", NULL), "lost one"));
    assert_non_null(strstr(ws_client_expect(bob, "\"t\":\"message\"", NULL), "lost two"));
    assert_non_null(strstr(ws_client_expect(bob, "\"t\":\"message\"", NULL), "announced"));
    ws_client_expect_none(bob, "\"t\":\"message\"", 200);
    ws_client_close(bob);
}

static void a_lost_last_message_is_found_by_comparing_heads(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_store(f->world, f->chat, "nobody said so", false);

    ws_client_expect(bob, "\"t\":\"message\"", "nobody said so", NULL);
    ws_client_close(bob);
}

static void a_resume_replays_what_was_missed_and_then_goes_live(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;
    char resume[128];

    for (int i = 0; i < 250; i++)
        world_store(f->world, f->chat, "missed", false);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":10}}", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"ok\"", NULL);
    for (int rev = 11; rev <= 250; rev++) {
        char expected[32];

        snprintf(expected, sizeof expected, "\"rev\":%d,", rev);
        assert_non_null(strstr(ws_client_expect(bob, "\"t\":", NULL), expected));
    }
    assert_non_null(strstr(ws_client_expect(bob, "\"t\":", NULL), "sync_done"));
    world_store(f->world, f->chat, "live again", true);
    ws_client_expect(bob, "\"t\":\"message\"", "live again", NULL);
    ws_client_close(bob);
}

/* A socket that has seen nothing of the chat yet, and is ready. */
static struct ws_client *come_back(struct fixture *f, const char *user_id)
{
    struct ws_client *client;
    char resume[128];

    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":0}}", f->chat->chat_id);
    client = sign_in(f, 0, user_id, resume);
    ws_client_expect(client, "\"t\":\"ready\"", "\"resume\":\"ok\"", NULL);
    return client;
}

static bool a_page_waits(void *arg)
{
    struct world *world = arg;

    return world_look(world, &world->pages_gate).waiting > 0;
}

static void those_who_return_together_share_a_page(void **state)
{
    enum { DEVICES = 8, LOOK_MS = 100 };
    struct fixture *f = *state;
    struct ws_client *crowd[2 * DEVICES];
    unsigned before = world_look(f->world, &f->world->pages_gate).asked;

    world_store(f->world, f->chat, "missed by all", false);
    world_hold(f->world, &f->world->pages_gate, true);
    for (int i = 0; i < 2 * DEVICES; i++)
        crowd[i] = come_back(f, i % 2 == 0 ? f->ann : f->bob);
    test_wait_for(a_page_waits, f->world, 5000);
    ws_client_expect_none(crowd[2 * DEVICES - 1], "sync_done", LOOK_MS);
    world_hold(f->world, &f->world->pages_gate, false);

    for (int i = 0; i < 2 * DEVICES; i++) {
        ws_client_expect(crowd[i], "\"t\":\"message\"", "missed by all", NULL);
        ws_client_expect(crowd[i], "sync_done", "\"reload\":[]", NULL);
        ws_client_close(crowd[i]);
    }
    assert_int_equal(world_look(f->world, &f->world->pages_gate).asked, before + 1);
}

static void whoever_hides_something_gets_pages_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann, *bob;

    world_hide_all(f->world, f->chat, f->bob);
    world_store(f->world, f->chat, "not for bob", false);
    ann = come_back(f, f->ann);
    bob = come_back(f, f->bob);

    ws_client_expect(ann, "\"t\":\"message\"", "not for bob", NULL);
    const char *told = ws_client_expect(bob, "\"rev\":1", NULL);
    assert_null(strstr(told, "not for bob"));
    ws_client_expect(bob, "sync_done", "\"reload\":[]", NULL);
    ws_client_close(ann);
    ws_client_close(bob);
}

/* The first device still has what the second one hides in the meantime. */
static void what_is_hidden_on_one_device_does_not_return_on_another(void **state)
{
    struct fixture *f = *state;
    struct ws_client *phone, *laptop;

    world_store(f->world, f->chat, "unwanted", false);
    phone = come_back(f, f->bob);
    ws_client_expect(phone, "sync_done", NULL);
    world_hide_all(f->world, f->chat, f->bob);
    send_delete(f, phone, 9, f->session, "me"); /* any id but the chat's is a message's */
    ws_client_expect(phone, "message_hidden", NULL);
    laptop = come_back(f, f->bob);

    assert_null(strstr(ws_client_expect(laptop, "\"rev\":1", NULL), "unwanted"));
    ws_client_close(phone);
    ws_client_close(laptop);
}

static void nobodys_page_is_shared_where_people_see_since_they_joined(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann, *bob;

    world_set(f->world, &f->chat->since_joining, true);
    world_hide_all(f->world, f->chat, f->bob); /* stands for: before bob came */
    world_store(f->world, f->chat, "before bob", false);
    ann = come_back(f, f->ann);
    bob = come_back(f, f->bob);

    ws_client_expect(ann, "before bob", NULL);
    assert_null(strstr(ws_client_expect(bob, "\"rev\":1", NULL), "before bob"));
    ws_client_close(ann);
    ws_client_close(bob);
}

static void a_chat_whose_page_is_not_to_be_had_is_named_for_reloading(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;

    world_store(f->world, f->chat, "missed", false);
    world_set(f->world, &f->world->no_pages, true);
    bob = come_back(f, f->bob);
    const char *done = ws_client_expect(bob, "\"t\":\"sync_done\"", NULL);
    world_set(f->world, &f->world->no_pages, false);

    assert_non_null(strstr(strstr(done, "\"reload\""), f->chat->chat_id));
    ws_client_close(bob);
}

/* Whatever lies between the cursor and the first live event would be missing, and nobody would say
 * so. */
static void a_chat_that_is_not_live_in_time_is_named_for_reloading(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;
    char resume[128];

    world_store(f->world, f->chat, "seen", false);
    world_store(f->world, f->chat, "missed", false);
    world_set(f->world, &f->world->heads_unknown, true);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":1}}", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", NULL);
    const char *done = ws_client_expect(bob, "\"t\":\"sync_done\"", NULL);
    world_set(f->world, &f->world->heads_unknown, false);

    assert_non_null(strstr(strstr(done, "\"reload\""), f->chat->chat_id));
    ws_client_close(bob);
}

static bool somebody_waits(void *arg)
{
    struct world *world = arg;

    return world_look(world, &world->chats_gate).waiting > 0;
}

/* More than chat-service has workers and places in its queue would be refused, come again, and be
 * refused again. */
static void a_crowd_stands_in_line_for_its_chats(void **state)
{
    enum { CROWD = 40, AT_ONCE_MAX = 24, LOOK_MS = 100 };
    struct fixture *f = *state;
    struct ws_client *crowd[CROWD];
    char nobody_else[CC_UUID_BYTES];

    world_hold(f->world, &f->world->chats_gate, true);
    for (int i = 0; i < CROWD; i++) {
        world_new_id(f->world, nobody_else);
        crowd[i] = sign_in(f, 0, nobody_else, "");
    }
    test_wait_for(somebody_waits, f->world, 5000);
    ws_client_expect_none(crowd[CROWD - 1], "\"t\":\"error\"", LOOK_MS);
    assert_in_range(world_look(f->world, &f->world->chats_gate).waiting, 1, AT_ONCE_MAX);

    world_hold(f->world, &f->world->chats_gate, false);
    for (int i = 0; i < CROWD; i++) {
        ws_client_expect(crowd[i], "\"t\":\"ready\"", NULL);
        ws_client_close(crowd[i]);
    }
}

static void the_next_device_of_somebody_does_not_wait_for_what_the_first_has_loaded(void **state)
{
    struct fixture *f = *state;
    struct ws_client *phone = connect_person(f, 0, f->bob), *laptop, *elsewhere;

    world_hold(f->world, &f->world->chats_gate, true);
    laptop = sign_in(f, 0, f->bob, "");
    ws_client_expect(laptop, "\"t\":\"ready\"", NULL);
    world_store(f->world, f->chat, "to both", true);
    ws_client_expect(phone, "to both", NULL);
    ws_client_expect(laptop, "to both", NULL);
    elsewhere = sign_in(f, 1, f->bob, ""); /* another gateway knows nothing of them */
    test_wait_for(somebody_waits, f->world, 5000);
    world_hold(f->world, &f->world->chats_gate, false);
    ws_client_expect(elsewhere, "\"t\":\"ready\"", NULL);
    ws_client_close(phone);
    ws_client_close(laptop);
    ws_client_close(elsewhere);
}

static void sync_gives_a_page_of_changes(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;

    for (int i = 0; i < 5; i++)
        world_store(f->world, f->chat, "old", false);
    bob = connect_person(f, 0, f->bob);
    ws_client_send(bob, "{\"id\":4,\"t\":\"sync\",\"chat_id\":\"%s\",\"after_rev\":2,\"limit\":2}",
                   f->chat->chat_id);

    ws_client_expect(bob, "\"re\":4", "\"rev\":3", "\"rev\":4", "\"head_rev\":5", "\"next_rev\":4",
                     "\"more\":true", NULL);
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

static void revoke(struct fixture *f, const char *reason)
{
    char event_id[CC_UUID_BYTES];
    struct ev_session_revoked event = {.user_id = f->ann,
                                       .session_id = f->session,
                                       .reason = reason,
                                       .until_ms = now_ms() + 600000};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    world_new_id(f->world, event_id);
    event.envelope = (struct cc_envelope){.event_id = event_id,
                                          .type = CC_TOPIC_SESSION_REVOKED,
                                          .version = 1,
                                          .occurred_at_ms = now_ms(),
                                          .producer = "auth-service",
                                          .key = f->ann};
    cc_strbuf_init(&payload, 8192);
    cc_json_writer_init(&json, &payload);
    ev_session_revoked_write(&json, &event);
    world_produce(f->world, CC_TOPIC_SESSION_REVOKED, f->ann, &payload);
    cc_strbuf_finish(&payload);
}

static void a_revoked_session_is_closed(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);

    revoke(f, "logout");

    assert_int_equal(ws_client_close_code(ann), 4301);
    ws_client_close(ann);
}

static void a_suspended_persons_socket_is_told_why(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);

    revoke(f, "suspended");

    ws_client_expect(ann, "\"t\":\"error\"", "\"suspended\"", NULL);
    assert_int_equal(ws_client_close_code(ann), 4304);
    ws_client_close(ann);
}

static void a_bad_token_is_refused_for_good(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"not.a.token\"}");

    ws_client_expect(client, "\"re\":1", "\"unauthenticated\"", NULL);
    assert_int_equal(ws_client_close_code(client), 4300);
    ws_client_close(client);
}

static void an_expired_token_asks_for_a_new_one(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);
    char *token = world_token(f->world, f->ann, f->session, now_ms() - 3600000);

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"%s\"}", token);
    cc_free(token);

    assert_int_equal(ws_client_close_code(client), 4200);
    ws_client_close(client);
}

static void the_handshake_may_carry_the_token(void **state)
{
    struct fixture *f = *state;
    char *token = world_token(f->world, f->ann, f->session, now_ms());
    struct ws_client *client = ws_client_open(world_port(f->world, 0), PATH, token);

    cc_free(token);
    assert_non_null(client);
    ws_client_expect(client, "\"t\":\"ready\"", f->ann, NULL);
    ws_client_close(client);
}

static void nothing_may_come_before_authentication(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);

    send_message(f, client, 1, "too early");

    assert_int_equal(ws_client_close_code(client), 4303);
    ws_client_close(client);
}

static void silence_instead_of_authentication_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);

    assert_int_equal(ws_client_close_code(client), 4300);
    ws_client_close(client);
}

static void a_binary_frame_breaks_the_protocol(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = connect_person(f, 0, f->ann);

    ws_client_send_frame(client, 0x82, "x", 1);

    assert_int_equal(ws_client_close_code(client), 4303);
    ws_client_close(client);
}

static void a_frame_above_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = connect_person(f, 0, f->ann);
    char *big = cc_alloc(65537);

    memset(big, ' ', 65537);
    ws_client_send_frame(client, 0x81, big, 65537);
    cc_free(big);

    assert_int_equal(ws_client_close_code(client), 1009);
    ws_client_close(client);
}

static void a_frame_in_pieces_is_put_together(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = connect_person(f, 0, f->ann);

    ws_client_send_frame(client, 0x01, "{\"id\":6,", 8);
    ws_client_send_frame(client, 0x00, "\"t\":", 4);
    ws_client_send_frame(client, 0x80, "\"ping\"}", 7);

    ws_client_expect(client, "\"re\":6", "\"t\":\"pong\"", NULL);
    ws_client_close(client);
}

static void another_path_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_null(ws_client_open(world_port(f->world, 0), "/v2/other", NULL));
}

static void the_same_device_replaces_its_older_connection(void **state)
{
    struct fixture *f = *state;
    struct ws_client *first = sign_in(f, 0, f->ann, ",\"device_id\":\"phone\"");
    struct ws_client *second;

    ws_client_expect(first, "\"t\":\"ready\"", NULL);
    second = sign_in(f, 0, f->ann, ",\"device_id\":\"phone\"");

    ws_client_expect(first, "\"t\":\"moved\"", "\"replaced\"", NULL);
    assert_int_equal(ws_client_close_code(first), 4302);
    ws_client_expect(second, "\"t\":\"ready\"", NULL);
    ws_client_close(first);
    ws_client_close(second);
}

static void who_does_not_read_is_closed_as_too_slow(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);
    char *frame = cc_alloc(20001);

    memset(frame, ' ', 20000);
    frame[0] = '{';
    frame[19999] = '}';
    frame[20000] = '\0';
    for (int i = 0; i < 1000; i++)
        world_notify(f->world, f->bob, frame);
    cc_free(frame);

    assert_int_equal(ws_client_close_code(bob), 4104);
    ws_client_close(bob);
}

/* The last one: the second gateway takes nobody any more. */
static void a_draining_gateway_sends_its_clients_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);

    ws_app_drain(&f->world->gateways[1], cc_mono_ms(cc_clock_system()) + 8000);

    ws_client_expect(bob, "\"t\":\"moved\"", "\"after_ms\":", "\"drain\"", NULL);
    assert_int_equal(ws_client_close_code(bob), 4100);
    ws_client_close(bob);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_accepted_then_persisted_and_reaches_the_other_gateway),
        TEST(messages_of_one_sender_arrive_in_their_order),
        TEST(an_edit_arrives_as_an_updated_message),
        TEST(what_is_deleted_for_oneself_is_told_to_ones_own_devices),
        TEST(only_what_is_there_is_deleted_for_oneself),
        TEST(what_is_no_emoji_is_no_reaction),
        TEST(a_stranger_gets_not_found),
        TEST(too_many_sends_are_refused_with_the_time_to_wait),
        TEST(typing_reaches_the_others_and_ends_with_the_connection),
        TEST(watching_tells_who_is_online_and_who_comes),
        TEST(who_hides_is_not_seen_until_they_show_themselves),
        TEST(changes_of_who_hides_are_not_delivered),
        TEST(somebody_is_away_when_all_their_connections_are),
        TEST(without_user_service_nobody_is_shown),
        TEST(a_change_of_the_account_reaches_all_devices_of_its_person),
        TEST(a_read_mark_is_answered_and_seen_by_the_other),
        TEST(what_pubsub_lost_is_fetched_before_anything_later_is_delivered),
        TEST(a_lost_last_message_is_found_by_comparing_heads),
        TEST(a_resume_replays_what_was_missed_and_then_goes_live),
        TEST(those_who_return_together_share_a_page),
        TEST(whoever_hides_something_gets_pages_of_their_own),
        TEST(what_is_hidden_on_one_device_does_not_return_on_another),
        TEST(nobodys_page_is_shared_where_people_see_since_they_joined),
        TEST(a_chat_whose_page_is_not_to_be_had_is_named_for_reloading),
        TEST(a_chat_that_is_not_live_in_time_is_named_for_reloading),
        TEST(a_crowd_stands_in_line_for_its_chats),
        TEST(the_next_device_of_somebody_does_not_wait_for_what_the_first_has_loaded),
        TEST(sync_gives_a_page_of_changes),
        TEST(who_was_removed_gets_nothing_more),
        TEST(a_new_chat_is_introduced_and_then_live),
        TEST(a_revoked_session_is_closed),
        TEST(a_suspended_persons_socket_is_told_why),
        TEST(a_bad_token_is_refused_for_good),
        TEST(an_expired_token_asks_for_a_new_one),
        TEST(the_handshake_may_carry_the_token),
        TEST(nothing_may_come_before_authentication),
        TEST(silence_instead_of_authentication_ends_the_connection),
        TEST(a_binary_frame_breaks_the_protocol),
        TEST(a_frame_above_the_limit_is_refused),
        TEST(a_frame_in_pieces_is_put_together),
        TEST(another_path_is_refused),
        TEST(the_same_device_replaces_its_older_connection),
        TEST(who_does_not_read_is_closed_as_too_slow),
        TEST(a_draining_gateway_sends_its_clients_elsewhere),
    };

    return cmocka_run_group_tests_name("websocket-gateway", tests, setup_world, teardown_world);
}
