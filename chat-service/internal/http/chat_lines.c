/* Lines of the list of chats, from memberships, states, activities and cards. HTTP workers. */

#include "http/chat_lines.h"

#include <string.h>

#include "common/hash_map.h"
#include "common/log.h"
#include "list_cache.h"
#include "memberships_cache.h"
#include "reads.h"

/* The activity of one chat that the cache did not have. */
static enum cc_code fill_activity(const struct chat_lines *lines, struct chat_activity *activity,
                                  struct cc_error *err)
{
    struct chat_store *store = lines->app->store;
    struct chat_activity *stored = NULL;
    enum cc_code code =
        store->ops->find_activity(store, activity->chat_id, lines->arena, &stored, err);

    if (code == CC_NOT_FOUND)
        return CC_OK;
    if (code == CC_OK) {
        *activity = *stored;
        chat_list_cache_put_activity(lines->app->redis, activity);
    }
    return code;
}

/* What the person says of each chat, into the entries. */
static enum cc_code load_personals(const struct chat_lines *lines, const char *user_id,
                                   struct cc_error *err)
{
    struct personal_store *store = lines->app->personals;
    struct personal_list mine = {0};

    CC_TRY(store->ops->list(store, user_id, lines->arena, &mine, err));
    struct cc_hash_map *by_chat = cc_hash_map_create();
    for (size_t i = 0; i < mine.count; i++)
        cc_hash_map_put(by_chat, mine.items[i].chat_id, &mine.items[i]);
    for (size_t i = 0; i < lines->count; i++)
        lines->entries[i].personal =
            cc_hash_map_get(by_chat, lines->entries[i].membership->chat_id);
    cc_hash_map_destroy(by_chat);
    return CC_OK;
}

static enum cc_code load_activities(const struct chat_lines *lines,
                                    const struct chat_member_list *mine,
                                    struct chat_activity *activities, struct cc_error *err)
{
    const char **ids = cc_arena_calloc(lines->arena, mine->count + 1, sizeof(*ids));

    for (size_t i = 0; i < mine->count; i++)
        ids[i] = mine->items[i].chat_id;
    chat_list_cache_activities(lines->app->redis, ids, mine->count, lines->arena, activities);
    for (size_t i = 0; i < mine->count; i++)
        if (activities[i].rev == 0 && membership_active(&mine->items[i]))
            CC_TRY(fill_activity(lines, &activities[i], err));
    return CC_OK;
}

enum cc_code chat_lines_load(struct chat_app *app, struct cc_arena *arena, const char *user_id,
                             enum chat_member_filter filter, struct chat_lines *out,
                             struct cc_error *err)
{
    struct chat_member_list mine = {0};

    CC_TRY(chat_memberships_list(app->redis, app->store, user_id, filter, arena, &mine, err));
    *out = (struct chat_lines){.app = app, .arena = arena, .count = mine.count};
    out->entries = cc_arena_calloc(arena, mine.count + 1, sizeof(*out->entries));
    struct chat_activity *activities = cc_arena_calloc(arena, mine.count + 1, sizeof(*activities));
    CC_TRY(load_activities(out, &mine, activities, err));
    for (size_t i = 0; i < mine.count; i++)
        chat_list_entry_init(&out->entries[i], &mine.items[i], &activities[i]);
    return load_personals(out, user_id, err);
}

static void put_reads(const struct chat_lines *lines, const struct chat_read_list *reads)
{
    struct cc_hash_map *by_chat = cc_hash_map_create();

    for (size_t i = 0; i < reads->count; i++)
        cc_hash_map_put(by_chat, reads->items[i].chat_id, &reads->items[i]);
    for (size_t i = 0; i < lines->count; i++) {
        const struct chat_read *read =
            cc_hash_map_get(by_chat, lines->entries[i].membership->chat_id);

        lines->entries[i].read_seq = read == NULL ? 0 : read->read_seq;
    }
    cc_hash_map_destroy(by_chat);
}

bool chat_lines_load_reads(const struct chat_lines *lines, const char *user_id,
                           const struct cc_trace *trace)
{
    struct chat_read_list reads;
    struct cc_error err;

    if (chat_reads_load(lines->app->message_service, user_id, trace, lines->arena, &reads, &err) !=
        CC_OK) {
        cc_log_error(CC_LOG_DEBUG, "read positions are not known", &err, NULL);
        return false;
    }
    put_reads(lines, &reads);
    return true;
}

/* A chat and its members from the store, for a card that the cache did not have. */
static enum cc_code load_view(const struct chat_lines *lines, const char *chat_id,
                              struct chat_view *out, struct cc_error *err)
{
    struct chat_store *store = lines->app->store;
    struct chat_member_query query = {.filter = CHAT_MEMBERS_ACTIVE,
                                      .limit = CHAT_JSON_MEMBERS_MAX + 1};
    struct chat_member_list members = {0};
    struct chat *chat = NULL;

    CC_TRY(store->ops->find_chat(store, chat_id, lines->arena, &chat, err));
    query.chat = chat;
    CC_TRY(store->ops->list_members(store, &query, lines->arena, &members, err));
    out->chat = *chat;
    if (members.count <= CHAT_JSON_MEMBERS_MAX) {
        out->members = members.items;
        out->member_count = members.count;
    }
    const char *card = chat_json_card(lines->arena, chat, members.items, members.count);
    if (card != NULL)
        chat_list_cache_put_card(lines->app->redis, chat, card);
    return CC_OK;
}

/* Of whom nothing is known says nothing, in the same words as one who said so. */
static const struct personal *said_by(const struct chat_lines *lines,
                                      const struct chat_list_entry *entry)
{
    return entry->personal != NULL ? entry->personal : CC_ARENA_NEW(lines->arena, struct personal);
}

static enum cc_code load_views(const struct chat_lines *lines,
                               const struct chat_list_entry *const *entries, size_t count,
                               struct chat_view *views, struct cc_error *err)
{
    const char **ids = cc_arena_calloc(lines->arena, count + 1, sizeof(*ids));
    const char **cards = cc_arena_calloc(lines->arena, count + 1, sizeof(*cards));

    for (size_t i = 0; i < count; i++)
        ids[i] = entries[i]->membership->chat_id;
    chat_list_cache_cards(lines->app->redis, ids, count, lines->arena, cards);
    for (size_t i = 0; i < count; i++) {
        if (cards[i] == NULL || !chat_json_read_card(lines->arena, cards[i], &views[i])) {
            views[i] = (struct chat_view){0};
            CC_TRY(load_view(lines, ids[i], &views[i], err));
        }
        views[i].activity = &entries[i]->activity;
        views[i].now_ms = cc_wall_ms(lines->app->clock);
        views[i].me = said_by(lines, entries[i]);
        views[i].reader = entries[i]->membership;
    }
    return CC_OK;
}

enum cc_code chat_lines_write(const struct chat_lines *lines,
                              const struct chat_list_entry *const *entries, size_t count,
                              struct cc_json_writer *writer, struct cc_error *err)
{
    struct chat_view *views = cc_arena_calloc(lines->arena, count + 1, sizeof(*views));

    CC_TRY(load_views(lines, entries, count, views, err));
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        chat_json_put_chat(writer, &views[i]);
        cc_json_close_object(writer);
    }
    return CC_OK;
}
