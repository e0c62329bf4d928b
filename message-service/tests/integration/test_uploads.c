/* Files over HTTP, with a real object store: announced, uploaded by pre-signed URL, completed,
 * sent, fetched. Each thing that a URL is bound to (R24) is changed, one at a time, and the object
 * store must refuse it. */

#include <stdio.h>
#include <string.h>

#include "message_fixture.h"
#include "storage/media_store.h"
#include "testing.h"

#define CONTENT       "hello media"
#define CONTENT_OTHER "HELLO media" /* as long */

struct upload {
    const char *media_id, *url;
    struct cc_http_header headers[3];
};

static const char *sha_of(struct message_fixture *f, const char *content)
{
    char *hex = cc_arena_alloc(f->arena, 65);

    cc_sha256_hex(content, strlen(content), hex);
    return hex;
}

static const char *an_announcement(struct message_fixture *f, const char *content,
                                   const char *purpose)
{
    return cc_arena_printf(f->arena,
                           "{\"name\":\"Gr\u00fc\u00dfe 1.txt\",\"content_type\":\"text/plain\","
                           "\"size_bytes\":%zu,\"sha256\":\"%s\",\"purpose\":\"%s\"}",
                           strlen(content), sha_of(f, content), purpose);
}

static struct upload upload_in(struct message_fixture *f, const char *json)
{
    struct upload upload = {text_in(f, json, "media_id"), text_in(f, json, "url"), {{0}}};
    static const char *const names[] = {"Content-Length", "Content-Type", "x-amz-checksum-sha256"};
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, json, strlen(json), CC_IGNORE_UNKNOWN);

    assert_true(cc_json_enter(reader, "headers", CC_REQUIRED));
    for (size_t i = 0; i < 3; i++)
        upload.headers[i] =
            (struct cc_http_header){names[i], cc_json_text(reader, names[i], CC_REQUIRED, 1, 200)};
    cc_json_leave(reader);
    assert_true(cc_json_reader_done(reader));
    cc_json_reader_destroy(reader);
    return upload;
}

static struct upload must_announce(struct message_fixture *f, const char *user_id,
                                   const char *content, const char *purpose)
{
    struct answer answer =
        call(f, user_id, "POST", "/v1/media/uploads", an_announcement(f, content, purpose), NULL);

    if (answer.status != 201)
        fail_msg("%d %s", answer.status, answer.body);
    return upload_in(f, answer.body);
}

/* What a client does with it; content NULL: without a body, and so without a length. */
static int transfer(struct message_fixture *f, const struct upload *upload, const char *method,
                    const char *content)
{
    struct cc_http_call request = {.method = method,
                                   .url = upload->url,
                                   .headers = upload->headers + (content == NULL ? 1 : 0),
                                   .header_count = content == NULL ? 2 : 3,
                                   .body = content,
                                   .body_count = content == NULL ? 0 : strlen(content)};
    struct cc_http_answer answer;

    assert_int_equal(cc_http_do(f->client, &request, f->arena, &answer, &f->err), CC_OK);
    return answer.status;
}

static struct answer complete(struct message_fixture *f, const char *user_id, const char *media_id)
{
    return call(f, user_id, "POST",
                cc_arena_printf(f->arena, "/v1/media/uploads/%s/complete", media_id), NULL, NULL);
}

static const char *an_uploaded_file(struct message_fixture *f, const char *user_id,
                                    const char *content, const char *purpose)
{
    struct upload upload = must_announce(f, user_id, content, purpose);

    assert_int_equal(transfer(f, &upload, "PUT", content), 200);
    assert_int_equal(complete(f, user_id, upload.media_id).status, 200);
    return upload.media_id;
}

static struct answer url_of(struct message_fixture *f, const char *user_id, const char *media_id,
                            const char *query)
{
    return call(f, user_id, "GET", cc_arena_printf(f->arena, "/v1/media/%s/url%s", media_id, query),
                NULL, NULL);
}

static struct answer send_file(struct message_fixture *f, const char *user_id, const char *chat_id,
                               const char *media_id, const char *key)
{
    return call(f, user_id, "POST", cc_arena_printf(f->arena, "/v1/chats/%s/messages", chat_id),
                cc_arena_printf(f->arena,
                                "{\"type\":\"media\",\"attachments\":[{\"media_id\":\"%s\","
                                "\"width\":4}]}",
                                media_id),
                key);
}

/* The whole way */

static void a_file_goes_from_one_member_to_another(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *stranger = a_new_id(f);
    const char *file = an_uploaded_file(f, ada, CONTENT, "attachment");
    struct cc_http_call get = {.method = "GET"};
    struct cc_http_answer fetched;

    assert_int_equal(url_of(f, grace, file, "").status, 404); /* not sent yet */
    struct answer sent = send_file(f, ada, chat, file, "1");
    assert_int_equal(sent.status, 201);
    struct answer url = url_of(f, grace, file, "");

    assert_int_equal(url.status, 200);
    assert_string_equal(text_in(f, url.body, "content_type"), "text/plain");
    get.url = text_in(f, url.body, "url");
    assert_int_equal(cc_http_do(f->client, &get, f->arena, &fetched, &f->err), CC_OK);
    assert_int_equal(fetched.status, 200);
    assert_memory_equal(fetched.body, CONTENT, strlen(CONTENT));
    assert_string_equal(cc_http_answer_header(&fetched, "Content-Disposition"),
                        "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%201.txt");
    const char *id = text_in(f, sent.body, "message_id");
    const char *named = cc_arena_printf(f->arena, "?message_id=%s", id);
    assert_int_equal(url_of(f, grace, file, named).status, 200);
    assert_int_equal(url_of(f, stranger, file, named).status, 404);
    assert_int_equal(url_of(f, stranger, file, "").status, 404);
    assert_int_equal(url_of(f, grace, file, "?message_id=none").status, 404);
}

static void a_stranger_is_told_what_he_is_told_of_a_file_that_is_not_there(void **state)
{
    struct message_fixture *f = *state;
    const char *ada = f->members[0], *stranger = a_new_id(f), *none = a_new_id(f);
    const char *file = an_uploaded_file(f, ada, CONTENT, "attachment");
    struct upload pending = must_announce(f, ada, CONTENT, "attachment");
    const char *detail = text_in(f, url_of(f, stranger, none, "").body, "detail");

    assert_string_equal(text_in(f, url_of(f, stranger, file, "").body, "detail"), detail);
    assert_string_equal(text_in(f, url_of(f, stranger, pending.media_id, "").body, "detail"),
                        detail);
    assert_string_equal(text_in(f, complete(f, stranger, pending.media_id).body, "detail"), detail);
    assert_string_equal(text_in(f, complete(f, stranger, none).body, "detail"), detail);
    assert_int_equal(url_of(f, stranger, "x", "").status, 404);
    assert_int_equal(url_of(f, ada, pending.media_id, "").status, 409);
}

static void an_avatar_is_for_everybody(void **state)
{
    struct message_fixture *f = *state;
    const char *file = an_uploaded_file(f, f->members[0], CONTENT, "avatar");

    assert_int_equal(url_of(f, a_new_id(f), file, "").status, 200);
}

static void avatars_are_small_and_few(void **state)
{
    struct message_fixture *f = *state; /* at most 1000 bytes, and 3 of one person */
    const char *ada = f->members[0], *stranger = a_new_id(f), *files[4];
    char large[1002] = {0};
    memset(large, 'x', sizeof large - 1);

    struct answer refused =
        call(f, ada, "POST", "/v1/media/uploads", an_announcement(f, large, "avatar"), NULL);
    assert_int_equal(refused.status, 400);
    assert_non_null(strstr(refused.body, "/size_bytes"));
    (void)must_announce(f, ada, large, "attachment");
    for (size_t i = 0; i < 4; i++)
        files[i] = an_uploaded_file(f, ada, CONTENT, "avatar");

    assert_int_equal(url_of(f, stranger, files[0], "").status, 404);
    assert_int_equal(url_of(f, stranger, files[1], "").status, 200);
    assert_int_equal(url_of(f, stranger, files[3], "").status, 200);
}

static void what_a_deleted_message_showed_is_not_reached_through_it(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *file = an_uploaded_file(f, ada, CONTENT, "attachment");
    const char *first = text_in(f, send_file(f, ada, chat, file, "1").body, "message_id");
    const char *second = text_in(f, send_file(f, ada, chat, file, "2").body, "message_id");

    assert_int_equal(
        call(f, ada, "DELETE", cc_arena_printf(f->arena, "/v1/messages/%s", first), NULL, NULL)
            .status,
        200);
    const char *deleted = cc_arena_printf(f->arena, "?message_id=%s", first);
    assert_int_equal(url_of(f, grace, file, deleted).status, 404);
    assert_int_equal(url_of(f, grace, file, "").status, 200); /* by the other message */
    assert_int_equal(
        call(f, ada, "DELETE", cc_arena_printf(f->arena, "/v1/messages/%s", second), NULL, NULL)
            .status,
        200);
    assert_int_equal(url_of(f, grace, file, "").status, 404);
    assert_int_equal(url_of(f, ada, file, "").status, 200); /* it is still his own */
}

static void whoever_deleted_the_message_for_himself_does_not_reach_it(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *file = an_uploaded_file(f, ada, CONTENT, "attachment");
    const char *id = text_in(f, send_file(f, ada, chat, file, "1").body, "message_id");

    assert_int_equal(call(f, grace, "DELETE",
                          cc_arena_printf(f->arena, "/v1/messages/%s?scope=me", id), NULL, NULL)
                         .status,
                     204);

    assert_int_equal(url_of(f, grace, file, "").status, 404);
    assert_int_equal(url_of(f, f->members[2], file, "").status, 200);
}

/* What may be sent */

static void only_complete_files_of_ones_own_are_sent(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *file = an_uploaded_file(f, ada, CONTENT, "attachment");
    struct upload pending = must_announce(f, grace, CONTENT, "attachment");

    assert_int_equal(send_file(f, grace, chat, file, "1").status, 422);
    assert_int_equal(send_file(f, grace, chat, pending.media_id, "2").status, 422);
    assert_int_equal(send_file(f, grace, chat, a_new_id(f), "3").status, 422);
    struct answer shapeless = send_file(f, grace, chat, "x", "4");
    assert_int_equal(shapeless.status, 400);
    assert_non_null(strstr(shapeless.body, "/attachments/0/media_id"));
    assert_int_equal(stored_messages(f, chat).count, 0);
}

/* Announcing and completing */

static void an_announcement_that_breaks_a_rule_is_refused(void **state)
{
    struct message_fixture *f = *state;
    static const char sha[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const struct {
        const char *name, *type, *size, *sha, *pointer;
    } cases[] = {
        {"", "image/png", "1", sha, "/name"},
        {"a\\u000a", "image/png", "1", sha, "/name"},
        {"a", "image", "1", sha, "/content_type"},
        {"a", "image/png", "0", sha, "/size_bytes"},
        {"a", "image/png", "1000001", sha, "/size_bytes"},
        {"a", "image/png", "1", "abc", "/sha256"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *body = cc_arena_printf(
            f->arena,
            "{\"name\":\"%s\",\"content_type\":\"%s\",\"size_bytes\":%s,\"sha256\":\"%s\"}",
            cases[i].name, cases[i].type, cases[i].size, cases[i].sha);
        struct answer answer = call(f, f->members[0], "POST", "/v1/media/uploads", body, NULL);
        assert_int_equal(answer.status, 400);
        if (strstr(answer.body, cases[i].pointer) == NULL)
            fail_msg("%s: %s", cases[i].pointer, answer.body);
    }
}

static void an_announcement_is_repeated_by_its_key(void **state)
{
    struct message_fixture *f = *state;
    const char *body = an_announcement(f, CONTENT, "attachment"), *path = "/v1/media/uploads";
    struct answer first = call(f, f->members[0], "POST", path, body, "k");
    struct answer again = call(f, f->members[0], "POST", path, body, "k");
    struct answer other = call(f, f->members[0], "POST", path,
                               an_announcement(f, "something else", "attachment"), "k");
    struct answer of_another = call(f, f->members[1], "POST", path, body, "k");

    assert_int_equal(first.status, 201);
    assert_int_equal(again.status, 200);
    assert_string_equal(cc_http_answer_header(&again.raw, "Idempotent-Replayed"), "true");
    assert_string_equal(text_in(f, again.body, "media_id"), text_in(f, first.body, "media_id"));
    assert_int_equal(other.status, 409);
    assert_int_equal(of_another.status, 201);
}

static void nothing_is_complete_before_it_is_uploaded(void **state)
{
    struct message_fixture *f = *state;
    struct upload upload = must_announce(f, f->members[0], CONTENT, "attachment");

    assert_int_equal(complete(f, f->members[0], upload.media_id).status, 409);
    assert_int_equal(transfer(f, &upload, "PUT", CONTENT), 200);
    struct answer first = complete(f, f->members[0], upload.media_id);
    struct answer again = complete(f, f->members[0], upload.media_id);

    assert_int_equal(first.status, 200);
    assert_int_equal(number_in(f, first.body, "size_bytes"), (int64_t)strlen(CONTENT));
    assert_string_equal(again.body, first.body);
}

/* R24: what the object store refuses */

static void a_url_is_bound_to_all_that_was_announced(void **state)
{
    struct message_fixture *f = *state;
    struct upload good = must_announce(f, f->members[0], CONTENT, "attachment");
    struct upload other = must_announce(f, f->members[0], CONTENT, "attachment");
    struct upload type = good, length = good, hash = good, key = good, later = good;
    char *url = cc_arena_strdup(f->arena, good.url), *at;

    type.headers[1].value = "text/html";
    length.headers[0].value = "12";
    hash.headers[2].value = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    memcpy(strstr(url, good.media_id), other.media_id, 36); /* another key */
    key.url = url;
    at = cc_arena_strdup(f->arena, good.url);
    memcpy(strstr(at, "Expires=300"), "Expires=900", 11); /* for longer */
    later.url = at;
    const struct {
        const char *what;
        struct upload *upload;
        const char *method, *content;
        int status;
    } cases[] = {
        {"another type", &type, "PUT", CONTENT, 403},
        {"a longer one", &length, "PUT", CONTENT "!", 403},
        {"another hash", &hash, "PUT", CONTENT, 403},
        {"another content", &good, "PUT", CONTENT_OTHER, 400},
        {"another key", &key, "PUT", CONTENT, 403},
        {"a later end", &later, "PUT", CONTENT, 403},
        {"reading", &good, "GET", NULL, 403},
        {"removing", &good, "DELETE", NULL, 403},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = transfer(f, cases[i].upload, cases[i].method, cases[i].content);
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].what, status);
    }
    assert_int_equal(complete(f, f->members[0], good.media_id).status, 409); /* nothing came in */
    assert_int_equal(transfer(f, &good, "PUT", CONTENT), 200);
}

static bool is_refused_as_expired(void *arg)
{
    struct message_fixture *f = ((void **)arg)[0];
    return transfer(f, ((void **)arg)[1], "PUT", CONTENT) == 403;
}

static void a_url_expires(void **state)
{
    struct message_fixture *f = *state;

    f->settings.media_url_ttl_s = 1;
    message_restart(f, false);
    struct upload upload = must_announce(f, f->members[0], CONTENT, "attachment");
    void *arg[] = {f, &upload};
    test_wait_for(is_refused_as_expired, arg, 10000);
    f->settings.media_url_ttl_s = 300;
    message_restart(f, false);
}

/* The sweep, and the store away */

static bool is_swept(void *arg)
{
    struct message_fixture *f = ((void **)arg)[0];
    return url_of(f, f->members[0], ((void **)arg)[1], "").status == 404;
}

static void what_nobody_needs_is_swept_from_the_object_store(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0];
    struct object_facts facts;
    bool found = true;

    f->settings.media_abandoned_s = f->settings.media_unused_s = 3;
    message_restart(f, false);
    const char *sent = an_uploaded_file(f, ada, CONTENT, "attachment");
    assert_int_equal(send_file(f, ada, chat, sent, "1").status, 201);
    const char *forlorn = an_uploaded_file(f, ada, CONTENT, "attachment");
    void *arg[] = {f, (void *)forlorn};
    test_wait_for(is_swept, arg, 30000);
    struct media gone = {.media_id = forlorn, .owner_id = ada};
    assert_int_equal(
        f->app.objects->ops->look(f->app.objects, &gone, f->arena, &found, &facts, &f->err), CC_OK);
    assert_false(found);
    assert_int_equal(url_of(f, ada, sent, "").status, 200);
    f->settings.media_abandoned_s = 3600;
    f->settings.media_unused_s = 86400;
    message_restart(f, false);
}

static bool is_erased(void *arg)
{
    struct message_fixture *f = ((void **)arg)[0];
    struct message_list said = stored_messages(f, ((void **)arg)[1]);

    for (size_t i = 0; i < said.count; i++)
        if (said.items[i].body[0] != '\0' || said.items[i].attachments_json != NULL)
            return false;
    return true;
}

static void what_a_deleted_chat_held_is_nowhere_any_more(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0];
    struct ev_message_created deletion = a_chat_deletion(f, chat);
    struct object_facts facts;
    struct change_list log;
    bool found = true;

    f->settings.media_abandoned_s = f->settings.media_unused_s = 3;
    message_restart(f, false);
    const char *file = an_uploaded_file(f, ada, CONTENT, "attachment");
    assert_int_equal(send_file(f, ada, chat, file, "1").status, 201);
    assert_int_equal(send_text(f, ada, chat, "secret", "2").status, 201);
    must_produce(f, &deletion, 1);
    void *arg[] = {f, (void *)chat};
    test_wait_for(is_erased, arg, 20000);
    arg[1] = (void *)file;
    test_wait_for(is_swept, arg, 30000);

    struct media gone = {.media_id = file, .owner_id = ada};
    assert_int_equal(
        f->app.objects->ops->look(f->app.objects, &gone, f->arena, &found, &facts, &f->err), CC_OK);
    assert_false(found);
    assert_int_equal(f->store->ops->changes_after(f->store, chat, 0, 100, f->arena, &log, &f->err),
                     CC_OK);
    assert_int_equal(log.count, 3);
    for (size_t i = 0; i < log.count; i++) {
        assert_string_equal(log.items[i]->message.body, "");
        assert_null(log.items[i]->message.attachments_json);
    }
    f->settings.media_abandoned_s = 3600;
    f->settings.media_unused_s = 86400;
    message_restart(f, false);
}

static void without_the_object_store_only_files_are_unavailable(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *endpoint = f->settings.s3_endpoint;
    const char *sent = an_uploaded_file(f, ada, CONTENT, "attachment");
    struct upload pending = must_announce(f, ada, CONTENT, "attachment");
    static const char *const away[] = {"http://127.0.0.1:1", ""};

    assert_int_equal(send_file(f, ada, chat, sent, "1").status, 201);
    for (size_t i = 0; i < 2; i++) { /* nobody there; none configured */
        f->settings.s3_endpoint = away[i];
        message_restart(f, false);
        struct answer begin = call(f, ada, "POST", "/v1/media/uploads",
                                   an_announcement(f, CONTENT, "attachment"), NULL);
        assert_int_equal(begin.status, 503);
        assert_int_equal(complete(f, ada, pending.media_id).status, 503);
        assert_int_equal(url_of(f, f->members[1], sent, "").status, 503);
        assert_int_equal(url_of(f, a_new_id(f), sent, "").status, 404);
        assert_int_equal(send_text(f, ada, chat, "words still go", i == 0 ? "2" : "3").status, 201);
        assert_int_equal(send_file(f, ada, chat, sent, i == 0 ? "4" : "5").status, 201);
    }
    f->settings.s3_endpoint = endpoint;
    message_restart(f, false);
    assert_int_equal(url_of(f, ada, sent, "").status, 200);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, message_fixture_begin, message_fixture_end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_goes_from_one_member_to_another),
        TEST(a_stranger_is_told_what_he_is_told_of_a_file_that_is_not_there),
        TEST(an_avatar_is_for_everybody),
        TEST(avatars_are_small_and_few),
        TEST(what_a_deleted_message_showed_is_not_reached_through_it),
        TEST(whoever_deleted_the_message_for_himself_does_not_reach_it),
        TEST(only_complete_files_of_ones_own_are_sent),
        TEST(an_announcement_that_breaks_a_rule_is_refused),
        TEST(an_announcement_is_repeated_by_its_key),
        TEST(nothing_is_complete_before_it_is_uploaded),
        TEST(a_url_is_bound_to_all_that_was_announced),
        TEST(a_url_expires),
        TEST(what_nobody_needs_is_swept_from_the_object_store),
        TEST(what_a_deleted_chat_held_is_nowhere_any_more),
        TEST(without_the_object_store_only_files_are_unavailable),
    };
    return cmocka_run_group_tests(tests, message_fixture_start, message_fixture_stop);
}
