/* The promises of media_store.h, as tests. Each test has files and messages of its own, so that one
 * store serves all. */

#include "media_store_contract.h"

#include <string.h>

#include "testing.h"

#define LOOKS_MAX 500

struct media_fixture {
    struct media_store *store;
    struct cc_arena *arena;
    struct cc_ids *ids;
    struct cc_error err;
};

static struct media_store *subject; /* the store under test: cmocka's setup has no argument */

static int start(void **state)
{
    static struct media_fixture fixture;

    fixture = (struct media_fixture){.store = subject, .arena = cc_arena_create(0)};
    fixture.ids = cc_ids_create(cc_clock_system(), cc_random_system());
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct media_fixture *f = *state;

    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

static const char *new_id(struct media_fixture *f)
{
    char id[CC_UUID_BYTES];

    cc_ids_next(f->ids, id);
    return cc_arena_strdup(f->arena, id);
}

static struct media a_file(struct media_fixture *f)
{
    return (struct media){
        .media_id = new_id(f),
        .owner_id = new_id(f),
        .name = "Größe 1.png",
        .content_type = "image/png",
        .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .size_bytes = INT64_C(5000000000),
        .purpose = MEDIA_AVATAR,
        .created_at_ms = FAKE_T0_MS,
    };
}

static void must_add(struct media_fixture *f, const struct media *media)
{
    assert_int_equal(f->store->ops->add(f->store, media, &f->err), CC_OK);
}

static struct media *must_find(struct media_fixture *f, const char *media_id)
{
    struct media *found;

    assert_int_equal(f->store->ops->find(f->store, media_id, f->arena, &found, &f->err), CC_OK);
    return found;
}

static void must_show(struct media_fixture *f, const char *media_id, const char *message_id)
{
    const struct media_use use = {media_id, message_id, new_id(f)};

    assert_int_equal(f->store->ops->put_uses(f->store, &use, 1, &f->err), CC_OK);
}

static size_t uses_of(struct media_fixture *f, const char *media_id)
{
    struct media_use_list list;

    assert_int_equal(f->store->ops->uses_of(f->store, media_id, f->arena, &list, &f->err), CC_OK);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.items[i].media_id, media_id);
    return list.count;
}

static const char *look_due(struct media_fixture *f, const char *media_id, int64_t now_ms)
{
    struct media_look_list due;

    assert_int_equal(f->store->ops->looks_due(f->store, now_ms, LOOKS_MAX, f->arena, &due, &f->err),
                     CC_OK);
    for (size_t i = 0; i < due.count; i++)
        if (strcmp(due.items[i].media_id, media_id) == 0)
            return due.items[i].look_id;
    return NULL;
}

static void a_file_is_found_as_it_was_announced(void **state)
{
    struct media_fixture *f = *state;
    struct media file = a_file(f);

    must_add(f, &file);
    struct media *found = must_find(f, file.media_id);

    assert_non_null(found);
    assert_string_equal(found->media_id, file.media_id);
    assert_true(media_same(found, &file));
    assert_int_equal(found->created_at_ms, file.created_at_ms);
    assert_int_equal(found->completed_at_ms, 0);
    assert_null(must_find(f, new_id(f)));
}

static void an_id_is_given_once(void **state)
{
    struct media_fixture *f = *state;
    struct media file = a_file(f), other = a_file(f);

    must_add(f, &file);
    other.media_id = file.media_id;

    assert_int_equal(f->store->ops->add(f->store, &other, &f->err), CC_CONFLICT);
    assert_string_equal(must_find(f, file.media_id)->owner_id, file.owner_id);
}

static void a_file_is_complete_since_the_first_time(void **state)
{
    struct media_fixture *f = *state;
    struct media file = a_file(f);

    must_add(f, &file);
    assert_int_equal(f->store->ops->complete(f->store, file.media_id, 7, &f->err), CC_OK);
    assert_int_equal(f->store->ops->complete(f->store, file.media_id, 9, &f->err), CC_OK);
    assert_int_equal(f->store->ops->complete(f->store, new_id(f), 9, &f->err), CC_OK);

    assert_int_equal(must_find(f, file.media_id)->completed_at_ms, 7);
}

static void what_is_removed_is_gone_and_removing_it_again_is_no_fault(void **state)
{
    struct media_fixture *f = *state;
    struct media file = a_file(f), other = a_file(f);

    must_add(f, &file);
    must_add(f, &other);
    assert_int_equal(f->store->ops->remove(f->store, file.media_id, &f->err), CC_OK);
    assert_int_equal(f->store->ops->remove(f->store, file.media_id, &f->err), CC_OK);

    assert_null(must_find(f, file.media_id));
    assert_non_null(must_find(f, other.media_id));
}

static size_t listed(struct media_fixture *f, const char *owner_id, enum media_purpose purpose)
{
    struct media_list list = {0};
    bool avatars = purpose == MEDIA_AVATAR;

    assert_int_equal((avatars ? f->store->ops->avatars_of : f->store->ops->held_by)(
                         f->store, owner_id, 10, f->arena, &list, &f->err),
                     CC_OK);
    for (size_t i = 0; i < list.count; i++) {
        assert_string_equal(list.items[i].owner_id, owner_id);
        assert_true(!avatars || list.items[i].purpose == MEDIA_AVATAR);
    }
    return list.count;
}

static void what_somebody_holds_is_listed_until_it_is_retired(void **state)
{
    struct media_fixture *f = *state;
    struct media avatar = a_file(f), file = a_file(f), other = a_file(f);
    file.owner_id = avatar.owner_id;
    file.purpose = MEDIA_ATTACHMENT;
    must_add(f, &avatar);
    must_add(f, &file);
    must_add(f, &other);
    assert_int_equal(listed(f, avatar.owner_id, MEDIA_ATTACHMENT), 2);
    assert_int_equal(listed(f, avatar.owner_id, MEDIA_AVATAR), 1);

    assert_int_equal(f->store->ops->retire(f->store, avatar.media_id, 7, &f->err), CC_OK);
    assert_int_equal(f->store->ops->retire(f->store, avatar.media_id, 7, &f->err), CC_OK);
    assert_int_equal(f->store->ops->retire(f->store, new_id(f), 7, &f->err), CC_OK);

    assert_int_equal(listed(f, avatar.owner_id, MEDIA_ATTACHMENT), 1);
    assert_int_equal(listed(f, avatar.owner_id, MEDIA_AVATAR), 0);
    assert_int_equal(must_find(f, avatar.media_id)->retired_at_ms, 7);
    assert_string_equal(must_find(f, avatar.media_id)->name, MEDIA_RETIRED_NAME);
    assert_int_equal(must_find(f, file.media_id)->retired_at_ms, 0);
    assert_int_equal(listed(f, other.owner_id, MEDIA_AVATAR), 1);
}

static void at_most_so_many_as_asked_for_are_listed(void **state)
{
    struct media_fixture *f = *state;
    struct media first = a_file(f);

    must_add(f, &first);
    for (int i = 0; i < 12; i++) {
        struct media next = a_file(f);
        next.owner_id = first.owner_id;
        must_add(f, &next);
    }

    assert_int_equal(listed(f, first.owner_id, MEDIA_ATTACHMENT), 10);
    assert_int_equal(listed(f, first.owner_id, MEDIA_AVATAR), 10);
}

static void messages_show_files_until_they_are_dropped(void **state)
{
    struct media_fixture *f = *state;
    const char *one = new_id(f), *two = new_id(f), *first = new_id(f), *second = new_id(f);
    struct media_use_list shown;

    must_show(f, one, first);
    must_show(f, one, first); /* again: once */
    must_show(f, one, second);
    must_show(f, two, first);
    assert_int_equal(uses_of(f, one), 2);
    assert_int_equal(f->store->ops->shown_by(f->store, first, f->arena, &shown, &f->err), CC_OK);
    assert_int_equal(shown.count, 2);

    assert_int_equal(f->store->ops->drop_uses(f->store, first, &f->err), CC_OK);
    assert_int_equal(f->store->ops->drop_uses(f->store, first, &f->err), CC_OK);

    assert_int_equal(uses_of(f, one), 1);
    assert_int_equal(uses_of(f, two), 0);
}

static void more_uses_than_are_listed_do_no_harm(void **state)
{
    struct media_fixture *f = *state;
    const char *file = new_id(f);

    for (int i = 0; i < MEDIA_USES_MAX + 6; i++)
        must_show(f, file, new_id(f));

    assert_int_equal(uses_of(f, file), MEDIA_USES_MAX);
}

static void a_look_is_due_in_time_and_until_it_is_forgotten(void **state)
{
    struct media_fixture *f = *state;
    const char *file = new_id(f);
    int64_t now_ms = cc_wall_ms(cc_clock_system());

    assert_int_equal(f->store->ops->plan_look(f->store, file, now_ms + 500, &f->err), CC_OK);
    assert_int_equal(f->store->ops->plan_look(f->store, file, now_ms + 500, &f->err), CC_OK);
    assert_null(look_due(f, file, now_ms));

    const char *look = look_due(f, file, now_ms + 500);
    assert_non_null(look);
    assert_int_equal(f->store->ops->forget_look(f->store, look, &f->err), CC_OK);
    assert_int_equal(f->store->ops->forget_look(f->store, look, &f->err), CC_OK);
    assert_null(look_due(f, file, now_ms + 500));
}

static void looks_of_different_times_are_looks_apart(void **state)
{
    struct media_fixture *f = *state;
    const char *file = new_id(f);
    int64_t now_ms = cc_wall_ms(cc_clock_system());

    assert_int_equal(f->store->ops->plan_look(f->store, file, now_ms, &f->err), CC_OK);
    assert_int_equal(f->store->ops->plan_look(f->store, file, now_ms + 90000, &f->err), CC_OK);
    assert_int_equal(f->store->ops->forget_look(f->store, look_due(f, file, now_ms), &f->err),
                     CC_OK);

    assert_null(look_due(f, file, now_ms));
    assert_non_null(look_due(f, file, now_ms + 90000));
}

int media_store_contract_run(const char *name, struct media_store *store)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_found_as_it_was_announced),
        TEST(an_id_is_given_once),
        TEST(a_file_is_complete_since_the_first_time),
        TEST(what_is_removed_is_gone_and_removing_it_again_is_no_fault),
        TEST(what_somebody_holds_is_listed_until_it_is_retired),
        TEST(at_most_so_many_as_asked_for_are_listed),
        TEST(messages_show_files_until_they_are_dropped),
        TEST(more_uses_than_are_listed_do_no_harm),
        TEST(a_look_is_due_in_time_and_until_it_is_forgotten),
        TEST(looks_of_different_times_are_looks_apart),
    };

    subject = store;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
