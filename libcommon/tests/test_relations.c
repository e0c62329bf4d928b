/* The question to user-service and its answer: what one end writes, the other end reads. */

#include "testing.h"

#include <string.h>

#include "common/relations.h"

#define ANN "0192f0c1-7a2b-7c3d-8e4f-0000000000a1"
#define BOB "0192f0c1-7a2b-7c3d-8e4f-0000000000b2"

struct fixture {
    struct cc_arena *arena;
    struct cc_strbuf text;
    struct cc_json_writer writer;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture.arena = cc_arena_create(0);
    cc_strbuf_init(&fixture.text, CC_RELATIONS_BYTES);
    cc_json_writer_init(&fixture.writer, &fixture.text);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cc_strbuf_finish(&f->text);
    cc_arena_destroy(f->arena);
    return 0;
}

static bool read_question(struct fixture *f, const char *text, struct cc_relation **out,
                          size_t *out_count)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, text, strlen(text), CC_REFUSE_UNKNOWN);
    bool read = cc_relations_read_question(reader, out, out_count);
    cc_json_reader_destroy(reader);
    return read;
}

static bool read_answer(struct fixture *f, const char *text, struct cc_relation *pairs,
                        size_t count)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, text, strlen(text), CC_IGNORE_UNKNOWN);
    bool read = cc_relations_read_answer(reader, pairs, count);
    cc_json_reader_destroy(reader);
    return read;
}

static void a_question_reads_back_the_same(void **state)
{
    struct fixture *f = *state;
    struct cc_relation asked[] = {{.actor_id = ANN, .user_id = BOB},
                                  {.actor_id = BOB, .user_id = ANN}};
    struct cc_relation *read;
    size_t count;

    cc_relations_write_question(&f->writer, asked, 2);

    assert_true(read_question(f, cc_strbuf_text(&f->text), &read, &count));
    assert_int_equal(count, 2);
    assert_string_equal(read[0].actor_id, ANN);
    assert_string_equal(read[0].user_id, BOB);
    assert_string_equal(read[1].actor_id, BOB);
    assert_false(read[0].blocked);
}

static void the_largest_question_and_its_answer_fit(void **state)
{
    struct fixture *f = *state;
    static struct cc_relation most[CC_RELATIONS_MAX + 1];
    struct cc_relation *read;
    size_t count;
    for (size_t i = 0; i < CC_RELATIONS_MAX + 1; i++)
        most[i] = (struct cc_relation){.actor_id = ANN, .user_id = BOB, .blocked = true};

    cc_relations_write_answer(&f->writer, most, CC_RELATIONS_MAX);
    assert_false(f->text.overflowed);
    assert_true(read_answer(f, cc_strbuf_text(&f->text), most, CC_RELATIONS_MAX));

    cc_strbuf_reset(&f->text);
    cc_json_writer_init(&f->writer, &f->text);
    cc_relations_write_question(&f->writer, most, CC_RELATIONS_MAX);
    assert_true(read_question(f, cc_strbuf_text(&f->text), &read, &count));
    cc_strbuf_reset(&f->text);
    cc_json_writer_init(&f->writer, &f->text);
    cc_relations_write_question(&f->writer, most, CC_RELATIONS_MAX + 1);
    assert_false(read_question(f, cc_strbuf_text(&f->text), &read, &count));
}

static void an_answer_sets_the_flags_of_what_was_asked(void **state)
{
    struct fixture *f = *state;
    const struct cc_relation told[] = {
        {.actor_id = ANN, .user_id = BOB, .blocked = true, .do_not_disturb = true},
        {.actor_id = BOB, .user_id = ANN, .presence_visible = true}};
    struct cc_relation asked[] = {{.actor_id = ANN, .user_id = BOB},
                                  {.actor_id = BOB, .user_id = ANN}};

    cc_relations_write_answer(&f->writer, told, 2);

    assert_true(read_answer(f, cc_strbuf_text(&f->text), asked, 2));
    assert_true(asked[0].blocked && asked[0].do_not_disturb && !asked[0].presence_visible);
    assert_true(!asked[1].blocked && !asked[1].do_not_disturb && asked[1].presence_visible);
}

static void an_answer_about_others_sets_nothing(void **state)
{
    struct fixture *f = *state;
    const struct cc_relation told[] = {{.actor_id = ANN, .user_id = BOB, .presence_visible = true},
                                       {.actor_id = BOB, .user_id = ANN, .presence_visible = true}};
    struct cc_relation asked[] = {{.actor_id = ANN, .user_id = BOB},
                                  {.actor_id = ANN, .user_id = ANN}};
    cc_relations_write_answer(&f->writer, told, 2);

    assert_false(read_answer(f, cc_strbuf_text(&f->text), asked, 2));
    assert_false(read_answer(f, cc_strbuf_text(&f->text), asked, 1));
    assert_false(read_answer(f, "{\"items\":[{\"actor_id\":\"" ANN "\"}]}", asked, 1));
    assert_false(read_answer(f, "{}", asked, 1));
    assert_false(read_answer(f, "", asked, 0));

    assert_false(asked[0].presence_visible);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_reads_back_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_question_and_its_answer_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_sets_the_flags_of_what_was_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_answer_about_others_sets_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
