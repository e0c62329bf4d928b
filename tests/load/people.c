/* See people.h. Runs once at start-up, on the only thread. */

#include "people.h"

#include <stdio.h>
#include <string.h>

#include "common/json_reader.h"

enum { PEOPLE_MAX = 20000, TOKEN_MAX_BYTES = 4096, FILE_MAX_BYTES = 64 << 20 };

static void read_people(struct cc_json_reader *reader, struct people *people,
                        struct cc_arena *arena)
{
    people->person_count = cc_json_array_count(reader, "people", CC_REQUIRED, PEOPLE_MAX);
    people->people = cc_arena_calloc(arena, people->person_count + 1, sizeof(struct person));
    for (size_t i = 0; i < people->person_count; i++) {
        if (!cc_json_enter_element(reader, "people", i))
            return;
        people->people[i] = (struct person){
            .user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED),
            .device_id = cc_json_text(reader, "device_id", CC_REQUIRED, 1, 64),
            .token = cc_json_text(reader, "token", CC_REQUIRED, 1, TOKEN_MAX_BYTES),
        };
        cc_json_leave(reader);
    }
}

static size_t index_of(const struct people *people, const char *user_id)
{
    for (size_t i = 0; i < people->person_count; i++)
        if (strcmp(people->people[i].user_id, user_id) == 0)
            return i;
    return 0; /* setup.py names nobody else */
}

static void read_members(struct cc_json_reader *reader, const struct people *people,
                         struct load_chat *chat, struct cc_arena *arena)
{
    const char *const *ids =
        cc_json_uuids(reader, "members", CC_REQUIRED, PEOPLE_MAX, &chat->member_count);

    chat->members = cc_arena_calloc(arena, chat->member_count + 1, sizeof *chat->members);
    for (size_t i = 0; i < chat->member_count; i++)
        chat->members[i] = index_of(people, ids[i]);
}

static void read_chats(struct cc_json_reader *reader, struct people *people, struct cc_arena *arena)
{
    people->chat_count = cc_json_array_count(reader, "chats", CC_REQUIRED, PEOPLE_MAX);
    people->chats = cc_arena_calloc(arena, people->chat_count + 1, sizeof(struct load_chat));
    for (size_t i = 0; i < people->chat_count; i++) {
        if (!cc_json_enter_element(reader, "chats", i))
            return;
        people->chats[i].chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
        read_members(reader, people, &people->chats[i], arena);
        cc_json_leave(reader);
    }
}

static char *whole_file(const char *path, struct cc_arena *arena, size_t *out_length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = cc_arena_alloc(arena, FILE_MAX_BYTES);
    *out_length = fread(text, 1, FILE_MAX_BYTES, file);
    fclose(file);
    return text;
}

bool people_load(struct people *people, const char *path, struct cc_arena *arena)
{
    size_t length = 0;
    const char *text = whole_file(path, arena, &length);
    *people = (struct people){0};
    if (text == NULL) {
        fprintf(stderr, "chat-load: can't open %s\n", path);
        return false;
    }
    struct cc_json_reader *reader = cc_json_reader_create(arena, text, length, CC_REFUSE_UNKNOWN);
    read_people(reader, people, arena);
    read_chats(reader, people, arena);
    struct cc_error err = {0};
    bool good = cc_json_reader_done(reader);
    if (!good && cc_json_reader_error(reader, &err) != CC_OK)
        fprintf(stderr, "chat-load: %s: %s %s\n", path, err.field, err.public_text);
    cc_json_reader_destroy(reader);
    return good && people->chat_count > 0;
}
