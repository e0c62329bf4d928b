/* Composed answers. Handlers run on listener threads; everything after admission on the HTTP
 * client's thread, where parsing a page of at most 200 chats is affordable. */

#include "proxy/compose.h"

#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

#include "common/json_writer.h"
#include "proxy/forward.h"

#define HEADS_TIMEOUT_MS 2000
#define HEADS_MAX_BYTES  (64 * 1024)
#define ANSWER_MAX_BYTES (8 * 1024 * 1024)
#define BOOTSTRAP_CHATS  "/v1/chats?limit=30"

/* ---- a page of chats with unread counts ---- */

struct chat_page {
    struct gateway_call call;
    json_t *page;        /* owned; NULL when the page could not be had */
    bool unread_missing; /* message-service did not tell */
    /* Runs once. refusal: chat-service's answer when that was not 200, valid during the call. */
    void (*ready)(struct chat_page *page, enum cc_code code, const struct cc_http_answer *refusal,
                  const struct cc_error *err);
    void *arg;
};

/* The person deleted it for themselves; chat-service does not know. */
static void leave_out_hidden(json_t *chat, const json_t *head)
{
    json_int_t seq = json_integer_value(json_object_get(head, "seq"));
    const json_t *last = json_object_get(chat, "last_message");

    if (json_is_true(json_object_get(head, "last_hidden")) &&
        json_integer_value(json_object_get(last, "seq")) == seq)
        json_object_del(chat, "last_message");
}

static void merge_heads(json_t *chats, const json_t *heads)
{
    json_t *by_id = json_object(), *head, *chat;
    size_t i;

    json_array_foreach(heads, i, head)
    {
        const char *id = json_string_value(json_object_get(head, "chat_id"));

        if (id != NULL)
            json_object_set(by_id, id, head);
    }
    json_array_foreach(chats, i, chat)
    {
        const char *id = json_string_value(json_object_get(chat, "chat_id"));

        head = id != NULL ? json_object_get(by_id, id) : NULL;
        if (head == NULL)
            continue;
        json_object_set(chat, "head_seq", json_object_get(head, "seq"));
        json_object_set(chat, "read_seq", json_object_get(head, "read_seq"));
        json_object_set(chat, "unread", json_object_get(head, "unread"));
        json_object_set(chat, "unread_mentions", json_object_get(head, "unread_mentions"));
        json_object_set(chat, "capped", json_object_get(head, "capped"));
        leave_out_hidden(chat, head);
    }
    json_decref(by_id);
}

static void on_heads(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                     const struct cc_error *err)
{
    struct chat_page *page = arg;
    json_t *heads = NULL, *items;

    (void)
        err; /* a part that is missing is no fault of the answer; message-service's metrics tell */
    if (code == CC_OK)
        heads = json_loadb(answer->body, answer->body_count, JSON_REJECT_DUPLICATES, NULL);
    items = json_object_get(heads, "items");
    page->unread_missing = !json_is_array(items);
    if (!page->unread_missing)
        merge_heads(json_object_get(page->page, "items"), items);
    json_decref(heads);
    page->ready(page, CC_OK, NULL, NULL);
}

static void write_heads_request(const struct chat_page *page, struct cc_strbuf *out)
{
    const json_t *items = json_object_get(page->page, "items");
    struct cc_json_writer writer;
    json_t *chat;
    size_t i;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_open_array(&writer, "chats");
    json_array_foreach(items, i, chat)
    {
        const char *id = json_string_value(json_object_get(chat, "chat_id"));

        if (id != NULL)
            cc_json_put_text(&writer, NULL, id);
    }
    cc_json_close_array(&writer);
    cc_json_put_text(&writer, "user_id", cc_request_caller(page->call.req)->user_id);
    cc_json_close_object(&writer);
}

static void ask_heads(struct chat_page *page)
{
    const struct gateway_app *app = cc_request_app(page->call.req);
    struct cc_strbuf body;

    cc_strbuf_init(&body, HEADS_MAX_BYTES);
    write_heads_request(page, &body);
    cc_peer_send(app->message_heads, "POST", "/internal/heads", cc_strbuf_text(&body), body.length,
                 cc_request_trace(page->call.req), HEADS_TIMEOUT_MS, on_heads, page);
    cc_strbuf_finish(&body);
}

static void on_page(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                    const struct cc_error *err)
{
    struct chat_page *page = arg;
    struct cc_error unreadable = {0};

    if (code != CC_OK || answer->status != 200) {
        page->ready(page, code, answer, err);
        return;
    }
    page->page = json_loadb(answer->body, answer->body_count, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(json_object_get(page->page, "items"))) {
        cc_fail_detail(&unreadable, CC_BAD_GATEWAY, "chat-service answered no page");
        page->ready(page, CC_BAD_GATEWAY, NULL, &unreadable);
    } else if (json_array_size(json_object_get(page->page, "items")) == 0) {
        page->ready(page, CC_OK, NULL, NULL);
    } else {
        ask_heads(page);
    }
}

static void prepare_page(struct chat_page *page, struct cc_request *req, const char *target)
{
    page->call = (struct gateway_call){.req = req,
                                       .upstream = GATEWAY_CHAT,
                                       .method = "GET",
                                       .target = target,
                                       .done = on_page,
                                       .arg = page};
}

/* ---- answering ---- */

static int append(const char *bytes, size_t count, void *arg)
{
    cc_strbuf_append(arg, bytes, count);
    return 0;
}

/* Takes the reference of `answer`. */
static void respond(struct cc_response *res, json_t *answer)
{
    struct cc_strbuf text;

    cc_strbuf_init(&text, ANSWER_MAX_BYTES);
    json_dump_callback(answer, append, &text, JSON_COMPACT);
    cc_response_body(res, "application/json", cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
    json_decref(answer);
}

static void add_partial(json_t *answer, const char *name)
{
    json_t *names = json_object_get(answer, "partial");

    if (names == NULL) {
        names = json_array();
        json_object_set_new(answer, "partial", names);
    }
    json_array_append_new(names, json_string(name));
}

/* ---- GET /v1/chats ---- */

struct chat_list {
    struct chat_page page;
    struct cc_response *res;
};

static void finish_list(struct chat_page *page, enum cc_code code,
                        const struct cc_http_answer *refusal, const struct cc_error *err)
{
    struct chat_list *list = page->arg;

    if (refusal != NULL && code == CC_OK) {
        gateway_copy_answer(list->res, refusal);
    } else if (code == CC_OK) {
        if (page->unread_missing)
            add_partial(page->page, "unread");
        respond(list->res, page->page);
    } else {
        json_decref(page->page);
    }
    cc_request_complete(page->call.req, code, err);
}

static void start_list(void *arg)
{
    gateway_call_start(&((struct chat_list *)arg)->page.call);
}

enum cc_code gateway_http_list_chats(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    struct chat_list *list = CC_ARENA_NEW(cc_request_arena(req), struct chat_list);

    (void)err;
    prepare_page(&list->page, req, gateway_origin_form(cc_request_target(req)));
    list->res = res;
    list->page.ready = finish_list;
    list->page.arg = list;
    gateway_admit(req, res, GATEWAY_RATE_READ, start_list, list);
    return CC_OK;
}

/* ---- GET /v1/bootstrap ---- */

struct bootstrap {
    struct chat_page chats;
    struct gateway_call me_call;
    struct cc_response *res;
    json_t *me;
    enum cc_code me_code;
    struct cc_error me_error;
    bool chats_missing;
    _Atomic int waiting_for;
};

/* What a client must know before it writes; docs/ARCHITECTURE.md "limits". */
static json_t *limits(void)
{
    return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "frame_max_bytes", 65536,
                     "text_max_bytes", 16384, "body_max_bytes", (int)GATEWAY_BODY_MAX_BYTES,
                     "attachments_max", 10, "mentions_max", 50, "group_members_max", 10000,
                     "page_max", 200, "resume_cursors_max", 500, "watched_users_max", 500);
}

static json_t *assemble(struct bootstrap *bootstrap)
{
    json_t *answer = json_object();

    json_object_set_new(answer, "me", bootstrap->me);
    json_object_set_new(answer, "limits", limits());
    if (bootstrap->chats_missing) {
        json_object_set_new(answer, "chats", json_pack("{s:[],s:n}", "items", "next_cursor"));
        add_partial(answer, "chats");
    } else {
        json_object_set_new(answer, "chats", bootstrap->chats.page);
        if (bootstrap->chats.unread_missing)
            add_partial(answer, "unread");
    }
    return answer;
}

/* After the last part. */
static void finish_bootstrap(struct bootstrap *bootstrap)
{
    struct cc_request *req = bootstrap->me_call.req;

    if (atomic_fetch_sub(&bootstrap->waiting_for, 1) > 1)
        return;
    if (bootstrap->me != NULL)
        respond(bootstrap->res, assemble(bootstrap));
    else if (!bootstrap->chats_missing)
        json_decref(bootstrap->chats.page);
    cc_request_complete(req, bootstrap->me_code, &bootstrap->me_error);
}

static void on_me(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                  const struct cc_error *err)
{
    struct bootstrap *bootstrap = arg;

    bootstrap->me_code = code;
    if (code != CC_OK) {
        bootstrap->me_error = *err;
    } else if (answer->status != 200) {
        gateway_copy_answer(bootstrap->res, answer);
    } else {
        bootstrap->me = json_loadb(answer->body, answer->body_count, JSON_REJECT_DUPLICATES, NULL);
        if (bootstrap->me == NULL)
            bootstrap->me_code = cc_fail_detail(&bootstrap->me_error, CC_BAD_GATEWAY,
                                                "user-service answered no JSON");
    }
    finish_bootstrap(bootstrap);
}

static void on_bootstrap_chats(struct chat_page *page, enum cc_code code,
                               const struct cc_http_answer *refusal, const struct cc_error *err)
{
    struct bootstrap *bootstrap = page->arg;

    (void)err; /* `partial` tells the client; the call's own span and metrics tell us */
    bootstrap->chats_missing = code != CC_OK || refusal != NULL;
    if (bootstrap->chats_missing)
        json_decref(page->page);
    finish_bootstrap(bootstrap);
}

static void start_bootstrap(void *arg)
{
    struct bootstrap *bootstrap = arg;

    atomic_init(&bootstrap->waiting_for, 2);
    gateway_call_start(&bootstrap->me_call);
    gateway_call_start(&bootstrap->chats.call);
}

enum cc_code gateway_http_bootstrap(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct bootstrap *bootstrap = CC_ARENA_NEW(cc_request_arena(req), struct bootstrap);

    (void)err;
    bootstrap->res = res;
    bootstrap->me_call = (struct gateway_call){.req = req,
                                               .upstream = GATEWAY_USER,
                                               .method = "GET",
                                               .target = "/v1/users/me",
                                               .done = on_me,
                                               .arg = bootstrap};
    prepare_page(&bootstrap->chats, req, BOOTSTRAP_CHATS);
    bootstrap->chats.ready = on_bootstrap_chats;
    bootstrap->chats.arg = bootstrap;
    gateway_admit(req, res, GATEWAY_RATE_READ, start_bootstrap, bootstrap);
    return CC_OK;
}
