/* The store in memory, for tests of everything above it. One mutex around arrays in one arena: any
 * thread. Keeps what the real store keeps, with the same uniqueness and order; forgets at exit. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "storage/chat_store.h"

struct rows {
    void **items;
    size_t count, capacity;
};
struct memory_store {
    struct chat_store base;
    pthread_mutex_t lock;
    struct cc_arena *arena; /* everything that was ever stored */
    struct rows changes;    /* struct chat_change */
    struct rows chats;      /* struct chat */
    struct rows members;    /* struct membership */
    struct rows activities; /* struct chat_activity */
};

static struct memory_store *enter(struct chat_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    pthread_mutex_lock(&store->lock);
    return store;
}

static enum cc_code leave(struct memory_store *store, enum cc_code code)
{
    pthread_mutex_unlock(&store->lock);
    return code;
}

static void rows_add(struct rows *rows, void *item)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 16 : rows->capacity * 2;
        rows->items = cc_realloc(rows->items, rows->capacity * sizeof(*rows->items));
    }
    rows->items[rows->count++] = item;
}

static struct chat copy_chat(struct cc_arena *arena, const struct chat *chat)
{
    struct chat copy = *chat;

    copy.chat_id = cc_arena_strdup(arena, chat->chat_id);
    copy.title = cc_arena_strdup(arena, chat->title);
    copy.description = cc_arena_strdup(arena, chat->description);
    copy.avatar_media_id = cc_arena_strdup(arena, chat->avatar_media_id);
    copy.created_by = cc_arena_strdup(arena, chat->created_by);
    return copy;
}

static struct membership copy_member(struct cc_arena *arena, const struct membership *member)
{
    struct membership copy = *member;

    copy.chat_id = cc_arena_strdup(arena, member->chat_id);
    copy.user_id = cc_arena_strdup(arena, member->user_id);
    return copy;
}

static struct chat_change *copy_change(struct cc_arena *arena, const struct chat_change *change)
{
    struct chat_change *copy = CC_ARENA_NEW(arena, struct chat_change);
    struct membership *members = cc_arena_calloc(arena, change->member_count + 1, sizeof(*members));

    *copy = *change;
    copy->after = copy_chat(arena, &change->after);
    copy->actor_id = cc_arena_strdup(arena, change->actor_id);
    for (size_t i = 0; i < change->member_count; i++)
        members[i] = copy_member(arena, &change->members[i]);
    copy->members = members;
    return copy;
}

static void copy_activity(struct cc_arena *arena, const struct chat_activity *from,
                          struct chat_activity *out)
{
    *out = *from;
    out->chat_id = cc_arena_strdup(arena, from->chat_id);
    out->last_message_id = cc_arena_strdup(arena, from->last_message_id);
    out->last_message_json = cc_arena_strdup(arena, from->last_message_json);
}

static struct chat_change *seek_change(struct memory_store *store, const char *chat_id,
                                       int64_t version)
{
    for (size_t i = 0; i < store->changes.count; i++) {
        struct chat_change *one = store->changes.items[i];

        if (one->after.version == version && strcmp(one->after.chat_id, chat_id) == 0)
            return one;
    }
    return NULL;
}

static struct chat *seek_chat(struct memory_store *store, const char *chat_id)
{
    for (size_t i = 0; i < store->chats.count; i++) {
        struct chat *one = store->chats.items[i];

        if (strcmp(one->chat_id, chat_id) == 0)
            return one;
    }
    return NULL;
}

static struct membership *seek_member(struct memory_store *store, const char *chat_id,
                                      const char *user_id)
{
    for (size_t i = 0; i < store->members.count; i++) {
        struct membership *one = store->members.items[i];

        if (strcmp(one->chat_id, chat_id) == 0 && strcmp(one->user_id, user_id) == 0)
            return one;
    }
    return NULL;
}

static struct chat_activity *seek_activity(struct memory_store *store, const char *chat_id)
{
    for (size_t i = 0; i < store->activities.count; i++) {
        struct chat_activity *one = store->activities.items[i];

        if (strcmp(one->chat_id, chat_id) == 0)
            return one;
    }
    return NULL;
}

static enum cc_code memory_append(struct chat_store *base, const struct chat_change *change,
                                  struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct chat_change *row;

    if (seek_change(store, change->after.chat_id, change->after.version) != NULL)
        return leave(store, cc_fail(err, CC_CONFLICT, NULL, "the chat has changed meanwhile"));
    row = copy_change(store->arena, change);
    row->announced = false;
    rows_add(&store->changes, row);
    return leave(store, CC_OK);
}

static enum cc_code memory_find_change(struct chat_store *base, const char *chat_id,
                                       int64_t version, struct cc_arena *arena,
                                       struct chat_change **out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct chat_change *found = seek_change(store, chat_id, version);

    if (found == NULL)
        return leave(store, cc_fail(err, CC_NOT_FOUND, NULL, "there is no such change"));
    *out = copy_change(arena, found);
    return leave(store, CC_OK);
}

static int compare_changes(const void *left, const void *right)
{
    const struct chat_change *a = *(struct chat_change *const *)left;
    const struct chat_change *b = *(struct chat_change *const *)right;
    int by_chat = strcmp(a->after.chat_id, b->after.chat_id);

    if (by_chat != 0)
        return by_chat;
    return a->after.version < b->after.version ? -1 : 1;
}

static enum cc_code memory_list_unannounced(struct chat_store *base, const char *chat_id,
                                            struct cc_arena *arena, struct chat_change_list *out,
                                            struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err; /* memory does not fail */
    out->count = 0;
    out->items = cc_arena_calloc(arena, CHAT_PENDING_MAX, sizeof(*out->items));
    for (size_t i = 0; i < store->changes.count && out->count < CHAT_PENDING_MAX; i++) {
        const struct chat_change *one = store->changes.items[i];

        if (!one->announced && (chat_id == NULL || strcmp(one->after.chat_id, chat_id) == 0))
            out->items[out->count++] = copy_change(arena, one);
    }
    qsort(out->items, out->count, sizeof(*out->items), compare_changes);
    return leave(store, CC_OK);
}

static enum cc_code memory_mark_announced(struct chat_store *base, const struct chat_change *change,
                                          struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct chat_change *row = seek_change(store, change->after.chat_id, change->after.version);

    (void)err; /* memory does not fail */
    if (row != NULL)
        row->announced = true;
    return leave(store, CC_OK);
}

static void put_member(struct memory_store *store, const struct membership *member)
{
    struct membership *row = seek_member(store, member->chat_id, member->user_id);

    if (row == NULL) {
        row = CC_ARENA_NEW(store->arena, struct membership);
        rows_add(&store->members, row);
    } else if (row->version >= member->version) {
        return;
    }
    *row = copy_member(store->arena, member);
}

static enum cc_code memory_end_members(struct chat_store *base, const struct chat *chat,
                                       int64_t budget_ms, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)budget_ms, (void)err; /* memory is quick, and does not fail */
    for (size_t i = 0; i < store->members.count; i++) {
        struct membership *one = store->members.items[i];

        if (strcmp(one->chat_id, chat->chat_id) != 0 || !membership_active(one) ||
            one->version >= chat->version)
            continue;
        one->state = CC_MEMBER_REMOVED;
        one->role = CC_ROLE_MEMBER;
        one->version = chat->version;
    }
    return leave(store, CC_OK);
}

static void erase_chat(struct chat *chat)
{
    chat->title = chat->description = "";
    chat->avatar_media_id = NULL;
}

static enum cc_code memory_erase(struct chat_store *base, const char *chat_id, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct chat *chat = seek_chat(store, chat_id);
    struct chat_activity *activity = seek_activity(store, chat_id);

    (void)err; /* memory does not fail */
    for (size_t i = 0; i < store->changes.count; i++) {
        struct chat_change *one = store->changes.items[i];

        if (strcmp(one->after.chat_id, chat_id) == 0)
            erase_chat(&one->after);
    }
    if (chat != NULL)
        erase_chat(chat);
    if (activity != NULL)
        activity->last_message_id = activity->last_message_json = NULL;
    return leave(store, CC_OK);
}

static enum cc_code memory_forget_deletions_announced(struct chat_store *base, size_t *out_count,
                                                      struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err; /* memory does not fail */
    *out_count = 0;
    for (size_t i = 0; i < store->changes.count; i++) {
        struct chat_change *one = store->changes.items[i];

        if (one->kind != CHANGE_DELETED || !one->announced)
            continue;
        one->announced = false;
        ++*out_count;
    }
    return leave(store, CC_OK);
}

static enum cc_code memory_materialise(struct chat_store *base, const struct chat_change *change,
                                       struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct chat *row = seek_chat(store, change->after.chat_id);

    (void)err; /* memory does not fail */
    for (size_t i = 0; i < change->member_count; i++)
        put_member(store, &change->members[i]);
    if (row == NULL) {
        row = CC_ARENA_NEW(store->arena, struct chat);
        rows_add(&store->chats, row);
    }
    if (row->version < change->after.version)
        *row = copy_chat(store->arena, &change->after);
    return leave(store, CC_OK);
}

static enum cc_code memory_find_chat(struct chat_store *base, const char *chat_id,
                                     struct cc_arena *arena, struct chat **out,
                                     struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct chat *found = seek_chat(store, chat_id);

    if (found == NULL)
        return leave(store, cc_fail(err, CC_NOT_FOUND, NULL, "there is no such chat"));
    *out = CC_ARENA_NEW(arena, struct chat);
    **out = copy_chat(arena, found);
    return leave(store, CC_OK);
}

static enum cc_code memory_find_member(struct chat_store *base, const char *chat_id,
                                       const char *user_id, struct cc_arena *arena,
                                       struct membership **out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct membership *found = seek_member(store, chat_id, user_id);

    if (found == NULL)
        return leave(store, cc_fail(err, CC_NOT_FOUND, NULL, "there is no such member"));
    *out = CC_ARENA_NEW(arena, struct membership);
    **out = copy_member(arena, found);
    return leave(store, CC_OK);
}

static int compare_by_chat(const void *left, const void *right)
{
    return strcmp(((const struct membership *)left)->chat_id,
                  ((const struct membership *)right)->chat_id);
}

static bool has_state(const struct membership *member, enum chat_member_filter filter)
{
    return filter == CHAT_MEMBERS_EVER ||
           member->state == (filter == CHAT_MEMBERS_BANNED ? CC_MEMBER_BANNED : CC_MEMBER_ACTIVE);
}

static bool is_wanted(const struct membership *member, const struct chat_member_query *query)
{
    return strcmp(member->chat_id, query->chat->chat_id) == 0 &&
           member->place >= query->from_place && has_state(member, query->filter);
}

static enum cc_code memory_list_members(struct chat_store *base,
                                        const struct chat_member_query *query,
                                        struct cc_arena *arena, struct chat_member_list *out,
                                        struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err; /* memory does not fail */
    out->count = 0;
    out->items = cc_arena_calloc(arena, store->members.count + 1, sizeof(*out->items));
    for (size_t i = 0; i < store->members.count; i++)
        if (is_wanted(store->members.items[i], query))
            out->items[out->count++] = copy_member(arena, store->members.items[i]);
    qsort(out->items, out->count, sizeof(*out->items), membership_compare_places);
    if (out->count > query->limit)
        out->count = query->limit;
    return leave(store, CC_OK);
}

static enum cc_code memory_list_memberships(struct chat_store *base, const char *user_id,
                                            enum chat_member_filter filter, struct cc_arena *arena,
                                            struct chat_member_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err; /* memory does not fail */
    out->count = 0;
    out->items = cc_arena_calloc(arena, store->members.count + 1, sizeof(*out->items));
    for (size_t i = 0; i < store->members.count; i++) {
        const struct membership *one = store->members.items[i];

        if (has_state(one, filter) && strcmp(one->user_id, user_id) == 0)
            out->items[out->count++] = copy_member(arena, one);
    }
    qsort(out->items, out->count, sizeof(*out->items), compare_by_chat);
    if (out->count > CHAT_MEMBERSHIPS_MAX)
        out->count = CHAT_MEMBERSHIPS_MAX;
    return leave(store, CC_OK);
}

static enum cc_code memory_find_activity(struct chat_store *base, const char *chat_id,
                                         struct cc_arena *arena, struct chat_activity **out,
                                         struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct chat_activity *found = seek_activity(store, chat_id);

    if (found == NULL)
        return leave(store, cc_fail(err, CC_NOT_FOUND, NULL, "nothing happened there yet"));
    *out = CC_ARENA_NEW(arena, struct chat_activity);
    copy_activity(arena, found, *out);
    return leave(store, CC_OK);
}

static void put_activity(struct memory_store *store, const struct chat_activity *activity)
{
    struct chat_activity *row = seek_activity(store, activity->chat_id);

    if (row == NULL) {
        row = CC_ARENA_NEW(store->arena, struct chat_activity);
        rows_add(&store->activities, row);
    }
    if (row->rev < activity->rev)
        copy_activity(store->arena, activity, row);
}

static enum cc_code memory_save_activities(struct chat_store *base,
                                           const struct chat_activity *const *activities,
                                           size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err; /* memory does not fail */
    for (size_t i = 0; i < count; i++)
        put_activity(store, activities[i]);
    return leave(store, CC_OK);
}

static void memory_destroy(struct chat_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    cc_free(store->changes.items);
    cc_free(store->chats.items);
    cc_free(store->members.items);
    cc_free(store->activities.items);
    cc_arena_destroy(store->arena);
    pthread_mutex_destroy(&store->lock);
    cc_free(store);
}

static const struct chat_store_ops memory_ops = {
    .append = memory_append,
    .find_change = memory_find_change,
    .list_unannounced = memory_list_unannounced,
    .mark_announced = memory_mark_announced,
    .materialise = memory_materialise,
    .end_members = memory_end_members,
    .erase = memory_erase,
    .forget_deletions_announced = memory_forget_deletions_announced,
    .find_chat = memory_find_chat,
    .find_member = memory_find_member,
    .list_members = memory_list_members,
    .list_memberships = memory_list_memberships,
    .find_activity = memory_find_activity,
    .save_activities = memory_save_activities,
    .destroy = memory_destroy,
};

struct chat_store *chat_store_memory_create(void)
{
    struct memory_store *store = cc_calloc(1, sizeof(*store));

    store->base.ops = &memory_ops;
    store->arena = cc_arena_create(0);
    pthread_mutex_init(&store->lock, NULL);
    return &store->base;
}
