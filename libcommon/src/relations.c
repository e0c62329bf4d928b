/* Codec of user-service's relations; see relations.h. Pure functions, any thread. */

#include "common/relations.h"

#include <string.h>

static void put_pair(struct cc_json_writer *writer, const struct cc_relation *pair)
{
    cc_json_put_text(writer, "actor_id", pair->actor_id);
    cc_json_put_text(writer, "user_id", pair->user_id);
}

static void read_pair(struct cc_json_reader *reader, struct cc_relation *out)
{
    out->actor_id = cc_json_uuid(reader, "actor_id", CC_REQUIRED);
    out->user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
}

void cc_relations_write_question(struct cc_json_writer *writer, const struct cc_relation *pairs,
                                 size_t count)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "pairs");
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        put_pair(writer, &pairs[i]);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}

bool cc_relations_read_question(struct cc_json_reader *reader, struct cc_relation **out,
                                size_t *out_count)
{
    size_t count = cc_json_array_count(reader, "pairs", CC_REQUIRED, CC_RELATIONS_MAX);
    struct cc_relation *pairs =
        cc_arena_calloc(cc_json_reader_arena(reader), count + 1, sizeof *pairs);
    for (size_t i = 0; i < count && cc_json_enter_element(reader, "pairs", i); i++) {
        read_pair(reader, &pairs[i]);
        cc_json_leave(reader);
    }
    *out = pairs;
    *out_count = count;
    return cc_json_reader_done(reader);
}

void cc_relations_write_answer(struct cc_json_writer *writer, const struct cc_relation *items,
                               size_t count)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        put_pair(writer, &items[i]);
        cc_json_put_bool(writer, "blocked", items[i].blocked);
        cc_json_put_bool(writer, "do_not_disturb", items[i].do_not_disturb);
        cc_json_put_bool(writer, "presence_visible", items[i].presence_visible);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}

static bool read_item(struct cc_json_reader *reader, struct cc_relation *out)
{
    struct cc_relation asked = *out, item = {0};
    read_pair(reader, &item);
    item.blocked = cc_json_bool(reader, "blocked", CC_REQUIRED, true);
    item.do_not_disturb = cc_json_bool(reader, "do_not_disturb", CC_REQUIRED, false);
    item.presence_visible = cc_json_bool(reader, "presence_visible", CC_REQUIRED, false);
    cc_json_leave(reader);
    if (item.actor_id == NULL || item.user_id == NULL)
        return false;
    *out = item;
    return strcmp(item.actor_id, asked.actor_id) == 0 && strcmp(item.user_id, asked.user_id) == 0;
}

bool cc_relations_read_answer(struct cc_json_reader *reader, struct cc_relation *pairs,
                              size_t count)
{
    size_t told = cc_json_array_count(reader, "items", CC_REQUIRED, CC_RELATIONS_MAX);
    struct cc_relation *items =
        cc_arena_calloc(cc_json_reader_arena(reader), count + 1, sizeof *items);
    if (told != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        items[i] = pairs[i];
        if (!cc_json_enter_element(reader, "items", i) || !read_item(reader, &items[i]))
            return false;
    }
    if (!cc_json_reader_done(reader))
        return false;
    for (size_t i = 0; i < count; i++) {
        pairs[i].blocked = items[i].blocked;
        pairs[i].do_not_disturb = items[i].do_not_disturb;
        pairs[i].presence_visible = items[i].presence_visible;
    }
    return true;
}
