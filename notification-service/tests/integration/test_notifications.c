/* notification-service as a whole: from message.persisted to what a person finds over REST. */

#include "notification_fixture.h"

#include <stdio.h>
#include <string.h>

#include "domain/notify.h"

enum { SENDER, BOB, CEL };

/* One text field of the person's newest notification. */
static const char *newest(struct notification_fixture *f, int person, const char *key)
{
    struct answer answer = call(f, f->people[person], "GET", "/v1/notifications?limit=1", NULL);
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, answer.body, strlen(answer.body), CC_IGNORE_UNKNOWN);
    assert_true(cc_json_enter_element(reader, "items", 0));
    const char *text = cc_json_text(reader, key, CC_REQUIRED, 0, 1024);
    cc_json_reader_destroy(reader);
    assert_non_null(text);
    return text;
}

static bool newest_is_read(struct notification_fixture *f, int person)
{
    struct answer answer = call(f, f->people[person], "GET", "/v1/notifications?limit=1", NULL);
    return strstr(answer.body, "\"read\":true") != NULL;
}

static const char *next_cursor(struct notification_fixture *f, struct answer page)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, page.body, strlen(page.body), CC_IGNORE_UNKNOWN);
    const char *cursor = cc_json_text(reader, "next_cursor", CC_OPTIONAL, 1, 200);
    cc_json_reader_destroy(reader);
    return cursor;
}

static void who_was_away_finds_what_was_written(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 7, "coffee?", 2);

    announce(f, &event);
    wait_told(f, BOB, 1);

    assert_string_equal(newest(f, BOB, "message_id"), event.message.message_id);
    assert_string_equal(newest(f, BOB, "chat_id"), f->chat_id);
    assert_string_equal(newest(f, BOB, "kind"), "message");
    assert_string_equal(newest(f, BOB, "preview"), "coffee?");
    assert_int_equal(told(f, SENDER), 0);
}

static bool is_delivered(void *arg)
{
    struct notification_fixture *f = arg;
    return strcmp(delivery_outcome(f, newest(f, BOB, "notification_id")), "delivered") == 0;
}

static void each_delivery_is_logged(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 2);

    announce(f, &event);
    wait_told(f, BOB, 1);

    test_wait_for(is_delivered, f, 5000);
}

static void a_message_announced_again_is_told_once(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 2), later = a_message(f, 2, "ho", 2);

    announce(f, &event);
    event.duplicate = true;
    announce(f, &event);
    announce(f, &later);

    wait_told(f, BOB, 2);
}

static void who_is_connected_is_not_told(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 3);
    connect_person(f, BOB, 60000);
    connect_person(f, CEL, -1000); /* has expired */

    announce(f, &event);
    wait_told(f, CEL, 1);

    assert_int_equal(told(f, BOB), 0);
}

static void silent_messages_and_edits_are_not_told(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted silent = a_message(f, 1, "psst", 2), edit = a_message(f, 2, "x", 2);
    struct ev_message_persisted last = a_message(f, 3, "hi", 2);
    silent.silent = true;
    edit.op = CC_OP_EDIT;

    announce(f, &silent);
    announce(f, &edit);
    announce(f, &last);
    wait_told(f, BOB, 1);

    assert_string_equal(newest(f, BOB, "preview"), "hi");
}

/* What chat-service said of the chat counts for at most a second. */
static bool states_are_forgotten(void *arg)
{
    static int64_t since_ms;
    int64_t now_ms = cc_mono_ms(cc_clock_system());

    (void)arg;
    if (since_ms == 0)
        since_ms = now_ms;
    return now_ms - since_ms > 1000;
}

static bool both_have_one(void *arg)
{
    struct notification_fixture *f = arg;
    return told(f, BOB) == 1 && told(f, CEL) == 1;
}

static void who_wants_to_hear_of_mentions_alone_is_told_those(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted plain = a_message(f, 1, "hi", 3), mention = a_message(f, 2, "@", 3);
    const char *bob[] = {f->people[BOB]};
    mention.message.mentions = bob;
    mention.message.mention_count = 1;
    atomic_store(&f->level, "mentions");

    announce(f, &plain);
    announce(f, &mention);
    wait_told(f, CEL, 2);
    wait_told(f, BOB, 1);

    assert_string_equal(newest(f, BOB, "kind"), "mention");
}

static void who_has_muted_the_chat_is_not_told_until_then(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted muted = a_message(f, 1, "hi", 3), later = a_message(f, 2, "ho", 3);
    muted.message.mention_all = true;
    atomic_store(&f->mute_until, "2099-01-01T00:00:00.000Z");
    atomic_store(&f->level, "all");

    announce(f, &muted);
    wait_told(f, CEL, 1);
    assert_int_equal(told(f, BOB), 0);
    atomic_store(&f->mute_until, "2020-01-01T00:00:00.000Z");
    test_wait_for(states_are_forgotten, f, 5000);
    announce(f, &later);

    wait_told(f, BOB, 1);
    assert_string_equal(newest(f, BOB, "preview"), "ho");
}

/* What is delivered too late is there for a moment, until the retraction is seen. */
static bool the_last_is_told_and_nothing_regretted(void *arg)
{
    struct notification_fixture *f = arg;
    struct answer answer = call(f, f->people[BOB], "GET", "/v1/notifications", NULL);

    return strstr(answer.body, "\"last\"") != NULL && strstr(answer.body, "regretted") == NULL &&
           told(f, BOB) == 2;
}

/* A word of it neither in what was told nor in what is told late. */
static void what_tells_of_a_deleted_message_is_taken_back(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "regretted", 3),
                                other = a_message(f, 2, "stays", 3), deletion = event;
    announce(f, &event);
    announce(f, &other);
    wait_told(f, BOB, 2);
    wait_told(f, CEL, 2);
    deletion.op = CC_OP_DELETE;
    deletion.message.deleted = true;
    deletion.message.body = "";

    announce(f, &deletion);
    test_wait_for(both_have_one, f, 20000);
    announce(f, &event); /* once more, too late */
    struct ev_message_persisted last = a_message(f, 3, "last", 3);
    announce(f, &last);

    test_wait_for(the_last_is_told_and_nothing_regretted, f, 20000);
}

static void everybody_is_mentioned_at_once(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "all of you!", 3);
    event.message.mention_all = true;

    announce(f, &event);
    wait_told(f, BOB, 1);

    assert_string_equal(newest(f, BOB, "kind"), "mention");
}

static void who_is_mentioned_is_told_so(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "@cel!", 3);
    const char *mentions[] = {f->people[CEL]};
    event.message.mentions = mentions;
    event.message.mention_count = 1;

    announce(f, &event);
    wait_told(f, BOB, 1);
    wait_told(f, CEL, 1);

    assert_string_equal(newest(f, BOB, "kind"), "message");
    assert_string_equal(newest(f, CEL, "kind"), "mention");
}

/* chat-service is asked page by page for those whom the event does not name. */
static void a_chat_of_many_is_told_to_its_active_members(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "all of you", 0);
    event.recipients_omitted = true;
    atomic_store(&f->members, 150);

    announce(f, &event);
    wait_told(f, 149, 1);
    wait_told(f, BOB, 1);

    assert_int_equal(told(f, 150), 0); /* has left */
    assert_int_equal(told(f, SENDER), 0);
}

static void a_chat_of_very_many_tells_only_the_mentioned(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "@somebody", 0);
    const char *mentions[] = {f->people[240]};
    event.message.mentions = mentions;
    event.message.mention_count = 1;
    event.recipients_omitted = true;
    atomic_store(&f->members, NOTIFY_EVERYBODY_MAX + 50);

    announce(f, &event);
    wait_told(f, 240, 1);

    assert_int_equal(told(f, BOB), 0);
}

static void nobody_is_forgotten_while_chat_service_is_away(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 0);
    event.recipients_omitted = true;
    atomic_store(&f->members, 2);
    atomic_store(&f->chat_service_away, true);

    announce(f, &event);
    assert_int_equal(told(f, BOB), 0);
    atomic_store(&f->chat_service_away, false);

    wait_told(f, BOB, 1);
}

static void nobody_is_told_of_whom_they_have_blocked(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "it's me", 3);
    const char *mentions[] = {f->people[BOB]};
    event.message.mentions = mentions;
    event.message.mention_count = 1;
    atomic_store(&f->blocker, BOB);

    announce(f, &event);
    wait_told(f, CEL, 1);

    assert_int_equal(told(f, BOB), 0);
}

static void a_block_holds_while_user_service_is_away(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "it's me", 3);
    atomic_store(&f->blocker, BOB);
    atomic_store(&f->user_service_away, true);

    announce(f, &event);
    assert_int_equal(told(f, CEL), 0);
    atomic_store(&f->user_service_away, false);
    wait_told(f, CEL, 1);

    assert_int_equal(told(f, BOB), 0);
}

static void what_does_not_disturb_is_in_the_list_all_the_same(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 3);
    atomic_store(&f->undisturbed, BOB);

    announce(f, &event);
    wait_told(f, BOB, 1);
    wait_told(f, CEL, 1);

    assert_true(was_quiet(f, BOB));
    assert_false(was_quiet(f, CEL));
}

static void what_comes_late_is_told_only_when_it_is_unread(void **state)
{
    struct notification_fixture *f = *state;
    atomic_store(&f->read_seq, 5);

    order_delivery(f, 5, 60000); /* read meanwhile */
    order_delivery(f, 6, 60000);
    wait_told(f, BOB, 1);

    assert_non_null(
        strstr(call(f, f->people[BOB], "GET", "/v1/notifications", NULL).body, "\"seq\":6"));
}

static void an_unreadable_record_holds_up_nobody(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 2);

    produce_text(f, f->persisted_topic, "{\"type\":\"message.persisted\"");
    announce(f, &event);

    wait_told(f, BOB, 1);
}

static void a_notification_is_marked_read_by_its_owner_alone(void **state)
{
    struct notification_fixture *f = *state;
    struct ev_message_persisted event = a_message(f, 1, "hi", 2);
    announce(f, &event);
    wait_told(f, BOB, 1);
    const char *body = cc_arena_printf(f->arena, "{\"notification_ids\":[\"%s\"]}",
                                       newest(f, BOB, "notification_id"));

    struct answer by_other = call(f, f->people[CEL], "POST", "/v1/notifications/read", body);
    assert_int_equal(by_other.status, 204);
    assert_false(newest_is_read(f, BOB));
    struct answer by_owner = call(f, f->people[BOB], "POST", "/v1/notifications/read", body);
    struct answer again = call(f, f->people[BOB], "POST", "/v1/notifications/read", body);

    assert_int_equal(by_owner.status, 204);
    assert_int_equal(again.status, 204);
    assert_true(newest_is_read(f, BOB));
}

static void pages_show_each_notification_once(void **state)
{
    struct notification_fixture *f = *state;
    for (int i = 1; i <= 5; i++) {
        struct ev_message_persisted event = a_message(f, i, "hi", 2);
        announce(f, &event);
    }
    wait_told(f, BOB, 5);

    int pages = 0;
    const char *path = "/v1/notifications?limit=2", *cursor;
    do {
        struct answer page = call(f, f->people[BOB], "GET", path, NULL);
        assert_int_equal(page.status, 200);
        cursor = next_cursor(f, page);
        if (cursor != NULL)
            path = cc_arena_printf(f->arena, "/v1/notifications?limit=2&cursor=%s", cursor);
        pages++;
    } while (cursor != NULL);

    assert_int_equal(pages, 3);
}

static void bad_requests_are_refused(void **state)
{
    struct notification_fixture *f = *state;
    const char *bob = f->people[BOB], *read = "/v1/notifications/read";

    assert_int_equal(call(f, "", "GET", "/v1/notifications", NULL).status, 401);
    assert_int_equal(call(f, bob, "GET", "/v1/notifications?limit=201", NULL).status, 400);
    assert_int_equal(call(f, bob, "GET", "/v1/notifications?cursor=nonsense", NULL).status, 400);
    assert_int_equal(call(f, bob, "POST", read, "{}").status, 400);
    assert_int_equal(call(f, bob, "POST", read, "{\"notification_ids\":[\"x\"]}").status, 400);
    assert_int_equal(call(f, bob, "POST", read, "{\"notification_ids\":[],\"more\":1}").status,
                     400);
    assert_int_equal(call(f, bob, "POST", read, "{\"notification_ids\":[]}").status, 204);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, notification_fixture_begin, notification_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_away_finds_what_was_written),
        TEST(each_delivery_is_logged),
        TEST(a_message_announced_again_is_told_once),
        TEST(who_is_connected_is_not_told),
        TEST(silent_messages_and_edits_are_not_told),
        TEST(what_tells_of_a_deleted_message_is_taken_back),
        TEST(everybody_is_mentioned_at_once),
        TEST(who_is_mentioned_is_told_so),
        TEST(a_chat_of_many_is_told_to_its_active_members),
        TEST(a_chat_of_very_many_tells_only_the_mentioned),
        TEST(nobody_is_forgotten_while_chat_service_is_away),
        TEST(who_wants_to_hear_of_mentions_alone_is_told_those),
        TEST(who_has_muted_the_chat_is_not_told_until_then),
        TEST(nobody_is_told_of_whom_they_have_blocked),
        TEST(a_block_holds_while_user_service_is_away),
        TEST(what_does_not_disturb_is_in_the_list_all_the_same),
        TEST(what_comes_late_is_told_only_when_it_is_unread),
        TEST(an_unreadable_record_holds_up_nobody),
        TEST(a_notification_is_marked_read_by_its_owner_alone),
        TEST(pages_show_each_notification_once),
        TEST(bad_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, notification_fixture_start, notification_fixture_stop);
}
