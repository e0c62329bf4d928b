/* Sorting and paging of a person's chats. Any thread; pure. */

#include "domain/chat_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_MAX_BYTES 96

void chat_list_entry_init(struct chat_list_entry *entry, const struct membership *membership,
                          const struct chat_activity *activity)
{
    entry->membership = membership;
    entry->personal = NULL;
    entry->read_seq = 0;
    entry->activity = activity != NULL ? *activity : (struct chat_activity){0};
    entry->activity.chat_id = membership->chat_id;
    if (entry->activity.last_activity_at_ms == 0)
        entry->activity.last_activity_at_ms = membership->joined_at_ms;
}

/* Latest first; the id makes the order total. */
static int compare_positions(int64_t a_ms, const char *a_id, int64_t b_ms, const char *b_id)
{
    if (a_ms != b_ms)
        return a_ms > b_ms ? -1 : 1;
    return -strcmp(a_id, b_id);
}

static int compare_entries(const void *left, const void *right)
{
    const struct chat_list_entry *a = left, *b = right;

    return compare_positions(a->activity.last_activity_at_ms, a->activity.chat_id,
                             b->activity.last_activity_at_ms, b->activity.chat_id);
}

void chat_list_sort(struct chat_list_entry *entries, size_t count)
{
    if (count > 1)
        qsort(entries, count, sizeof(*entries), compare_entries);
}

size_t chat_list_find_after(const struct chat_list_entry *entries, size_t count,
                            const struct chat_list_position *position)
{
    size_t i = 0;

    while (i < count &&
           compare_positions(entries[i].activity.last_activity_at_ms, entries[i].activity.chat_id,
                             position->last_activity_at_ms, position->chat_id) <= 0)
        i++;
    return i;
}

const char *chat_list_cursor(struct cc_arena *arena, const struct chat_list_entry *entry)
{
    const char *plain = cc_arena_printf(
        arena, "%" PRId64 "/%s", entry->activity.last_activity_at_ms, entry->activity.chat_id);
    size_t length = strlen(plain);
    char *text = cc_arena_alloc(arena, (length * 4 + 2) / 3 + 1);

    cc_base64url_encode(plain, length, text);
    return text;
}

bool chat_list_cursor_read(const char *text, struct chat_list_position *out)
{
    char plain[CURSOR_MAX_BYTES + 1];
    size_t count = 0;
    char *slash = NULL;

    if (!cc_base64url_decode(text, strlen(text), plain, CURSOR_MAX_BYTES, &count))
        return false;
    plain[count] = '\0';
    errno = 0;
    out->last_activity_at_ms = strtoll(plain, &slash, 10);
    if (errno != 0 || slash == plain || *slash != '/' ||
        !cc_uuid_valid(slash + 1, strlen(slash + 1)))
        return false;
    memcpy(out->chat_id, slash + 1, CC_UUID_BYTES);
    return true;
}
