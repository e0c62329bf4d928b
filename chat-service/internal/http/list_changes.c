/* GET /v1/chats/changes?cursor=&limit=: what is new in the caller's list of chats since an earlier
 * answer: {items:[Chat], removed:[chat_id], next_cursor, more}. Without a cursor: all of it. */

#include "domain/chat_digest.h"
#include "http/chat_lines.h"
#include "http/routes.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     200

struct delta {
    struct chat_lines lines;
    struct chat_digest known, now;        /* what the caller has seen; what there is */
    bool reads_known;                     /* else what the caller has seen of them is kept */
    const struct chat_list_entry **shown; /* chats to show again */
    size_t shown_count;
    const char **removed; /* ids of chats that are no longer in the list */
    size_t removed_count;
    bool more;
};

static bool is_listed(const struct chat_list_entry *entry)
{
    return membership_active(entry->membership) &&
           !personal_hides(entry->personal, &entry->activity);
}

/* All chats of one bucket; a caller who knew none there needs not be told what isn't there. */
static void take_bucket(struct delta *delta, size_t bucket)
{
    for (size_t i = 0; i < delta->lines.count; i++) {
        const struct chat_list_entry *entry = &delta->lines.entries[i];

        if (chat_digest_bucket(entry->membership->chat_id) != bucket)
            continue;
        if (is_listed(entry))
            delta->shown[delta->shown_count++] = entry;
        else if (delta->known.sums[bucket] != 0)
            delta->removed[delta->removed_count++] = entry->membership->chat_id;
    }
    delta->known.sums[bucket] = delta->now.sums[bucket];
    if (delta->reads_known)
        delta->known.reads[bucket] = delta->now.reads[bucket];
}

static bool differs(const struct delta *delta, size_t bucket)
{
    return delta->known.sums[bucket] != delta->now.sums[bucket] ||
           (delta->reads_known && delta->known.reads[bucket] != delta->now.reads[bucket]);
}

/* Whole buckets, as many as begin within the limit. What is told is entered in `known`, which is
 * the next cursor. */
static void compare(struct delta *delta, size_t limit)
{
    for (size_t i = 0; i < CHAT_DIGEST_BUCKETS && !delta->more; i++) {
        if (!differs(delta, i))
            continue;
        if (delta->shown_count + delta->removed_count >= limit)
            delta->more = true;
        else
            take_bucket(delta, i);
    }
}

static enum cc_code load(struct delta *delta, struct cc_request *req, struct cc_error *err)
{
    struct cc_arena *arena = cc_request_arena(req);
    const char *user_id = cc_request_caller(req)->user_id;

    CC_TRY(chat_lines_load(cc_request_app(req), arena, user_id, CHAT_MEMBERS_EVER, &delta->lines,
                           err));
    delta->reads_known = chat_lines_load_reads(&delta->lines, user_id, cc_request_trace(req));
    delta->shown = cc_arena_calloc(arena, delta->lines.count + 1, sizeof(*delta->shown));
    delta->removed = cc_arena_calloc(arena, delta->lines.count + 1, sizeof(*delta->removed));
    for (size_t i = 0; i < delta->lines.count; i++)
        chat_digest_add(&delta->now, &delta->lines.entries[i]);
    return CC_OK;
}

static enum cc_code answer(const struct delta *delta, struct cc_json_writer *writer,
                           struct cc_error *err)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    CC_TRY(chat_lines_write(&delta->lines, delta->shown, delta->shown_count, writer, err));
    cc_json_close_array(writer);
    cc_json_put_texts(writer, "removed", delta->removed, delta->removed_count);
    cc_json_put_text(writer, "next_cursor", chat_digest_text(delta->lines.arena, &delta->known));
    cc_json_put_bool(writer, "more", delta->more);
    cc_json_close_object(writer);
    return CC_OK;
}

enum cc_code chat_http_list_changes(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    const char *cursor = cc_request_query(req, "cursor");
    struct delta delta = {0};
    int64_t limit = 0;

    CC_TRY(cc_request_query_int(req, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err));
    if (cursor != NULL && !chat_digest_read(cursor, &delta.known))
        return cc_fail(err, CC_INVALID, "cursor", "is not one of ours");
    CC_TRY(load(&delta, req, err));
    compare(&delta, (size_t)limit);
    return answer(&delta, cc_response_json(res), err);
}
