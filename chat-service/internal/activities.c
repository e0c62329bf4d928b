/* Activities in memory, by chat. Runs on the consumer's thread. Decides nothing: domain/activity.c
 * does. */

#include "activities.h"

#include "common/alloc.h"
#include "common/hash_map.h"

#define KNOWN_MAX 20000 /* chats; beyond it, those that are saved are forgotten */

struct entry {
    struct chat_activity activity; /* its strings are the entry's own */
    char *chat_id, *message_id, *message_json;
    int32_t partition;
    bool unsaved;
};
struct activities {
    struct chat_store *store;
    struct cc_hash_map *by_chat; /* chat_id to struct entry */
};

struct activities *activities_create(struct chat_store *store)
{
    struct activities *activities = cc_calloc(1, sizeof *activities);

    activities->store = store;
    activities->by_chat = cc_hash_map_create();
    return activities;
}

static void free_entry(struct entry *entry)
{
    cc_free(entry->chat_id);
    cc_free(entry->message_id);
    cc_free(entry->message_json);
    cc_free(entry);
}

/* Keeps the entries that `stays` names and frees the others. */
static void keep_where(struct activities *activities,
                       bool (*stays)(const struct entry *entry, const void *arg), const void *arg)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(activities->by_chat, &at, &value)) {
        struct entry *entry = value;
        if (stays(entry, arg))
            cc_hash_map_put(kept, entry->chat_id, entry);
        else
            free_entry(entry);
    }
    cc_hash_map_destroy(activities->by_chat);
    activities->by_chat = kept;
}

static bool is_unsaved(const struct entry *entry, const void *arg)
{
    (void)arg;
    return entry->unsaved;
}

static bool is_elsewhere(const struct entry *entry, const void *partition)
{
    return entry->partition != *(const int32_t *)partition;
}

static bool is_never(const struct entry *entry, const void *arg)
{
    (void)entry;
    (void)arg;
    return false;
}

void activities_destroy(struct activities *activities)
{
    if (activities == NULL)
        return;
    keep_where(activities, is_never, NULL);
    cc_hash_map_destroy(activities->by_chat);
    cc_free(activities);
}

void activities_forget_partition(struct activities *activities, int32_t partition)
{
    keep_where(activities, is_elsewhere, &partition);
}

static void replace(char **owned, const char **shown, const char *text)
{
    if (text == *owned)
        return;
    char *copy = text == NULL ? NULL : cc_strdup(text);
    cc_free(*owned);
    *shown = *owned = copy;
}

/* Takes over the strings of an activity that borrows them from elsewhere. */
static void keep(struct entry *entry, const struct chat_activity *activity)
{
    entry->activity.rev = activity->rev;
    entry->activity.seq = activity->seq;
    entry->activity.last_activity_at_ms = activity->last_activity_at_ms;
    replace(&entry->message_id, &entry->activity.last_message_id, activity->last_message_id);
    replace(&entry->message_json, &entry->activity.last_message_json, activity->last_message_json);
}

static enum cc_code load(struct activities *activities, int32_t partition, const char *chat_id,
                         struct entry **out, struct cc_error *err)
{
    struct chat_store *store = activities->store;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct chat_activity *stored = NULL;
    enum cc_code code = store->ops->find_activity(store, chat_id, arena, &stored, err);

    if (code != CC_OK && code != CC_NOT_FOUND)
        return code;
    struct entry *entry = cc_calloc(1, sizeof *entry);
    entry->chat_id = cc_strdup(chat_id);
    entry->activity.chat_id = entry->chat_id;
    entry->partition = partition;
    if (stored != NULL)
        keep(entry, stored);
    cc_hash_map_put(activities->by_chat, entry->chat_id, entry);
    *out = entry;
    return CC_OK;
}

enum cc_code activities_apply(struct activities *activities, int32_t partition, const char *chat_id,
                              const struct activity_fact *fact, const struct chat_activity **out,
                              struct cc_error *err)
{
    struct entry *entry = cc_hash_map_get(activities->by_chat, chat_id);

    if (entry == NULL)
        CC_TRY(load(activities, partition, chat_id, &entry, err));
    struct chat_activity moved = entry->activity;
    bool news = activity_apply(&moved, fact);
    if (news) {
        keep(entry, &moved);
        entry->unsaved = true;
    }
    *out = news ? &entry->activity : NULL;
    return CC_OK;
}

enum cc_code activities_save(struct activities *activities, struct cc_arena *arena,
                             struct cc_error *err)
{
    struct chat_store *store = activities->store;
    size_t known = cc_hash_map_count(activities->by_chat), count = 0, at = 0;
    const struct chat_activity **rows = cc_arena_calloc(arena, known + 1, sizeof *rows);
    void *value;

    while (cc_hash_map_next(activities->by_chat, &at, &value)) {
        const struct entry *entry = value;
        if (entry->unsaved)
            rows[count++] = &entry->activity;
    }
    CC_TRY(store->ops->save_activities(store, rows, count, err));
    for (at = 0; cc_hash_map_next(activities->by_chat, &at, &value);)
        ((struct entry *)value)->unsaved = false;
    if (known > KNOWN_MAX)
        keep_where(activities, is_unsaved, NULL);
    return CC_OK;
}
