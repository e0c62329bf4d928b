/* Files: who may send them, which messages show them, and what the sweep takes away. The owner's
 * batch and the sweep, on stores in memory; the object store is a list of what is in it. */

#include <stdio.h>
#include <string.h>

#include "eraser.h"
#include "media_owners.h"
#include "media_sweeper.h"
#include "owner_fixture.h"
#include "testing.h"

#define OBJECTS_MAX  16
#define ABANDONED_MS 1000
#define UNUSED_MS    10000

struct fake_objects {
    struct object_store base;
    char ids[OBJECTS_MAX][CC_UUID_BYTES];
    size_t count;
    bool away;
};
struct fixture {
    struct owner_fixture *owner;
    struct media_store *media;
    struct fake_objects objects;
    struct fake_clock clock;
    struct media_uses uses;
    struct media_sweeper sweeper;
    struct cc_ids *ids;
};

static enum cc_code take_out(struct object_store *base, const struct media *media,
                             struct cc_error *err)
{
    struct fake_objects *objects = (struct fake_objects *)base;

    if (objects->away)
        return cc_fail_detail(err, CC_UNAVAILABLE, "away");
    for (size_t i = 0; i < objects->count; i++)
        if (strcmp(objects->ids[i], media->media_id) == 0)
            memcpy(objects->ids[i], objects->ids[--objects->count], CC_UUID_BYTES);
    return CC_OK;
}

static const struct object_store_ops fake_ops = {.remove = take_out};

static int start(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    void *owner;

    memset(f, 0, sizeof *f);
    owner_fixture_start(&owner);
    f->owner = owner;
    f->media = media_store_memory_create();
    f->objects.base.ops = &fake_ops;
    fake_clock_init(&f->clock);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    f->uses = (struct media_uses){f->media, {ABANDONED_MS, UNUSED_MS}, &f->clock.clock};
    f->sweeper =
        (struct media_sweeper){f->media, &f->objects.base, f->uses.limits, &f->clock.clock};
    owner_use_media(f->owner->owner, &f->uses);
    *state = f;
    return 0;
}

static int finish(void **state)
{
    struct fixture *f = *state;
    void *owner = f->owner;

    owner_fixture_finish(&owner);
    media_store_destroy(f->media);
    cc_ids_destroy(f->ids);
    return 0;
}

/* Builders and questions */

static int64_t now_ms(struct fixture *f)
{
    return cc_wall_ms(&f->clock.clock);
}

static struct media a_file(struct fixture *f, const char *owner_id)
{
    char *id = cc_arena_alloc(f->owner->arena, CC_UUID_BYTES);

    cc_ids_next(f->ids, id);
    return (struct media){.media_id = id,
                          .owner_id = owner_id,
                          .name = "a.png",
                          .content_type = "image/png",
                          .sha256 = "",
                          .size_bytes = 1,
                          .created_at_ms = now_ms(f)};
}

static void must_plan_look(struct fixture *f, const struct media *file)
{
    int64_t at_ms = media_look_at_ms(file, &f->uses.limits, now_ms(f));

    assert_int_equal(f->media->ops->plan_look(f->media, file->media_id, at_ms, &f->owner->err),
                     CC_OK);
}

static void must_announce(struct fixture *f, const struct media *file)
{
    must_plan_look(f, file);
    assert_int_equal(f->media->ops->add(f->media, file, &f->owner->err), CC_OK);
    memcpy(f->objects.ids[f->objects.count++], file->media_id, CC_UUID_BYTES);
}

/* Announced and in the object store. */
static struct media an_uploaded_file(struct fixture *f, const char *owner_id,
                                     enum media_purpose purpose)
{
    struct media file = a_file(f, owner_id);

    file.purpose = purpose;
    must_announce(f, &file);
    file.completed_at_ms = now_ms(f);
    must_plan_look(f, &file);
    assert_int_equal(
        f->media->ops->complete(f->media, file.media_id, file.completed_at_ms, &f->owner->err),
        CC_OK);
    return file;
}

static struct operation a_picture(struct fixture *f, const char *sender_id, const char *key,
                                  const char *media_id)
{
    struct operation send = a_send(f->owner, CHAT_ONE, sender_id, key, "");

    send.ask.type = "media";
    send.ask.attachments_json =
        cc_arena_printf(f->owner->arena, "[{\"media_id\":\"%s\"}]", media_id);
    identify(f->owner, &send);
    return send;
}

static struct operation a_deletion(struct fixture *f, const char *key,
                                   const struct operation *target)
{
    struct operation operation = a_send(f->owner, CHAT_ONE, target->ask.sender_id, key, "");

    operation.ask.op = CC_OP_DELETE;
    operation.ask.type = "";
    operation.ask.target_message_id = target->ask.op_id;
    identify(f->owner, &operation);
    return operation;
}

static enum cc_code outcome_of(struct fixture *f, const struct operation *send)
{
    must_apply(f->owner, send, 1);
    return last_told(f->owner, send)->refusal;
}

static size_t uses_of(struct fixture *f, const struct media *file)
{
    struct media_use_list list;

    assert_int_equal(
        f->media->ops->uses_of(f->media, file->media_id, f->owner->arena, &list, &f->owner->err),
        CC_OK);
    return list.count;
}

static bool is_stored(struct fixture *f, const struct media *file)
{
    for (size_t i = 0; i < f->objects.count; i++)
        if (strcmp(f->objects.ids[i], file->media_id) == 0)
            return true;
    return false;
}

static size_t must_sweep(struct fixture *f)
{
    size_t count;

    assert_int_equal(media_sweep(&f->sweeper, &count, &f->owner->err), CC_OK);
    return count;
}

/* Sending */

static void a_sender_may_attach_a_complete_file_of_his_own(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation send = a_picture(f, ADA, "1", file.media_id);

    assert_int_equal(outcome_of(f, &send), CC_OK);

    assert_int_equal(uses_of(f, &file), 1);
}

static void what_is_not_his_or_not_there_or_not_complete_is_refused(void **state)
{
    struct fixture *f = *state;
    struct media his = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT), pending = a_file(f, GRACE);
    must_announce(f, &pending);
    struct media unknown = a_file(f, GRACE);
    struct operation sends[] = {
        a_picture(f, GRACE, "1", his.media_id), a_picture(f, GRACE, "2", pending.media_id),
        a_picture(f, GRACE, "3", unknown.media_id), a_picture(f, GRACE, "4", "no id")};

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(outcome_of(f, &sends[i]), CC_UNPROCESSABLE);

    assert_history_is(f->owner, CHAT_ONE, 0);
    assert_int_equal(uses_of(f, &his), 0);
}

static void a_replay_is_not_refused_when_the_file_is_gone(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation send = a_picture(f, ADA, "1", file.media_id);
    must_apply(f->owner, &send, 1);

    assert_int_equal(f->media->ops->remove(f->media, file.media_id, &f->owner->err), CC_OK);

    assert_int_equal(outcome_of(f, &send), CC_OK);
    assert_true(last_told(f->owner, &send)->duplicate);
}

static void what_the_sweep_may_soon_take_is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);

    fake_clock_advance_ms(&f->clock, UNUSED_MS);
    struct operation late = a_picture(f, ADA, "late", file.media_id);

    assert_int_equal(outcome_of(f, &late), CC_UNPROCESSABLE);
}

static void what_some_message_shows_may_be_sent_again_at_any_time(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation first = a_picture(f, ADA, "1", file.media_id);
    must_apply(f->owner, &first, 1);

    fake_clock_advance_ms(&f->clock, 100 * UNUSED_MS);
    struct operation again = a_picture(f, ADA, "2", file.media_id);

    assert_int_equal(outcome_of(f, &again), CC_OK);
    assert_int_equal(uses_of(f, &file), 2);
}

static void a_deleted_message_shows_nothing_any_more(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation send = a_picture(f, ADA, "1", file.media_id);
    struct operation both[] = {send, a_deletion(f, "2", &send)};

    must_apply(f->owner, both, 2); /* of one batch */

    assert_int_equal(uses_of(f, &file), 0);
}

static void whoever_takes_over_brings_uses_up_to_the_log(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation send = a_picture(f, ADA, "1", file.media_id);
    struct operation next = a_send(f->owner, CHAT_ONE, GRACE, "2", "and now?");

    message_store_failing_plan(f->owner->store, STORE_MATERIALISE, 1, STORE_FAILS_AFTER,
                               CC_OUTCOME_UNKNOWN);
    assert_int_not_equal(try_apply(f->owner, &send, 1), CC_OK);
    assert_int_equal(uses_of(f, &file), 0);
    replace_owner(f->owner);
    owner_use_media(f->owner->owner, &f->uses);
    must_apply(f->owner, &next, 1);

    assert_int_equal(uses_of(f, &file), 1);
}

/* Sweeping */

static void an_upload_that_is_never_completed_is_swept(void **state)
{
    struct fixture *f = *state;
    struct media file = a_file(f, ADA);
    must_announce(f, &file);

    fake_clock_advance_ms(&f->clock, ABANDONED_MS - 1);
    assert_int_equal(must_sweep(f), 0);
    fake_clock_advance_ms(&f->clock, 1);

    assert_int_equal(must_sweep(f), 1);
    assert_false(is_stored(f, &file));
    assert_int_equal(must_sweep(f), 0);
}

static void what_is_never_sent_is_swept_but_not_what_is(void **state)
{
    struct fixture *f = *state;
    struct media sent = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct media unsent = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct media avatar = an_uploaded_file(f, ADA, MEDIA_AVATAR);
    struct operation send = a_picture(f, ADA, "1", sent.media_id);
    must_apply(f->owner, &send, 1);

    fake_clock_advance_ms(&f->clock, UNUSED_MS);
    assert_int_equal(must_sweep(f), 0);
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);

    assert_int_equal(must_sweep(f), 1);
    assert_true(is_stored(f, &sent));
    assert_true(is_stored(f, &avatar));
    assert_false(is_stored(f, &unsent));
}

static void what_the_last_message_showed_is_swept_after_its_deletion(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation first = a_picture(f, ADA, "1", file.media_id);
    struct operation second = a_picture(f, ADA, "2", file.media_id);
    struct operation sends[] = {first, second};
    must_apply(f->owner, sends, 2);
    fake_clock_advance_ms(&f->clock, 10 * UNUSED_MS);

    struct operation one_gone = a_deletion(f, "3", &first);
    must_apply(f->owner, &one_gone, 1);
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);
    assert_int_equal(must_sweep(f), 0);
    struct operation both_gone = a_deletion(f, "4", &second);
    must_apply(f->owner, &both_gone, 1);
    assert_int_equal(must_sweep(f), 0); /* a send may be under way */
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);

    assert_int_equal(must_sweep(f), 1);
    assert_false(is_stored(f, &file));
}

static struct media *found(struct fixture *f, const struct media *file)
{
    struct media *out;

    assert_int_equal(
        f->media->ops->find(f->media, file->media_id, f->owner->arena, &out, &f->owner->err),
        CC_OK);
    return out;
}

static void a_deleted_account_leaves_only_files_that_are_shown(void **state)
{
    struct fixture *f = *state;
    struct media avatar = an_uploaded_file(f, ADA, MEDIA_AVATAR);
    struct media unsent = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct media sent = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct media others = an_uploaded_file(f, GRACE, MEDIA_AVATAR);
    struct media announced = a_file(f, ADA);
    struct operation send = a_picture(f, ADA, "1", sent.media_id);
    must_announce(f, &announced);
    must_apply(f->owner, &send, 1);

    assert_int_equal(media_forget_owner(&f->uses, ADA, &f->owner->err), CC_OK);
    assert_false(media_is_public(found(f, &avatar)));
    struct operation late = a_picture(f, ADA, "2", avatar.media_id);
    assert_int_equal(outcome_of(f, &late), CC_UNPROCESSABLE);
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);

    assert_int_equal(must_sweep(f), 3);
    assert_false(is_stored(f, &avatar) || is_stored(f, &unsent) || is_stored(f, &announced));
    assert_true(is_stored(f, &sent) && is_stored(f, &others));
    assert_string_equal(found(f, &sent)->name, MEDIA_RETIRED_NAME);
    assert_string_equal(found(f, &others)->name, others.name);
    struct operation deletion = a_deletion(f, "3", &send);
    must_apply(f->owner, &deletion, 1);
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);
    assert_int_equal(must_sweep(f), 1);
    assert_false(is_stored(f, &sent));
}

static void of_too_many_avatars_the_oldest_goes(void **state)
{
    struct fixture *f = *state;
    struct media avatars[4], pending = a_file(f, ADA);
    pending.purpose = MEDIA_AVATAR;
    must_announce(f, &pending);
    for (size_t i = 0; i < 4; i++) {
        avatars[i] = an_uploaded_file(f, ADA, MEDIA_AVATAR);
        fake_clock_advance_ms(&f->clock, 1);
    }

    assert_int_equal(media_keep_avatars(&f->uses, ADA, 4, &f->owner->err), CC_OK);
    assert_int_equal(found(f, &avatars[0])->retired_at_ms, 0);
    assert_int_equal(media_keep_avatars(&f->uses, ADA, 2, &f->owner->err), CC_OK);

    assert_int_not_equal(found(f, &avatars[0])->retired_at_ms, 0);
    assert_int_not_equal(found(f, &avatars[1])->retired_at_ms, 0);
    assert_int_equal(found(f, &avatars[2])->retired_at_ms, 0);
    assert_int_equal(found(f, &avatars[3])->retired_at_ms, 0);
    assert_int_equal(found(f, &pending)->retired_at_ms, 0);
}

static void must_erase(struct fixture *f)
{
    const struct eraser eraser = {f->owner->store, f->uses};
    size_t count;

    assert_int_equal(eraser_sweep(&eraser, &count, &f->owner->err), CC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(eraser_sweep(&eraser, &count, &f->owner->err), CC_OK);
    assert_int_equal(count, 0);
}

static void what_a_deleted_chat_showed_is_swept(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation send = a_picture(f, ADA, "1", file.media_id);
    struct operation deletion =
        a_change_of_members(f->owner, "deletion", "chat_deleted", 2, NULL, 0);
    must_apply(f->owner, &send, 1);
    fake_clock_advance_ms(&f->clock, 10 * UNUSED_MS);

    must_apply(f->owner, &deletion, 1);
    assert_int_equal(uses_of(f, &file), 1);
    must_erase(f);

    assert_int_equal(uses_of(f, &file), 0);
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);
    assert_int_equal(must_sweep(f), 1);
    assert_false(is_stored(f, &file));
    must_apply(f->owner, &send, 1); /* a replay */
    assert_string_equal(history(f->owner, CHAT_ONE).items[0].body, "");
    assert_int_equal(uses_of(f, &file), 0);
}

/* The owner dies after the log, the eraser at each of its calls; the next ones go on. */
static void an_erasure_survives_whoever_dies(void **state)
{
    struct fixture *f = *state;
    struct media file = an_uploaded_file(f, ADA, MEDIA_ATTACHMENT);
    struct operation send = a_picture(f, ADA, "1", file.media_id);
    struct operation deletion =
        a_change_of_members(f->owner, "deletion", "chat_deleted", 2, NULL, 0);
    const struct eraser eraser = {f->owner->store, f->uses};
    size_t count;
    must_apply(f->owner, &send, 1);

    message_store_failing_plan(f->owner->store, STORE_PLAN_ERASURE, 1, STORE_FAILS_BEFORE,
                               CC_OUTCOME_UNKNOWN);
    assert_int_not_equal(try_apply(f->owner, &deletion, 1), CC_OK);
    replace_owner(f->owner);
    owner_use_media(f->owner->owner, &f->uses);
    must_apply(f->owner, &deletion, 1);
    message_store_failing_plan(f->owner->store, STORE_ERASE, 1, STORE_FAILS_BEFORE,
                               CC_OUTCOME_UNKNOWN);
    assert_int_not_equal(eraser_sweep(&eraser, &count, &f->owner->err), CC_OK);
    must_erase(f);

    assert_int_equal(uses_of(f, &file), 0);
    assert_null(history(f->owner, CHAT_ONE).items[0].attachments_json);
}

/* An older version planned nothing. */
static void a_deletion_told_again_is_planned_again_until_it_is_erased(void **state)
{
    struct fixture *f = *state;
    struct operation send = a_send(f->owner, CHAT_ONE, ADA, "1", "secret");
    struct operation deletion =
        a_change_of_members(f->owner, "deletion", "chat_deleted", 2, NULL, 0);
    const struct eraser eraser = {f->owner->store, f->uses};
    size_t count;
    must_apply(f->owner, &send, 1);
    message_store_failing_plan(f->owner->store, STORE_PLAN_ERASURE, 1, STORE_FAILS_BEFORE, CC_OK);
    must_apply(f->owner, &deletion, 1);
    assert_int_equal(eraser_sweep(&eraser, &count, &f->owner->err), CC_OK);
    assert_int_equal(count, 0);

    must_apply(f->owner, &deletion, 1);
    must_erase(f);
    must_apply(f->owner, &deletion, 1);
    assert_int_equal(eraser_sweep(&eraser, &count, &f->owner->err), CC_OK);

    assert_int_equal(count, 0);
    assert_string_equal(history(f->owner, CHAT_ONE).items[0].body, "");
}

static void while_the_object_store_is_away_nothing_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct media file = a_file(f, ADA);
    size_t count;
    must_announce(f, &file);
    fake_clock_advance_ms(&f->clock, ABANDONED_MS);

    f->objects.away = true;
    assert_int_equal(media_sweep(&f->sweeper, &count, &f->owner->err), CC_UNAVAILABLE);
    f->objects.away = false;

    assert_int_equal(must_sweep(f), 1);
    assert_false(is_stored(f, &file));
}

/* What is a file */

static void names_types_and_hashes_are_checked(void **state)
{
    (void)state;
    static const char sha[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    assert_true(media_name_valid("Größe \"1\"; a/b.png"));
    assert_false(media_name_valid(""));
    assert_false(media_name_valid("a\r\nSet-Cookie: b"));
    assert_false(media_name_valid("a\x7f"));
    assert_true(media_type_valid("image/svg+xml"));
    static const char *const bad_types[] = {
        "",           "image",       "image/",    "/png", "image/png; charset=utf-8",
        "image/p ng", "image/png\n", "Image/png", "a/b/c"};
    for (size_t i = 0; i < sizeof bad_types / sizeof *bad_types; i++)
        assert_false(media_type_valid(bad_types[i]));
    assert_true(media_sha256_valid(sha));
    assert_false(media_sha256_valid(sha + 1));
    assert_false(
        media_sha256_valid("E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_sender_may_attach_a_complete_file_of_his_own),
        TEST(what_is_not_his_or_not_there_or_not_complete_is_refused),
        TEST(a_replay_is_not_refused_when_the_file_is_gone),
        TEST(what_the_sweep_may_soon_take_is_not_sent),
        TEST(what_some_message_shows_may_be_sent_again_at_any_time),
        TEST(a_deleted_message_shows_nothing_any_more),
        TEST(whoever_takes_over_brings_uses_up_to_the_log),
        TEST(an_upload_that_is_never_completed_is_swept),
        TEST(what_is_never_sent_is_swept_but_not_what_is),
        TEST(what_the_last_message_showed_is_swept_after_its_deletion),
        TEST(a_deleted_account_leaves_only_files_that_are_shown),
        TEST(of_too_many_avatars_the_oldest_goes),
        TEST(what_a_deleted_chat_showed_is_swept),
        TEST(an_erasure_survives_whoever_dies),
        TEST(a_deletion_told_again_is_planned_again_until_it_is_erased),
        TEST(while_the_object_store_is_away_nothing_is_forgotten),
        cmocka_unit_test(names_types_and_hashes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
