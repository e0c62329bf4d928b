/* Every codec against its golden examples, and what they must refuse. */

#include "testing.h"

#include <jansson.h>
#include <string.h>

#include "common/alloc.h"
#include "common/events/chat_updated.h"

#include "recode.h"

static struct golden {
    const char *name;
    recoder recode;
    const char *text; /* read once */
    size_t length;
} goldens[] = {
    {.name = "message.created.create", .recode = recode_message_created},
    {.name = "message.created.mention_all", .recode = recode_message_created},
    {.name = "message.created.edit", .recode = recode_message_created},
    {.name = "message.created.delete", .recode = recode_message_created},
    {.name = "message.created.react", .recode = recode_message_created},
    {.name = "message.created.pin", .recode = recode_message_created},
    {.name = "message.created.system", .recode = recode_message_created},
    {.name = "message.created.settings", .recode = recode_message_created},
    {.name = "message.persisted.create", .recode = recode_message_persisted},
    {.name = "message.persisted.silent", .recode = recode_message_persisted},
    {.name = "message.persisted.edit", .recode = recode_message_persisted},
    {.name = "message.persisted.react", .recode = recode_message_persisted},
    {.name = "message.persisted.delete", .recode = recode_message_persisted},
    {.name = "message.persisted.system", .recode = recode_message_persisted},
    {.name = "message.persisted.rejected", .recode = recode_message_persisted},
    {.name = "message.persisted.large_chat", .recode = recode_message_persisted},
    {.name = "message.read.watermark", .recode = recode_message_read},
    {.name = "message.read.member_added", .recode = recode_message_read},
    {.name = "message.read.cleared", .recode = recode_message_read},
    {.name = "chat.updated.created", .recode = recode_chat_updated},
    {.name = "chat.updated.metadata", .recode = recode_chat_updated},
    {.name = "chat.updated.member_added", .recode = recode_chat_updated},
    {.name = "chat.updated.member_removed", .recode = recode_chat_updated},
    {.name = "chat.updated.role", .recode = recode_chat_updated},
    {.name = "chat.updated.settings", .recode = recode_chat_updated},
    {.name = "chat.updated.deleted", .recode = recode_chat_updated},
    {.name = "chat.updated.personal", .recode = recode_chat_updated},
    {.name = "notification.new.mention", .recode = recode_notification_new},
    {.name = "notification.new.quiet", .recode = recode_notification_new},
    {.name = "session.revoked.logout", .recode = recode_session_revoked},
    {.name = "user.updated.profile", .recode = recode_user_updated},
    {.name = "user.updated.settings", .recode = recode_user_updated},
    {.name = "user.updated.deleted", .recode = recode_user_updated},
};
#define GOLDEN_COUNT (sizeof goldens / sizeof goldens[0])

static int read_goldens(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        char path[256];
        snprintf(path, sizeof path, "docs/events/golden/%s.json", goldens[i].name);
        goldens[i].text = test_file(path, &goldens[i].length);
    }
    return 0;
}

static bool run(recoder recode, const char *text, size_t length, struct cc_strbuf *out,
                struct cc_error *err)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = cc_json_reader_create(arena, text, length, CC_IGNORE_UNKNOWN);
    struct cc_json_writer writer;
    cc_json_writer_init(&writer, out);
    bool accepted = recode(reader, &writer);
    if (!accepted)
        assert_int_not_equal(cc_json_reader_error(reader, err), CC_OK);
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    return accepted;
}

static bool accepts(recoder recode, const char *text, size_t length)
{
    struct cc_strbuf out;
    cc_strbuf_init(&out, CC_EVENT_MAX_BYTES);
    struct cc_error error = {0};
    bool accepted = run(recode, text, length, &out, &error);
    cc_strbuf_finish(&out);
    return accepted;
}

/* The golden event with one member replaced (value NULL: removed). */
static bool accepts_changed(const struct golden *golden, const char *key, json_t *value)
{
    json_t *event = json_loads(golden->text, 0, NULL);
    if (value == NULL)
        json_object_del(event, key);
    else
        json_object_set_new(event, key, value);
    char *text = json_dumps(event, JSON_COMPACT);
    bool accepted = accepts(golden->recode, text, strlen(text));
    free(text); /* check: free, jansson's own memory */
    json_decref(event);
    return accepted;
}

static void decoding_and_encoding_a_golden_event_gives_it_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct cc_strbuf out;
        cc_strbuf_init(&out, CC_EVENT_MAX_BYTES);

        struct cc_error error = {0};
        if (!run(goldens[i].recode, goldens[i].text, goldens[i].length, &out, &error))
            fail_msg("%s is refused: %s %s", goldens[i].name, error.field, error.public_text);

        json_t *expected = json_loads(goldens[i].text, JSON_REJECT_DUPLICATES, NULL);
        json_t *actual = json_loads(cc_strbuf_text(&out), JSON_REJECT_DUPLICATES, NULL);
        if (!json_equal(expected, actual))
            fail_msg("%s became %s", goldens[i].name, cc_strbuf_text(&out));
        json_decref(expected);
        json_decref(actual);
        cc_strbuf_finish(&out);
    }
}

static const struct golden *golden_of(const char *name)
{
    for (size_t i = 0; i < GOLDEN_COUNT; i++)
        if (strcmp(goldens[i].name, name) == 0)
            return &goldens[i];
    return NULL;
}

static void each_kind_of_change_of_a_chat_has_a_golden_event(void **state)
{
    (void)state;
    for (size_t i = 0; cc_chat_change_names[i] != NULL; i++) {
        char name[64], change[64];

        snprintf(name, sizeof name, "chat.updated.%s", cc_chat_change_names[i]);
        snprintf(change, sizeof change, "\"change\": \"%s\"", cc_chat_change_names[i]);
        const struct golden *golden = golden_of(name);
        if (golden == NULL || strstr(golden->text, change) == NULL)
            fail_msg("no golden event tells %s", name);
    }
}

static void unknown_fields_are_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++)
        assert_true(accepts_changed(&goldens[i], "added_next_year", json_pack("{s:i}", "x", 1)));
}

static void an_envelope_of_another_type_or_version_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        assert_false(accepts_changed(&goldens[i], "type", json_string("another.topic")));
        assert_false(accepts_changed(&goldens[i], "version", json_integer(2)));
        assert_false(accepts_changed(&goldens[i], "event_id", NULL));
        assert_false(accepts_changed(&goldens[i], "occurred_at", json_string("yesterday")));
    }
}

static void no_part_of_an_event_is_taken_for_an_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        for (size_t cut = 0; cut + 2 < goldens[i].length; cut += 7)
            if (accepts(goldens[i].recode, goldens[i].text, cut))
                fail_msg("%zu bytes of %s are accepted", cut, goldens[i].name);
    }
}

static json_t *text_of(size_t count)
{
    char *text = cc_alloc(count + 1);
    memset(text, 'x', count);
    text[count] = '\0';
    json_t *value = json_string(text);
    cc_free(text);
    return value;
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    const struct golden *create = &goldens[0];
    json_t *mentions = json_array();
    for (int i = 0; i <= CC_MESSAGE_MENTIONS_MAX; i++)
        json_array_append_new(mentions, json_string("0192f0c1-7a2b-7c3d-8e4f-0000000000b1"));

    assert_true(accepts_changed(create, "body", text_of(CC_MESSAGE_BODY_MAX_BYTES)));
    assert_false(accepts_changed(create, "body", text_of(CC_MESSAGE_BODY_MAX_BYTES + 1)));
    assert_false(accepts_changed(create, "client_msg_id", text_of(129)));
    assert_false(accepts_changed(create, "mentions", mentions));
    assert_false(accepts_changed(create, "ttl_s", json_integer(-1)));
}

static void a_sender_is_a_user_or_the_system(void **state)
{
    (void)state;
    const struct golden *create = &goldens[0];

    assert_true(accepts_changed(create, "sender_id", json_string("system")));
    assert_false(accepts_changed(create, "sender_id", json_string("root")));
    assert_false(accepts_changed(create, "sender_id", NULL));
}

static void a_record_that_breaks_a_rule_keeps_its_op_id_readable(void **state)
{
    (void)state;
    json_t *broken = json_loads(goldens[0].text, 0, NULL);
    json_object_set_new(broken, "body", text_of(CC_MESSAGE_BODY_MAX_BYTES + 1));
    char *text = json_dumps(broken, JSON_COMPACT);
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, text, strlen(text), CC_IGNORE_UNKNOWN);
    struct ev_message_created event;

    bool accepted = ev_message_created_read(reader, &event);

    assert_false(accepted);
    assert_string_equal(event.op_id, "6f1c2d3e-4a5b-8c6d-9e7f-0a1b2c3d4e5f");
    assert_non_null(event.chat_id);
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    free(text); /* check: free, jansson's own memory */
    json_decref(broken);
}

static const char *hash_of(const struct ev_message_created *event, char out[65])
{
    cc_request_hash(event, out);
    return out;
}

static void the_request_hash_covers_content_and_nothing_else(void **state)
{
    (void)state;
    struct ev_message_created event = {.op = CC_OP_CREATE, .type = "text", .body = "hi"};
    struct ev_message_created same = event, other = event, shifted = event, everybody = event;
    char first[65], second[65];
    same.device_id = "phone-2";
    same.received_at_ms = 5;
    same.origin.node = "elsewhere";
    same.reply_to = "";
    other.ttl_s = 1;
    everybody.mention_all = true;
    shifted.type = "texth";
    shifted.body = "i";

    hash_of(&event, first);

    assert_string_equal(first, hash_of(&same, second));
    assert_string_not_equal(first, hash_of(&other, second));
    assert_string_not_equal(first, hash_of(&shifted, second));
    assert_string_not_equal(first, hash_of(&everybody, second));
}

/* Computed apart, with Python's hashlib: fields "create" "" "text" "hi" "" "" "0" "0" "" "0". */
static void the_request_hash_is_the_golden_one(void **state)
{
    (void)state;
    struct ev_message_created event = {.op = CC_OP_CREATE, .type = "text", .body = "hi"};
    char hash[65];

    assert_string_equal(hash_of(&event, hash),
                        "9613f00857b433df6af29b38531856f24f4d04dc6f3d9025f44829d1e8f2d00a");
}

static void a_reaction_is_an_emoji_that_may_be_a_key_anywhere(void **state)
{
    (void)state;
    char long_name[CC_REACTION_MAX_BYTES + 2];
    memset(long_name, 'x', sizeof long_name);
    long_name[CC_REACTION_MAX_BYTES] = '\0';
    assert_true(cc_reaction_valid(long_name));
    long_name[CC_REACTION_MAX_BYTES] = 'x';
    long_name[CC_REACTION_MAX_BYTES + 1] = '\0';

    assert_true(cc_reaction_valid("\xf0\x9f\x91\x8d"));
    assert_true(cc_reaction_valid("1\xef\xb8\x8f\xe2\x83\xa3"));
    assert_true(cc_reaction_valid(":party_parrot:"));
    assert_false(cc_reaction_valid(long_name));
    assert_false(cc_reaction_valid(""));
    assert_false(cc_reaction_valid("$set"));
    assert_false(cc_reaction_valid("a.b"));
    assert_false(cc_reaction_valid("a b"));
    assert_false(cc_reaction_valid("a\"b"));
    assert_false(cc_reaction_valid("a\nb"));
    assert_false(cc_reaction_valid("a\x7f"));
}

static void attachments_name_their_files(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    static const char sound[] =
        "[{\"media_id\":\"0190A000-0000-7000-8000-000000000001\",\"width\":4},"
        "{\"media_id\":\"0190a000-0000-7000-8000-000000000002\"}]";
    static const char *const faulty[] = {
        "[{}]", "[{\"media_id\":7}]", "[{\"media_id\":\"x\"}]", "{}", "[1]", "[{\"media_id\":"};
    const char *const *ids;
    size_t count;

    assert_true(cc_attachment_ids(sound, arena, &ids, &count));
    assert_int_equal(count, 2);
    assert_string_equal(ids[0], "0190a000-0000-7000-8000-000000000001");
    assert_true(cc_attachment_ids(NULL, arena, &ids, &count));
    assert_int_equal(count, 0);
    assert_true(cc_attachment_ids("[]", arena, &ids, &count));
    assert_int_equal(count, 0);
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        assert_false(cc_attachment_ids(faulty[i], arena, &ids, &count));
        assert_int_equal(count, 0);
    }
}

static const char session_id[] = "0190a000-0000-7000-8000-000000000007";

/* The frame of a publication goes back to what it was made of. */
static void expect_frame(const char *reason, const char *text, bool suspended)
{
    struct cc_strbuf frame;
    char read[CC_UUID_BYTES];
    bool read_suspended;
    cc_strbuf_init(&frame, EV_SESSION_FRAME_BYTES);

    const struct cc_bus_message message = ev_session_publication(session_id, reason, &frame);

    assert_int_equal(message.kind, CC_BUS_REVOKED);
    assert_string_equal(cc_strbuf_text(&frame), text);
    assert_true(ev_session_frame_read(message.frame, message.frame_count, read, &read_suspended));
    assert_string_equal(read, session_id);
    assert_int_equal(read_suspended, suspended);
    cc_strbuf_finish(&frame);
}

static void a_revocation_says_that_somebody_was_suspended_and_no_other_reason(void **state)
{
    (void)state;
    expect_frame("suspended", "0190a000-0000-7000-8000-000000000007 suspended", true);
    expect_frame("logout", session_id, false);
}

static void a_revocation_of_another_form_is_none(void **state)
{
    static const char *const frames[] = {"", "0190a000-0000-7000-8000-00000000000",
                                         "0190a000-0000-7000-8000-000000000007 suspende",
                                         "0190a000-0000-7000-8000-000000000007 dismissed",
                                         "0190a000-0000-7000-8000-000000000007 suspended again"};
    char read[CC_UUID_BYTES];
    bool suspended;

    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        assert_false(ev_session_frame_read(frames[i], strlen(frames[i]), read, &suspended));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_and_encoding_a_golden_event_gives_it_back),
        cmocka_unit_test(each_kind_of_change_of_a_chat_has_a_golden_event),
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(an_envelope_of_another_type_or_version_is_refused),
        cmocka_unit_test(no_part_of_an_event_is_taken_for_an_event),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_sender_is_a_user_or_the_system),
        cmocka_unit_test(a_record_that_breaks_a_rule_keeps_its_op_id_readable),
        cmocka_unit_test(the_request_hash_covers_content_and_nothing_else),
        cmocka_unit_test(the_request_hash_is_the_golden_one),
        cmocka_unit_test(a_reaction_is_an_emoji_that_may_be_a_key_anywhere),
        cmocka_unit_test(attachments_name_their_files),
        cmocka_unit_test(a_revocation_says_that_somebody_was_suspended_and_no_other_reason),
        cmocka_unit_test(a_revocation_of_another_form_is_none),
    };
    return cmocka_run_group_tests(tests, read_goldens, NULL);
}
