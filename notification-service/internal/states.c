/* GET /internal/chats/{chat_id}/states of chat-service, and its answers of the last second. On the
 * thread of the consumer of message.persisted. */

#include "states.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/json_reader.h"

#define CHATS_MAX  1000  /* remembered; then all are forgotten */
#define PEOPLE_MAX 10000 /* of a chat: as many as chat-service tells */
#define TIMEOUT_MS 3000

struct entry {
    char *chat_id, *answer;
    int64_t asked_ms; /* monotonic */
};
struct notification_states {
    struct cc_peer *chat_service;
    const struct cc_clock *clock;
    struct cc_hash_map *by_chat; /* chat_id to struct entry */
};

struct notification_states *notification_states_create(struct cc_peer *chat_service,
                                                       const struct cc_clock *clock)
{
    struct notification_states *states = cc_calloc(1, sizeof *states);

    states->chat_service = chat_service;
    states->clock = clock;
    states->by_chat = cc_hash_map_create();
    return states;
}

static void forget_all(struct notification_states *states)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(states->by_chat, &at, &value)) {
        struct entry *entry = value;
        cc_free(entry->chat_id);
        cc_free(entry->answer);
        cc_free(entry);
    }
    cc_hash_map_destroy(states->by_chat);
}

void notification_states_destroy(struct notification_states *states)
{
    if (states == NULL)
        return;
    forget_all(states);
    cc_free(states);
}

static struct entry *enter(struct notification_states *states, const char *chat_id)
{
    struct entry *entry = cc_hash_map_get(states->by_chat, chat_id);

    if (entry != NULL)
        return entry;
    if (cc_hash_map_count(states->by_chat) >= CHATS_MAX) {
        forget_all(states);
        states->by_chat = cc_hash_map_create();
    }
    entry = cc_calloc(1, sizeof *entry);
    entry->chat_id = cc_strdup(chat_id);
    cc_hash_map_put(states->by_chat, entry->chat_id, entry);
    return entry;
}

/* Asked before it was answered: what changes meanwhile counts in time. */
static enum cc_code ask(struct notification_states *states, struct entry *entry,
                        const struct cc_trace *trace, struct cc_arena *arena, struct cc_error *err)
{
    const char *path = cc_arena_printf(arena, "/internal/chats/%s/states", entry->chat_id);
    int64_t asked_ms = cc_mono_ms(states->clock);
    struct cc_http_answer answer;
    enum cc_code code = cc_peer_call(states->chat_service, "GET", path, NULL, 0, trace, TIMEOUT_MS,
                                     arena, &answer, err);

    if (code != CC_OK && code != CC_NOT_FOUND)
        return code;
    const char *body =
        code == CC_OK ? cc_arena_strndup(arena, answer.body, answer.body_count) : "{\"items\":[]}";
    cc_free(entry->answer);
    entry->answer = cc_strdup(body);
    entry->asked_ms = asked_ms;
    return CC_OK;
}

static void read_wish(struct cc_json_reader *reader, struct notification_wishes *out)
{
    const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    struct notify_wish wish = {
        .level = (enum notify_level)cc_json_choice(reader, "notify", CC_REQUIRED,
                                                   notify_level_names, NOTIFY_LEVEL_DEFAULT),
        .mute_until_ms = cc_json_time(reader, "mute_until", CC_OPTIONAL),
    };

    if (user_id != NULL)
        out->items[out->count++] = (struct notification_wish){user_id, wish};
    out->any_all |= wish.level == NOTIFY_LEVEL_ALL;
}

static int by_user(const void *left, const void *right)
{
    return strcmp(((const struct notification_wish *)left)->user_id,
                  ((const struct notification_wish *)right)->user_id);
}

static bool read_answer(const char *answer, struct cc_arena *arena, struct notification_wishes *out)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer, strlen(answer), CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, PEOPLE_MAX);

    *out = (struct notification_wishes){.items =
                                            cc_arena_calloc(arena, items + 1, sizeof *out->items)};
    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        read_wish(reader, out);
        cc_json_leave(reader);
    }
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    qsort(out->items, out->count, sizeof *out->items, by_user);
    return readable;
}

enum cc_code notification_states_load(struct notification_states *states, const char *chat_id,
                                      const struct cc_trace *trace, struct cc_arena *arena,
                                      struct notification_wishes *out, struct cc_error *err)
{
    struct entry *entry = enter(states, chat_id);
    int64_t age_ms = cc_mono_ms(states->clock) - entry->asked_ms;

    if (entry->answer == NULL || age_ms >= NOTIFICATION_STATES_MS)
        CC_TRY(ask(states, entry, trace, arena, err));
    if (!read_answer(entry->answer, arena, out))
        return cc_fail_detail(err, CC_BAD_GATEWAY, "chat-service: unreadable states of %s",
                              chat_id);
    return CC_OK;
}

const struct notify_wish *notification_wish_of(const struct notification_wishes *wishes,
                                               const char *user_id)
{
    const struct notification_wish key = {.user_id = user_id};
    const struct notification_wish *found =
        bsearch(&key, wishes->items, wishes->count, sizeof key, by_user);

    return found == NULL ? NULL : &found->wish;
}
