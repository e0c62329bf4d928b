/* Rules of profiles and of their JSON, without any server. */

#include "testing.h"

#include <string.h>

#include "common/alloc.h"
#include "common/events/user_updated.h"
#include "domain/user.h"
#include "events/publish.h"
#include "http/etag.h"
#include "http/user_json.h"

#define COOLDOWN_MS 1000

static const struct user ada = {.user_id = "0190a000-0000-7000-8000-000000000001",
                                .handle = "ada",
                                .display_name = "Ada",
                                .email = "ada@example.org",
                                .bio = "Engines.",
                                .locale = "en-GB",
                                .time_zone = "Europe/London",
                                .avatar_media_id = "",
                                .metadata = "{}",
                                .version = 3};

static enum cc_code read_patch(struct cc_arena *arena, const char *json, struct user_patch *out,
                               struct cc_error *err)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, json, strlen(json), CC_REFUSE_UNKNOWN);
    enum cc_code code = user_patch_from_json(reader, out, err);
    cc_json_reader_destroy(reader);
    return code;
}

/* The code of applying a patch given as JSON, and the member at fault. */
static enum cc_code apply(const char *json, struct user *out, struct cc_error *err)
{
    static char handle[CC_HANDLE_BYTES];
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct user_patch patch;
    CC_TRY(read_patch(arena, json, &patch, err));
    return user_apply(&ada, &patch, FAKE_T0_MS, COOLDOWN_MS, handle, out, err);
}

static void what_a_patch_does_not_name_stays(void **state)
{
    (void)state;
    struct cc_error err = {0};
    struct user after = {0};

    assert_int_equal(apply("{}", &after, &err), CC_OK);

    assert_true(user_same(&ada, &after));
}

static void null_empties_what_may_be_empty(void **state)
{
    (void)state;
    struct cc_error err = {0};
    struct user after = {0};

    assert_int_equal(apply("{\"bio\":null,\"locale\":null,\"time_zone\":null}", &after, &err),
                     CC_OK);

    assert_string_equal(after.bio, "");
    assert_string_equal(after.locale, "");
    assert_string_equal(after.time_zone, "");
    assert_string_equal(after.display_name, "Ada");
}

static void a_faulty_member_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *field;
    } faulty[] = {
        {"{\"display_name\":null}", "/display_name"},
        {"{\"display_name\":\"\"}", "/display_name"},
        {"{\"display_name\":\"   \"}", "/display_name"},
        {"{\"display_name\":\"a\\nb\"}", "/display_name"},
        {"{\"display_name\":7}", "/display_name"},
        {"{\"handle\":null}", "/handle"},
        {"{\"handle\":\"a\"}", "/handle"},
        {"{\"bio\":\"\\u0007\"}", "/bio"},
        {"{\"locale\":\"x\"}", "/locale"},
        {"{\"locale\":\"en-\"}", "/locale"},
        {"{\"locale\":\"en--GB\"}", "/locale"},
        {"{\"locale\":\"abcdefghij\"}", "/locale"},
        {"{\"time_zone\":\"/Vienna\"}", "/time_zone"},
        {"{\"time_zone\":\"Europe/../x\"}", "/time_zone"},
        {"{\"metadata\":[]}", "/metadata"},
        {"{\"metadata\":\"x\"}", "/metadata"},
        {"{\"metadata\":{\"$set\":1}}", "/metadata"},
        {"{\"role\":\"admin\"}", "/role"},
        {"{\"version\":9}", "/version"},
        {"{\"id\":\"x\"}", "/id"},
        {"{\"user_id\":\"0190a000-0000-7000-8000-000000000002\"}", "/user_id"},
        {"{\"email\":\"eve@example.org\"}", "/email"},
        {"{\"verified\":true}", "/verified"},
        {"{\"created_at\":\"2026-01-01T00:00:00Z\"}", "/created_at"},
        {"{\"deleted_at_ms\":0}", "/deleted_at_ms"},
        {"{\"handle_changed_at_ms\":0}", "/handle_changed_at_ms"},
        {"{\"avatar_media_id\":\"x\"}", "/avatar_media_id"},
        {"{\"avatar_media_id\":7}", "/avatar_media_id"},
        {"{\"handle\":\"deleted_1\"}", "/handle"},
    };
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        struct cc_error err = {0};
        struct user after = {0};
        if (apply(faulty[i].json, &after, &err) != CC_INVALID)
            fail_msg("accepted %s", faulty[i].json);
        if (strncmp(err.field, faulty[i].field, strlen(faulty[i].field)) != 0)
            fail_msg("%s is blamed for %s", err.field, faulty[i].json);
    }
}

static void a_display_name_counts_characters_not_bytes(void **state)
{
    (void)state;
    char text[65 * 2 + 1] = "";
    for (int i = 0; i < 64; i++)
        memcpy(text + 2 * i, "\xc3\xa4", 3);

    assert_int_equal(user_check_display_name(text, NULL), CC_OK);
    memcpy(text + 128, "\xc3\xa4", 3);
    assert_int_equal(user_check_display_name(text, NULL), CC_INVALID);
}

static void good_locales_and_time_zones_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{\"locale\":\"de\"}",
        "{\"locale\":\"zh-Hant-TW\"}",
        "{\"locale\":\"sl-rozaj-biske-1994\"}",
        "{\"time_zone\":\"Etc/GMT+3\"}",
        "{\"time_zone\":\"America/Argentina/Buenos_Aires\"}",
        "{\"time_zone\":\"UTC\"}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct cc_error err = {0};
        struct user after = {0};
        if (apply(good[i], &after, &err) != CC_OK)
            fail_msg("refused %s: %s", good[i], err.public_text);
    }
}

static void must_merge(const char *target, const char *patch, const char *expected)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};
    const char *merged;
    assert_int_equal(user_merge_objects(target, patch, 200, arena, &merged, &err), CC_OK);
    assert_string_equal(merged, expected);
}

/* Examples of RFC 7396, appendix A, as far as objects go. */
static void metadata_is_merged_member_by_member(void **state)
{
    (void)state;
    must_merge("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    must_merge("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}");
    must_merge("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}");
    must_merge("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    must_merge("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
               "{\"a\":{\"b\":\"d\"}}");
    must_merge("{\"a\":\"foo\"}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}");
    must_merge("{\"a\":1}", "null", "{}");
}

static void metadata_that_grows_too_long_is_refused(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};
    const char *merged;

    assert_int_equal(
        user_merge_objects("{\"a\":\"12345\"}", "{\"b\":\"12345\"}", 20, arena, &merged, &err),
        CC_INVALID);
    assert_string_equal(err.field, "/metadata");
}

static void if_match_names_the_version_or_any(void **state)
{
    (void)state;
    assert_true(user_etag_matches("\"3\"", 3));
    assert_true(user_etag_matches("*", 3));
    assert_true(user_etag_matches("\"1\", \"3\"", 3));
    assert_true(user_etag_matches("\"1\",\"3\" ,\"4\"", 3));
    assert_false(user_etag_matches("\"33\"", 3));
    assert_false(user_etag_matches("3", 3));
    assert_false(user_etag_matches("W/\"3\"", 3));
    assert_false(user_etag_matches("", 3));
    assert_false(user_etag_matches("*3", 3));
    assert_false(user_etag_matches("\"3\"x", 3));
}

static void others_see_neither_e_mail_nor_settings(void **state)
{
    (void)state;
    struct cc_strbuf text;
    struct cc_json_writer writer;
    cc_strbuf_init(&text, 4096);
    cc_json_writer_init(&writer, &text);

    user_json_write_public(&writer, NULL, &ada);

    assert_null(strstr(cc_strbuf_text(&text), "example.org"));
    assert_null(strstr(cc_strbuf_text(&text), "metadata"));
    assert_null(strstr(cc_strbuf_text(&text), "locale"));
    assert_non_null(strstr(cc_strbuf_text(&text), "\"avatar_media_id\":null"));
    cc_strbuf_finish(&text);
}

static void an_event_reads_back_as_the_fact(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct user_fact fact = {.event_id = "0190a000-0000-7000-8000-000000000002",
                             .user_id = ada.user_id,
                             .change = "profile",
                             .handle = "ada",
                             .display_name = "Ada \"L\"",
                             .occurred_at_ms = FAKE_T0_MS};
    struct ev_user_updated event;
    size_t count;

    const char *json = user_event_encode(&fact, arena, &count);

    struct cc_json_reader *reader = cc_json_reader_create(arena, json, count, CC_IGNORE_UNKNOWN);
    assert_true(ev_user_updated_read(reader, &event));
    assert_string_equal(event.envelope.event_id, fact.event_id);
    assert_string_equal(event.envelope.key, ada.user_id);
    assert_int_equal(event.envelope.occurred_at_ms, FAKE_T0_MS);
    assert_string_equal(event.change, "profile");
    assert_string_equal(event.display_name, "Ada \"L\"");
    cc_json_reader_destroy(reader);
}

static void an_avatar_is_a_media_id_or_none(void **state)
{
    (void)state;
    struct cc_error err = {0};
    struct user after = {0};
    static char handle[CC_HANDLE_BYTES];
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct user_patch patch;

    assert_int_equal(read_patch(arena,
                                "{\"avatar_media_id\":\"0190A000-0000-7000-8000-00000000000A\"}",
                                &patch, &err),
                     CC_OK);
    assert_int_equal(user_apply(&ada, &patch, FAKE_T0_MS, COOLDOWN_MS, handle, &after, &err),
                     CC_OK);
    assert_string_equal(after.avatar_media_id, "0190a000-0000-7000-8000-00000000000a");
    assert_false(user_same_public(&ada, &after));
    assert_int_equal(read_patch(arena, "{\"avatar_media_id\":null}", &patch, &err), CC_OK);
    assert_string_equal(patch.avatar_media_id, "");
}

static void a_handle_is_changed_at_most_once_in_the_cooldown(void **state)
{
    (void)state;
    struct cc_error err = {0};
    struct user first, second;
    char handle[CC_HANDLE_BYTES], again[CC_HANDLE_BYTES];
    const struct user_patch lovelace = {.handle = "Lovelace"}, king = {.handle = "king"};

    assert_int_equal(user_apply(&ada, &lovelace, FAKE_T0_MS, COOLDOWN_MS, handle, &first, &err),
                     CC_OK);
    assert_int_equal(first.handle_changed_at_ms, FAKE_T0_MS);
    assert_int_equal(user_handle_free_at_ms(&first, FAKE_T0_MS, COOLDOWN_MS),
                     FAKE_T0_MS + COOLDOWN_MS);

    int64_t almost_ms = FAKE_T0_MS + COOLDOWN_MS - 1;
    assert_int_equal(user_apply(&first, &king, almost_ms, COOLDOWN_MS, again, &second, &err),
                     CC_UNPROCESSABLE);
    assert_string_equal(err.field, "/handle");
    assert_int_equal(user_apply(&first, &lovelace, almost_ms, COOLDOWN_MS, again, &second, &err),
                     CC_OK); /* the same one, typed again */
    assert_int_equal(second.handle_changed_at_ms, FAKE_T0_MS);
    assert_int_equal(user_apply(&first, &king, almost_ms + 1, COOLDOWN_MS, again, &second, &err),
                     CC_OK);
    assert_string_equal(second.handle, "king");
    assert_int_equal(user_handle_free_at_ms(&ada, FAKE_T0_MS, COOLDOWN_MS), 0);
}

static void a_tombstone_has_a_handle_that_nobody_else_can_have(void **state)
{
    (void)state;
    char handle[CC_HANDLE_BYTES], folded[CC_HANDLE_BYTES];

    user_tombstone_handle("0190a000-1234-7000-8abc-0123456789ab", handle);

    assert_int_equal(strlen(handle), CC_HANDLE_MAX);
    assert_int_equal(strspn(handle, "abcdefghijklmnopqrstuvwxyz0123456789_"), CC_HANDLE_MAX);
    assert_int_equal(cc_handle_read(handle, folded, NULL), CC_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_patch_does_not_name_stays),
        cmocka_unit_test(null_empties_what_may_be_empty),
        cmocka_unit_test(a_faulty_member_is_named),
        cmocka_unit_test(an_avatar_is_a_media_id_or_none),
        cmocka_unit_test(a_handle_is_changed_at_most_once_in_the_cooldown),
        cmocka_unit_test(a_tombstone_has_a_handle_that_nobody_else_can_have),
        cmocka_unit_test(a_display_name_counts_characters_not_bytes),
        cmocka_unit_test(good_locales_and_time_zones_are_taken),
        cmocka_unit_test(metadata_is_merged_member_by_member),
        cmocka_unit_test(metadata_that_grows_too_long_is_refused),
        cmocka_unit_test(if_match_names_the_version_or_any),
        cmocka_unit_test(others_see_neither_e_mail_nor_settings),
        cmocka_unit_test(an_event_reads_back_as_the_fact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
