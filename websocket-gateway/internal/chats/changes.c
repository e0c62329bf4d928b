/* Reads pages of changes and makes frames of them. Runs on the loop thread. It does not decide who
 * gets what. */

#include "chats/changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json_reader.h"

#include "app.h"

#define PAGE_MAX          200
#define PATH_MAX_BYTES    200
#define PATH_BEFORE_CHAT  "/internal/chats/"
#define MESSAGE_MAX_BYTES (128 * 1024)
#define FRAME_MAX_BYTES   (256 * 1024)

static void put_path(char out[PATH_MAX_BYTES], const char *chat_id, const char *user_id,
                     int64_t after_rev, int limit)
{
    (void)snprintf(out, PATH_MAX_BYTES,
                   PATH_BEFORE_CHAT "%s/changes?after_rev=%" PRId64 "&limit=%d%s%s", chat_id,
                   after_rev, limit,
                   user_id == NULL ? "" : "&user_id=", user_id == NULL ? "" : user_id);
}

void ws_changes_ask(struct ws_app *app, struct ws_call *call, const char *chat_id,
                    const char *user_id, int64_t after_rev, int limit)
{
    char path[PATH_MAX_BYTES];

    put_path(path, chat_id, user_id, after_rev, limit);
    ws_call_send(app, call, app->message_service, "GET", path, NULL);
}

static void read_change(struct cc_json_reader *reader, struct cc_change *out)
{
    out->rev = cc_json_int(reader, "rev", CC_REQUIRED, 1, INT64_MAX);
    out->seq = cc_json_int(reader, "seq", CC_OPTIONAL, 0, INT64_MAX);
    out->op = (enum cc_op)cc_json_choice(reader, "op", CC_REQUIRED, cc_op_names, CC_OP_CREATE);
    out->message_json = cc_json_raw(reader, "message", CC_OPTIONAL, MESSAGE_MAX_BYTES);
    cc_reaction_read(reader, &out->reaction);
}

enum cc_code ws_changes_read(struct cc_arena *arena, const char *body, size_t count,
                             struct ws_changes *out, struct cc_error *err)
{
    struct cc_json_reader *reader = cc_json_reader_create(arena, body, count, CC_IGNORE_UNKNOWN);
    struct ws_changes changes = {0};
    bool readable;

    changes.count = cc_json_array_count(reader, "items", CC_REQUIRED, PAGE_MAX);
    changes.items = cc_arena_calloc(arena, changes.count + 1, sizeof *changes.items);
    for (size_t i = 0; i < changes.count && cc_json_enter_element(reader, "items", i); i++) {
        read_change(reader, &changes.items[i]);
        cc_json_leave(reader);
    }
    changes.head_rev = cc_json_int(reader, "head_rev", CC_REQUIRED, 0, INT64_MAX);
    changes.reload = cc_json_bool(reader, "reload", CC_OPTIONAL, false);
    changes.more = cc_json_bool(reader, "more", CC_OPTIONAL, false);
    changes.since_joining = cc_json_bool(reader, "since_joining", CC_OPTIONAL, false);
    changes.member_version = cc_json_int(reader, "member_version", CC_OPTIONAL, 0, INT64_MAX);
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    if (!readable)
        return cc_fail_detail(err, CC_BAD_GATEWAY, "unreadable page of changes");
    *out = changes;
    return CC_OK;
}

struct ws_buffer *ws_change_frame(const struct cc_change *change, const char *chat_id)
{
    struct cc_strbuf text;
    struct ws_buffer *frame;

    cc_strbuf_init(&text, FRAME_MAX_BYTES);
    cc_change_frame_write(&text, change, chat_id, 0);
    frame = ws_buffer_from(&text);
    cc_strbuf_finish(&text);
    return frame;
}

struct ws_buffer *ws_change_bare_frame(const char *chat_id, int64_t rev, int64_t seq)
{
    const struct cc_change bare = {.rev = rev, .seq = seq, .op = CC_OP_EDIT};

    return ws_change_frame(&bare, chat_id);
}

/* ---- pages, shared by who returns ---- */

struct ws_page *ws_page_ref(struct ws_page *page)
{
    page->references++;
    return page;
}

void ws_page_unref(struct ws_page *page)
{
    if (page == NULL || --page->references > 0)
        return;
    for (size_t i = 0; i < page->count; i++)
        ws_buffer_unref(page->items[i].frame);
    cc_free(page);
}

static void release_page(void *page)
{
    ws_page_unref(page);
}

/* The answer names its chat only in its path, which is the request's. */
static void *read_page(struct ws_app *app, const struct ws_call *call, const char *path,
                       struct cc_error *err)
{
    struct ws_changes changes;
    struct ws_page *page;
    char chat_id[CC_UUID_BYTES];

    if (ws_changes_read(app->hub.arena, call->body, call->body_count, &changes, err) != CC_OK)
        return NULL;
    (void)snprintf(chat_id, sizeof chat_id, "%s", path + strlen(PATH_BEFORE_CHAT));
    page = cc_calloc(1, sizeof *page + changes.count * sizeof *page->items);
    page->references = 1;
    page->head_rev = changes.head_rev;
    page->since_joining = changes.since_joining;
    page->member_version = changes.member_version;
    for (; page->count < changes.count; page->count++) {
        const struct cc_change *change = &changes.items[page->count];

        page->items[page->count] =
            (struct ws_page_item){change->rev, ws_change_frame(change, chat_id)};
    }
    return page;
}

void ws_page_get(struct ws_app *app, struct ws_waiter *waiter, const char *chat_id,
                 const char *user_id, int64_t after_rev)
{
    static const struct ws_shared_kind pages = {read_page, release_page};
    char path[PATH_MAX_BYTES];

    put_path(path, chat_id, user_id, after_rev, WS_CHANGES_LIMIT);
    ws_shared_get(app, waiter, &pages, path);
}
