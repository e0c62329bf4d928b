/* The same world: what was missed is caught up with, by one and by a crowd. */

#include <string.h>

#include "gateway_fixture.h"
#include "ws/frames.h"

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

/* ---- one verdict ---- */

static void a_chat_of_which_a_client_knows_more_than_the_log_is_named_for_reloading(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;
    char resume[128];

    world_store(f->world, f->chat, "the only one", false);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":10}}", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"ok\"", NULL);
    const char *done = ws_client_expect(bob, "\"t\":\"sync_done\"", NULL);
    assert_non_null(strstr(strstr(done, "\"reload\""), f->chat->chat_id));
    ws_client_close(bob);
}

/* Another replica has told the client what this one has not heard of yet. */
static void a_replica_that_is_late_costs_the_other_chats_nothing(void **state)
{
    struct fixture *f = *state;
    struct world_chat *other = world_add_chat(f->world, f->ann, f->bob);
    struct ws_client *ann, *bob;
    char resume[256];

    world_store(f->world, f->chat, "heard everywhere", false);
    world_store(f->world, other, "missed", false);
    ann = sign_in(f, 1, f->ann, "");
    ws_client_expect(ann, "\"t\":\"ready\"", NULL);
    world_store(f->world, f->chat, "heard elsewhere", false);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":2,\"%s\":0}}",
             f->chat->chat_id, other->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"ok\"", NULL);
    ws_client_expect(bob, "\"t\":\"message\"", "missed", NULL);
    const char *done = ws_client_expect(bob, "\"t\":\"sync_done\"", NULL);
    assert_null(strstr(strstr(done, "\"reload\""), f->chat->chat_id));
    ws_client_close(ann);
    ws_client_close(bob);
}

static void what_is_too_much_is_limited_and_says_how_far_it_went(void **state)
{
    enum { MISSED = 5050, REPLAYED = 5000 };
    struct fixture *f = *state;
    struct ws_client *bob;
    char resume[128], reached[64];

    for (int i = 0; i < MISSED; i++)
        world_store(f->world, f->chat, "missed", false);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":0}}", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"limited\"", NULL);
    for (int i = 0; i < REPLAYED; i++)
        assert_null(strstr(ws_client_expect(bob, "\"t\":", NULL), "sync_done"));
    snprintf(reached, sizeof reached, "\"%s\":%d", f->chat->chat_id, REPLAYED);
    assert_non_null(strstr(ws_client_expect(bob, "\"t\":", NULL), reached));
    ws_client_close(bob);
}

static void more_chats_than_cursors_are_limited(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;
    char resume[128];

    world_set_many(f->world, f->bob, WS_RESUME_CURSORS_MAX);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":0}}", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"limited\"", NULL);
    ws_client_expect(bob, "\"t\":\"sync_done\"", NULL);
    world_set_many(f->world, "", 0);
    ws_client_close(bob);
}

static void a_chat_that_the_client_does_not_know_is_named_with_its_head(void **state)
{
    struct fixture *f = *state;
    struct world_chat *added = world_add_chat(f->world, f->ann, f->bob);
    struct ws_client *bob;
    char resume[128];

    for (int i = 0; i < 3; i++)
        world_store(f->world, added, "while away", false);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":0}}", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"ok\"", NULL);
    const char *told = ws_client_expect(bob, "\"t\":", NULL);
    assert_non_null(strstr(told, "\"t\":\"chat\""));
    assert_non_null(strstr(told, added->chat_id));
    assert_non_null(strstr(told, "\"head_rev\":3"));
    ws_client_expect(bob, "\"t\":\"sync_done\"", "\"gone\":[]", NULL);
    ws_client_close(bob);
}

static void a_chat_that_is_no_longer_the_clients_is_gone(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;
    char resume[128], gone[64], cursor[64];

    world_store(f->world, f->chat, "not for bob", false);
    world_remove(f->world, f->chat, f->bob);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":0}}", f->chat->chat_id);
    snprintf(gone, sizeof gone, "\"gone\":[\"%s\"]", f->chat->chat_id);
    snprintf(cursor, sizeof cursor, "\"%s\":", f->chat->chat_id);
    bob = sign_in(f, 1, f->bob, resume);

    ws_client_expect(bob, "\"t\":\"ready\"", "\"resume\":\"ok\"", NULL);
    const char *done = ws_client_expect(bob, "\"t\":", NULL);
    assert_non_null(strstr(done, gone));
    assert_null(strstr(done, cursor));
    ws_client_close(bob);
}

/* ---- crowds ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(what_pubsub_lost_is_fetched_before_anything_later_is_delivered),
        GATEWAY_TEST(a_lost_last_message_is_found_by_comparing_heads),
        GATEWAY_TEST(a_resume_replays_what_was_missed_and_then_goes_live),
        GATEWAY_TEST(those_who_return_together_share_a_page),
        GATEWAY_TEST(whoever_hides_something_gets_pages_of_their_own),
        GATEWAY_TEST(what_is_hidden_on_one_device_does_not_return_on_another),
        GATEWAY_TEST(nobodys_page_is_shared_where_people_see_since_they_joined),
        GATEWAY_TEST(a_chat_whose_page_is_not_to_be_had_is_named_for_reloading),
        GATEWAY_TEST(a_chat_that_is_not_live_in_time_is_named_for_reloading),
        GATEWAY_TEST(a_chat_of_which_a_client_knows_more_than_the_log_is_named_for_reloading),
        GATEWAY_TEST(a_replica_that_is_late_costs_the_other_chats_nothing),
        GATEWAY_TEST(what_is_too_much_is_limited_and_says_how_far_it_went),
        GATEWAY_TEST(more_chats_than_cursors_are_limited),
        GATEWAY_TEST(a_chat_that_the_client_does_not_know_is_named_with_its_head),
        GATEWAY_TEST(a_chat_that_is_no_longer_the_clients_is_gone),
        GATEWAY_TEST(a_crowd_stands_in_line_for_its_chats),
        GATEWAY_TEST(the_next_device_of_somebody_does_not_wait_for_what_the_first_has_loaded),
        GATEWAY_TEST(sync_gives_a_page_of_changes),
    };

    return cmocka_run_group_tests_name("websocket-gateway return", tests, gateway_world_start,
                                       gateway_world_end);
}
