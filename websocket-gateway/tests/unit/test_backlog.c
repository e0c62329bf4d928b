/* The order of a chat's events, the hand-over to the loop, the table, and the frame of a change. */

#include <string.h>

#include "common/alloc.h"
#include "common/strbuf.h"
#include "testing.h"

#include "chats/changes.h"
#include "loop_queue.h"
#include "table.h"
#include "ws/backlog.h"

static struct ws_bus_event *event_with_rev(int64_t rev)
{
    struct ws_bus_event *event = cc_calloc(1, sizeof *event);

    event->message.rev = rev;
    event->frame = ws_buffer_create("{}", 2);
    return event;
}

static void only_the_next_rev_is_delivered(void **state)
{
    struct ws_backlog backlog;

    (void)state;
    ws_backlog_init(&backlog);
    backlog.last_rev = 7;

    assert_int_equal(ws_backlog_judge(&backlog, 8), WS_DELIVER);
    assert_int_equal(ws_backlog_judge(&backlog, 7), WS_OLD);
    assert_int_equal(ws_backlog_judge(&backlog, 3), WS_OLD);
    assert_int_equal(ws_backlog_judge(&backlog, 9), WS_HOLE);
}

static void an_event_without_rev_has_no_order(void **state)
{
    struct ws_backlog backlog;

    (void)state;
    ws_backlog_init(&backlog);
    backlog.last_rev = 7;

    assert_int_equal(ws_backlog_judge(&backlog, 0), WS_DELIVER);
}

static void what_waits_comes_in_order_and_may_be_put_back(void **state)
{
    struct ws_backlog backlog;
    struct ws_bus_event *first;

    (void)state;
    ws_backlog_init(&backlog);
    ws_backlog_wait(&backlog, event_with_rev(1));
    ws_backlog_wait(&backlog, event_with_rev(2));
    first = ws_backlog_next(&backlog);
    assert_int_equal(first->message.rev, 1);

    ws_backlog_put_back(&backlog, first);

    for (int rev = 1; rev <= 2; rev++) {
        struct ws_bus_event *event = ws_backlog_next(&backlog);

        assert_int_equal(event->message.rev, rev);
        ws_bus_event_free(event);
    }
    assert_null(ws_backlog_next(&backlog));
}

static void a_backlog_is_bounded_and_drops_the_newest(void **state)
{
    struct ws_backlog backlog;

    (void)state;
    ws_backlog_init(&backlog);
    for (int rev = 1; rev <= WS_BACKLOG_MAX + 10; rev++)
        ws_backlog_wait(&backlog, event_with_rev(rev));

    assert_int_equal(backlog.count, WS_BACKLOG_MAX);
    assert_int_equal(backlog.first->message.rev, 1);
    ws_backlog_finish(&backlog);
}

struct counted {
    struct ws_item item;
    int *ran, *dropped;
};

static void count_run(struct ws_item *item)
{
    ++*WS_CONTAINER(item, struct counted, item)->ran;
}

static void count_drop(struct ws_item *item)
{
    ++*WS_CONTAINER(item, struct counted, item)->dropped;
}

static void count_wake(void *woken)
{
    ++*(int *)woken;
}

static void a_full_loop_queue_refuses_what_came_unasked_and_says_so(void **state)
{
    int woken = 0, ran = 0, dropped = 0;
    struct ws_loop_queue *queue = ws_loop_queue_create(2, count_wake, &woken);
    struct counted items[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        items[i] = (struct counted){{NULL, count_run, count_drop}, &ran, &dropped};
    assert_true(ws_loop_queue_try_push(queue, &items[0].item));
    assert_true(ws_loop_queue_try_push(queue, &items[1].item));

    assert_false(ws_loop_queue_try_push(queue, &items[2].item));
    ws_loop_queue_push(queue, &items[3].item); /* an answer that the loop waits for */

    assert_int_equal(woken, 1);
    assert_true(ws_loop_queue_run(queue));
    assert_int_equal(ran, 3);
    assert_false(ws_loop_queue_run(queue));
    ws_loop_queue_destroy(queue);
    assert_int_equal(dropped, 0);
}

static void a_queue_that_goes_drops_what_it_holds(void **state)
{
    int woken = 0, ran = 0, dropped = 0;
    struct ws_loop_queue *queue = ws_loop_queue_create(2, count_wake, &woken);
    struct counted item = {{NULL, count_run, count_drop}, &ran, &dropped};

    (void)state;
    ws_loop_queue_push(queue, &item.item);
    ws_loop_queue_destroy(queue);

    assert_int_equal(ran, 0);
    assert_int_equal(dropped, 1);
}

struct named {
    struct ws_node node;
    char name[16];
};

static void a_table_finds_what_it_holds_while_it_grows(void **state)
{
    enum { COUNT = 1000 };
    struct named *all = cc_calloc(COUNT, sizeof *all);
    struct ws_table table;

    (void)state;
    ws_table_init(&table);
    for (int i = 0; i < COUNT; i++) {
        snprintf(all[i].name, sizeof all[i].name, "n%d", i);
        ws_table_add(&table, &all[i].node, all[i].name);
    }
    for (int i = 0; i < COUNT; i += 2)
        ws_table_remove(&table, &all[i].node);

    assert_int_equal(table.count, COUNT / 2);
    assert_null(ws_table_find(&table, "n10"));
    assert_ptr_equal(ws_table_find(&table, "n11"), &all[11].node);
    ws_table_finish(&table);
    cc_free(all);
}

static void a_change_becomes_the_frame_of_its_operation(void **state)
{
    const struct cc_change change = {
        .rev = 4, .seq = 2, .op = CC_OP_DELETE, .message_json = "{\"deleted\":true}"};
    const char *expected = "{\"t\":\"message_deleted\",\"chat_id\":\"c\",\"seq\":2,\"rev\":4,"
                           "\"message\":{\"deleted\":true}}";
    struct ws_buffer *frame = ws_change_frame(&change, "c");

    (void)state;
    assert_int_equal(frame->count, strlen(expected));
    assert_memory_equal(ws_buffer_text(frame), expected, frame->count);
    ws_buffer_unref(frame);
}

static void a_reaction_s_frame_tells_who_reacted_and_how(void **state)
{
    const struct cc_change change = {
        .rev = 4, .seq = 2, .op = CC_OP_REACT, .message_json = "{}", .reaction = {"u", "ok", true}};
    const char *expected =
        "{\"t\":\"message_updated\",\"chat_id\":\"c\",\"seq\":2,\"rev\":4,"
        "\"message\":{},\"reaction\":{\"user_id\":\"u\",\"emoji\":\"ok\",\"on\":true}}";
    struct ws_buffer *frame = ws_change_frame(&change, "c");

    (void)state;
    assert_int_equal(frame->count, strlen(expected));
    assert_memory_equal(ws_buffer_text(frame), expected, frame->count);
    ws_buffer_unref(frame);
}

static void a_frame_tells_when_its_message_was_stored(void **state)
{
    const char *none = "{\"t\":\"message\",\"chat_id\":\"c\",\"rev\":1}";
    const struct cc_change change = {.rev = 1, .seq = 1, .op = CC_OP_EDIT, .message_json = "{}"};
    struct cc_strbuf text;

    (void)state;
    cc_strbuf_init(&text, 4096);
    cc_change_frame_write(&text, &change, "c", FAKE_T0_MS + 123);

    assert_int_equal(cc_change_frame_occurred_at(cc_strbuf_text(&text), text.length),
                     FAKE_T0_MS + 123);
    assert_int_equal(cc_change_frame_occurred_at(none, strlen(none)), 0);
    for (size_t cut = 0; cut < text.length; cut++) /* never reads past the end */
        (void)cc_change_frame_occurred_at(cc_strbuf_text(&text), cut);
    cc_strbuf_finish(&text);
}

static void a_page_of_changes_is_read_or_refused(void **state)
{
    const char *good = "{\"items\":[{\"rev\":3,\"seq\":2,\"op\":\"create\",\"message\":{\"a\":1}}],"
                       "\"head_rev\":9,\"more\":true,\"later\":1}";
    const char *bad = "{\"items\":[{\"rev\":\"three\"}],\"head_rev\":9}";
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct ws_changes changes = {0};
    struct cc_error err = {0};

    (void)state;
    assert_int_equal(ws_changes_read(arena, good, strlen(good), &changes, &err), CC_OK);
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.items[0].rev, 3);
    assert_string_equal(changes.items[0].message_json, "{\"a\":1}");
    assert_true(changes.more);
    assert_int_equal(ws_changes_read(arena, bad, strlen(bad), &changes, &err), CC_BAD_GATEWAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_next_rev_is_delivered),
        cmocka_unit_test(an_event_without_rev_has_no_order),
        cmocka_unit_test(what_waits_comes_in_order_and_may_be_put_back),
        cmocka_unit_test(a_backlog_is_bounded_and_drops_the_newest),
        cmocka_unit_test(a_full_loop_queue_refuses_what_came_unasked_and_says_so),
        cmocka_unit_test(a_queue_that_goes_drops_what_it_holds),
        cmocka_unit_test(a_table_finds_what_it_holds_while_it_grows),
        cmocka_unit_test(a_change_becomes_the_frame_of_its_operation),
        cmocka_unit_test(a_reaction_s_frame_tells_who_reacted_and_how),
        cmocka_unit_test(a_frame_tells_when_its_message_was_stored),
        cmocka_unit_test(a_page_of_changes_is_read_or_refused),
    };

    return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
