/* user.updated to tombstones, in the memory store. */

#include <string.h>

#include "app.h"
#include "common/events/user_updated.h"
#include "common/topics.h"
#include "events/consume_deleted.h"
#include "testing.h"

struct fixture {
    struct user_app app;
    struct user_settings settings;
    struct cc_arena *arena;
    char user_id[CC_UUID_BYTES];
    struct cc_error err;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.settings = {.handle_hold_s = 60}, .arena = cc_arena_create(0)};
    f.app.settings = &f.settings;
    f.app.clock = cc_clock_system();
    f.app.ids = cc_ids_create(f.app.clock, cc_random_system());
    f.app.store = user_store_memory_create();
    cc_ids_next(f.app.ids, f.user_id);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    user_store_destroy(f->app.store);
    cc_ids_destroy(f->app.ids);
    cc_arena_destroy(f->arena);
    return 0;
}

static struct cc_record a_record(struct fixture *f, const char *producer, const char *change)
{
    char event_id[CC_UUID_BYTES];
    struct cc_strbuf text;
    struct cc_json_writer writer;

    cc_ids_next(f->app.ids, event_id);
    const struct ev_user_updated event = {.envelope = {.event_id = event_id,
                                                       .type = CC_TOPIC_USER_UPDATED,
                                                       .version = 1,
                                                       .occurred_at_ms = cc_wall_ms(f->app.clock),
                                                       .producer = producer,
                                                       .key = f->user_id},
                                          .user_id = f->user_id,
                                          .change = change,
                                          .handle = "",
                                          .display_name = ""};
    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_user_updated_write(&writer, &event);
    struct cc_record record = {.payload =
                                   cc_arena_strndup(f->arena, cc_strbuf_text(&text), text.length),
                               .payload_count = text.length};
    cc_strbuf_finish(&text);
    return record;
}

static void must_apply(struct fixture *f, struct cc_record *records, size_t count)
{
    struct cc_batch batch = {.records = records, .count = count, .arena = f->arena};
    assert_int_equal(user_consume_deleted(&f->app, &batch, &f->err), CC_OK);
}

static void enroll(struct fixture *f)
{
    char event_id[CC_UUID_BYTES];
    const struct user user = {.user_id = f->user_id,
                              .handle = "ada",
                              .display_name = "Ada",
                              .email = "ada@example.org",
                              .bio = "",
                              .locale = "",
                              .time_zone = "",
                              .avatar_media_id = "",
                              .metadata = "{}",
                              .version = 1};
    struct user_fact fact = user_app_fact(&f->app, f->user_id, "registered", event_id);

    fact.handle = user.handle;
    fact.display_name = user.display_name;
    assert_int_equal(user_store_enroll(f->app.store, &user, &fact, &f->err), CC_OK);
}

static bool is_buried(struct fixture *f)
{
    struct user found;
    assert_int_equal(user_store_find(f->app.store, f->user_id, f->arena, &found, &f->err), CC_OK);
    return found.deleted_at_ms != 0;
}

static void who_is_deleted_at_auth_service_is_a_tombstone_here(void **state)
{
    struct fixture *f = *state;
    struct cc_record twice[] = {a_record(f, "auth-service", "deleted"),
                                a_record(f, "auth-service", "deleted")};

    enroll(f);
    must_apply(f, twice, 2);

    assert_true(is_buried(f));
    assert_false(twice[0].rejected || twice[1].rejected);
}

static void other_changes_and_our_own_words_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct cc_record others[] = {a_record(f, "user-service", "deleted"),
                                 a_record(f, "user-service", "profile")};

    enroll(f);
    must_apply(f, others, 2);

    assert_false(is_buried(f));
}

static void what_cannot_be_read_is_put_aside_and_the_rest_is_done(void **state)
{
    struct fixture *f = *state;
    struct cc_record records[] = {{.payload = "{\"change\":", .payload_count = 10},
                                  a_record(f, "auth-service", "deleted")};

    enroll(f);
    must_apply(f, records, 2);

    assert_true(records[0].rejected);
    assert_true(is_buried(f));
}

#define deleted_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        deleted_test(who_is_deleted_at_auth_service_is_a_tombstone_here),
        deleted_test(other_changes_and_our_own_words_are_passed_over),
        deleted_test(what_cannot_be_read_is_put_aside_and_the_rest_is_done),
    };

    return cmocka_run_group_tests_name("user-service consume_deleted", tests, NULL, NULL);
}
