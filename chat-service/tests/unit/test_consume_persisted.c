/* message.persisted to activities, in the memory store. Redis is away: that must not matter. */

#include <string.h>

#include "../builders.h"
#include "app.h"
#include "common/events/message_persisted.h"
#include "common/topics.h"
#include "events/consume_persisted.h"

#define NO_REDIS "redis://127.0.0.1:1/0"

struct fixture {
    struct chat_app app;
    struct cc_arena *arena;
    const char *chat_id;
    struct cc_error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct cc_error err;

    fixture = (struct fixture){.arena = cc_arena_create(0)};
    fixture.app.store = chat_store_memory_create();
    fixture.app.activities = activities_create(fixture.app.store);
    assert_int_equal(cc_redis_create(NO_REDIS, 1, &fixture.app.redis, &err), CC_OK);
    fixture.chat_id = an_id(fixture.arena);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    activities_destroy(f->app.activities);
    chat_store_destroy(f->app.store);
    cc_redis_destroy(f->app.redis);
    cc_arena_destroy(f->arena);
    return 0;
}

static struct ev_message_persisted an_event(struct fixture *f, int64_t rev, const char *body)
{
    const char *message_id = an_id(f->arena), *sender = an_id(f->arena);

    return (struct ev_message_persisted){
        .envelope = {.event_id = an_id(f->arena),
                     .type = CC_TOPIC_MESSAGE_PERSISTED,
                     .version = 1,
                     .occurred_at_ms = T0,
                     .producer = "message-service",
                     .key = f->chat_id},
        .op = CC_OP_CREATE,
        .op_id = message_id,
        .chat_id = f->chat_id,
        .sender_id = sender,
        .sender_device_id = "d",
        .rev = rev,
        .head_seq = rev,
        .message = {.message_id = message_id,
                    .chat_id = f->chat_id,
                    .seq = rev,
                    .rev = rev,
                    .sender_id = sender,
                    .type = "text",
                    .body = body,
                    .created_at_ms = T0 + rev,
                    .version = 1},
        .origin = {.node = "", .conn_id = "", .client_msg_id = ""},
    };
}

static struct cc_record a_record(struct fixture *f, const struct ev_message_persisted *event)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;

    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_message_persisted_write(&writer, event);
    struct cc_record record = {.topic = CC_TOPIC_MESSAGE_PERSISTED,
                               .key = f->chat_id,
                               .payload = cc_arena_strdup(f->arena, cc_strbuf_text(&text)),
                               .payload_count = text.length};
    cc_strbuf_finish(&text);
    return record;
}

static void must_only_apply(struct fixture *f, struct cc_record *records, size_t count)
{
    struct cc_batch batch = {.records = records, .count = count, .arena = cc_arena_create(0)};

    assert_int_equal(chat_persisted_apply(&f->app, &batch, &f->err), CC_OK);
    cc_arena_destroy(batch.arena);
}

static void must_apply(struct fixture *f, struct cc_record *records, size_t count)
{
    must_only_apply(f, records, count);
    assert_int_equal(chat_persisted_save(&f->app, f->arena, &f->err), CC_OK);
}

static struct chat_activity *activity_of(struct fixture *f)
{
    struct chat_activity *activity = NULL;

    assert_int_equal(
        f->app.store->ops->find_activity(f->app.store, f->chat_id, f->arena, &activity, &f->err),
        CC_OK);
    return activity;
}

static void the_last_message_of_a_batch_is_the_chats(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted first = an_event(f, 1, "one"), second = an_event(f, 2, "two");
    struct cc_record records[] = {a_record(f, &first), a_record(f, &second)};

    must_apply(f, records, 2);
    struct chat_activity *activity = activity_of(f);

    assert_int_equal(activity->rev, 2);
    assert_int_equal(activity->seq, 2);
    assert_int_equal(activity->last_activity_at_ms, T0 + 2);
    assert_string_equal(activity->last_message_id, second.message.message_id);
    assert_non_null(strstr(activity->last_message_json, "\"body\":\"two\""));
}

static void replaying_a_batch_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted first = an_event(f, 1, "one"), second = an_event(f, 2, "two");
    struct cc_record both[] = {a_record(f, &first), a_record(f, &second)};

    must_apply(f, both, 2);
    must_apply(f, both, 1);

    assert_int_equal(activity_of(f)->rev, 2);
    assert_string_equal(activity_of(f)->last_message_id, second.message.message_id);
}

static void an_edit_of_the_last_message_changes_its_text_and_not_its_time(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted message = an_event(f, 1, "one"), edit = message;
    struct cc_record sent[] = {a_record(f, &message)};

    edit.op = CC_OP_EDIT;
    edit.rev = edit.message.rev = 2;
    edit.message.body = "two";
    edit.message.version = 2;
    struct cc_record edited[] = {a_record(f, &edit)};
    must_apply(f, sent, 1);
    must_apply(f, edited, 1);

    assert_non_null(strstr(activity_of(f)->last_message_json, "\"body\":\"two\""));
    assert_int_equal(activity_of(f)->last_activity_at_ms, T0 + 1);
}

static void a_refusal_is_not_activity(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted refused = an_event(f, 0, "no");
    struct chat_activity *activity = NULL;

    refused.rejected = true;
    refused.code = CC_FORBIDDEN;
    struct cc_record records[] = {a_record(f, &refused)};
    must_apply(f, records, 1);

    assert_int_equal(
        f->app.store->ops->find_activity(f->app.store, f->chat_id, f->arena, &activity, &f->err),
        CC_NOT_FOUND);
    assert_false(records[0].rejected);
}

static void a_record_that_cannot_be_read_is_put_aside_and_the_others_are_applied(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted message = an_event(f, 1, "one");
    struct cc_record records[] = {
        {.topic = CC_TOPIC_MESSAGE_PERSISTED, .payload = "{\"op\":", .payload_count = 6},
        a_record(f, &message)};

    must_apply(f, records, 2);

    assert_true(records[0].rejected);
    assert_int_equal(activity_of(f)->rev, 1);
}

static void an_uncounted_system_message_moves_only_the_rev(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted system = an_event(f, 1, "");

    system.op = CC_OP_SYSTEM;
    system.head_seq = system.message.seq = 0;
    system.sender_id = system.message.sender_id = CC_SYSTEM_SENDER;
    system.message.type = "system";
    system.message.system_json = "{\"event\":\"chat_created\"}";
    struct cc_record records[] = {a_record(f, &system)};
    must_apply(f, records, 1);

    assert_int_equal(activity_of(f)->rev, 1);
    assert_null(activity_of(f)->last_message_id);
}

static enum cc_code find_activity(struct fixture *f)
{
    struct chat_activity *activity = NULL;
    return f->app.store->ops->find_activity(f->app.store, f->chat_id, f->arena, &activity, &f->err);
}

static void batches_are_stored_together_when_they_are_saved(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted first = an_event(f, 1, "one"), second = an_event(f, 2, "two");
    struct cc_record one[] = {a_record(f, &first)}, two[] = {a_record(f, &second)};

    must_only_apply(f, one, 1);
    must_only_apply(f, two, 1);
    assert_int_equal(find_activity(f), CC_NOT_FOUND);
    assert_int_equal(chat_persisted_save(&f->app, f->arena, &f->err), CC_OK);

    assert_int_equal(activity_of(f)->rev, 2);
    assert_non_null(strstr(activity_of(f)->last_message_json, "\"body\":\"two\""));
}

/* Its next owner applies them: nothing of it was committed. */
static void what_a_partition_left_unsaved_is_forgotten_with_it(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted first = an_event(f, 1, "one"), second = an_event(f, 2, "two");
    struct cc_record one[] = {a_record(f, &first)}, two[] = {a_record(f, &second)};

    must_apply(f, one, 1);
    must_only_apply(f, two, 1);
    activities_forget_partition(f->app.activities, 1); /* another one than the chat's */
    activities_forget_partition(f->app.activities, 0);
    assert_int_equal(chat_persisted_save(&f->app, f->arena, &f->err), CC_OK);
    assert_int_equal(activity_of(f)->rev, 1);

    must_apply(f, two, 1);
    assert_int_equal(activity_of(f)->rev, 2);
}

static void another_partition_that_goes_takes_nothing_along(void **state)
{
    struct fixture *f = *state;
    struct ev_message_persisted first = an_event(f, 1, "one");
    struct cc_record one[] = {a_record(f, &first)};

    must_only_apply(f, one, 1);
    activities_forget_partition(f->app.activities, 5);
    assert_int_equal(chat_persisted_save(&f->app, f->arena, &f->err), CC_OK);

    assert_int_equal(activity_of(f)->rev, 1);
}

#define consume_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        consume_test(the_last_message_of_a_batch_is_the_chats),
        consume_test(replaying_a_batch_changes_nothing),
        consume_test(an_edit_of_the_last_message_changes_its_text_and_not_its_time),
        consume_test(a_refusal_is_not_activity),
        consume_test(a_record_that_cannot_be_read_is_put_aside_and_the_others_are_applied),
        consume_test(an_uncounted_system_message_moves_only_the_rev),
        consume_test(batches_are_stored_together_when_they_are_saved),
        consume_test(what_a_partition_left_unsaved_is_forgotten_with_it),
        consume_test(another_partition_that_goes_takes_nothing_along),
    };

    return cmocka_run_group_tests_name("chat-service consume_persisted", tests, NULL, NULL);
}
