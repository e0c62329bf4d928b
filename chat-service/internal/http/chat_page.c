/* A page of the list of chats: which lines, in which order. The first one also tells how many there
 * are, and from where GET /v1/chats/changes goes on. Runs on HTTP workers. */

#include "http/chat_page.h"

#include "domain/chat_digest.h"
#include "domain/chat_list.h"
#include "http/chat_lines.h"

#define PAGE_DEFAULT 30
#define PAGE_MAX     200

struct page {
    struct chat_lines lines; /* those that are shown, latest first */
    size_t from, to;         /* of this page */
    bool is_first;
    struct chat_digest seen; /* of the whole list; of the first page alone */
};

static void note_all(struct page *page)
{
    for (size_t i = 0; i < page->lines.count; i++)
        chat_digest_add(&page->seen, &page->lines.entries[i]);
}

/* Without former chats, and those that the person deleted and where nothing was said since. */
static void drop_unlisted(struct chat_lines *lines)
{
    size_t kept = 0;

    for (size_t i = 0; i < lines->count; i++)
        if (membership_active(lines->entries[i].membership) &&
            !personal_hides(lines->entries[i].personal, &lines->entries[i].activity))
            lines->entries[kept++] = lines->entries[i];
    lines->count = kept;
}

static enum cc_code choose_range(struct page *page, struct cc_request *req, struct cc_error *err)
{
    const struct chat_lines *lines = &page->lines;
    const char *cursor = cc_request_query(req, "cursor");
    struct chat_list_position position;
    int64_t limit = 0;

    CC_TRY(cc_request_query_int(req, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err));
    if (cursor != NULL && !chat_list_cursor_read(cursor, &position))
        return cc_fail(err, CC_INVALID, "cursor", "is not one of ours");
    if (cursor != NULL)
        page->from = chat_list_find_after(lines->entries, lines->count, &position);
    page->to =
        lines->count - page->from > (size_t)limit ? page->from + (size_t)limit : lines->count;
    return CC_OK;
}

static enum cc_code write_page(const struct page *page, struct cc_json_writer *writer,
                               struct cc_error *err)
{
    const struct chat_lines *lines = &page->lines;
    size_t count = page->to - page->from;
    const struct chat_list_entry **shown = cc_arena_calloc(lines->arena, count + 1, sizeof(*shown));

    for (size_t i = 0; i < count; i++)
        shown[i] = &lines->entries[page->from + i];
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    CC_TRY(chat_lines_write(lines, shown, count, writer, err));
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor",
                     page->to < lines->count ? chat_list_cursor(lines->arena, shown[count - 1])
                                             : NULL);
    if (page->is_first) {
        cc_json_put_int(writer, "total", (int64_t)lines->count);
        cc_json_put_text(writer, "changes_cursor", chat_digest_text(lines->arena, &page->seen));
    }
    cc_json_close_object(writer);
    return CC_OK;
}

enum cc_code chat_page_respond(struct cc_request *req, struct cc_response *res, const char *user_id,
                               struct cc_error *err)
{
    struct page page = {.is_first = cc_request_query(req, "cursor") == NULL};
    enum chat_member_filter filter = page.is_first ? CHAT_MEMBERS_EVER : CHAT_MEMBERS_ACTIVE;

    CC_TRY(chat_lines_load(cc_request_app(req), cc_request_arena(req), user_id, filter, &page.lines,
                           err));
    if (page.is_first) {
        (void)chat_lines_load_reads(&page.lines, user_id, cc_request_trace(req));
        note_all(&page);
    }
    drop_unlisted(&page.lines);
    chat_list_sort(page.lines.entries, page.lines.count);
    CC_TRY(choose_range(&page, req, err));
    return write_page(&page, cc_response_json(res), err);
}
