/* Counting reactions. Pure functions, any thread. Does not know who reacted. */

#include "domain/reactions.h"

#include <string.h>

#define JSON_MAX_BYTES (8 * 1024) /* REACTION_KINDS_MAX times an emoji, escaped, and its count */

void reactions_read(const char *json, struct cc_arena *arena, struct reaction_counts *out)
{
    size_t count = 0;

    out->count = 0;
    if (json == NULL)
        return;
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, json, strlen(json), CC_IGNORE_UNKNOWN);
    const char *const *emoji = cc_json_keys(reader, REACTION_KINDS_MAX, &count);
    for (size_t i = 0; i < count && cc_json_enter(reader, emoji[i], CC_REQUIRED); i++) {
        int64_t people = cc_json_int(reader, "count", CC_REQUIRED, 1, INT64_MAX);
        out->items[out->count++] = (struct reaction_count){emoji[i], people, false};
        cc_json_leave(reader);
    }
    cc_json_reader_destroy(reader);
}

const char *reactions_write(const struct reaction_counts *counts, bool personal,
                            struct cc_arena *arena)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;

    if (counts->count == 0)
        return NULL;
    cc_strbuf_init(&text, JSON_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    cc_json_open_object(&writer, NULL);
    for (size_t i = 0; i < counts->count; i++) {
        cc_json_open_object(&writer, counts->items[i].emoji);
        cc_json_put_int(&writer, "count", counts->items[i].count);
        if (personal)
            cc_json_put_bool(&writer, "mine", counts->items[i].mine);
        cc_json_close_object(&writer);
    }
    cc_json_close_object(&writer);
    const char *json = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
    return json;
}

struct reaction_count *reactions_find(struct reaction_counts *counts, const char *emoji)
{
    for (size_t i = 0; i < counts->count; i++)
        if (strcmp(counts->items[i].emoji, emoji) == 0)
            return &counts->items[i];
    return NULL;
}

static void remove_kind(struct reaction_counts *counts, struct reaction_count *gone)
{
    size_t behind = counts->count - (size_t)(gone - counts->items) - 1;

    memmove(gone, gone + 1, behind * sizeof *gone);
    counts->count--;
}

bool reactions_change(struct reaction_counts *counts, const char *emoji, bool on)
{
    struct reaction_count *found = reactions_find(counts, emoji);

    if (found != NULL) {
        found->count += on ? 1 : -1;
        if (found->count <= 0)
            remove_kind(counts, found);
        return true;
    }
    if (!on)
        return true;
    if (counts->count == REACTION_KINDS_MAX)
        return false;
    counts->items[counts->count++] = (struct reaction_count){emoji, 1, false};
    return true;
}
