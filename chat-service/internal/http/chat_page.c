/* The list of chats: one query for the memberships, one round trip to the cache for all activities,
 * one for the cards of the page; only what the cache lacks is read chat by chat (and put back).
 * Runs on HTTP workers. */

#include "http/chat_page.h"

#include "domain/chat_list.h"
#include "http/chat_json.h"
#include "list_cache.h"

#define PAGE_DEFAULT 30
#define PAGE_MAX     200

struct page {
    struct chat_app *app;
    struct cc_arena *arena;
    struct chat_list_entry *entries; /* all chats, latest first */
    size_t count;
    size_t from, to; /* of this page */
};

/* The activity of one chat that the cache did not have. */
static enum cc_code fill_activity(struct page *page, struct chat_activity *activity,
                                  struct cc_error *err)
{
    struct chat_store *store = page->app->store;
    struct chat_activity *stored = NULL;
    enum cc_code code =
        store->ops->find_activity(store, activity->chat_id, page->arena, &stored, err);

    if (code == CC_NOT_FOUND)
        return CC_OK;
    if (code == CC_OK) {
        *activity = *stored;
        chat_list_cache_put_activity(page->app->redis, activity);
    }
    return code;
}

static enum cc_code load_entries(struct page *page, const char *user_id, struct cc_error *err)
{
    struct chat_store *store = page->app->store;
    struct chat_member_list mine = {0};

    CC_TRY(store->ops->list_memberships(store, user_id, page->arena, &mine, err));
    const char **ids = cc_arena_calloc(page->arena, mine.count + 1, sizeof(*ids));
    struct chat_activity *activities =
        cc_arena_calloc(page->arena, mine.count + 1, sizeof(*activities));
    for (size_t i = 0; i < mine.count; i++)
        ids[i] = mine.items[i].chat_id;
    chat_list_cache_activities(page->app->redis, ids, mine.count, page->arena, activities);

    page->count = mine.count;
    page->entries = cc_arena_calloc(page->arena, mine.count + 1, sizeof(*page->entries));
    for (size_t i = 0; i < mine.count; i++) {
        if (activities[i].rev == 0)
            CC_TRY(fill_activity(page, &activities[i], err));
        chat_list_entry_init(&page->entries[i], &mine.items[i], &activities[i]);
    }
    chat_list_sort(page->entries, page->count);
    return CC_OK;
}

static enum cc_code choose_range(struct page *page, struct cc_request *req, struct cc_error *err)
{
    const char *cursor = cc_request_query(req, "cursor");
    struct chat_list_position position;
    int64_t limit = 0;

    CC_TRY(cc_request_query_int(req, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err));
    if (cursor != NULL && !chat_list_cursor_read(cursor, &position))
        return cc_fail(err, CC_INVALID, "cursor", "is not one of ours");
    if (cursor != NULL)
        page->from = chat_list_find_after(page->entries, page->count, &position);
    page->to = page->count - page->from > (size_t)limit ? page->from + (size_t)limit : page->count;
    return CC_OK;
}

/* A chat and its members from the store, for a card that the cache did not have. */
static enum cc_code load_view(struct page *page, const char *chat_id, struct chat_view *out,
                              struct cc_error *err)
{
    struct chat_store *store = page->app->store;
    struct chat_member_query query = {.chat_id = chat_id,
                                      .after_user_id = "",
                                      .filter = CHAT_MEMBERS_ACTIVE,
                                      .limit = CHAT_JSON_MEMBERS_MAX + 1};
    struct chat_member_list members = {0};
    struct chat *chat = NULL;

    CC_TRY(store->ops->find_chat(store, chat_id, page->arena, &chat, err));
    CC_TRY(store->ops->list_members(store, &query, page->arena, &members, err));
    out->chat = *chat;
    if (members.count <= CHAT_JSON_MEMBERS_MAX) {
        out->members = members.items;
        out->member_count = members.count;
    }
    const char *card = chat_json_card(page->arena, chat, members.items, members.count);
    if (card != NULL)
        chat_list_cache_put_card(page->app->redis, chat, card);
    return CC_OK;
}

static enum cc_code load_views(struct page *page, struct chat_view *views, struct cc_error *err)
{
    size_t count = page->to - page->from;
    const char **ids = cc_arena_calloc(page->arena, count + 1, sizeof(*ids));
    const char **cards = cc_arena_calloc(page->arena, count + 1, sizeof(*cards));

    for (size_t i = 0; i < count; i++)
        ids[i] = page->entries[page->from + i].activity.chat_id;
    chat_list_cache_cards(page->app->redis, ids, count, page->arena, cards);
    for (size_t i = 0; i < count; i++) {
        if (cards[i] == NULL || !chat_json_read_card(page->arena, cards[i], &views[i])) {
            views[i] = (struct chat_view){0};
            CC_TRY(load_view(page, ids[i], &views[i], err));
        }
        views[i].activity = &page->entries[page->from + i].activity;
    }
    return CC_OK;
}

enum cc_code chat_page_respond(struct cc_request *req, struct cc_response *res, const char *user_id,
                               struct cc_error *err)
{
    struct page page = {.app = cc_request_app(req), .arena = cc_request_arena(req)};

    CC_TRY(load_entries(&page, user_id, err));
    CC_TRY(choose_range(&page, req, err));
    struct chat_view *views = cc_arena_calloc(page.arena, page.to - page.from + 1, sizeof(*views));
    CC_TRY(load_views(&page, views, err));

    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < page.to - page.from; i++) {
        cc_json_open_object(writer, NULL);
        chat_json_put_chat(writer, &views[i]);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor",
                     page.to < page.count ? chat_list_cursor(page.arena, &page.entries[page.to - 1])
                                          : NULL);
    cc_json_close_object(writer);
    return CC_OK;
}
