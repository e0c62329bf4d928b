/* A person's own view: states of chats, and the digest of a list of chats. */

#include <string.h>

#include "../builders.h"
#include "domain/chat_digest.h"

static int make_arena(void **state)
{
    *state = cc_arena_create(0);
    return 0;
}

static int drop_arena(void **state)
{
    cc_arena_destroy(*state);
    return 0;
}

static void a_wish_replaces_the_one_before_and_a_repeat_changes_nothing(void **state)
{
    const struct personal before = {.version = 3, .announced = true, .wish = {.pinned = true}};
    const struct personal_wish wish = {.mute_until_ms = T0, .notify = PERSONAL_NONE};
    struct personal after, again;

    assert_true(personal_apply(&before, &wish, T0 + 1, &after));
    assert_int_equal(after.version, 4);
    assert_false(after.wish.pinned);
    assert_int_equal(after.wish.mute_until_ms, T0);
    assert_false(after.announced);
    assert_false(personal_apply(&after, &wish, T0 + 2, &again));
    (void)state;
}

static void a_deleted_chat_is_hidden_until_something_is_said(void **state)
{
    const struct personal before = {.version = 1, .wish = {.pinned = true, .notify = PERSONAL_ALL}};
    const struct personal after = personal_clear(&before, 7, T0);
    const struct chat_activity same = {.seq = 7}, news = {.seq = 8};

    assert_true(personal_hides(&after, &same));
    assert_false(personal_hides(&after, &news));
    assert_false(personal_hides(&before, &same));
    assert_false(personal_hides(NULL, &same));
    assert_false(after.wish.pinned);
    assert_int_equal(after.wish.notify, PERSONAL_ALL);
    (void)state;
}

static void a_chat_begins_where_it_was_deleted_or_joined_as_its_rules_say(void **state)
{
    const struct chat open = {0}, joined = {.rules.history = CC_HISTORY_JOINED};
    const struct membership reader = {.joined_seq = 7};
    const struct personal early = {.cleared_seq = 5}, late = {.cleared_seq = 9};

    assert_int_equal(chat_floor(&open, &reader, NULL), 0);
    assert_int_equal(chat_floor(&open, &reader, &early), 5);
    assert_int_equal(chat_floor(&joined, &reader, &early), 7);
    assert_int_equal(chat_floor(&joined, &reader, &late), 9);
    assert_int_equal(chat_floor(&joined, NULL, NULL), 0);
    (void)state;
}

static void an_empty_chat_can_be_deleted_too(void **state)
{
    const struct personal before = {0};
    const struct personal after = personal_clear(&before, 0, T0);
    const struct chat_activity silent = {0};

    assert_true(personal_hides(&after, &silent));
    (void)state;
}

struct line {
    struct membership membership;
    struct personal personal;
    struct chat_list_entry entry;
};

static struct line *a_line(struct cc_arena *arena)
{
    struct line *line = CC_ARENA_NEW(arena, struct line);

    line->membership = (struct membership){.chat_id = an_id(arena), .version = 1};
    line->entry = (struct chat_list_entry){
        .membership = &line->membership, .activity = {.rev = 5}, .personal = &line->personal};
    return line;
}

static struct chat_digest digest_of(struct line *const *lines, size_t count)
{
    struct chat_digest digest = {0};

    for (size_t i = 0; i < count; i++)
        chat_digest_add(&digest, &lines[i]->entry);
    return digest;
}

static size_t differences(const struct chat_digest *a, const struct chat_digest *b)
{
    size_t count = 0;

    for (size_t i = 0; i < CHAT_DIGEST_BUCKETS; i++)
        count += a->sums[i] != b->sums[i] || a->reads[i] != b->reads[i];
    return count;
}

static void whatever_changes_in_a_chat_changes_its_bucket_alone(void **state)
{
    struct line *lines[50];

    for (size_t i = 0; i < 50; i++)
        lines[i] = a_line(*state);
    struct chat_digest before = digest_of(lines, 50), after;

    lines[3]->entry.activity.rev++;
    after = digest_of(lines, 50);
    assert_int_equal(differences(&before, &after), 1);
    assert_true(before.sums[chat_digest_bucket(lines[3]->membership.chat_id)] !=
                after.sums[chat_digest_bucket(lines[3]->membership.chat_id)]);
    before = after;
    lines[4]->personal.version++;
    after = digest_of(lines, 50);
    assert_int_equal(differences(&before, &after), 1);
    before = after;
    lines[5]->membership.version++;
    lines[5]->membership.state = CC_MEMBER_LEFT;
    after = digest_of(lines, 50);
    assert_int_equal(differences(&before, &after), 1);
    before = after;
    lines[6]->entry.read_seq++;
    after = digest_of(lines, 50);
    assert_int_equal(differences(&before, &after), 1);
    assert_memory_equal(before.sums, after.sums, sizeof(before.sums));
    before = after;
    after = digest_of(lines, 49);
    assert_int_equal(differences(&before, &after), 1);
}

static void the_order_of_the_chats_makes_no_difference(void **state)
{
    struct line *lines[3] = {a_line(*state), a_line(*state), a_line(*state)};
    struct line *turned[3] = {lines[2], lines[0], lines[1]};
    struct chat_digest one = digest_of(lines, 3), other = digest_of(turned, 3);

    assert_int_equal(differences(&one, &other), 0);
}

static void a_digest_is_read_as_it_was_written_and_fits_into_a_url(void **state)
{
    struct line *lines[40];
    struct chat_digest read;

    for (size_t i = 0; i < 40; i++) {
        lines[i] = a_line(*state);
        lines[i]->entry.read_seq = (int64_t)i;
    }
    struct chat_digest written = digest_of(lines, 40);
    const char *text = chat_digest_text(*state, &written);

    assert_true(strlen(text) < 2100);
    assert_true(chat_digest_read(text, &read));
    assert_int_equal(differences(&written, &read), 0);
}

/* As they were before read positions were in them. */
static void an_older_digest_is_one_of_somebody_who_has_read_nothing(void **state)
{
    unsigned char bytes[1 + CHAT_DIGEST_BUCKETS * 6] = {1, 0xAB};
    char text[sizeof(bytes) * 2];
    struct chat_digest digest;

    (void)state;
    cc_base64url_encode(bytes, sizeof(bytes), text);
    assert_true(chat_digest_read(text, &digest));

    assert_int_equal(digest.sums[0], 0xAB);
    for (size_t i = 0; i < CHAT_DIGEST_BUCKETS; i++)
        assert_int_equal(digest.reads[i], 0);
}

static void texts_that_are_no_digests_are_refused(void **state)
{
    struct chat_digest digest = {0};
    const char *whole = chat_digest_text(*state, &digest);
    char *other_format = cc_arena_strdup(*state, whole);

    other_format[0] = 'B';
    assert_true(chat_digest_read(whole, &digest));
    assert_false(chat_digest_read(other_format, &digest));
    assert_false(chat_digest_read(cc_arena_strndup(*state, whole, 500), &digest));
    assert_false(chat_digest_read(cc_arena_printf(*state, "%sAAAA", whole), &digest));
    assert_false(chat_digest_read("", &digest));
    assert_false(chat_digest_read("MTIzL2FiYw", &digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_replaces_the_one_before_and_a_repeat_changes_nothing),
        cmocka_unit_test(a_deleted_chat_is_hidden_until_something_is_said),
        cmocka_unit_test(a_chat_begins_where_it_was_deleted_or_joined_as_its_rules_say),
        cmocka_unit_test(an_empty_chat_can_be_deleted_too),
        cmocka_unit_test(whatever_changes_in_a_chat_changes_its_bucket_alone),
        cmocka_unit_test(the_order_of_the_chats_makes_no_difference),
        cmocka_unit_test(a_digest_is_read_as_it_was_written_and_fits_into_a_url),
        cmocka_unit_test(an_older_digest_is_one_of_somebody_who_has_read_nothing),
        cmocka_unit_test(texts_that_are_no_digests_are_refused),
    };

    return cmocka_run_group_tests_name("chat-service personal", tests, make_arena, drop_arena);
}
