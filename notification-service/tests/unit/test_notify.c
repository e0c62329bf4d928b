/* Who is told of a message and what: the rules alone. */

#include "testing.h"

#include <string.h>

#include "common/id.h"
#include "domain/notify.h"

#define CHAT    "0192f0c1-7a2b-7c3d-8e4f-0000000000c1"
#define MESSAGE "6f1c2d3e-4a5b-8c6d-9e7f-0a1b2c3d4e5f"
#define ANN     "0192f0c1-7a2b-7c3d-8e4f-0000000000a1"
#define BOB     "0192f0c1-7a2b-7c3d-8e4f-0000000000b1"

static const char *const only_bob[] = {BOB};

/* Ann wrote "hi" just now. */
static struct ev_message_persisted a_message(void)
{
    return (struct ev_message_persisted){
        .op = CC_OP_CREATE,
        .chat_id = CHAT,
        .sender_id = ANN,
        .message = {.message_id = MESSAGE,
                    .chat_id = CHAT,
                    .seq = 42,
                    .sender_id = ANN,
                    .type = "text",
                    .body = "hi",
                    .created_at_ms = FAKE_T0_MS},
    };
}

static void a_fresh_message_of_a_person_is_news(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();

    assert_true(notify_is_news(&event, FAKE_T0_MS + 1000));
}

static void edits_refusals_and_silent_messages_are_no_news(void **state)
{
    (void)state;
    struct ev_message_persisted edit = a_message(), refusal = a_message(), silent = a_message(),
                                system = a_message(), deleted = a_message();
    edit.op = CC_OP_EDIT;
    refusal.rejected = true;
    silent.silent = true;
    system.op = CC_OP_SYSTEM;
    deleted.message.deleted = true;

    assert_false(notify_is_news(&edit, FAKE_T0_MS));
    assert_false(notify_is_news(&refusal, FAKE_T0_MS));
    assert_false(notify_is_news(&silent, FAKE_T0_MS));
    assert_false(notify_is_news(&system, FAKE_T0_MS));
    assert_false(notify_is_news(&deleted, FAKE_T0_MS));
}

static void a_message_of_yesterday_is_no_news(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();

    assert_true(notify_is_news(&event, FAKE_T0_MS + NOTIFY_NEWS_MS - 1));
    assert_false(notify_is_news(&event, FAKE_T0_MS + NOTIFY_NEWS_MS));
}

static void an_announcement_repeated_for_its_sender_is_still_news(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();
    event.duplicate = true; /* the first announcement may have died with its sender */

    assert_true(notify_is_news(&event, FAKE_T0_MS));
}

static void everybody_but_the_sender_is_told(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();

    assert_int_equal(notify_kind_for(&event, BOB, 2, NULL, FAKE_T0_MS), NOTIFY_MESSAGE);
    assert_int_equal(notify_kind_for(&event, ANN, 2, NULL, FAKE_T0_MS), NOTIFY_NOT);
}

static void a_mention_is_told_as_one_even_in_a_large_chat(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();
    event.message.mentions = only_bob;
    event.message.mention_count = 1;

    assert_int_equal(notify_kind_for(&event, BOB, 2, NULL, FAKE_T0_MS), NOTIFY_MENTION);
    assert_int_equal(notify_kind_for(&event, BOB, NOTIFY_EVERYBODY_MAX + 1, NULL, FAKE_T0_MS),
                     NOTIFY_MENTION);
}

static void everybody_is_mentioned_even_in_a_large_chat(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();
    event.message.mention_all = true;

    assert_int_equal(notify_kind_for(&event, BOB, NOTIFY_EVERYBODY_MAX + 1, NULL, FAKE_T0_MS),
                     NOTIFY_MENTION);
    assert_int_equal(notify_kind_for(&event, ANN, 2, NULL, FAKE_T0_MS), NOTIFY_NOT);
}

static enum notify_kind kind_by(const struct ev_message_persisted *event, size_t member_count,
                                enum notify_level level, int64_t mute_until_ms)
{
    const struct notify_wish wish = {.level = level, .mute_until_ms = mute_until_ms};

    return notify_kind_for(event, BOB, member_count, &wish, FAKE_T0_MS);
}

static void a_level_counts_whatever_the_size_of_the_chat(void **state)
{
    (void)state;
    struct ev_message_persisted plain = a_message(), mention = a_message();
    mention.message.mentions = only_bob;
    mention.message.mention_count = 1;

    assert_int_equal(kind_by(&plain, 2, NOTIFY_LEVEL_ALL, 0), NOTIFY_MESSAGE);
    assert_int_equal(kind_by(&plain, NOTIFY_EVERYBODY_MAX + 1, NOTIFY_LEVEL_ALL, 0),
                     NOTIFY_MESSAGE);
    assert_int_equal(kind_by(&plain, 2, NOTIFY_LEVEL_MENTIONS, 0), NOTIFY_NOT);
    assert_int_equal(kind_by(&mention, 2, NOTIFY_LEVEL_MENTIONS, 0), NOTIFY_MENTION);
    assert_int_equal(kind_by(&plain, 2, NOTIFY_LEVEL_NONE, 0), NOTIFY_NOT);
    assert_int_equal(kind_by(&mention, 2, NOTIFY_LEVEL_NONE, 0), NOTIFY_NOT);
    assert_int_equal(kind_by(&plain, 2, NOTIFY_LEVEL_DEFAULT, 0), NOTIFY_MESSAGE);
}

static void a_muted_chat_is_told_of_again_when_its_time_has_come(void **state)
{
    (void)state;
    struct ev_message_persisted mention = a_message();
    mention.message.mention_all = true;

    assert_int_equal(kind_by(&mention, 2, NOTIFY_LEVEL_ALL, FAKE_T0_MS + 1), NOTIFY_NOT);
    assert_int_equal(kind_by(&mention, 2, NOTIFY_LEVEL_ALL, FAKE_T0_MS), NOTIFY_MENTION);
}

static void only_a_stored_deletion_takes_back(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();

    assert_false(notify_is_retraction(&event));
    event.op = CC_OP_DELETE;
    assert_true(notify_is_retraction(&event));
    event.rejected = true;
    assert_false(notify_is_retraction(&event));
}

static void mentioning_oneself_tells_nobody(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();
    event.sender_id = BOB;
    event.message.mentions = only_bob;
    event.message.mention_count = 1;

    assert_int_equal(notify_kind_for(&event, BOB, 2, NULL, FAKE_T0_MS), NOTIFY_NOT);
}

static void a_large_chat_tells_only_the_mentioned(void **state)
{
    (void)state;
    struct ev_message_persisted event = a_message();

    assert_int_equal(notify_kind_for(&event, BOB, NOTIFY_EVERYBODY_MAX, NULL, FAKE_T0_MS),
                     NOTIFY_MESSAGE);
    assert_int_equal(notify_kind_for(&event, BOB, NOTIFY_EVERYBODY_MAX + 1, NULL, FAKE_T0_MS),
                     NOTIFY_NOT);
}

static void a_preview_never_cuts_a_character(void **state)
{
    (void)state;
    char body[NOTIFY_PREVIEW_MAX_BYTES + 8];

    for (size_t before = NOTIFY_PREVIEW_MAX_BYTES - 4; before <= NOTIFY_PREVIEW_MAX_BYTES;
         before++) {
        memset(body, 'x', before);
        memcpy(body + before, "\xF0\x9F\x91\x8D", 5); /* four bytes and NUL */
        bool fits = before + 4 <= NOTIFY_PREVIEW_MAX_BYTES;
        assert_int_equal(notify_preview_length(body), fits ? before + 4 : before);
    }
}

static void a_short_body_is_its_own_preview(void **state)
{
    (void)state;
    assert_int_equal(notify_preview_length(""), 0);
    assert_int_equal(notify_preview_length("hi"), 2);
}

static void the_id_depends_on_person_message_and_kind(void **state)
{
    (void)state;
    struct cc_arena *arena = cc_arena_create(0);
    struct ev_message_persisted event = a_message(), other = a_message();
    struct ev_notification_new first, again, mention, another;
    const char *identity[] = {BOB, MESSAGE, "message"};
    char expected[CC_UUID_BYTES];
    other.message.message_id = "7f1c2d3e-4a5b-8c6d-9e7f-0a1b2c3d4e5f";
    event.duplicate = true;

    notify_compose(&event, BOB, NOTIFY_MESSAGE, arena, &first);
    event.duplicate = false;
    notify_compose(&event, BOB, NOTIFY_MESSAGE, arena, &again);
    notify_compose(&event, BOB, NOTIFY_MENTION, arena, &mention);
    notify_compose(&other, BOB, NOTIFY_MESSAGE, arena, &another);

    cc_uuid_hash(identity, 3, expected);
    assert_string_equal(first.notification_id, expected);
    assert_string_equal(first.notification_id, again.notification_id);
    assert_string_not_equal(first.notification_id, mention.notification_id);
    assert_string_not_equal(first.notification_id, another.notification_id);
    cc_arena_destroy(arena);
}

static void what_was_read_or_has_expired_is_stale(void **state)
{
    (void)state;
    struct cc_arena *arena = cc_arena_create(0);
    struct ev_message_persisted event = a_message();
    struct ev_notification_new notification;
    notify_compose(&event, BOB, NOTIFY_MESSAGE, arena, &notification);

    assert_false(notify_is_stale(&notification, -1, FAKE_T0_MS));
    assert_false(notify_is_stale(&notification, 41, FAKE_T0_MS));
    assert_true(notify_is_stale(&notification, 42, FAKE_T0_MS));
    assert_true(notify_is_stale(&notification, -1, FAKE_T0_MS + NOTIFY_NEWS_MS));
    cc_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_message_of_a_person_is_news),
        cmocka_unit_test(edits_refusals_and_silent_messages_are_no_news),
        cmocka_unit_test(a_message_of_yesterday_is_no_news),
        cmocka_unit_test(an_announcement_repeated_for_its_sender_is_still_news),
        cmocka_unit_test(everybody_but_the_sender_is_told),
        cmocka_unit_test(a_mention_is_told_as_one_even_in_a_large_chat),
        cmocka_unit_test(everybody_is_mentioned_even_in_a_large_chat),
        cmocka_unit_test(a_level_counts_whatever_the_size_of_the_chat),
        cmocka_unit_test(a_muted_chat_is_told_of_again_when_its_time_has_come),
        cmocka_unit_test(only_a_stored_deletion_takes_back),
        cmocka_unit_test(mentioning_oneself_tells_nobody),
        cmocka_unit_test(a_large_chat_tells_only_the_mentioned),
        cmocka_unit_test(a_preview_never_cuts_a_character),
        cmocka_unit_test(a_short_body_is_its_own_preview),
        cmocka_unit_test(the_id_depends_on_person_message_and_kind),
        cmocka_unit_test(what_was_read_or_has_expired_is_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
