/* Declarative reading of one JSON object over jansson's tree. Runs on whichever thread owns the
 * reader and its arena. Knows no message shapes; jansson appears nowhere else on this path. */

#include "common/json_reader.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "common/alloc.h"

/* One object being read. Under CC_REFUSE_UNKNOWN it remembers which of its keys were asked for. */
struct level {
    struct level *parent;
    json_t *object;   /* borrowed from the tree; NULL when there is nothing to read */
    const char *name; /* key in the parent, NULL at the top */
    size_t index;     /* of an array's element */
    bool is_element;
    const char **asked; /* room for json_object_size(object); NULL = nobody will want to know */
    size_t asked_count;
};

struct cc_json_reader {
    struct cc_arena *arena;
    enum cc_unknown_keys unknown_keys;
    json_t *root; /* owned */
    struct level *level;
    struct cc_error error; /* the first fault; code CC_OK = none */
};

/* ---- parsing ---- */

/* jansson recurses once per level, so depth is checked on the bytes first. Brackets inside strings
 * don't count. */
static bool too_deep(const char *bytes, size_t count)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < count; i++) {
        char byte = bytes[i];
        if (in_string) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                in_string = false;
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            if (++depth > CC_JSON_DEPTH_MAX)
                return true;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
    return false;
}

static struct level *push_level(struct cc_json_reader *reader, json_t *object, const char *name)
{
    struct level *level = CC_ARENA_NEW(reader->arena, struct level);
    size_t size = json_object_size(object);
    level->parent = reader->level;
    level->object = object;
    level->name = name;
    if (size > 0 && reader->unknown_keys == CC_REFUSE_UNKNOWN)
        level->asked = cc_arena_alloc(reader->arena, size * sizeof *level->asked);
    reader->level = level;
    return level;
}

static void parse(struct cc_json_reader *reader, const void *bytes, size_t count)
{
    json_error_t fault;
    if (too_deep(bytes, count)) {
        cc_fail(&reader->error, CC_INVALID, NULL, "JSON is nested deeper than %d levels",
                CC_JSON_DEPTH_MAX);
        return;
    }
    reader->root = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, &fault);
    if (reader->root == NULL && json_error_code(&fault) == json_error_duplicate_key)
        cc_fail(&reader->error, CC_INVALID, NULL, "a key appears twice in a JSON object (byte %d)",
                fault.position);
    else if (reader->root == NULL)
        cc_fail(&reader->error, CC_INVALID, NULL, "not valid JSON (byte %d)", fault.position);
    else if (!json_is_object(reader->root))
        cc_fail(&reader->error, CC_INVALID, NULL, "must be a JSON object");
}

struct cc_json_reader *cc_json_reader_create(struct cc_arena *arena, const void *bytes,
                                             size_t count, enum cc_unknown_keys unknown_keys)
{
    struct cc_json_reader *reader = cc_calloc(1, sizeof *reader);
    reader->arena = arena;
    reader->unknown_keys = unknown_keys;
    parse(reader, count > 0 ? bytes : "", count);
    push_level(reader, reader->root, NULL);
    return reader;
}

void cc_json_reader_destroy(struct cc_json_reader *reader)
{
    if (reader == NULL)
        return;
    json_decref(reader->root);
    cc_free(reader);
}

struct cc_arena *cc_json_reader_arena(struct cc_json_reader *reader)
{
    return reader->arena;
}

/* ---- faults ---- */

static size_t append(char *out, size_t size, size_t length, const char *text, size_t count)
{
    for (size_t i = 0; i < count && length + 1 < size; i++)
        out[length++] = text[i];
    out[length] = '\0';
    return length;
}

/* RFC 6901: '~' and '/' inside a key are written ~0 and ~1. */
static size_t append_key(char *out, size_t size, size_t length, const char *key)
{
    length = append(out, size, length, "/", 1);
    for (; *key != '\0'; key++) {
        if (*key == '~')
            length = append(out, size, length, "~0", 2);
        else if (*key == '/')
            length = append(out, size, length, "~1", 2);
        else
            length = append(out, size, length, key, 1);
    }
    return length;
}

static size_t append_index(char *out, size_t size, size_t length, size_t index)
{
    char text[24];
    int count = snprintf(text, sizeof text, "/%zu", index);
    return append(out, size, length, text, (size_t)count);
}

static size_t append_level(char *out, size_t size, const struct level *level)
{
    if (level->parent == NULL)
        return 0;
    size_t length = append_level(out, size, level->parent);
    length = append_key(out, size, length, level->name);
    return level->is_element ? append_index(out, size, length, level->index) : length;
}

#define NO_INDEX ((size_t)-1)

/* Makes the fault stick unless there is one already. key NULL = the current object itself. */
static void reject_at(struct cc_json_reader *reader, const char *key, size_t index,
                      const char *text)
{
    char pointer[sizeof reader->error.field] = "";
    if (reader->error.code != CC_OK)
        return;
    size_t length = append_level(pointer, sizeof pointer, reader->level);
    if (key != NULL)
        length = append_key(pointer, sizeof pointer, length, key);
    if (index != NO_INDEX)
        append_index(pointer, sizeof pointer, length, index);
    cc_fail(&reader->error, CC_INVALID, pointer, "%s", text);
}

static void reject(struct cc_json_reader *reader, const char *key, const char *text)
{
    reject_at(reader, key, NO_INDEX, text);
}

void cc_json_reject(struct cc_json_reader *reader, const char *key, const char *public_format, ...)
{
    char text[sizeof reader->error.public_text];
    va_list arguments;
    va_start(arguments, public_format);
    vsnprintf(text, sizeof text, public_format, arguments);
    va_end(arguments);
    reject(reader, key, text);
}

/* A key that the current object has and nobody asked for, or NULL. */
static const char *unknown_key(const struct level *level)
{
    const char *key;
    json_t *value;
    if (level->asked_count == json_object_size(level->object))
        return NULL;
    json_object_foreach(level->object, key, value)
    {
        size_t i = 0;
        while (i < level->asked_count && strcmp(level->asked[i], key) != 0)
            i++;
        if (i == level->asked_count)
            return key;
    }
    return NULL;
}

static void refuse_unknown(struct cc_json_reader *reader)
{
    if (reader->level->asked == NULL || reader->error.code != CC_OK)
        return;
    const char *key = unknown_key(reader->level);
    if (key != NULL)
        reject(reader, key, "unknown field");
}

bool cc_json_reader_done(struct cc_json_reader *reader)
{
    refuse_unknown(reader);
    return reader->error.code == CC_OK;
}

enum cc_code cc_json_reader_error(const struct cc_json_reader *reader, struct cc_error *err)
{
    if (reader->error.code != CC_OK && err != NULL)
        *err = reader->error;
    return reader->error.code;
}

/* ---- values ---- */

bool cc_json_has(const struct cc_json_reader *reader, const char *key)
{
    json_t *value = json_object_get(reader->level->object, key);
    return value != NULL && !json_is_null(value);
}

static void mark_asked(struct level *level, const char *key)
{
    if (level->asked == NULL)
        return;
    for (size_t i = 0; i < level->asked_count; i++)
        if (level->asked[i] == key || strcmp(level->asked[i], key) == 0)
            return;
    level->asked[level->asked_count++] = key;
}

/* The value, or NULL when it is absent, null, or something has failed before. */
static json_t *get(struct cc_json_reader *reader, const char *key, enum cc_presence presence)
{
    if (reader->error.code != CC_OK)
        return NULL;
    json_t *value = json_object_get(reader->level->object, key);
    if (value != NULL)
        mark_asked(reader->level, key);
    if (value != NULL && !json_is_null(value))
        return value;
    if (presence == CC_REQUIRED)
        reject(reader, key, "is required");
    return NULL;
}

static const char *copy_text(struct cc_json_reader *reader, json_t *value)
{
    return cc_arena_strndup(reader->arena, json_string_value(value), json_string_length(value));
}

/* What is wrong with a text, or NULL. `out` is room for the answer. */
static const char *text_fault(json_t *value, size_t min_bytes, size_t max_bytes, char out[80])
{
    if (!json_is_string(value))
        return "must be a string";
    size_t length = json_string_length(value);
    if (length >= min_bytes && length <= max_bytes)
        return NULL;
    if (length == 0 && min_bytes == 1)
        return "must not be empty";
    snprintf(out, 80, "must be %zu to %zu bytes long", min_bytes, max_bytes);
    return out;
}

const char *cc_json_text(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                         size_t min_bytes, size_t max_bytes)
{
    char room[80];
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return NULL;
    const char *fault = text_fault(value, min_bytes, max_bytes, room);
    if (fault != NULL) {
        reject(reader, key, fault);
        return NULL;
    }
    return copy_text(reader, value);
}

static bool is_uuid(json_t *value)
{
    return json_is_string(value) &&
           cc_uuid_valid(json_string_value(value), json_string_length(value));
}

static const char *copy_uuid(struct cc_json_reader *reader, json_t *value)
{
    char *text = cc_arena_strndup(reader->arena, json_string_value(value), CC_UUID_BYTES - 1);
    cc_uuid_normalise(text);
    return text;
}

const char *cc_json_uuid(struct cc_json_reader *reader, const char *key, enum cc_presence presence)
{
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return NULL;
    if (!is_uuid(value)) {
        reject(reader, key, "must be a UUID");
        return NULL;
    }
    return copy_uuid(reader, value);
}

int64_t cc_json_int(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                    int64_t min, int64_t max)
{
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value)) {
        reject(reader, key, "must be an integer");
        return 0;
    }
    int64_t number = json_integer_value(value);
    if (number < min || number > max) {
        cc_json_reject(reader, key, "must be %lld to %lld", (long long)min, (long long)max);
        return 0;
    }
    return number;
}

bool cc_json_bool(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                  bool fallback)
{
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return fallback;
    if (!json_is_boolean(value))
        reject(reader, key, "must be true or false");
    return json_is_true(value);
}

int64_t cc_json_time(struct cc_json_reader *reader, const char *key, enum cc_presence presence)
{
    int64_t epoch_ms = 0;
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return 0;
    if (!json_is_string(value) ||
        !cc_time_parse(json_string_value(value), json_string_length(value), &epoch_ms))
        reject(reader, key, "must be a time as in RFC 3339");
    return epoch_ms;
}

int cc_json_choice(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                   const char *const *names, int fallback)
{
    char text[sizeof reader->error.public_text] = "must be one of";
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return fallback;
    const char *given = json_is_string(value) ? json_string_value(value) : NULL;
    size_t length = strlen(text);
    for (int i = 0; names[i] != NULL; i++) {
        if (given != NULL && strcmp(names[i], given) == 0)
            return i;
        length = append(text, sizeof text, length, i == 0 ? " " : ", ", i == 0 ? 1 : 2);
        length = append(text, sizeof text, length, names[i], strlen(names[i]));
    }
    reject(reader, key, text);
    return fallback;
}

/* ---- arrays ---- */

static json_t *get_array(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                         size_t max_count)
{
    json_t *array = get(reader, key, presence);
    if (array == NULL)
        return NULL;
    if (!json_is_array(array)) {
        reject(reader, key, "must be an array");
        return NULL;
    }
    if (json_array_size(array) > max_count) {
        cc_json_reject(reader, key, "must not have more than %zu elements", max_count);
        return NULL;
    }
    return array;
}

const char *const *cc_json_uuids(struct cc_json_reader *reader, const char *key,
                                 enum cc_presence presence, size_t max_count, size_t *out_count)
{
    *out_count = 0;
    json_t *array = get_array(reader, key, presence, max_count);
    size_t count = json_array_size(array);
    if (count == 0)
        return NULL;
    const char **texts = cc_arena_calloc(reader->arena, count, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(array, i);
        if (!is_uuid(value)) {
            reject_at(reader, key, i, "must be a UUID");
            return NULL;
        }
        texts[i] = copy_uuid(reader, value);
    }
    *out_count = count;
    return texts;
}

const char *const *cc_json_texts(struct cc_json_reader *reader, const char *key,
                                 enum cc_presence presence, size_t max_count, size_t max_bytes,
                                 size_t *out_count)
{
    char room[80];
    *out_count = 0;
    json_t *array = get_array(reader, key, presence, max_count);
    size_t count = json_array_size(array);
    if (count == 0)
        return NULL;
    const char **texts = cc_arena_calloc(reader->arena, count, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(array, i);
        const char *fault = text_fault(value, 1, max_bytes, room);
        if (fault != NULL) {
            reject_at(reader, key, i, fault);
            return NULL;
        }
        texts[i] = copy_text(reader, value);
    }
    *out_count = count;
    return texts;
}

/* ---- raw values ---- */

/* What a store can't hold: reasons as in the header, or NULL. */
static const char *storage_fault(json_t *value, bool in_array)
{
    const char *key, *fault;
    json_t *child;
    size_t index;
    if (json_is_array(value)) {
        if (in_array)
            return "must not hold an array directly inside an array";
        json_array_foreach(value, index,
                           child) if ((fault = storage_fault(child, true)) != NULL) return fault;
    }
    json_object_foreach(value, key, child)
    {
        if (key[0] == '\0' || key[0] == '$' || strchr(key, '.') != NULL)
            return "must not have keys that are empty, start with '$' or hold '.'";
        if ((fault = storage_fault(child, false)) != NULL)
            return fault;
    }
    return NULL;
}

const char *cc_json_raw(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                        size_t max_bytes)
{
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return NULL;
    const char *fault = json_is_object(value) || json_is_array(value)
                            ? storage_fault(value, false)
                            : "must be an object or an array";
    if (fault != NULL) {
        reject(reader, key, fault);
        return NULL;
    }
    size_t length = json_dumpb(value, NULL, 0, JSON_COMPACT);
    if (length > max_bytes) {
        cc_json_reject(reader, key, "must not be longer than %zu bytes", max_bytes);
        return NULL;
    }
    char *text = cc_arena_alloc(reader->arena, length + 1);
    json_dumpb(value, text, length, JSON_COMPACT);
    text[length] = '\0';
    return text;
}

/* ---- nesting ---- */

bool cc_json_enter(struct cc_json_reader *reader, const char *key, enum cc_presence presence)
{
    json_t *value = get(reader, key, presence);
    if (value == NULL)
        return false;
    if (!json_is_object(value)) {
        reject(reader, key, "must be an object");
        return false;
    }
    push_level(reader, value, key);
    return true;
}

void cc_json_leave(struct cc_json_reader *reader)
{
    refuse_unknown(reader);
    reader->level = reader->level->parent;
}

size_t cc_json_array_count(struct cc_json_reader *reader, const char *key,
                           enum cc_presence presence, size_t max_count)
{
    return json_array_size(get_array(reader, key, presence, max_count));
}

bool cc_json_enter_element(struct cc_json_reader *reader, const char *key, size_t index)
{
    json_t *array = get(reader, key, CC_REQUIRED);
    json_t *value = json_array_get(array, index);
    if (array == NULL)
        return false;
    if (!json_is_object(value)) {
        reject_at(reader, key, index, "must be an object");
        return false;
    }
    struct level *level = push_level(reader, value, key);
    level->is_element = true;
    level->index = index;
    return true;
}

const char *const *cc_json_keys(struct cc_json_reader *reader, size_t max_count, size_t *out_count)
{
    struct level *level = reader->level;
    const char *key;
    json_t *value;
    size_t count = json_object_size(level->object), at = 0;
    *out_count = 0;
    if (reader->error.code != CC_OK || count == 0)
        return NULL;
    if (count > max_count) {
        cc_json_reject(reader, NULL, "must not have more than %zu keys", max_count);
        return NULL;
    }
    const char **keys = cc_arena_alloc(reader->arena, count * sizeof *keys);
    json_object_foreach(level->object, key, value) keys[at++] = cc_arena_strdup(reader->arena, key);
    if (level->asked != NULL) {
        memcpy(level->asked, keys, count * sizeof *keys);
        level->asked_count = count;
    }
    *out_count = count;
    return keys;
}
