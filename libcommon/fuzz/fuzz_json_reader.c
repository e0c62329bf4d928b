/* Every getter of the JSON reader on any bytes. The first letter of a key says which one is tried
 * on it. What is read as text must survive being written and read again. */

#include <string.h>

#include "common/json_reader.h"
#include "common/json_writer.h"

#include "fuzz.h"

#define KEYS_MAX       64
#define TEXT_MAX_BYTES 4096
#define OUT_MAX_BYTES  (64 * 1024)
#define DEPTH_MAX      (CC_JSON_DEPTH_MAX + 1)

static const char *const choices[] = {"text", "media", NULL};

static void read_object(struct cc_json_reader *reader, int depth);

/* Writes {"k":...}, reads it again and compares. */
static void check_text(struct cc_arena *arena, const char *text, bool raw)
{
    struct cc_strbuf out;
    struct cc_json_writer writer;
    struct cc_json_reader *reader;
    const char *again;

    cc_strbuf_init(&out, OUT_MAX_BYTES);
    cc_json_writer_init(&writer, &out);
    cc_json_open_object(&writer, NULL);
    if (raw)
        cc_json_put_raw(&writer, "k", text, strlen(text));
    else
        cc_json_put_text(&writer, "k", text);
    cc_json_close_object(&writer);
    reader = cc_json_reader_create(arena, cc_strbuf_text(&out), out.length, CC_REFUSE_UNKNOWN);
    again = raw ? cc_json_raw(reader, "k", CC_REQUIRED, TEXT_MAX_BYTES)
                : cc_json_text(reader, "k", CC_REQUIRED, 0, TEXT_MAX_BYTES);
    FUZZ_REQUIRE(cc_json_reader_done(reader));
    FUZZ_REQUIRE(strcmp(again, text) == 0);
    cc_json_reader_destroy(reader);
    cc_strbuf_finish(&out);
}

static void read_text(struct cc_json_reader *reader, const char *key)
{
    const char *text = cc_json_text(reader, key, CC_OPTIONAL, 1, TEXT_MAX_BYTES);

    if (text == NULL)
        return;
    FUZZ_REQUIRE(text[0] != '\0' && strlen(text) <= TEXT_MAX_BYTES);
    check_text(cc_json_reader_arena(reader), text, false);
}

static void read_uuid(struct cc_json_reader *reader, const char *key)
{
    const char *id = cc_json_uuid(reader, key, CC_OPTIONAL);

    FUZZ_REQUIRE(id == NULL || cc_uuid_valid(id, strlen(id)));
}

static void read_int(struct cc_json_reader *reader, const char *key)
{
    int64_t value = cc_json_int(reader, key, CC_OPTIONAL, 0, 1000);

    FUZZ_REQUIRE(value >= 0 && value <= 1000);
}

static void read_bool(struct cc_json_reader *reader, const char *key)
{
    (void)cc_json_bool(reader, key, CC_OPTIONAL, true);
}

static void read_time(struct cc_json_reader *reader, const char *key)
{
    (void)cc_json_time(reader, key, CC_OPTIONAL);
}

static void read_choice(struct cc_json_reader *reader, const char *key)
{
    int choice = cc_json_choice(reader, key, CC_OPTIONAL, choices, 1);

    FUZZ_REQUIRE(choice == 0 || choice == 1);
}

static void read_raw(struct cc_json_reader *reader, const char *key)
{
    const char *raw = cc_json_raw(reader, key, CC_OPTIONAL, TEXT_MAX_BYTES);

    if (raw != NULL)
        check_text(cc_json_reader_arena(reader), raw, true);
}

static void read_texts(struct cc_json_reader *reader, const char *key)
{
    size_t count = 0;
    const char *const *texts = cc_json_texts(reader, key, CC_OPTIONAL, 10, 100, &count);

    FUZZ_REQUIRE(count <= 10);
    for (size_t i = 0; i < count; i++)
        FUZZ_REQUIRE(strlen(texts[i]) <= 100);
}

static void read_uuids(struct cc_json_reader *reader, const char *key)
{
    size_t count = 0;
    const char *const *ids = cc_json_uuids(reader, key, CC_OPTIONAL, 10, &count);

    FUZZ_REQUIRE(count <= 10);
    for (size_t i = 0; i < count; i++)
        FUZZ_REQUIRE(cc_uuid_valid(ids[i], strlen(ids[i])));
}

static void read_nested(struct cc_json_reader *reader, const char *key, int depth)
{
    if (!cc_json_enter(reader, key, CC_OPTIONAL))
        return;
    read_object(reader, depth + 1);
    cc_json_leave(reader);
}

static void read_array(struct cc_json_reader *reader, const char *key, int depth)
{
    size_t count = cc_json_array_count(reader, key, CC_OPTIONAL, 10);

    FUZZ_REQUIRE(count <= 10);
    for (size_t i = 0; i < count && cc_json_enter_element(reader, key, i); i++) {
        read_object(reader, depth + 1);
        cc_json_leave(reader);
    }
}

static const struct {
    char letter;
    void (*read)(struct cc_json_reader *reader, const char *key);
} getters[] = {
    {'t', read_text},   {'u', read_uuid}, {'i', read_int},   {'b', read_bool},  {'m', read_time},
    {'c', read_choice}, {'r', read_raw},  {'s', read_texts}, {'v', read_uuids},
};

static void read_key(struct cc_json_reader *reader, const char *key, int depth)
{
    for (size_t i = 0; i < sizeof getters / sizeof getters[0]; i++)
        if (getters[i].letter == key[0])
            getters[i].read(reader, key);
    if (key[0] == 'o')
        read_nested(reader, key, depth);
    else if (key[0] == 'a')
        read_array(reader, key, depth);
    else if (key[0] == 'x')
        cc_json_reject(reader, key, "%s", key);
}

static void read_object(struct cc_json_reader *reader, int depth)
{
    size_t count = 0;
    const char *const *keys = cc_json_keys(reader, KEYS_MAX, &count);

    FUZZ_REQUIRE(depth <= DEPTH_MAX);
    for (size_t i = 0; i < count; i++)
        read_key(reader, keys[i], depth);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = cc_json_reader_create(arena, bytes, count, CC_REFUSE_UNKNOWN);
    struct cc_error err = {0};

    read_object(reader, 0);
    FUZZ_REQUIRE(cc_json_reader_done(reader) == (cc_json_reader_error(reader, &err) == CC_OK));
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    return 0;
}
