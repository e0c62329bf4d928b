/* Settings from defaults, a JSON file, the environment and secret files. Runs on the main thread,
 * before others start and again on SIGHUP. Does not know what any setting means. */

#include "common/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/json_writer.h"
#include "config_private.h"

#define SECRET_MAX_BYTES 65536
#define PRINT_MAX_BYTES  (1024 * 1024)
#define COMMON(member)   offsetof(struct cc_common_settings, member)
#define COMMON_ROWS      (sizeof cc_common_settings_table / sizeof *cc_common_settings_table - 1)

/* The columns are the point. */
/* clang-format off */
const struct cc_setting cc_common_settings_table[] = {
    {"host",                  CC_SETTING_TEXT, COMMON(host),                  "127.0.0.1", 0, 0, 0, "listen address of both listeners"},
    {"port",                  CC_SETTING_INT,  COMMON(port),                  "0",     0, 65535, 0, "port of the service listener, 0 = any free one"},
    {"ops_port",              CC_SETTING_INT,  COMMON(ops_port),              "0",     0, 65535, 0, "port of the ops listener, 0 = any free one"},
    {"node_id",               CC_SETTING_TEXT, COMMON(node_id),               "",      0, 0, 0, "unique name of this replica; empty: service name and random digits"},
    {"log_level",             CC_SETTING_TEXT, COMMON(log_level),             "info",  0, 0, CC_SETTING_RELOADABLE, "debug, info, warn or error"},
    {"drain_timeout_ms",      CC_SETTING_INT,  COMMON(drain_timeout_ms),      "10000", 0, 600000, CC_SETTING_RELOADABLE, "longest shutdown, milliseconds"},
    {"http_workers",          CC_SETTING_INT,  COMMON(http_workers),          "8",     1, 256, 0, "blocking handlers in parallel"},
    {"http_queue",            CC_SETTING_INT,  COMMON(http_queue),            "64",    1, 65536, 0, "requests that may wait for a worker"},
    {"open_files",            CC_SETTING_INT,  COMMON(open_files),            "131072", 256, 16777216, 0, "open files and sockets at most, as far as the hard limit goes"},
    {"tls_certificate_path",  CC_SETTING_TEXT, COMMON(tls_certificate_path),  "",      0, 0, 0, "PEM certificate with its chain for the service listener, read again on SIGHUP; empty: plain HTTP"},
    {"tls_key_path",          CC_SETTING_TEXT, COMMON(tls_key_path),          "",      0, 0, 0, "its PEM key"},
    {"otlp_endpoint",         CC_SETTING_TEXT, COMMON(otlp_endpoint),         "",      0, 0, 0, "OTLP/HTTP collector, for example http://host:4318; empty: no export"},
    {"trace_sample_permille", CC_SETTING_INT,  COMMON(trace_sample_permille), "10",    0, 1000, 0, "share of new traces that are exported, per thousand"},
    {0},
};
/* clang-format on */

struct loader {
    const struct cc_setting *table;
    char *const *environ_list;
    struct cc_arena *arena;
    json_t *file; /* NULL = none */
    unsigned char *out;
    struct cc_error *err;
};

static bool has_row(const struct cc_setting *table, const char *key)
{
    for (; table->key != NULL; table++)
        if (strcmp(table->key, key) == 0)
            return true;
    return false;
}

/* Walks the common rows that `table` doesn't replace, then its own. */
static const struct cc_setting *row_at(const struct cc_setting *table, size_t *index)
{
    for (; *index < COMMON_ROWS; (*index)++)
        if (!has_row(table, cc_common_settings_table[*index].key))
            return &cc_common_settings_table[*index];
    const struct cc_setting *row = &table[*index - COMMON_ROWS];
    return row->key != NULL ? row : NULL;
}

#define FOR_EACH_ROW(row, index, table)                                                            \
    for (size_t index = 0; (row = row_at((table), &index)) != NULL; index++)

static enum cc_code fail(struct loader *loader, const char *key, const char *reason)
{
    return cc_fail(loader->err, CC_INVALID, key, "setting '%s' %s", key, reason);
}

/* ---- one value from text ---- */

static enum cc_code store_int(struct loader *loader, const struct cc_setting *row, const char *text)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || isspace((unsigned char)text[0]) ||
        value < row->min || value > row->max)
        return cc_fail(loader->err, CC_INVALID, row->key,
                       "setting '%s' must be an integer from %lld to %lld", row->key,
                       (long long)row->min, (long long)row->max);
    *(int64_t *)(void *)(loader->out + row->offset) = value;
    return CC_OK;
}

static enum cc_code store_bool(struct loader *loader, const struct cc_setting *row,
                               const char *text)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return fail(loader, row->key, "must be true or false");
    *(bool *)(void *)(loader->out + row->offset) = yes;
    return CC_OK;
}

static void store_list(struct loader *loader, const struct cc_setting *row, const char **items,
                       size_t count)
{
    struct cc_setting_list *list = (void *)(loader->out + row->offset);
    list->items = items;
    list->count = count;
}

/* "a, b,c": spaces around the commas don't count, empty items are dropped. */
static void split_list(struct loader *loader, const struct cc_setting *row, const char *text)
{
    size_t count = 0, most = 1;
    for (const char *at = text; *at != '\0'; at++)
        most += *at == ',';
    const char **items = cc_arena_calloc(loader->arena, most, sizeof *items);
    for (const char *at = text; at != NULL && *at != '\0';) {
        const char *comma = strchr(at, ',');
        const char *end = comma != NULL ? comma : at + strlen(at);
        while (at < end && isspace((unsigned char)*at))
            at++;
        while (end > at && isspace((unsigned char)end[-1]))
            end--;
        if (end > at)
            items[count++] = cc_arena_strndup(loader->arena, at, (size_t)(end - at));
        at = comma != NULL ? comma + 1 : NULL;
    }
    store_list(loader, row, items, count);
}

static enum cc_code store_text(struct loader *loader, const struct cc_setting *row,
                               const char *text)
{
    switch (row->type) {
    case CC_SETTING_INT:
        return store_int(loader, row, text);
    case CC_SETTING_BOOL:
        return store_bool(loader, row, text);
    case CC_SETTING_LIST:
        split_list(loader, row, text);
        return CC_OK;
    case CC_SETTING_TEXT:
        break;
    }
    *(const char **)(void *)(loader->out + row->offset) = cc_arena_strdup(loader->arena, text);
    return CC_OK;
}

/* A secret's file, without the newline that editors leave at its end. */
static enum cc_code store_secret_file(struct loader *loader, const struct cc_setting *row,
                                      const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return cc_fail(loader->err, CC_INVALID, row->key, "setting '%s': can't open %s", row->key,
                       path);
    char *text = cc_arena_alloc(loader->arena, SECRET_MAX_BYTES + 1);
    size_t length = fread(text, 1, SECRET_MAX_BYTES + 1, file);
    bool broken = ferror(file) != 0;
    fclose(file);
    if (broken || length > SECRET_MAX_BYTES)
        return cc_fail(loader->err, CC_INVALID, row->key, "setting '%s': can't read %s", row->key,
                       path);
    text[length] = '\0';
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        text[--length] = '\0';
    return store_text(loader, row, text);
}

/* ---- the JSON file ---- */

static enum cc_code store_json_list(struct loader *loader, const struct cc_setting *row,
                                    json_t *value)
{
    size_t index;
    json_t *item;
    const char **items = cc_arena_calloc(loader->arena, json_array_size(value) + 1, sizeof *items);
    if (!json_is_array(value))
        return fail(loader, row->key, "must be an array of strings");
    json_array_foreach(value, index, item)
    {
        if (!json_is_string(item))
            return fail(loader, row->key, "must be an array of strings");
        items[index] = cc_arena_strdup(loader->arena, json_string_value(item));
    }
    store_list(loader, row, items, json_array_size(value));
    return CC_OK;
}

static enum cc_code store_json(struct loader *loader, const struct cc_setting *row, json_t *value)
{
    char digits[24];
    switch (row->type) {
    case CC_SETTING_INT:
        if (!json_is_integer(value))
            return store_int(loader, row, "");
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
        return store_int(loader, row, digits);
    case CC_SETTING_BOOL:
        if (!json_is_boolean(value))
            return fail(loader, row->key, "must be true or false");
        return store_bool(loader, row, json_is_true(value) ? "true" : "false");
    case CC_SETTING_LIST:
        return store_json_list(loader, row, value);
    case CC_SETTING_TEXT:
        break;
    }
    if (!json_is_string(value))
        return fail(loader, row->key, "must be a string");
    return store_text(loader, row, json_string_value(value));
}

/* Whether `key` is "<row's key>_file". */
static bool is_file_key(const struct cc_setting *row, const char *key)
{
    size_t length = strlen(row->key);
    return (row->flags & CC_SETTING_SECRET) != 0 && strncmp(key, row->key, length) == 0 &&
           strcmp(key + length, "_file") == 0;
}

static enum cc_code apply_file_member(struct loader *loader, const char *key, json_t *value)
{
    const struct cc_setting *row;
    FOR_EACH_ROW(row, index, loader->table)
    {
        if (strcmp(row->key, key) == 0)
            return store_json(loader, row, value);
        if (!is_file_key(row, key))
            continue;
        if (!json_is_string(value))
            return fail(loader, key, "must be a string");
        return store_secret_file(loader, row, json_string_value(value));
    }
    return cc_fail(loader->err, CC_INVALID, key, "unknown setting '%s'", key);
}

static enum cc_code apply_file(struct loader *loader, const char *path)
{
    json_error_t fault;
    const char *key;
    json_t *value;
    if (path == NULL)
        return CC_OK;
    loader->file = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (loader->file == NULL && fault.line <= 0)
        return cc_fail(loader->err, CC_INVALID, NULL, "can't read settings file %s", path);
    if (loader->file == NULL)
        return cc_fail(loader->err, CC_INVALID, NULL, "%s:%d: %s", path, fault.line, fault.text);
    if (!json_is_object(loader->file))
        return cc_fail(loader->err, CC_INVALID, NULL, "%s: must be one JSON object", path);
    json_object_foreach(loader->file, key, value) CC_TRY(apply_file_member(loader, key, value));
    return CC_OK;
}

/* ---- the environment ---- */

static const char *find_variable(const struct loader *loader, const char *key, const char *suffix)
{
    char name[128];
    int length = snprintf(name, sizeof name, "CHAT_%s%s=", key, suffix);
    for (int i = 5; i < length; i++)
        name[i] = (char)toupper((unsigned char)name[i]);
    for (char *const *entry = loader->environ_list; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, name, (size_t)length) == 0)
            return *entry + length;
    return NULL;
}

static enum cc_code apply_variables(struct loader *loader, const struct cc_setting *row)
{
    const char *value = find_variable(loader, row->key, "");
    const char *path = find_variable(loader, row->key, "_FILE");
    if (value != NULL)
        CC_TRY(store_text(loader, row, value));
    if (path == NULL)
        return CC_OK;
    if ((row->flags & CC_SETTING_SECRET) == 0)
        return fail(loader, row->key, "is no secret: it can't come from a file");
    return store_secret_file(loader, row, path);
}

/* ---- all of it ---- */

static bool is_empty(const struct cc_setting *row, const unsigned char *settings)
{
    if (row->type == CC_SETTING_TEXT)
        return (*(const char *const *)(const void *)(settings + row->offset))[0] == '\0';
    if (row->type == CC_SETTING_LIST)
        return ((const struct cc_setting_list *)(const void *)(settings + row->offset))->count == 0;
    return false;
}

static enum cc_code load(struct loader *loader, const char *path, bool check_required)
{
    const struct cc_setting *row;
    FOR_EACH_ROW(row, index, loader->table)
    {
        bool needs_value = row->type == CC_SETTING_INT || row->type == CC_SETTING_BOOL;
        const char *fallback = row->fallback != NULL ? row->fallback : "";
        if (!needs_value || fallback[0] != '\0')
            CC_TRY(store_text(loader, row, fallback));
    }
    CC_TRY(apply_file(loader, path));
    FOR_EACH_ROW(row, index, loader->table)
    {
        CC_TRY(apply_variables(loader, row));
        if (check_required && (row->flags & CC_SETTING_REQUIRED) != 0 && is_empty(row, loader->out))
            return fail(loader, row->key, "is required");
    }
    return CC_OK;
}

enum cc_code cc_settings_load(const struct cc_setting *table, const char *path,
                              char *const *environ_list, bool check_required, void *out,
                              struct cc_error *err)
{
    struct loader loader = {.table = table,
                            .environ_list = environ_list,
                            .arena = cc_arena_create(0),
                            .out = out,
                            .err = err};
    enum cc_code code = load(&loader, path, check_required);
    json_decref(loader.file);
    if (code != CC_OK) {
        cc_arena_destroy(loader.arena);
        return code;
    }
    ((struct cc_common_settings *)out)->storage = loader.arena;
    return CC_OK;
}

void cc_settings_free(void *settings)
{
    struct cc_common_settings *common = settings;
    cc_arena_destroy(common->storage);
    common->storage = NULL;
}

static void print_row(struct cc_json_writer *writer, const struct cc_setting *row,
                      const unsigned char *settings)
{
    const void *value = settings + row->offset;
    const struct cc_setting_list *list = value;
    if ((row->flags & CC_SETTING_SECRET) != 0) {
        cc_json_put_text(writer, row->key, is_empty(row, settings) ? "" : "***");
        return;
    }
    switch (row->type) {
    case CC_SETTING_TEXT:
        cc_json_put_text(writer, row->key, *(const char *const *)value);
        break;
    case CC_SETTING_INT:
        cc_json_put_int(writer, row->key, *(const int64_t *)value);
        break;
    case CC_SETTING_BOOL:
        cc_json_put_bool(writer, row->key, *(const bool *)value);
        break;
    case CC_SETTING_LIST:
        cc_json_put_texts(writer, row->key, list->items, list->count);
        break;
    }
}

char *cc_settings_print(const struct cc_setting *table, const void *settings)
{
    const struct cc_setting *row;
    struct cc_strbuf out;
    struct cc_json_writer writer;
    cc_strbuf_init(&out, PRINT_MAX_BYTES);
    cc_json_writer_init(&writer, &out);
    cc_json_open_object(&writer, NULL);
    FOR_EACH_ROW(row, index, table)
    print_row(&writer, row, settings);
    cc_json_close_object(&writer);
    return cc_strbuf_take(&out, NULL);
}

static size_t value_bytes(enum cc_setting_type type)
{
    switch (type) {
    case CC_SETTING_INT:
        return sizeof(int64_t);
    case CC_SETTING_BOOL:
        return sizeof(bool);
    case CC_SETTING_LIST:
        return sizeof(struct cc_setting_list);
    case CC_SETTING_TEXT:
        break;
    }
    return sizeof(const char *);
}

void cc_settings_keep_fixed(const struct cc_setting *table, const void *current, void *fresh)
{
    const struct cc_setting *row;
    FOR_EACH_ROW(row, index, table)
    {
        if ((row->flags & CC_SETTING_RELOADABLE) == 0)
            memcpy((unsigned char *)fresh + row->offset,
                   (const unsigned char *)current + row->offset, value_bytes(row->type));
    }
}

void cc_settings_describe(const struct cc_setting *table, struct cc_strbuf *out)
{
    const struct cc_setting *row;
    FOR_EACH_ROW(row, index, table)
    {
        const char *fallback = row->fallback != NULL ? row->fallback : "";
        bool required = (row->flags & CC_SETTING_REQUIRED) != 0;
        cc_strbuf_printf(out, "  %-28s %s", row->key, row->help);
        if (fallback[0] != '\0')
            cc_strbuf_printf(out, " [%s]", fallback);
        cc_strbuf_append_text(out, required ? " (required)\n" : "\n");
    }
}
