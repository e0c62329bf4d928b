/* Chats that the owner knows. Runs on the message.created consumer's thread alone. Asks nobody. */

#include "owned_chats.h"

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/metrics.h"

#define CHATS_MAX 20000
#define IDLE_MS   60000

struct owned_chats {
    const struct cc_clock *clock;
    struct cc_hash_map *by_id; /* chat_id to struct owned_chat */
    struct cc_gauge *known;
};

struct owned_chats *owned_chats_create(const struct cc_clock *clock)
{
    struct owned_chats *chats = cc_calloc(1, sizeof *chats);

    chats->clock = clock;
    chats->by_id = cc_hash_map_create();
    chats->known = cc_gauge_get("message_owner_chats", "Chats known to the owner", NULL);
    return chats;
}

static void free_chat(struct owned_chat *chat)
{
    chat_state_finish(&chat->state);
    rights_unref(chat->rights_before);
    cc_free(chat);
}

/* Frees the chats that `gone` names. */
static void forget_where(struct owned_chats *chats,
                         bool (*gone)(const struct owned_chat *chat, const void *arg),
                         const void *arg)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(chats->by_id, &at, &value)) {
        struct owned_chat *chat = value;
        if (gone(chat, arg))
            free_chat(chat);
        else
            cc_hash_map_put(kept, chat->state.head.chat_id, chat);
    }
    cc_hash_map_destroy(chats->by_id);
    chats->by_id = kept;
    cc_gauge_set(chats->known, (int64_t)cc_hash_map_count(kept));
}

static bool is_any(const struct owned_chat *chat, const void *arg)
{
    (void)chat;
    (void)arg;
    return true;
}

static bool is_of_partition(const struct owned_chat *chat, const void *partition)
{
    return chat->partition == *(const int32_t *)partition;
}

static bool is_idle(const struct owned_chat *chat, const void *since_ms)
{
    return chat->touched_ms < *(const int64_t *)since_ms;
}

void owned_chats_destroy(struct owned_chats *chats)
{
    forget_where(chats, is_any, NULL);
    cc_hash_map_destroy(chats->by_id);
    cc_free(chats);
}

struct owned_chat *owned_chats_enter(struct owned_chats *chats, const char *chat_id,
                                     int32_t partition)
{
    struct owned_chat *chat = cc_hash_map_get(chats->by_id, chat_id);

    if (chat == NULL) {
        chat = cc_calloc(1, sizeof *chat);
        chat_state_init(&chat->state, chat_id);
        chat->partition = partition;
        cc_hash_map_put(chats->by_id, chat->state.head.chat_id, chat);
        cc_gauge_set(chats->known, (int64_t)cc_hash_map_count(chats->by_id));
    }
    chat->touched_ms = cc_mono_ms(chats->clock);
    return chat;
}

void owned_chats_forget(struct owned_chats *chats, struct owned_chat *chat)
{
    cc_hash_map_remove(chats->by_id, chat->state.head.chat_id);
    free_chat(chat);
}

void owned_chats_forget_partition(struct owned_chats *chats, int32_t partition)
{
    forget_where(chats, is_of_partition, &partition);
}

void owned_chats_forget_idle(struct owned_chats *chats)
{
    int64_t since_ms = cc_mono_ms(chats->clock) - IDLE_MS;
    if (cc_hash_map_count(chats->by_id) > CHATS_MAX)
        forget_where(chats, is_idle, &since_ms);
}

void owned_chat_remember_rights(struct owned_chat *chat)
{
    rights_unref(chat->rights_before);
    chat->rights_before = rights_ref(chat->state.rights);
}
