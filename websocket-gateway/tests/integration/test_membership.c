/* The same world: what pub/sub lost of who is in a chat. Whoever was removed gets nothing more, by
 * any way; whoever was added hears of it. */

#include <string.h>

#include "gateway_fixture.h"

enum { LOOK_MS = 300 };

/* The next comparison of heads finds the message; the page that repairs the chat says that its
 * members are others. */
static void a_repair_gives_nothing_to_whom_was_removed_unheard(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann), *bob = connect_person(f, 1, f->bob);
    struct ws_client *old = connect_person(f, 1, f->ann);

    world_remove(f->world, f->chat, f->bob);
    world_store(f->world, f->chat, "not for bob", false);

    ws_client_expect(ann, "not for bob", NULL);
    ws_client_expect(old, "not for bob", NULL);
    ws_client_expect_none(bob, "not for bob", LOOK_MS);
    ws_client_close(ann);
    ws_client_close(old);
    ws_client_close(bob);
}

static void a_sync_gives_nothing_to_whom_was_removed_unheard(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);

    world_remove(f->world, f->chat, f->bob);
    ws_client_send(bob, "{\"id\":4,\"t\":\"sync\",\"chat_id\":\"%s\",\"after_rev\":0}",
                   f->chat->chat_id);

    ws_client_expect(bob, "\"re\":4", "not_found", NULL);
    ws_client_close(bob);
}

/* Bob's second device comes back while this gateway still takes him for a member: of what was said
 * before, too, history shows him nothing more. */
static void a_resume_gives_nothing_to_whom_was_removed_unheard(void **state)
{
    struct fixture *f = *state;
    struct ws_client *phone = connect_person(f, 1, f->bob), *laptop;
    char resume[128];

    world_store(f->world, f->chat, "before", true);
    ws_client_expect(phone, "before", NULL);
    world_remove(f->world, f->chat, f->bob);
    snprintf(resume, sizeof resume, ",\"resume\":{\"cursors\":{\"%s\":0}}", f->chat->chat_id);
    laptop = sign_in(f, 1, f->bob, resume);

    ws_client_expect(laptop, "\"t\":\"ready\"", NULL);
    assert_non_null(strstr(ws_client_expect(laptop, "\"t\":", NULL), "sync_done"));
    ws_client_close(phone);
    ws_client_close(laptop);
}

static bool is_refused(void *arg)
{
    struct fixture *f = ((void **)arg)[0];
    struct ws_client *client = ((void **)arg)[1];

    ws_client_send(client, "{\"id\":5,\"t\":\"read\",\"chat_id\":\"%s\",\"seq\":1}",
                   f->chat->chat_id);
    return strstr(ws_client_expect(client, "\"re\":5", NULL), "not_found") != NULL;
}

/* Nothing is behind, so that nothing is repaired; typing has no place in the log. */
static void a_removal_unheard_is_seen_with_the_next_comparison(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann), *bob = connect_person(f, 1, f->bob);
    void *arg[] = {f, bob};

    world_remove(f->world, f->chat, f->bob);
    world_say_members(f->world, f->chat);
    test_wait_for(is_refused, arg, 5000);
    ws_client_send(ann, "{\"id\":7,\"t\":\"typing\",\"chat_id\":\"%s\",\"on\":true}",
                   f->chat->chat_id);

    ws_client_expect_none(bob, "typing", LOOK_MS);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void what_changed_while_the_bus_was_away_is_told(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);
    struct world_chat *added = world_add_chat(f->world, f->ann, f->bob);

    for (int i = 0; i < 3; i++)
        world_store(f->world, added, "old", false);
    world_remove(f->world, f->chat, f->bob);
    world_cut_bus(f->world);

    ws_client_expect(bob, "\"t\":\"chat\"", f->chat->chat_id, "member_removed", NULL);
    ws_client_expect(bob, "\"t\":\"chat\"", added->chat_id, "\"head_rev\":3", NULL);
    world_store(f->world, added, "live", true);
    world_store(f->world, f->chat, "not for bob", true);
    ws_client_expect(bob, "\"t\":\"message\"", "live", NULL);
    ws_client_expect_none(bob, "not for bob", LOOK_MS);
    ws_client_close(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_repair_gives_nothing_to_whom_was_removed_unheard),
        GATEWAY_TEST(a_sync_gives_nothing_to_whom_was_removed_unheard),
        GATEWAY_TEST(a_resume_gives_nothing_to_whom_was_removed_unheard),
        GATEWAY_TEST(a_removal_unheard_is_seen_with_the_next_comparison),
        GATEWAY_TEST(what_changed_while_the_bus_was_away_is_told),
    };

    return cmocka_run_group_tests_name("websocket-gateway membership", tests, gateway_world_start,
                                       gateway_world_end);
}
