/*
 * Request targets and the route table: decodes the path and query (strict percent-encoding, UTF-8,
 * no control characters, no dot segments) and finds the row. Pure; the table is read-only after
 * creation, so every listener thread uses it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/utf8.h"

#include "http_private.h"

/* ---- decoding ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool text_is_clean(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + length;

    while (p < end) {
        size_t step = cc_utf8_sequence(p, (size_t)(end - p));

        if (step == 0 || *p < 0x20 || *p == 0x7f)
            return false;
        p += step;
    }
    return true;
}

/* Decoded copy, or NULL. plus_is_space: form encoding of the query. */
static const char *decode(struct cc_arena *arena, const char *text, size_t length,
                          bool plus_is_space)
{
    char *out = cc_arena_alloc(arena, length + 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%') {
            int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return NULL;
            out[used++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[used++] = plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    out[used] = '\0';
    return text_is_clean(out, used) ? out : NULL;
}

/* ---- targets ---- */

static const char *read_path(struct cc_arena *arena, const char *path, size_t length,
                             struct cc_http_target *out)
{
    const char *p = path + 1, *end = path + length;

    out->path = decode(arena, path, length, false);
    if (out->path == NULL)
        return "The path is not valid UTF-8";
    for (;;) {
        const char *slash = memchr(p, '/', (size_t)(end - p));
        const char *stop = slash != NULL ? slash : end;
        const char *segment = decode(arena, p, (size_t)(stop - p), false);

        if (segment == NULL)
            return "The path is not valid UTF-8";
        if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
            return "The path holds dot segments";
        if (out->segment_count == CC_HTTP_SEGMENTS_MAX)
            return "The path is too deep";
        out->segments[out->segment_count++] = segment;
        if (slash == NULL)
            return NULL;
        p = slash + 1;
    }
}

static const char *read_query(struct cc_arena *arena, const char *query, struct cc_http_target *out)
{
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        const char *equals = memchr(query, '=', length);
        size_t name_length = equals != NULL ? (size_t)(equals - query) : length;
        struct cc_http_pair pair;

        if (length > 0) {
            if (out->query_count == CC_HTTP_QUERY_MAX)
                return "The query has too many parameters";
            pair.name = decode(arena, query, name_length, true);
            pair.value =
                equals != NULL ? decode(arena, equals + 1, length - name_length - 1, true) : "";
            if (pair.name == NULL || pair.value == NULL)
                return "The query is not valid UTF-8";
            out->query[out->query_count++] = pair;
        }
        query += length + (query[length] == '&');
    }
    return NULL;
}

/* "http://host/path" -> "/path" when the authority is the Host; NULL otherwise. */
static const char *strip_authority(const char *target, const char *host)
{
    size_t length;

    if (strncasecmp(target, "http://", 7) == 0)
        target += 7;
    else if (strncasecmp(target, "https://", 8) == 0)
        target += 8;
    else
        return NULL;
    length = strcspn(target, "/?");
    if (host == NULL || strlen(host) != length || strncasecmp(target, host, length) != 0)
        return NULL;
    return target[length] == '/' ? target + length : NULL;
}

/* Printable ASCII without a fragment: everything else must come percent-encoded (RFC 3986). */
static bool is_uri_text(const char *target)
{
    for (const char *p = target; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7f || *p == '#')
            return false;
    return true;
}

const char *cc_http_target_read(struct cc_arena *arena, const char *target, const char *host,
                                struct cc_http_target *out)
{
    const char *reason;
    size_t path_length;

    out->segment_count = 0;
    out->query_count = 0;
    out->path = "/";
    if (*target != '/')
        target = strip_authority(target, host);
    if (target == NULL || !is_uri_text(target))
        return "The request target is malformed";
    path_length = strcspn(target, "?");
    reason = read_path(arena, target, path_length, out);
    if (reason == NULL && target[path_length] == '?')
        reason = read_query(arena, target + path_length + 1, out);
    return reason;
}

/* ---- the table ---- */

struct cc_http_router {
    struct cc_http_entry *entries; /* highest rank first */
    size_t count;
};

/* One segment of a pattern: "{name}", "{name...}" or a literal. */
static void compile_segment(struct cc_http_entry *entry, const char *text, size_t length)
{
    size_t index = entry->segment_count++;
    bool is_param = text[0] == '{';
    bool is_rest = is_param && length > 5 && memcmp(text + length - 4, "...}", 4) == 0;
    uint32_t rank = is_rest ? 1 : is_param ? 2 : 3;

    if (is_param) {
        text++;
        length -= is_rest ? 5 : 2;
    }
    entry->segments[index] = cc_strndup(text, length);
    entry->is_param[index] = is_param;
    entry->takes_rest = is_rest;
    entry->rank |= rank << (2 * (CC_HTTP_SEGMENTS_MAX - 1 - index));
}

static void compile(struct cc_http_entry *entry, const struct cc_route *row)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.*): without rows none is compiled */
    const char *p = row->pattern + 1;

    entry->row = row;
    while (entry->segment_count < CC_HTTP_SEGMENTS_MAX) {
        size_t length = strcspn(p, "/");

        compile_segment(entry, p, length);
        if (p[length] == '\0')
            return;
        p += length + 1;
    }
}

static int by_rank(const void *a, const void *b)
{
    const struct cc_http_entry *left = a, *right = b;

    if (left->rank != right->rank)
        return left->rank < right->rank ? 1 : -1;
    return (strcmp(left->row->method, "*") == 0) - (strcmp(right->row->method, "*") == 0);
}

struct cc_http_router *cc_http_router_create(const struct cc_route *rows)
{
    struct cc_http_router *router = cc_calloc(1, sizeof(*router));

    while (rows != NULL && rows[router->count].method != NULL)
        router->count++;
    router->entries = cc_calloc(router->count + 1, sizeof(*router->entries));
    for (size_t i = 0; i < router->count; i++)
        compile(&router->entries[i], &rows[i]);
    qsort(router->entries, router->count, sizeof(*router->entries), by_rank);
    return router;
}

void cc_http_router_destroy(struct cc_http_router *router)
{
    if (router == NULL)
        return;
    for (size_t i = 0; i < router->count; i++)
        for (size_t s = 0; s < router->entries[i].segment_count; s++)
            cc_free((char *)router->entries[i].segments[s]);
    cc_free(router->entries);
    cc_free(router);
}

static bool path_matches(const struct cc_http_entry *entry, const struct cc_http_target *target)
{
    if (entry->takes_rest ? target->segment_count < entry->segment_count
                          : target->segment_count != entry->segment_count)
        return false;
    for (size_t i = 0; i < entry->segment_count; i++) {
        if (entry->is_param[i] ? target->segments[i][0] == '\0'
                               : strcmp(entry->segments[i], target->segments[i]) != 0)
            return false;
    }
    return true;
}

static bool method_matches(const struct cc_http_entry *entry, const char *method)
{
    const char *wanted = entry->row->method;

    return strcmp(wanted, "*") == 0 || strcmp(wanted, method) == 0 ||
           (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static const char *join_rest(struct cc_arena *arena, const struct cc_http_target *target,
                             size_t first)
{
    const char *rest = target->segments[first];

    for (size_t i = first + 1; i < target->segment_count; i++)
        rest = cc_arena_printf(arena, "%s/%s", rest, target->segments[i]);
    return rest;
}

static void fill_params(struct cc_arena *arena, const struct cc_http_target *target,
                        struct cc_http_match *match)
{
    const struct cc_http_entry *entry = match->entry;

    for (size_t i = 0; i < entry->segment_count; i++) {
        bool is_rest = entry->takes_rest && i + 1 == entry->segment_count;

        if (entry->is_param[i])
            match->params[match->param_count++] = (struct cc_http_pair){
                .name = entry->segments[i],
                .value = is_rest ? join_rest(arena, target, i) : target->segments[i]};
    }
}

static void allow_method(struct cc_arena *arena, const char *method, struct cc_http_match *match)
{
    const char *shown = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

    match->allow =
        match->allow == NULL ? shown : cc_arena_printf(arena, "%s, %s", match->allow, shown);
}

enum cc_code cc_http_router_match(const struct cc_http_router *router, struct cc_arena *arena,
                                  const char *method, const struct cc_http_target *target,
                                  struct cc_http_match *out)
{
    *out = (struct cc_http_match){0};
    for (size_t i = 0; i < router->count; i++) {
        const struct cc_http_entry *entry = &router->entries[i];

        if (!path_matches(entry, target))
            continue;
        if (method_matches(entry, method)) {
            out->entry = entry;
            fill_params(arena, target, out);
            return CC_OK;
        }
        if (out->entry == NULL)
            out->entry = entry;
        allow_method(arena, entry->row->method, out);
    }
    return out->entry == NULL ? CC_NOT_FOUND : CC_METHOD_NOT_ALLOWED;
}
