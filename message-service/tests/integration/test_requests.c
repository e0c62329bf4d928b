/* message-service over HTTP, with real MongoDB, Kafka and Redis behind it. */

#include <pthread.h>
#include <string.h>

#include "message_fixture.h"
#include "testing.h"

static const char *path_of(struct message_fixture *f, const char *chat_id, const char *rest)
{
    return cc_arena_printf(f->arena, "/v1/chats/%s/%s", chat_id, rest);
}

static void must_send(struct message_fixture *f, const char *user_id, const char *chat_id,
                      int count)
{
    for (int i = 0; i < count; i++) {
        const char *key = cc_arena_printf(f->arena, "%s-%d", user_id, i);
        struct answer answer = send_text(f, user_id, chat_id, key, key);
        if (answer.status != 201)
            fail_msg("%d %s", answer.status, answer.body);
    }
}

static void a_message_is_answered_when_it_is_stored(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    char op_id[CC_UUID_BYTES];

    struct answer answer = send_text(f, f->members[0], chat, "hello", "key-1");

    cc_op_id(f->members[0], chat, "key-1", op_id);
    assert_int_equal(answer.status, 201);
    assert_string_equal(text_in(f, answer.body, "message_id"), op_id);
    assert_string_equal(text_in(f, answer.body, "body"), "hello");
    assert_string_equal(text_in(f, answer.body, "sender_id"), f->members[0]);
    assert_int_equal(number_in(f, answer.body, "seq"), 1);
    assert_int_equal(number_in(f, answer.body, "rev"), 1);
    assert_int_equal(stored_messages(f, chat).count, 1);
}

static void the_same_key_gives_the_same_message(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct answer first = send_text(f, f->members[0], chat, "hello", "key-1");

    struct answer again = send_text(f, f->members[0], chat, "hello", "key-1");

    assert_int_equal(again.status, 200);
    assert_string_equal(cc_http_answer_header(&again.raw, "Idempotent-Replayed"), "true");
    assert_string_equal(again.body, first.body);
    assert_int_equal(stored_messages(f, chat).count, 1);
}

static void the_same_key_with_another_body_is_a_conflict(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    send_text(f, f->members[0], chat, "hello", "key-1");

    struct answer other = send_text(f, f->members[0], chat, "bye", "key-1");

    assert_int_equal(other.status, 409);
    assert_string_equal(text_in(f, other.body, "code"), "idempotency_conflict");
    assert_string_equal(stored_messages(f, chat).items[0].body, "hello");
}

static void a_stranger_sees_what_a_missing_chat_shows(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *stranger = a_new_id(f);
    must_send(f, f->members[0], chat, 1);

    assert_int_equal(send_text(f, stranger, chat, "hello", "k").status, 404);
    assert_int_equal(call(f, stranger, "GET", path_of(f, chat, "messages"), NULL, NULL).status,
                     404);
    assert_int_equal(call(f, stranger, "GET", path_of(f, chat, "changes"), NULL, NULL).status, 404);
    assert_int_equal(
        call(f, stranger, "POST", path_of(f, chat, "read"), "{\"seq\":1}", NULL).status, 404);
    assert_int_equal(call(f, stranger, "GET", "/v1/chats/not-a-uuid/messages", NULL, NULL).status,
                     404);
}

static void a_send_without_key_or_content_is_invalid(void **state)
{
    struct message_fixture *f = *state;
    const char *path = path_of(f, a_new_id(f), "messages"), *ada = f->members[0];

    struct answer keyless = call(f, ada, "POST", path, "{\"type\":\"text\",\"body\":\"x\"}", NULL);
    struct answer empty = call(f, ada, "POST", path, "{\"type\":\"text\",\"body\":\"\"}", "k");
    struct answer unknown = call(f, ada, "POST", path, "{\"type\":\"text\",\"bodi\":\"x\"}", "k");
    struct answer system = call(f, ada, "POST", path, "{\"type\":\"system\",\"body\":\"x\"}", "k");

    assert_int_equal(keyless.status, 400);
    assert_int_equal(empty.status, 400);
    assert_int_equal(unknown.status, 400);
    assert_int_equal(system.status, 400);
}

/* First and last seq of a page, and how many there are. */
static void assert_page(struct message_fixture *f, const char *body, size_t count, int64_t first,
                        int64_t last)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, body, strlen(body), CC_IGNORE_UNKNOWN);

    assert_int_equal(cc_json_array_count(reader, "items", CC_REQUIRED, 200), count);
    assert_true(cc_json_enter_element(reader, "items", 0));
    assert_int_equal(cc_json_int(reader, "seq", CC_REQUIRED, 0, INT64_MAX), first);
    cc_json_leave(reader);
    assert_true(cc_json_enter_element(reader, "items", count - 1));
    assert_int_equal(cc_json_int(reader, "seq", CC_REQUIRED, 0, INT64_MAX), last);
    cc_json_leave(reader);
    cc_json_reader_destroy(reader);
}

static struct answer list(struct message_fixture *f, const char *chat_id, const char *query)
{
    return call(f, f->members[1], "GET",
                path_of(f, chat_id, cc_arena_printf(f->arena, "messages?%s", query)), NULL, NULL);
}

static void history_is_paged_both_ways(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    must_send(f, f->members[0], chat, 10);

    struct answer newest = list(f, chat, "limit=4"), before = list(f, chat, "limit=4&before_seq=7"),
                  first = list(f, chat, "limit=4&before_seq=3"),
                  after = list(f, chat, "limit=4&after_seq=2"),
                  last = list(f, chat, "limit=4&after_seq=8"),
                  around = list(f, chat, "limit=4&around_seq=5");

    assert_page(f, newest.body, 4, 10, 7);
    assert_string_equal(text_in(f, newest.body, "next_cursor"), "7");
    assert_page(f, before.body, 4, 6, 3);
    assert_page(f, first.body, 2, 2, 1);
    assert_non_null(strstr(first.body, "\"next_cursor\":null"));
    assert_page(f, after.body, 4, 3, 6);
    assert_string_equal(text_in(f, after.body, "next_cursor"), "6");
    assert_page(f, last.body, 2, 9, 10);
    assert_non_null(strstr(last.body, "\"next_cursor\":null"));
    assert_page(f, around.body, 4, 3, 6);
    assert_int_equal(list(f, chat, "before_seq=3&after_seq=1").status, 400);
    assert_int_equal(list(f, chat, "limit=201").status, 400);
}

static void changes_continue_from_a_rev(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    must_send(f, f->members[0], chat, 5);

    struct answer some =
        call(f, f->members[1], "GET", path_of(f, chat, "changes?after_rev=1&limit=2"), NULL, NULL);
    struct answer rest = call_internal(
        f, "GET", cc_arena_printf(f->arena, "/internal/chats/%s/changes?after_rev=3", chat), NULL);
    struct answer strangers = call_internal(
        f, "GET",
        cc_arena_printf(f->arena, "/internal/chats/%s/changes?user_id=%s", chat, a_new_id(f)),
        NULL);

    assert_int_equal(some.status, 200);
    assert_int_equal(number_in(f, some.body, "head_rev"), 5);
    assert_int_equal(number_in(f, some.body, "next_rev"), 3);
    assert_non_null(strstr(some.body, "\"more\":true"));
    assert_int_equal(number_in(f, rest.body, "head_rev"), 5);
    assert_int_equal(number_in(f, rest.body, "next_rev"), 5);
    assert_int_equal(number_in(f, rest.body, "member_version"), 1);
    assert_null(strstr(some.body, "member_version"));
    assert_int_equal(strangers.status, 404);
    assert_non_null(strstr(rest.body, "\"more\":false"));
}

struct purged {
    struct message_fixture *f;
    const char *chat_id;
};

/* As the housekeeper does when all that is there now is too old; the head is saved in a moment. */
static bool is_purged(void *arg)
{
    const struct purged *purged = arg;
    struct message_fixture *f = purged->f;
    int64_t now_ms = cc_wall_ms(cc_clock_system()), first_rev = 0;
    size_t count;

    for (int i = 0; i < 2; i++) {
        const struct purge purge = {now_ms, now_ms + i * (PURGE_NOTICE_MS + 60000), 500};
        assert_int_equal(f->store->ops->purge_log(f->store, &purge, &count, &f->err), CC_OK);
    }
    assert_int_equal(f->store->ops->first_rev(f->store, purged->chat_id, &first_rev, &f->err),
                     CC_OK);
    return first_rev > 1;
}

static void whoever_missed_what_the_log_has_forgotten_reloads(void **state)
{
    enum { MESSAGES = 70, FIRST = 1 << BUCKET_BITS };
    struct message_fixture *f = *state;
    struct purged purged = {f, a_new_id(f)};
    const char *chat = purged.chat_id, *ada = f->members[0], *grace = f->members[1];
    must_send(f, ada, chat, MESSAGES);
    struct answer whole = call(f, grace, "GET", path_of(f, chat, "changes?limit=1"), NULL, NULL);
    assert_non_null(strstr(whole.body, "\"reload\":false"));
    test_wait_for(is_purged, &purged, 20000);

    struct answer below =
        call(f, grace, "GET", path_of(f, chat, "changes?after_rev=3"), NULL, NULL);
    struct answer at = call(
        f, grace, "GET",
        path_of(f, chat, cc_arena_printf(f->arena, "changes?after_rev=%d", FIRST - 1)), NULL, NULL);
    struct answer history =
        call(f, grace, "GET", path_of(f, chat, "messages?limit=200"), NULL, NULL);

    assert_int_equal(below.status, 200);
    assert_non_null(strstr(below.body, "\"items\":[],"));
    assert_non_null(strstr(below.body, "\"more\":false,\"reload\":true"));
    assert_non_null(strstr(at.body, "\"reload\":false"));
    assert_int_equal(number_in(f, at.body, "next_rev"), MESSAGES);
    assert_page(f, history.body, MESSAGES, MESSAGES, 1);
}

/* The owner is another process, which knows of it what the store says. */
static void what_the_log_has_forgotten_is_not_sent_again(void **state)
{
    enum { MESSAGES = 70 };
    struct message_fixture *f = *state;
    struct purged purged = {f, a_new_id(f)};
    const char *chat = purged.chat_id, *ada = f->members[0];
    const char *key = cc_arena_printf(f->arena, "%s-0", ada);
    must_send(f, ada, chat, MESSAGES);
    test_wait_for(is_purged, &purged, 20000);
    message_restart(f, false);

    struct answer again = send_text(f, ada, chat, key, key);
    struct answer next = send_text(f, ada, chat, "next", "next");

    assert_int_equal(again.status, 200);
    assert_int_equal(number_in(f, again.body, "seq"), 1);
    assert_string_equal(cc_http_answer_header(&again.raw, "Idempotent-Replayed"), "true");
    assert_int_equal(number_in(f, next.body, "seq"), MESSAGES + 1);
    assert_int_equal(stored_messages(f, chat).count, MESSAGES + 1);
}

static int64_t unread_of(struct message_fixture *f, const char *chat_id, const char *user_id)
{
    const char *body =
        cc_arena_printf(f->arena, "{\"chats\":[\"%s\"],\"user_id\":\"%s\"}", chat_id, user_id);
    struct answer answer = call_internal(f, "POST", "/internal/heads", body);
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, answer.body, strlen(answer.body), CC_IGNORE_UNKNOWN);

    assert_int_equal(answer.status, 200);
    assert_int_equal(cc_json_array_count(reader, "items", CC_REQUIRED, 1), 1);
    assert_true(cc_json_enter_element(reader, "items", 0));
    int64_t unread = cc_json_int(reader, "unread", CC_REQUIRED, 0, INT64_MAX);
    cc_json_leave(reader);
    cc_json_reader_destroy(reader);
    return unread;
}

static void reading_moves_forward_only_and_not_past_the_end(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *path = path_of(f, chat, "read"), *grace = f->members[1];
    must_send(f, f->members[0], chat, 5);
    assert_int_equal(unread_of(f, chat, grace), 5);

    struct answer three = call(f, grace, "POST", path, "{\"seq\":3}", NULL);
    struct answer back = call(f, grace, "POST", path, "{\"seq\":1}", NULL);
    struct answer beyond = call(f, grace, "POST", path, "{\"seq\":99}", NULL);

    assert_int_equal(three.status, 200);
    assert_int_equal(number_in(f, three.body, "read_seq"), 3);
    assert_int_equal(number_in(f, three.body, "unread"), 2);
    assert_int_equal(number_in(f, three.body, "head_seq"), 5);
    assert_int_equal(number_in(f, back.body, "read_seq"), 3);
    assert_int_equal(number_in(f, beyond.body, "read_seq"), 5);
    assert_int_equal(number_in(f, beyond.body, "unread"), 0);
    assert_int_equal(unread_of(f, chat, grace), 0);
}

static void with_reads(struct message_fixture *f, const char *command, const char *user_id,
                       const char *chat_id, const char *positions)
{
    struct cc_error err = {0};

    assert_int_equal(cc_redis_do(f->app.redis, NULL, &err, command,
                                 cc_arena_printf(f->arena, "reads:%s", user_id), chat_id, positions,
                                 NULL),
                     CC_OK);
}

/* Who has read to the end by Redis has; of whom it says less, or nothing, the store is asked. */
static void redis_knows_who_has_read_all_and_the_store_the_rest(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *path = path_of(f, chat, "read"), *grace = f->members[1];
    must_send(f, f->members[0], chat, 5);
    assert_int_equal(call(f, grace, "POST", path, "{\"seq\":3}", NULL).status, 200);
    assert_int_equal(unread_of(f, chat, grace), 2);

    with_reads(f, "HSET", grace, chat, "1 0"); /* behind: what raised it was lost */
    assert_int_equal(unread_of(f, chat, grace), 2);
    with_reads(f, "DEL", grace, NULL, NULL);
    assert_int_equal(unread_of(f, chat, grace), 2);
    with_reads(f, "HSET", grace, chat, "5 0");
    assert_int_equal(unread_of(f, chat, grace), 0);
}

static void counts_of_several_people_are_asked_for_at_once(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *other = a_new_id(f);
    const char *ada = f->members[0], *grace = f->members[1];
    must_send(f, ada, chat, 3);
    must_send(f, grace, other, 1);

    struct answer answer =
        call_internal(f, "POST", "/internal/heads",
                      cc_arena_printf(f->arena,
                                      "{\"pairs\":[{\"chat_id\":\"%s\",\"user_id\":\"%s\"},"
                                      "{\"chat_id\":\"%s\",\"user_id\":\"%s\"}]}",
                                      chat, grace, other, ada));

    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(
        answer.body, cc_arena_printf(f->arena,
                                     "{\"chat_id\":\"%s\",\"rev\":3,\"seq\":3,\"user_id\":\"%s\","
                                     "\"read_seq\":0,\"floor_seq\":0,\"unread\":3,",
                                     chat, grace)));
    assert_non_null(strstr(
        answer.body, cc_arena_printf(f->arena,
                                     "{\"chat_id\":\"%s\",\"rev\":1,\"seq\":1,\"user_id\":\"%s\","
                                     "\"read_seq\":0,\"floor_seq\":0,\"unread\":1,",
                                     other, ada)));
}

static void an_operation_s_outcome_can_be_asked_for(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct answer sent = send_text(f, f->members[0], chat, "hello", "key-1");
    const char *op_id = text_in(f, sent.body, "message_id");

    struct answer found = call_internal(
        f, "GET", cc_arena_printf(f->arena, "/internal/operations/%s?chat_id=%s", op_id, chat),
        NULL);
    struct answer missing = call_internal(
        f, "GET", cc_arena_printf(f->arena, "/internal/operations/%s?chat_id=%s", op_id, op_id),
        NULL);

    assert_int_equal(found.status, 200);
    assert_string_equal(text_in(f, found.body, "outcome"), "persisted");
    assert_int_equal(number_in(f, found.body, "rev"), 1);
    assert_int_equal(missing.status, 404);
}

/* A version in Redis that isn't the one in memory makes everybody ask again. */
static void a_cached_membership_counts_only_while_its_version_does(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *eve = a_new_id(f);
    char mver[CC_REDIS_NAME_BYTES], members[CC_REDIS_NAME_BYTES];
    cc_redis_name_mver(chat, mver);
    cc_redis_name_members(chat, members);
    must_send(f, ada, chat, 1);
    assert_int_equal(send_text(f, eve, chat, "x", "k1").status, 404);
    const char *json = cc_arena_printf(
        f->arena,
        "{\"chat_id\":\"%s\",\"member_version\":2,\"deleted\":false,\"post\":\"all\",\"items\":["
        "{\"user_id\":\"%s\",\"role\":\"member\",\"state\":\"removed\"},"
        "{\"user_id\":\"%s\",\"role\":\"member\",\"state\":\"active\"}],\"next_cursor\":null}",
        chat, ada, eve);

    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "SET", members, json, NULL), CC_OK);
    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "SET", mver, "2", NULL), CC_OK);

    assert_int_equal(send_text(f, ada, chat, "y", "k2").status, 404);
    assert_int_equal(call(f, eve, "GET", path_of(f, chat, "messages"), NULL, NULL).status, 200);
}

/* Redis says that this chat shows nobody what was before they came. */
static void history_begins_with_joining(struct message_fixture *f, const char *chat,
                                        int64_t joined_seq)
{
    char mver[CC_REDIS_NAME_BYTES], members[CC_REDIS_NAME_BYTES];
    cc_redis_name_mver(chat, mver);
    cc_redis_name_members(chat, members);
    const char *json = cc_arena_printf(
        f->arena,
        "{\"chat_id\":\"%s\",\"member_version\":2,\"deleted\":false,\"post\":\"all\","
        "\"history\":\"joined\",\"items\":["
        "{\"user_id\":\"%s\",\"role\":\"owner\",\"state\":\"active\"},"
        "{\"user_id\":\"%s\",\"joined_seq\":%lld,\"role\":\"member\",\"state\":\"active\"}],"
        "\"next_cursor\":null}",
        chat, f->members[0], f->members[1], (long long)joined_seq);

    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "SET", members, json, NULL), CC_OK);
    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "SET", mver, "2", NULL), CC_OK);
}

static const char *got(struct message_fixture *f, const char *user_id, const char *path)
{
    struct answer answer = call(f, user_id, "GET", path, NULL, NULL);

    assert_int_equal(answer.status, 200);
    return answer.body;
}

static void nothing_from_before_joining_is_shown_where_history_begins_with_it(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    struct answer old = send_text(f, ada, chat, "secret-1", "s1");
    assert_int_equal(send_text(f, ada, chat, "secret-2", "s2").status, 201);
    struct answer news = send_text(f, ada, chat, "hello-3", "s3");
    const char *old_path =
        cc_arena_printf(f->arena, "/v1/messages/%s", text_in(f, old.body, "message_id"));
    const char *new_path =
        cc_arena_printf(f->arena, "/v1/messages/%s", text_in(f, news.body, "message_id"));
    assert_int_equal(
        call(f, ada, "PUT", cc_arena_printf(f->arena, "%s/pin", old_path), NULL, NULL).status, 200);
    history_begins_with_joining(f, chat, 2);

    const char *pages[] = {
        got(f, grace, path_of(f, chat, "messages")),
        got(f, grace, path_of(f, chat, "messages?after_seq=0")),
        got(f, grace, path_of(f, chat, "messages?around_seq=1")),
        got(f, grace, path_of(f, chat, "changes")),
    };

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        assert_null(strstr(pages[i], "secret"));
        assert_non_null(strstr(pages[i], "hello-3"));
    }
    assert_null(strstr(got(f, grace, path_of(f, chat, "messages?pinned=true")), "secret"));
    assert_null(strstr(got(f, grace, path_of(f, chat, "messages?before_seq=3")), "message_id"));
    assert_int_equal(number_in(f, pages[3], "next_rev"), 4);
    assert_int_equal(call(f, grace, "GET", old_path, NULL, NULL).status, 404);
    assert_int_equal(call(f, grace, "GET", new_path, NULL, NULL).status, 200);
    assert_int_equal(unread_of(f, chat, grace), 1);
    assert_non_null(strstr(got(f, ada, path_of(f, chat, "messages")), "secret-1"));
}

struct parallel {
    struct message_fixture *f;
    const char *path;
    struct cc_http_header headers[3];
    int status;
};

static void *send_in_parallel(void *arg)
{
    struct parallel *one = arg;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_http_answer answer;
    struct cc_error err;
    const char body[] = "{\"type\":\"text\",\"body\":\"once\"}";
    struct cc_http_call request = {.method = "POST",
                                   .url = one->path,
                                   .headers = one->headers,
                                   .header_count = 3,
                                   .body = body,
                                   .body_count = sizeof body - 1};

    if (cc_http_do(one->f->client, &request, arena, &answer, &err) == CC_OK)
        one->status = answer.status;
    return NULL;
}

static void many_sends_of_one_key_at_once_make_one_message(void **state)
{
    enum { SENDERS = 8 };
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f);
    struct parallel senders[SENDERS];
    pthread_t threads[SENDERS];
    int created = 0;

    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct parallel){
            .f = f,
            .path = cc_arena_printf(f->arena, "http://127.0.0.1:%d/v1/chats/%s/messages",
                                    cc_http_server_port(f->public_server), chat),
            .headers = {{"Authorization", cc_arena_printf(f->arena, "Bearer %s", f->members[0])},
                        {"Content-Type", "application/json"},
                        {"Idempotency-Key", "key-1"}},
        };
        pthread_create(&threads[i], NULL, send_in_parallel, &senders[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);

    for (int i = 0; i < SENDERS; i++) {
        assert_true(senders[i].status == 201 || senders[i].status == 200);
        created += senders[i].status == 201 ? 1 : 0;
    }
    assert_int_equal(created, 1);
    assert_int_equal(stored_messages(f, chat).count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, message_fixture_begin, message_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_answered_when_it_is_stored),
        TEST(the_same_key_gives_the_same_message),
        TEST(the_same_key_with_another_body_is_a_conflict),
        TEST(a_stranger_sees_what_a_missing_chat_shows),
        TEST(a_send_without_key_or_content_is_invalid),
        TEST(history_is_paged_both_ways),
        TEST(changes_continue_from_a_rev),
        TEST(whoever_missed_what_the_log_has_forgotten_reloads),
        TEST(what_the_log_has_forgotten_is_not_sent_again),
        TEST(reading_moves_forward_only_and_not_past_the_end),
        TEST(redis_knows_who_has_read_all_and_the_store_the_rest),
        TEST(counts_of_several_people_are_asked_for_at_once),
        TEST(an_operation_s_outcome_can_be_asked_for),
        TEST(a_cached_membership_counts_only_while_its_version_does),
        TEST(nothing_from_before_joining_is_shown_where_history_begins_with_it),
        TEST(many_sends_of_one_key_at_once_make_one_message),
    };

    return cmocka_run_group_tests_name("message-service over HTTP", tests, message_fixture_start,
                                       message_fixture_stop);
}
