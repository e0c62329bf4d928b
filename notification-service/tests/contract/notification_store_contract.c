/* What notification_store.h promises, whichever store keeps it. Every test has people of its own.
 */

#include "notification_store_contract.h"

#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CHAT  "0192f0c1-7a2b-7c3d-8e4f-0000000000c1"
#define T0_MS FAKE_T0_MS

static struct notification_store *store; /* of this run */
static struct cc_ids *ids;

struct person {
    struct cc_arena *arena;
    char user_id[CC_UUID_BYTES];
};

static int meet_person(void **state)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct person *person = CC_ARENA_NEW(arena, struct person);
    person->arena = arena;
    cc_ids_next(ids, person->user_id);
    *state = person;
    return 0;
}

static int forget_person(void **state)
{
    cc_arena_destroy(((struct person *)*state)->arena);
    return 0;
}

static const char *an_id(struct person *person)
{
    char *id = cc_arena_alloc(person->arena, CC_UUID_BYTES);
    cc_ids_next(ids, id);
    return id;
}

static struct notification a_notification(struct person *person, int64_t created_at_ms)
{
    return (struct notification){.notification_id = an_id(person),
                                 .user_id = person->user_id,
                                 .kind = "message",
                                 .chat_id = CHAT,
                                 .message_id = an_id(person),
                                 .seq = 42,
                                 .title = "New message",
                                 .preview = "hi \xE2\x98\x95",
                                 .created_at_ms = created_at_ms};
}

static void must_insert(const struct notification *rows, size_t count)
{
    struct cc_error err = {0};
    if (store->ops->insert(store, rows, count, &err) != CC_OK)
        fail_msg("insert: %s", err.detail);
}

static struct notification_list must_list(struct person *person, size_t limit,
                                          const struct notification *after)
{
    struct notification_position position = {0};
    struct notification_query query = {.user_id = person->user_id, .limit = limit, .now_ms = T0_MS};
    struct notification_list list;
    struct cc_error err = {0};
    if (after != NULL) {
        position.created_at_ms = after->created_at_ms;
        snprintf(position.notification_id, CC_UUID_BYTES, "%s", after->notification_id);
        query.after = &position;
    }
    if (store->ops->list(store, &query, person->arena, &list, &err) != CC_OK)
        fail_msg("list: %s", err.detail);
    return list;
}

static void must_mark_read(struct person *person, const char *id)
{
    struct cc_error err = {0};
    assert_int_equal(store->ops->mark_read(store, person->user_id, &id, 1, &err), CC_OK);
}

static void a_stored_notification_is_listed_as_it_was(void **state)
{
    struct person *person = *state;
    struct notification row = a_notification(person, T0_MS);

    must_insert(&row, 1);
    struct notification_list list = must_list(person, 10, NULL);

    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].notification_id, row.notification_id);
    assert_string_equal(list.items[0].user_id, person->user_id);
    assert_string_equal(list.items[0].kind, "message");
    assert_string_equal(list.items[0].chat_id, CHAT);
    assert_string_equal(list.items[0].message_id, row.message_id);
    assert_int_equal(list.items[0].seq, 42);
    assert_string_equal(list.items[0].title, "New message");
    assert_string_equal(list.items[0].preview, row.preview);
    assert_int_equal(list.items[0].created_at_ms, T0_MS);
    assert_false(list.items[0].read);
}

static void a_notification_without_a_message_has_none(void **state)
{
    struct person *person = *state;
    struct notification row = a_notification(person, T0_MS);
    row.message_id = NULL;

    must_insert(&row, 1);

    assert_null(must_list(person, 10, NULL).items[0].message_id);
}

static void inserting_again_changes_nothing(void **state)
{
    struct person *person = *state;
    struct notification row = a_notification(person, T0_MS), again = row;
    again.title = "Another title";
    again.created_at_ms = T0_MS + 5000;
    must_insert(&row, 1);
    must_mark_read(person, row.notification_id);

    must_insert(&again, 1);
    struct notification_list list = must_list(person, 10, NULL);

    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].title, "New message");
    assert_int_equal(list.items[0].created_at_ms, T0_MS);
    assert_true(list.items[0].read);
}

static void who_is_forgotten_was_told_nothing(void **state)
{
    struct person *person = *state;
    struct notification rows[] = {a_notification(person, T0_MS),
                                  a_notification(person, T0_MS - 2 * NOTIFICATION_WEEK_MS)};
    struct cc_error err;
    must_insert(rows, 2);

    assert_int_equal(store->ops->forget_person(store, an_id(person), T0_MS, &err), CC_OK);
    assert_int_equal(must_list(person, 10, NULL).count, 2);
    assert_int_equal(store->ops->forget_person(store, person->user_id, T0_MS, &err), CC_OK);

    assert_int_equal(must_list(person, 10, NULL).count, 0);
}

static void a_batch_with_known_rows_stores_the_others(void **state)
{
    struct person *person = *state;
    struct notification rows[4];
    for (int i = 0; i < 4; i++)
        rows[i] = a_notification(person, T0_MS + i);
    must_insert(&rows[1], 1);

    must_insert(rows, 4);

    assert_int_equal(must_list(person, 10, NULL).count, 4);
}

static void nothing_is_inserted_by_an_empty_batch(void **state)
{
    must_insert(NULL, 0);

    assert_int_equal(must_list(*state, 10, NULL).count, 0);
}

static void the_newest_comes_first_and_equal_times_go_by_id(void **state)
{
    struct person *person = *state;
    struct notification old = a_notification(person, T0_MS - 1000);
    struct notification low = a_notification(person, T0_MS), high = a_notification(person, T0_MS);
    const struct notification rows[] = {low, old, high}; /* ids ascend as they are made */

    must_insert(rows, 3);
    struct notification_list list = must_list(person, 10, NULL);

    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].notification_id, high.notification_id);
    assert_string_equal(list.items[1].notification_id, low.notification_id);
    assert_string_equal(list.items[2].notification_id, old.notification_id);
}

static void pages_go_on_where_the_last_one_ended(void **state)
{
    struct person *person = *state;
    struct notification rows[9];
    for (int i = 0; i < 9; i++) /* three weeks, three of equal time in each */
        rows[i] = a_notification(person, T0_MS - i / 3 * NOTIFICATION_WEEK_MS);
    must_insert(rows, 9);
    struct notification_list all = must_list(person, 20, NULL);
    const struct notification *last = NULL;
    size_t seen = 0;

    for (struct notification_list page = must_list(person, 2, NULL); page.count > 0;
         page = must_list(person, 2, last)) {
        for (size_t i = 0; i < page.count; i++)
            assert_string_equal(page.items[i].notification_id, all.items[seen++].notification_id);
        last = &page.items[page.count - 1];
    }

    assert_int_equal(seen, 9);
}

static void nobody_sees_what_another_was_told(void **state)
{
    struct person *person = *state;
    struct notification row = a_notification(person, T0_MS);
    must_insert(&row, 1);
    struct person other = {.arena = person->arena};
    cc_ids_next(ids, other.user_id);

    assert_int_equal(must_list(&other, 10, NULL).count, 0);
}

static void only_ones_own_are_marked_read(void **state)
{
    struct person *person = *state;
    struct notification rows[] = {a_notification(person, T0_MS), a_notification(person, T0_MS - 1)};
    must_insert(rows, 2);
    struct person other = {.arena = person->arena};
    cc_ids_next(ids, other.user_id);

    must_mark_read(&other, rows[0].notification_id);
    must_mark_read(person, rows[1].notification_id);
    must_mark_read(person, rows[1].notification_id);
    must_mark_read(person, an_id(person)); /* unknown */
    struct notification_list list = must_list(person, 10, NULL);

    assert_false(list.items[0].read);
    assert_true(list.items[1].read);
}

static void a_purged_week_is_gone_and_the_others_stay(void **state)
{
    struct person *person = *state;
    struct notification rows[] = {a_notification(person, T0_MS),
                                  a_notification(person, T0_MS - NOTIFICATION_WEEK_MS)};
    struct cc_error err = {0};
    must_insert(rows, 2);

    int64_t week = notification_week(rows[1].created_at_ms);
    assert_int_equal(store->ops->purge_week(store, week, &err), CC_OK);
    assert_int_equal(store->ops->purge_week(store, week, &err), CC_OK);
    struct notification_list list = must_list(person, 10, NULL);

    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].notification_id, rows[0].notification_id);
}

static void what_is_past_the_kept_weeks_is_not_listed(void **state)
{
    struct person *person = *state;
    struct notification rows[] = {
        a_notification(person, T0_MS - NOTIFICATION_WEEKS_KEPT * NOTIFICATION_WEEK_MS),
        a_notification(person, T0_MS - (NOTIFICATION_WEEKS_KEPT + 1) * NOTIFICATION_WEEK_MS)};

    must_insert(rows, 2);
    struct notification_list list = must_list(person, 10, NULL);

    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].notification_id, rows[0].notification_id);
}

static void a_delivery_is_logged_once(void **state)
{
    struct person *person = *state;
    struct notification_delivery row = {.notification_id = an_id(person),
                                        .user_id = person->user_id,
                                        .channel = "in_app",
                                        .outcome = "delivered",
                                        .at_ms = T0_MS};
    struct cc_error err = {0};

    assert_int_equal(store->ops->log_deliveries(store, &row, 1, &err), CC_OK);
    assert_int_equal(store->ops->log_deliveries(store, &row, 1, &err), CC_OK);
    assert_int_equal(store->ops->log_deliveries(store, NULL, 0, &err), CC_OK);
}

static void must_retract(const char *message_id)
{
    struct cc_error err = {0};
    assert_int_equal(store->ops->retract(store, &message_id, 1, T0_MS, &err), CC_OK);
}

static void nothing_tells_of_a_retracted_message(void **state)
{
    struct person *person = *state;
    struct notification rows[] = {a_notification(person, T0_MS), a_notification(person, T0_MS + 1),
                                  a_notification(person, T0_MS + 2)};
    struct cc_error err = {0};
    rows[2].message_id = rows[0].message_id; /* of another kind */
    must_insert(rows, 2);

    must_retract(rows[0].message_id);
    must_retract(rows[0].message_id);
    must_insert(rows, 3); /* again, and one that comes late */

    struct notification_list list = must_list(person, 10, NULL);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].notification_id, rows[1].notification_id);
    assert_int_equal(store->ops->retract(store, NULL, 0, T0_MS, &err), CC_OK);
}

static void must_retract_chat(const char *chat_id)
{
    struct cc_error err = {0};
    assert_int_equal(store->ops->retract_chats(store, &chat_id, 1, T0_MS, &err), CC_OK);
}

static void nothing_tells_of_a_retracted_chat(void **state)
{
    struct person *person = *state;
    struct notification rows[4];
    struct cc_error err = {0};
    for (int i = 0; i < 4; i++)
        rows[i] = a_notification(person, T0_MS + i);
    rows[0].chat_id = rows[1].chat_id = rows[3].chat_id = an_id(person);
    rows[1].message_id = NULL;
    must_insert(rows, 3);

    must_retract_chat(rows[0].chat_id);
    assert_int_equal(must_list(person, 10, NULL).count, 1);
    must_retract_chat(rows[0].chat_id);
    must_insert(rows, 4); /* again, and one that comes late */

    struct notification_list list = must_list(person, 10, NULL);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].notification_id, rows[2].notification_id);
    assert_int_equal(store->ops->retract_chats(store, NULL, 0, T0_MS, &err), CC_OK);
}

#define ROWS 20
struct writer {
    pthread_t thread;
    const struct notification *rows;
    enum cc_code code;
};

static void *insert_rows(void *arg)
{
    struct writer *writer = arg;
    struct cc_error err = {0};
    writer->code = store->ops->insert(store, writer->rows, ROWS, &err);
    return NULL;
}

static void writers_of_the_same_rows_store_each_once(void **state)
{
    struct person *person = *state;
    struct notification rows[ROWS];
    struct writer writers[4];
    for (int i = 0; i < ROWS; i++)
        rows[i] = a_notification(person, T0_MS + i);

    for (int i = 0; i < 4; i++) {
        writers[i].rows = rows;
        pthread_create(&writers[i].thread, NULL, insert_rows, &writers[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(writers[i].thread, NULL);

    for (int i = 0; i < 4; i++)
        assert_int_equal(writers[i].code, CC_OK);
    assert_int_equal(must_list(person, 100, NULL).count, ROWS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, meet_person, forget_person)

int notification_store_contract_run(const char *name, struct notification_store *subject)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stored_notification_is_listed_as_it_was),
        TEST(a_notification_without_a_message_has_none),
        TEST(inserting_again_changes_nothing),
        TEST(who_is_forgotten_was_told_nothing),
        TEST(a_batch_with_known_rows_stores_the_others),
        TEST(nothing_is_inserted_by_an_empty_batch),
        TEST(the_newest_comes_first_and_equal_times_go_by_id),
        TEST(pages_go_on_where_the_last_one_ended),
        TEST(nobody_sees_what_another_was_told),
        TEST(only_ones_own_are_marked_read),
        TEST(a_purged_week_is_gone_and_the_others_stay),
        TEST(what_is_past_the_kept_weeks_is_not_listed),
        TEST(a_delivery_is_logged_once),
        TEST(nothing_tells_of_a_retracted_message),
        TEST(nothing_tells_of_a_retracted_chat),
        TEST(writers_of_the_same_rows_store_each_once),
    };
    store = subject;
    ids = cc_ids_create(cc_clock_system(), cc_random_system());
    int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    cc_ids_destroy(ids);
    return failed;
}
