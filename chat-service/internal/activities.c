/* Activities in memory, by chat. Runs on the consumer's thread. Decides nothing: domain/activity.c
 * does. */

#include "activities.h"

#include "common/alloc.h"
#include "common/write_behind.h"

#define KNOWN_MAX 20000 /* chats; beyond it, those that are saved are forgotten */

struct entry {
    struct cc_pending pending;     /* first */
    struct chat_activity activity; /* its strings are the entry's own */
    char *chat_id, *message_id, *message_json;
};
struct activities {
    struct chat_store *store;
    struct cc_write_behind *by_chat; /* chat_id to struct entry */
};

static void free_entry(struct cc_pending *pending)
{
    struct entry *entry = (struct entry *)pending;

    cc_free(entry->chat_id);
    cc_free(entry->message_id);
    cc_free(entry->message_json);
    cc_free(entry);
}

struct activities *activities_create(struct chat_store *store)
{
    struct activities *activities = cc_calloc(1, sizeof *activities);

    activities->store = store;
    activities->by_chat = cc_write_behind_create(free_entry);
    return activities;
}

void activities_destroy(struct activities *activities)
{
    if (activities == NULL)
        return;
    cc_write_behind_destroy(activities->by_chat);
    cc_free(activities);
}

void activities_forget_partition(struct activities *activities, int32_t partition)
{
    cc_write_behind_forget_partition(activities->by_chat, partition);
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
    entry->pending = (struct cc_pending){.key = entry->chat_id, .partition = partition};
    if (stored != NULL)
        keep(entry, stored);
    cc_write_behind_add(activities->by_chat, &entry->pending);
    *out = entry;
    return CC_OK;
}

enum cc_code activities_apply(struct activities *activities, int32_t partition, const char *chat_id,
                              const struct activity_fact *fact, const struct chat_activity **out,
                              struct cc_error *err)
{
    struct entry *entry = (struct entry *)cc_write_behind_get(activities->by_chat, chat_id);

    if (entry == NULL)
        CC_TRY(load(activities, partition, chat_id, &entry, err));
    struct chat_activity moved = entry->activity;
    bool news = activity_apply(&moved, fact);
    if (news) {
        keep(entry, &moved);
        entry->pending.unsaved = true;
    }
    *out = news ? &entry->activity : NULL;
    return CC_OK;
}

enum cc_code activities_save(struct activities *activities, struct cc_arena *arena,
                             struct cc_error *err)
{
    struct chat_store *store = activities->store;
    size_t count;
    struct cc_pending **unsaved = cc_write_behind_unsaved(activities->by_chat, arena, &count);
    const struct chat_activity **rows = cc_arena_calloc(arena, count + 1, sizeof *rows);

    for (size_t i = 0; i < count; i++)
        rows[i] = &((const struct entry *)unsaved[i])->activity;
    CC_TRY(store->ops->save_activities(store, rows, count, err));
    cc_write_behind_saved(activities->by_chat);
    cc_write_behind_trim(activities->by_chat, KNOWN_MAX);
    return CC_OK;
}
