/* What people do to messages, over HTTP, with real MongoDB, Kafka and Redis behind it: edits,
 * deletions, reactions, pins, replies, receipts, expiry; and the same from offset 0 once more. */

#include <string.h>

#include "message_fixture.h"
#include "testing.h"

#define THUMB "%F0%9F%91%8D"

static const char *message_path(struct message_fixture *f, const char *message_id, const char *rest)
{
    return cc_arena_printf(f->arena, "/v1/messages/%s%s", message_id, rest);
}

static const char *must_say(struct message_fixture *f, const char *user_id, const char *chat_id,
                            const char *body)
{
    struct answer answer = send_text(f, user_id, chat_id, body, body);

    if (answer.status != 201)
        fail_msg("%d %s", answer.status, answer.body);
    return text_in(f, answer.body, "message_id");
}

static struct answer must_call(struct message_fixture *f, const char *user_id, const char *method,
                               const char *path, const char *body)
{
    struct answer answer = call(f, user_id, method, path, body, NULL);

    if (answer.status != 200)
        fail_msg("%s %s: %d %s", method, path, answer.status, answer.body);
    return answer;
}

static struct answer edit(struct message_fixture *f, const char *user_id, const char *message_id,
                          const char *fields, const char *key)
{
    return call(f, user_id, "PATCH", message_path(f, message_id, ""),
                cc_arena_printf(f->arena, "{%s}", fields), key);
}

static struct answer history(struct message_fixture *f, const char *user_id, const char *chat_id)
{
    return must_call(f, user_id, "GET",
                     cc_arena_printf(f->arena, "/v1/chats/%s/messages?after_seq=0", chat_id), NULL);
}

static bool says(const struct answer *answer, const char *text)
{
    return strstr(answer->body, text) != NULL;
}

static void an_edited_message_shows_its_last_version_and_tells_the_others(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *id = must_say(f, ada, chat, "helo");

    struct answer edited = edit(f, ada, id, "\"body\":\"hello\",\"expected_version\":1", "e1");
    struct answer again = edit(f, ada, id, "\"body\":\"hello\",\"expected_version\":1", "e1");
    struct answer stale = edit(f, ada, id, "\"body\":\"hullo\",\"expected_version\":1", "e2");

    assert_int_equal(edited.status, 200);
    assert_string_equal(text_in(f, edited.body, "body"), "hello");
    assert_int_equal(number_in(f, edited.body, "version"), 2);
    assert_int_equal(number_in(f, edited.body, "seq"), 1);
    assert_int_equal(again.status, 200);
    assert_string_equal(cc_http_answer_header(&again.raw, "Idempotent-Replayed"), "true");
    assert_int_equal(number_in(f, again.body, "rev"), number_in(f, edited.body, "rev"));
    assert_int_equal(stale.status, 412);
    struct answer got = must_call(f, grace, "GET", message_path(f, id, ""), NULL);
    assert_string_equal(text_in(f, got.body, "body"), "hello");
    struct answer versions = must_call(f, grace, "GET", message_path(f, id, "/history"), NULL);
    assert_true(says(&versions, "\"version\":1,\"body\":\"helo\""));
    assert_true(says(&versions, "\"version\":2,\"body\":\"hello\""));
}

static void only_those_who_may_alter_a_message(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *owner = f->members[0], *ada = f->members[1],
               *grace = f->members[2];
    const char *id = must_say(f, ada, chat, "mine");

    assert_int_equal(edit(f, owner, id, "\"body\":\"yours\"", NULL).status, 403);
    assert_int_equal(call(f, grace, "DELETE", message_path(f, id, ""), NULL, NULL).status, 403);
    assert_int_equal(edit(f, ada, id, "\"body\":\"\"", NULL).status, 422);
    assert_int_equal(edit(f, ada, id, "\"body\":\"x\",\"type\":\"text\"", NULL).status, 400);
    assert_int_equal(edit(f, ada, id, "\"body\":7", NULL).status, 400);
    assert_int_equal(
        call(f, ada, "DELETE", message_path(f, id, "?scope=nobody"), NULL, NULL).status, 400);
    assert_int_equal(call(f, owner, "DELETE", message_path(f, id, ""), NULL, NULL).status, 200);
}

static void a_deleted_message_leaves_a_tombstone_and_no_word(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *id = must_say(f, ada, chat, "secret");
    assert_int_equal(edit(f, ada, id, "\"body\":\"more secret\"", NULL).status, 200);

    struct answer deleted = must_call(f, ada, "DELETE", message_path(f, id, ""), NULL);
    struct answer again = must_call(f, ada, "DELETE", message_path(f, id, ""), NULL);

    assert_true(says(&deleted, "\"deleted\":true"));
    assert_true(says(&again, "\"deleted\":true"));
    struct answer all = history(f, grace, chat),
                  log = must_call(
                      f, grace, "GET",
                      cc_arena_printf(f->arena, "/v1/chats/%s/changes?after_rev=0", chat), NULL);
    struct answer versions = must_call(f, grace, "GET", message_path(f, id, "/history"), NULL);
    assert_true(says(&all, "\"deleted\":true"));
    assert_false(says(&all, "secret"));
    assert_true(says(&log, "\"op\":\"edit\""));
    assert_false(says(&log, "secret"));
    assert_false(says(&versions, "secret"));
    assert_int_equal(edit(f, ada, id, "\"body\":\"back\"", NULL).status, 404);
    assert_int_equal(
        call(f, ada, "PUT", message_path(f, id, "/reactions/" THUMB), NULL, NULL).status, 404);
    struct answer repeated = send_text(f, ada, chat, "secret", "secret");
    assert_int_equal(repeated.status, 200);
    assert_false(says(&repeated, "secret"));
}

static void reactions_are_counted_and_everybody_knows_his_own(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *id = must_say(f, ada, chat, "well?"), *thumb;
    thumb = message_path(f, id, "/reactions/" THUMB);
    must_call(f, ada, "PUT", thumb, NULL);
    must_call(f, grace, "PUT", thumb, NULL);
    must_call(f, grace, "PUT", thumb, NULL);

    struct answer hers = must_call(f, grace, "PUT", message_path(f, id, "/reactions/ok"), NULL);
    struct answer his = history(f, ada, chat);
    must_call(f, grace, "DELETE", thumb, NULL);
    struct answer after = must_call(f, grace, "DELETE", thumb, NULL);

    assert_true(says(&hers, "\"\xf0\x9f\x91\x8d\":{\"count\":2,\"mine\":true}"));
    assert_true(says(&hers, "\"ok\":{\"count\":1,\"mine\":true}"));
    assert_true(says(&his, "\"\xf0\x9f\x91\x8d\":{\"count\":2,\"mine\":true}"));
    assert_true(says(&his, "\"ok\":{\"count\":1,\"mine\":false}"));
    assert_true(says(&after, "\"\xf0\x9f\x91\x8d\":{\"count\":1,\"mine\":false}"));
}

static void hostile_reactions_are_refused(void **state)
{
    static const char *const hostile[] = {"$set", "a.b", "%22", "%5C", "a%20b", "a%2Eb"};
    struct message_fixture *f = *state;
    const char *ada = f->members[0], *id = must_say(f, ada, a_new_id(f), "well?");

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const char *path =
            message_path(f, id, cc_arena_printf(f->arena, "/reactions/%s", hostile[i]));
        assert_int_equal(call(f, ada, "PUT", path, NULL, NULL).status, 400);
    }
    struct answer got = must_call(f, ada, "GET", message_path(f, id, ""), NULL);
    assert_true(says(&got, "\"reactions\":{}"));
}

/* Keys with $ and dots, numbers beyond 64 bits, halves of surrogate pairs, NUL. */
static void hostile_content_is_refused_and_changes_nothing(void **state)
{
    static const char *const hostile[] = {
        "\"body\":\"x\",\"$set\":1",
        "\"body\":\"x\",\"a.b\":1",
        "\"body\":\"x\",\"expected_version\":99999999999999999999",
        "\"body\":\"x\",\"expected_version\":1e400",
        "\"body\":\"x\",\"expected_version\":-1",
        "\"body\":\"\\ud800\"",
        "\"body\":\"a\\u0000b\"",
        "\"body\":\"\xff\"",
        "\"body\":[\"x\"]",
        "\"body\":\"x\",\"body\":\"y\"",
        "\"body\":\"x\",\"mentions\":[\"$all\"]",
    };
    struct message_fixture *f = *state;
    const char *ada = f->members[0], *id = must_say(f, ada, a_new_id(f), "as it was");

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct answer answer = edit(f, ada, id, hostile[i], NULL);
        if (answer.status != 400)
            fail_msg("%s: %d %s", hostile[i], answer.status, answer.body);
    }
    struct answer got = must_call(f, ada, "GET", message_path(f, id, ""), NULL);
    assert_string_equal(text_in(f, got.body, "body"), "as it was");
    assert_int_equal(number_in(f, got.body, "version"), 1);
}

static void pinned_messages_are_listed(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *one = must_say(f, ada, chat, "one"), *two = must_say(f, ada, chat, "two");
    const char *pins = cc_arena_printf(f->arena, "/v1/chats/%s/messages?pinned=true", chat);
    must_call(f, grace, "PUT", message_path(f, one, "/pin"), NULL);
    must_call(f, grace, "PUT", message_path(f, two, "/pin"), NULL);

    struct answer both = must_call(f, ada, "GET", pins, NULL);
    must_call(f, ada, "DELETE", message_path(f, one, "/pin"), NULL);
    struct answer rest = must_call(f, ada, "GET", pins, NULL);

    assert_true(says(&both, one) && says(&both, two) && says(&both, "\"pinned\":true"));
    assert_false(says(&rest, one));
    assert_true(says(&rest, two));
    assert_int_equal(
        call(f, ada, "GET", cc_arena_printf(f->arena, "%s&after_seq=1", pins), NULL, NULL).status,
        400);
}

static struct answer reply(struct message_fixture *f, const char *chat_id, const char *to,
                           const char *key)
{
    return call(f, f->members[0], "POST",
                cc_arena_printf(f->arena, "/v1/chats/%s/messages", chat_id),
                cc_arena_printf(f->arena,
                                "{\"type\":\"text\",\"body\":\"answer\",\"reply_to\":\"%s\"}", to),
                key);
}

static void a_reply_names_a_message_of_its_chat(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0];
    const char *first = must_say(f, ada, chat, "question"),
               *elsewhere = must_say(f, ada, a_new_id(f), "another chat");

    struct answer good = reply(f, chat, first, "r1"), strange = reply(f, chat, elsewhere, "r2");

    assert_int_equal(good.status, 201);
    assert_string_equal(text_in(f, good.body, "reply_to"), first);
    assert_int_equal(strange.status, 422);
}

static void a_stranger_is_told_what_he_is_told_of_no_message(void **state)
{
    struct message_fixture *f = *state;
    const char *stranger = a_new_id(f), *id = must_say(f, f->members[0], a_new_id(f), "private"),
               *missing = a_new_id(f);
    static const struct {
        const char *method, *rest, *body;
    } routes[] = {
        {"GET", "", NULL},
        {"PATCH", "", "{\"body\":\"x\"}"},
        {"DELETE", "", NULL},
        {"DELETE", "?scope=me", NULL},
        {"GET", "/history", NULL},
        {"GET", "/receipts", NULL},
        {"PUT", "/reactions/ok", NULL},
        {"DELETE", "/reactions/ok", NULL},
        {"PUT", "/pin", NULL},
        {"DELETE", "/pin", NULL},
    };

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        struct answer there = call(f, stranger, routes[i].method,
                                   message_path(f, id, routes[i].rest), routes[i].body, NULL);
        struct answer absent = call(f, stranger, routes[i].method,
                                    message_path(f, missing, routes[i].rest), routes[i].body, NULL);
        assert_int_equal(there.status, 404);
        assert_int_equal(absent.status, 404);
        assert_string_equal(text_in(f, there.body, "detail"), text_in(f, absent.body, "detail"));
        assert_string_equal(text_in(f, there.body, "code"), text_in(f, absent.body, "code"));
    }
}

static void what_one_person_deletes_for_himself_the_others_keep(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *one = must_say(f, ada, chat, "kept"), *two = must_say(f, ada, chat, "unwanted");
    const char *log = cc_arena_printf(f->arena, "/v1/chats/%s/changes?after_rev=0", chat);
    int status = call(f, grace, "DELETE", message_path(f, two, "?scope=me"), NULL, NULL).status;

    struct answer hers = history(f, grace, chat), his = history(f, ada, chat);
    struct answer her_log = must_call(f, grace, "GET", log, NULL);
    struct answer everybodys = call_internal(
        f, "GET", cc_arena_printf(f->arena, "/internal/chats/%s/changes?after_rev=0", chat), NULL);
    struct answer for_her = call_internal(
        f, "GET",
        cc_arena_printf(f->arena, "/internal/chats/%s/changes?after_rev=0&user_id=%s", chat, grace),
        NULL);

    assert_int_equal(status, 204);
    assert_true(says(&hers, one));
    assert_false(says(&hers, "unwanted"));
    assert_true(says(&his, "unwanted"));
    assert_false(says(&her_log, "unwanted"));
    assert_int_equal(number_in(f, her_log.body, "next_rev"), 2);
    assert_true(says(&everybodys, "unwanted"));
    assert_false(says(&for_her, "unwanted"));
    assert_int_equal(call(f, grace, "GET", message_path(f, two, ""), NULL, NULL).status, 404);
    assert_int_equal(call(f, ada, "GET", message_path(f, two, ""), NULL, NULL).status, 200);
}

static struct answer heads_of(struct message_fixture *f, const char *chat, const char *user_id)
{
    return call_internal(
        f, "POST", "/internal/heads",
        cc_arena_printf(f->arena, "{\"chats\":[\"%s\"],\"user_id\":\"%s\"}", chat, user_id));
}

static void a_gateway_hides_for_its_person(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *id = must_say(f, ada, chat, "unwanted");
    const char *path = cc_arena_printf(f->arena, "/internal/chats/%s/hidden", chat);
    const char *body =
        cc_arena_printf(f->arena, "{\"user_id\":\"%s\",\"message_id\":\"%s\"}", grace, id);

    assert_int_equal(call_internal(f, "POST", path, body).status, 204);
    assert_int_equal(call_internal(f, "POST", path, body).status, 204);
    assert_int_equal(
        call_internal(f, "POST",
                      cc_arena_printf(f->arena, "/internal/chats/%s/hidden", a_new_id(f)), body)
            .status,
        404);

    struct answer hers = history(f, grace, chat);
    struct answer where = call_internal(
        f, "GET", cc_arena_printf(f->arena, "/internal/users/%s/hidden", grace), NULL);
    struct answer his =
        call_internal(f, "GET", cc_arena_printf(f->arena, "/internal/users/%s/hidden", ada), NULL);
    assert_false(says(&hers, "unwanted"));
    struct answer her_head = heads_of(f, chat, grace), his_head = heads_of(f, chat, ada);
    assert_true(says(&where, chat));
    assert_true(says(&where, "\"seq\":1"));
    assert_true(says(&where, "\"more\":false"));
    assert_true(says(&his, "\"items\":[]"));
    assert_true(says(&her_head, "\"last_hidden\":true"));
    assert_true(says(&his_head, "\"last_hidden\":false"));
}

static void an_author_is_told_whom_a_message_has_reached(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1],
               *bob = f->members[2];
    const char *id = must_say(f, ada, chat, "read me");
    assert_int_equal(call(f, grace, "POST", cc_arena_printf(f->arena, "/v1/chats/%s/read", chat),
                          "{\"seq\":1}", NULL)
                         .status,
                     200);

    struct answer told = must_call(f, ada, "GET", message_path(f, id, "/receipts"), NULL);

    assert_true(
        says(&told, cc_arena_printf(f->arena, "\"user_id\":\"%s\",\"delivered\":true,\"read\":true",
                                    grace)));
    assert_true(
        says(&told, cc_arena_printf(f->arena,
                                    "\"user_id\":\"%s\",\"delivered\":false,\"read\":false", bob)));
    assert_false(says(&told, ada));
    assert_int_equal(call(f, grace, "GET", message_path(f, id, "/receipts"), NULL, NULL).status,
                     403);
}

struct gone {
    struct message_fixture *f;
    const char *message_id;
};

static bool is_gone(void *arg)
{
    struct gone *gone = arg;
    struct message_store *store = gone->f->store;
    struct cc_message *message = NULL;

    assert_int_equal(store->ops->find_message(store, NULL, gone->message_id, gone->f->arena,
                                              &message, &gone->f->err),
                     CC_OK);
    return message->deleted;
}

static void an_ephemeral_message_goes_when_its_time_has_come(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0];
    struct answer sent =
        call(f, ada, "POST", cc_arena_printf(f->arena, "/v1/chats/%s/messages", chat),
             "{\"type\":\"text\",\"body\":\"fleeting\",\"ttl_s\":1}", "k");
    struct gone gone = {f, text_in(f, sent.body, "message_id")};
    assert_int_equal(sent.status, 201);
    assert_true(strlen(text_in(f, sent.body, "expires_at")) > 0);

    test_wait_for(is_gone, &gone, 15000);

    struct answer all = history(f, f->members[1], chat);
    assert_true(says(&all, "\"deleted\":true"));
    assert_false(says(&all, "fleeting"));
}

struct reading {
    struct message_fixture *f;
    const char *path; /* of the API; or a chat */
};

static bool shows_a_tombstone(void *arg)
{
    struct reading *reading = arg;
    struct answer got = must_call(reading->f, reading->f->members[1], "GET", reading->path, NULL);

    return says(&got, "\"deleted\":true");
}

/* A send of its own, repeated until the consumer that was restarted has taken it. */
static bool is_consuming(void *arg)
{
    struct reading *reading = arg;
    int status =
        send_text(reading->f, reading->f->members[0], reading->path, "again?", "again").status;

    return status == 200 || status == 201;
}

static void restart_sweeping(struct message_fixture *f, int64_t interval_ms)
{
    struct reading chat = {f, a_new_id(f)};

    f->settings.sweep_interval_ms = interval_ms;
    message_restart(f, false);
    test_wait_for(is_consuming, &chat, 30000);
}

/* The sweep ran when the service started, and does not come again. */
static void what_has_expired_is_read_by_nobody_however_late_the_sweep_is(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *messages = cc_arena_printf(f->arena, "/v1/chats/%s/messages", chat);
    restart_sweeping(f, 600000);
    struct answer sent = call(f, ada, "POST", messages,
                              "{\"type\":\"text\",\"body\":\"fleeting\",\"ttl_s\":3}", "k");
    struct gone gone = {f, text_in(f, sent.body, "message_id")};
    assert_int_equal(sent.status, 201);
    assert_true(says(&sent, "fleeting"));
    must_call(f, ada, "PUT", message_path(f, gone.message_id, "/pin"), NULL);
    const char *paths[] = {
        messages,
        message_path(f, gone.message_id, ""),
        message_path(f, gone.message_id, "/history"),
        cc_arena_printf(f->arena, "/v1/chats/%s/changes?after_rev=0", chat),
        cc_arena_printf(f->arena, "/v1/chats/%s/messages?pinned=true", chat),
    };
    struct reading reading = {f, paths[1]};

    test_wait_for(shows_a_tombstone, &reading, 15000);

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct answer got = must_call(f, grace, "GET", paths[i], NULL);
        if (says(&got, "fleeting"))
            fail_msg("%s still says it", paths[i]);
    }
    struct answer pinned = must_call(f, grace, "GET", paths[4], NULL);
    assert_true(says(&pinned, "\"items\":[]"));
    struct answer repeated = call(f, ada, "POST", messages,
                                  "{\"type\":\"text\",\"body\":\"fleeting\",\"ttl_s\":3}", "k");
    assert_int_equal(repeated.status, 200);
    assert_false(says(&repeated, "fleeting"));
    assert_int_equal(edit(f, ada, gone.message_id, "\"body\":\"back\"", NULL).status, 404);
    assert_false(is_gone(&gone));
    restart_sweeping(f, 200);
}

struct replay {
    struct message_fixture *f;
    const char *chat_id;
    size_t deletions; /* the chat's last operation, told so often */
};

static bool is_replayed(void *arg)
{
    struct replay *replay = arg;
    struct persisted_list told = persisted(replay->f);
    size_t count = 0;

    for (size_t i = 0; i < told.count; i++)
        count +=
            told.items[i].op == CC_OP_DELETE && strcmp(told.items[i].chat_id, replay->chat_id) == 0;
    return count >= replay->deletions;
}

/* All kinds, then the group from offset 0: what people see stays as it is, to the byte. */
static void a_replay_of_all_kinds_changes_nothing_that_is_seen(void **state)
{
    struct message_fixture *f = *state;
    const char *chat = a_new_id(f), *ada = f->members[0], *grace = f->members[1];
    const char *log = cc_arena_printf(f->arena, "/v1/chats/%s/changes?after_rev=0", chat);
    const char *one = must_say(f, ada, chat, "one"), *two = must_say(f, grace, chat, "two");
    assert_int_equal(edit(f, ada, one, "\"body\":\"one, edited\"", NULL).status, 200);
    must_call(f, grace, "PUT", message_path(f, one, "/reactions/" THUMB), NULL);
    must_call(f, ada, "PUT", message_path(f, one, "/reactions/" THUMB), NULL);
    must_call(f, grace, "DELETE", message_path(f, one, "/reactions/" THUMB), NULL);
    must_call(f, ada, "PUT", message_path(f, one, "/pin"), NULL);
    must_call(f, grace, "DELETE", message_path(f, two, ""), NULL);
    struct answer history_before = history(f, ada, chat),
                  log_before = must_call(f, ada, "GET", log, NULL);
    struct replay replay = {f, chat, 2};

    message_restart(f, true);
    test_wait_for(is_replayed, &replay, 30000);

    struct answer history_after = history(f, ada, chat),
                  log_after = must_call(f, ada, "GET", log, NULL);
    assert_string_equal(history_after.body, history_before.body);
    assert_string_equal(log_after.body, log_before.body);
    assert_int_equal(number_in(f, log_after.body, "head_rev"), 8);
}

static void survive_a_failing(struct message_fixture *f, enum store_call call,
                              enum store_failure when)
{
    const char *chat = a_new_id(f), *ada = f->members[0];
    const char *one = must_say(f, ada, chat, "one"), *two = must_say(f, ada, chat, "two");

    message_restart_failing(f, call, when);
    must_call(f, ada, "PUT", message_path(f, one, "/reactions/ok"), NULL);
    assert_int_equal(edit(f, ada, one, "\"body\":\"edited\"", NULL).status, 200);
    must_call(f, ada, "PUT", message_path(f, one, "/pin"), NULL);
    must_call(f, ada, "DELETE", message_path(f, two, ""), NULL);

    assert_true(message_store_failing_done(f->app.store));
    struct message_list list = stored_messages(f, chat);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].body, "edited");
    assert_string_equal(list.items[0].reactions_json, "{\"ok\":{\"count\":1}}");
    assert_int_equal(list.items[0].version, 2);
    assert_true(list.items[0].pinned);
    assert_true(list.items[1].deleted);
    assert_string_equal(list.items[1].body, "");
    assert_int_equal(list.items[1].rev, 6);
}

static void an_alteration_that_dies_before_or_after_the_log_is_made_once(void **state)
{
    survive_a_failing(*state, STORE_APPEND_CHANGES, STORE_FAILS_BEFORE);
    survive_a_failing(*state, STORE_APPEND_CHANGES, STORE_FAILS_AFTER);
}

static void an_alteration_that_dies_before_or_after_the_timeline_is_made_once(void **state)
{
    survive_a_failing(*state, STORE_MATERIALISE, STORE_FAILS_BEFORE);
    survive_a_failing(*state, STORE_MATERIALISE, STORE_FAILS_AFTER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, message_fixture_begin, message_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edited_message_shows_its_last_version_and_tells_the_others),
        TEST(only_those_who_may_alter_a_message),
        TEST(a_deleted_message_leaves_a_tombstone_and_no_word),
        TEST(reactions_are_counted_and_everybody_knows_his_own),
        TEST(hostile_reactions_are_refused),
        TEST(hostile_content_is_refused_and_changes_nothing),
        TEST(pinned_messages_are_listed),
        TEST(a_reply_names_a_message_of_its_chat),
        TEST(a_stranger_is_told_what_he_is_told_of_no_message),
        TEST(what_one_person_deletes_for_himself_the_others_keep),
        TEST(a_gateway_hides_for_its_person),
        TEST(an_author_is_told_whom_a_message_has_reached),
        TEST(an_ephemeral_message_goes_when_its_time_has_come),
        TEST(what_has_expired_is_read_by_nobody_however_late_the_sweep_is),
        TEST(an_alteration_that_dies_before_or_after_the_log_is_made_once),
        TEST(an_alteration_that_dies_before_or_after_the_timeline_is_made_once),
        TEST(a_replay_of_all_kinds_changes_nothing_that_is_seen),
    };

    return cmocka_run_group_tests_name("what people do to messages", tests, message_fixture_start,
                                       message_fixture_stop);
}
