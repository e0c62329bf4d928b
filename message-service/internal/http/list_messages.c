/* GET /v1/chats/{chat_id}/messages: history by seq, or what is pinned. Worker threads. Seqs have no
 * gaps, so a page is a range, and a range is a few buckets. */

#include <string.h>

#include "app.h"
#include "http/message_json.h"
#include "http/personal.h"
#include "http/routes.h"
#include "standing.h"

#define ABSENT (-1)

struct page_query {
    int64_t before_seq, after_seq, around_seq, limit; /* ABSENT */
    bool pinned;
};
struct page_range {
    int64_t from_seq, to_seq;
    bool ascending;
};

static enum cc_code read_query(struct cc_request *req, struct page_query *out, struct cc_error *err)
{
    CC_TRY(cc_request_query_int(req, "before_seq", 0, INT64_MAX, ABSENT, &out->before_seq, err));
    CC_TRY(cc_request_query_int(req, "after_seq", 0, INT64_MAX, ABSENT, &out->after_seq, err));
    CC_TRY(cc_request_query_int(req, "around_seq", 0, INT64_MAX, ABSENT, &out->around_seq, err));
    CC_TRY(cc_request_query_int(req, "limit", 1, MESSAGE_PAGE_MAX, MESSAGE_PAGE_DEFAULT,
                                &out->limit, err));
    const char *pinned = cc_request_query(req, "pinned");
    out->pinned = pinned != NULL && strcmp(pinned, "true") == 0;
    if (pinned != NULL && !out->pinned)
        return cc_fail(err, CC_INVALID, "pinned", "must be true");
    int given = (out->before_seq != ABSENT) + (out->after_seq != ABSENT) +
                (out->around_seq != ABSENT) + out->pinned;
    return given < 2 ? CC_OK
                     : cc_fail(err, CC_INVALID, "before_seq",
                               "before_seq, after_seq, around_seq and pinned exclude each other");
}

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

static int64_t at_least(int64_t value, int64_t limit)
{
    return value > limit ? value : limit;
}

/* The seqs that the query asks for, of a chat that begins after `floor` and ends at `head`. Empty:
 * from > to. */
static struct page_range range_of(const struct page_query *query, int64_t floor, int64_t head)
{
    struct page_range range = {.ascending = query->before_seq == ABSENT};

    if (query->after_seq != ABSENT) {
        range.from_seq = at_least(at_most(query->after_seq, head), floor) + 1;
        range.to_seq = at_most(range.from_seq + query->limit - 1, head);
    } else if (query->around_seq != ABSENT) {
        range.from_seq = at_least(at_most(query->around_seq, head) - query->limit / 2, floor + 1);
        range.to_seq = at_most(range.from_seq + query->limit - 1, head);
    } else {
        range.ascending = false;
        range.to_seq = query->before_seq == ABSENT ? head : at_most(query->before_seq - 1, head);
        range.from_seq = at_least(range.to_seq - query->limit + 1, floor + 1);
    }
    return range;
}

/* The seq to go on with, as after_seq or before_seq: NULL on the last page. */
static const char *next_cursor(const struct page_range *range, int64_t floor, int64_t head,
                               struct cc_arena *arena)
{
    bool more = range->ascending ? range->to_seq < head : range->from_seq > floor + 1;
    int64_t edge = range->ascending ? range->to_seq : range->from_seq;
    bool empty = range->from_seq > range->to_seq;

    return more && !empty ? cc_arena_printf(arena, "%lld", (long long)edge) : NULL;
}

static void write_page(struct cc_json_writer *writer, const struct message_list *list,
                       const struct page_range *range, const char *cursor, int64_t now_ms)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < list->count; i++) {
        size_t at = range->ascending ? i : list->count - 1 - i;
        message_json_put_message(writer, NULL, &list->items[at], now_ms);
    }
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor", cursor);
    cc_json_close_object(writer);
}

/* A tombstone is not pinned. */
static void drop_expired(struct message_list *list, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (!cc_message_as_of(&list->items[i], now_ms).deleted)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

/* All of them, newest first: they are few. */
static enum cc_code list_pinned(struct cc_request *req, struct cc_response *res,
                                const char *chat_id, int64_t floor, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const struct page_range whole = {.ascending = true};
    int64_t now_ms = cc_wall_ms(app->clock);
    struct message_list list;

    CC_TRY(app->store->ops->pinned_messages(app->store, chat_id, arena, &list, err));
    while (list.count > 0 && list.items[list.count - 1].seq <= floor)
        list.count--;
    CC_TRY(personal_view(app->store, cc_request_caller(req)->user_id, &list, arena, err));
    drop_expired(&list, now_ms);
    write_page(cc_response_json(res), &list, &whole, NULL, now_ms);
    return CC_OK;
}

static enum cc_code list_range(struct cc_request *req, struct cc_response *res, const char *chat_id,
                               const struct page_query *query, int64_t floor, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    struct chat_head head;
    struct message_list list = {0};

    CC_TRY(heads_read(app->store, chat_id, &head, err));
    struct page_range range = range_of(query, floor, head.seq);
    const char *cursor = next_cursor(&range, floor, head.seq, arena);
    chat_head_finish(&head);
    if (range.from_seq <= range.to_seq)
        CC_TRY(app->store->ops->messages_by_seq(app->store, chat_id, range.from_seq, range.to_seq,
                                                arena, &list, err));
    CC_TRY(personal_view(app->store, cc_request_caller(req)->user_id, &list, arena, err));
    write_page(cc_response_json(res), &list, &range, cursor, cc_wall_ms(app->clock));
    return CC_OK;
}

enum cc_code message_http_list(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    const char *chat_id;
    struct page_query query;
    struct standing standing;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(read_query(req, &query, err));
    CC_TRY(standing_of_member(app->members, app->store, chat_id, cc_request_caller(req)->user_id,
                              &standing, err));
    return query.pinned ? list_pinned(req, res, chat_id, standing.floor_seq, err)
                        : list_range(req, res, chat_id, &query, standing.floor_seq, err);
}
