/* The header line of what travels through Redis pub/sub, and the names of channels and keys. */

#include "testing.h"

#include <string.h>

#include "common/bus.h"
#include "common/topics.h"

#define CHAT "0192f0c1-7a2b-7c3d-8e4f-0000000000c1"
#define ANN  "0192f0c1-7a2b-7c3d-8e4f-0000000000a1"

static bool read_text(const char *text, struct cc_bus_message *out)
{
    return cc_bus_read(text, strlen(text), out);
}

static void assert_refused(const char *text)
{
    struct cc_bus_message message;
    if (read_text(text, &message))
        fail_msg("accepted: %s", text);
}

static void a_written_message_reads_back_the_same(void **state)
{
    (void)state;
    struct cc_bus_message written = {.kind = CC_BUS_MESSAGE,
                                     .chat_id = CHAT,
                                     .rev = 57,
                                     .seq = 42,
                                     .sender_id = ANN,
                                     .conn_id = "c0ffee01",
                                     .member_version = 3,
                                     .message_seq = 41,
                                     .since_joining = true,
                                     .counts = CC_COUNTS_MENTIONS,
                                     .frame = "{\"t\":\"message\"}\nsecond line",
                                     .frame_count = 27};
    struct cc_bus_message read;
    struct cc_strbuf text;
    cc_strbuf_init(&text, 1024);

    cc_bus_write(&written, &text);
    assert_true(cc_bus_read(cc_strbuf_text(&text), text.length, &read));

    assert_int_equal(read.kind, CC_BUS_MESSAGE);
    assert_string_equal(read.chat_id, CHAT);
    assert_int_equal(read.rev, 57);
    assert_int_equal(read.seq, 42);
    assert_string_equal(read.sender_id, ANN);
    assert_string_equal(read.conn_id, "c0ffee01");
    assert_int_equal(read.member_version, 3);
    assert_int_equal(read.message_seq, 41);
    assert_true(read.since_joining);
    assert_int_equal(read.counts, CC_COUNTS_MENTIONS);
    assert_int_equal(read.frame_count, 27);
    assert_memory_equal(read.frame, written.frame, 27);
    cc_strbuf_finish(&text);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < CC_BUS_UNKNOWN; kind++) {
        struct cc_bus_message written = {.kind = (enum cc_bus_kind)kind}, read;
        struct cc_strbuf text;
        cc_strbuf_init(&text, 256);
        cc_bus_write(&written, &text);
        assert_true(cc_bus_read(cc_strbuf_text(&text), text.length, &read));
        assert_int_equal(read.kind, kind);
        cc_strbuf_finish(&text);
    }
}

static void dashes_read_as_none(void **state)
{
    (void)state;
    struct cc_bus_message message;

    assert_true(read_text("1 canary - 0 0 - - 0 0 0 0\n", &message));

    assert_string_equal(message.chat_id, "");
    assert_string_equal(message.sender_id, "");
    assert_string_equal(message.conn_id, "");
    assert_int_equal(message.frame_count, 0);
}

static void an_unknown_kind_is_not_malformed(void **state)
{
    (void)state;
    struct cc_bus_message message;

    assert_true(read_text("1 hologram - 0 0 - - 0 0 0 0\nframe", &message));

    assert_int_equal(message.kind, CC_BUS_UNKNOWN);
}

static void malformed_lines_are_refused(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused("\n");
    assert_refused("1 message - 0 0 - - 0 0 0 0");      /* no end of line */
    assert_refused("2 message - 0 0 - - 0 0 0 0\n");    /* another version */
    assert_refused("1 message - 0 0 - - 0 0\n");        /* a field is missing */
    assert_refused("1 message - 0 0 - - 0 0 0 0  1\n"); /* an empty one behind them */
    assert_refused("1 message  - 0 0 - - 0 0 0 0\n");   /* an empty field */
    assert_refused("1 message - 0 0 - - 0 0 0 0 \n");   /* one at the end */
    assert_refused("1 message - -1 0 - - 0 0 0 0\n");   /* a negative rev */
    assert_refused("1 message - 0x1 0 - - 0 0 0 0\n");  /* not decimal */
    assert_refused("1 message - 9223372036854775808 0 - - 0 0 0 0\n");
    assert_refused("1 message - 0 0 - - 0 0 2 0\n");         /* neither yes nor no */
    assert_refused("1 message - 0 0 - - 0 0 0 5\n");         /* no such way to count */
    assert_refused("1 message " CHAT "0 0 0 - - 0 0 0 0\n"); /* longer than an id */
}

static void lines_of_the_versions_before_and_after_are_understood(void **state)
{
    (void)state;
    struct cc_bus_message message;

    assert_true(read_text("1 message - 5 4 - - 3 2 1\nframe", &message));
    assert_int_equal(message.counts, CC_COUNTS_OTHERWISE);
    assert_true(message.since_joining);
    assert_int_equal(message.frame_count, 5);

    assert_true(read_text("1 typing - 0 0 - - 3 0 0\nframe", &message));
    assert_int_equal(message.counts, CC_COUNTS_SAME);

    assert_true(read_text("1 message - 5 4 - - 3 2 1 2 new -7\nframe", &message));
    assert_int_equal(message.counts, CC_COUNTS_MENTIONS);
    assert_int_equal(message.frame_count, 5);
}

static void a_nul_in_a_name_is_refused(void **state)
{
    (void)state;
    static const char line[] = "1 message - 0 0 ann\0x - 0 0 0 0\n";
    struct cc_bus_message message;

    assert_false(cc_bus_read(line, sizeof line - 1, &message));
}

static void no_prefix_of_a_line_is_taken_for_a_message(void **state)
{
    (void)state;
    static const char line[] = "1 message " CHAT " 57 42 " ANN " c0ffee01 3 41 1 2\n";
    struct cc_bus_message message;

    for (size_t length = 0; length < sizeof line - 1; length++)
        assert_false(cc_bus_read(line, length, &message));

    assert_true(cc_bus_read(line, sizeof line - 1, &message));
}

static void channel_and_key_names_are_those_of_the_contract(void **state)
{
    (void)state;
    char name[CC_REDIS_NAME_BYTES];

    cc_redis_name_chat("x", name);
    assert_string_equal(name, "chat:x");
    cc_redis_name_user("x", name);
    assert_string_equal(name, "user:x");
    cc_redis_name_node("x", name);
    assert_string_equal(name, "node:x");
    cc_redis_name_head("x", name);
    assert_string_equal(name, "head:x");
    cc_redis_name_members("x", name);
    assert_string_equal(name, "members:x");
    cc_redis_name_mver("x", name);
    assert_string_equal(name, "mver:x");
    cc_redis_name_presence("x", name);
    assert_string_equal(name, "presence:x");
    cc_redis_name_presence_away("x", name);
    assert_string_equal(name, "presence-away:x");
}

static void every_topic_has_a_dead_letter_topic_kept_as_long(void **state)
{
    (void)state;
    for (size_t i = 0; i < cc_topic_count / 2; i++) {
        const struct cc_topic *topic = &cc_topics[i], *dlq = &cc_topics[i + cc_topic_count / 2];
        assert_int_equal(strncmp(dlq->name, topic->name, strlen(topic->name)), 0);
        assert_string_equal(dlq->name + strlen(topic->name), ".dlq");
        assert_int_equal(dlq->retention_ms, topic->retention_ms);
        assert_int_equal(topic->partitions, 12);
    }
}

static int64_t kept_ms(const char *name)
{
    for (size_t i = 0; i < cc_topic_count; i++)
        if (strcmp(cc_topics[i].name, name) == 0)
            return cc_topics[i].retention_ms;
    fail_msg("no topic %s", name);
    return 0;
}

static void what_carries_text_is_kept_for_a_week(void **state)
{
    (void)state;
    int64_t week_ms = INT64_C(7) * 24 * 60 * 60 * 1000;

    assert_int_equal(kept_ms(CC_TOPIC_MESSAGE_CREATED), week_ms);
    assert_int_equal(kept_ms(CC_TOPIC_MESSAGE_PERSISTED), week_ms);
    assert_int_equal(kept_ms(CC_TOPIC_NOTIFICATION_NEW), week_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_message_reads_back_the_same),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
        cmocka_unit_test(dashes_read_as_none),
        cmocka_unit_test(an_unknown_kind_is_not_malformed),
        cmocka_unit_test(malformed_lines_are_refused),
        cmocka_unit_test(lines_of_the_versions_before_and_after_are_understood),
        cmocka_unit_test(a_nul_in_a_name_is_refused),
        cmocka_unit_test(no_prefix_of_a_line_is_taken_for_a_message),
        cmocka_unit_test(channel_and_key_names_are_those_of_the_contract),
        cmocka_unit_test(every_topic_has_a_dead_letter_topic_kept_as_long),
        cmocka_unit_test(what_carries_text_is_kept_for_a_week),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
