/* The head filter, the request target and the route table on any bytes: the first line is the
 * target, each further line a field. */

#include <string.h>

#include "common/alloc.h"

#include "../src/http_private.h"
#include "fuzz.h"

#define FIELDS_MAX 64

static enum cc_code handler(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req;
    (void)res;
    (void)err;
    return CC_OK;
}

static const struct cc_route rows[] = {
    {"GET", "/v1/users/me", CC_AUTH_USER, CC_RATE_READ, 0, handler, CC_BLOCKING},
    {"GET", "/v1/users/{user_id}", CC_AUTH_USER, CC_RATE_READ, 0, handler, CC_BLOCKING},
    {"POST", "/v1/chats/{chat_id}/messages", CC_AUTH_USER, CC_RATE_SEND, 9, handler, CC_BLOCKING},
    {"*", "/v1/auth/{rest...}", CC_AUTH_NONE, CC_RATE_AUTH, 9, handler, CC_BLOCKING},
    {NULL, NULL, CC_AUTH_NONE, CC_RATE_NONE, 0, NULL, CC_BLOCKING},
};

static struct cc_http_router *router(void)
{
    static struct cc_http_router *made;

    if (made == NULL)
        made = cc_http_router_create(rows);
    return made;
}

/* Cuts the next line off; a NUL ends the text, as it does in libmicrohttpd. */
static char *next_line(char **text)
{
    return strsep(text, "\n");
}

static size_t read_fields(char *text, struct cc_http_field *fields)
{
    size_t count = 0;

    for (char *line; count < FIELDS_MAX && (line = next_line(&text)) != NULL;) {
        char *value = strchr(line, ':');

        if (value == NULL)
            continue;
        *value++ = '\0';
        fields[count++] = (struct cc_http_field){.name = line,
                                                 .value = value,
                                                 .name_length = strlen(line),
                                                 .value_length = strlen(value)};
    }
    return count;
}

static void check_head(char *text, const char **out_host)
{
    struct cc_http_field fields[FIELDS_MAX];
    struct cc_http_head head = {.version = "HTTP/1.1", .fields = fields};
    const char *length;

    head.field_count = read_fields(text, fields);
    *out_host = cc_http_field_find(fields, head.field_count, "host");
    if (cc_http_guard_check(&head) != NULL)
        return;
    FUZZ_REQUIRE(*out_host != NULL);
    length = cc_http_field_find(fields, head.field_count, "content-length");
    FUZZ_REQUIRE(length == NULL || length[strspn(length, "0123456789")] == '\0');
    FUZZ_REQUIRE(length == NULL ||
                 cc_http_field_find(fields, head.field_count, "transfer-encoding") == NULL);
    for (size_t i = 0; i < head.field_count; i++)
        FUZZ_REQUIRE(strpbrk(fields[i].value, "\r\n") == NULL);
}

static void check_target(struct cc_arena *arena, const char *text, const char *host)
{
    struct cc_http_target target;
    struct cc_http_match match = {0};
    enum cc_code code;

    if (cc_http_target_read(arena, text, host, &target) != NULL)
        return;
    FUZZ_REQUIRE(target.path[0] == '/');
    FUZZ_REQUIRE(target.segment_count <= CC_HTTP_SEGMENTS_MAX);
    FUZZ_REQUIRE(target.query_count <= CC_HTTP_QUERY_MAX);
    for (size_t i = 0; i < target.segment_count; i++) {
        FUZZ_REQUIRE(strcmp(target.segments[i], "..") != 0);
        FUZZ_REQUIRE(strcmp(target.segments[i], ".") != 0);
    }
    code = cc_http_router_match(router(), arena, "GET", &target, &match);
    FUZZ_REQUIRE(code != CC_OK || match.entry != NULL);
    FUZZ_REQUIRE(code != CC_METHOD_NOT_ALLOWED || match.allow != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_arena *arena = cc_arena_create(0);
    char *text = cc_strndup((const char *)bytes, count);
    char *rest = text, *target = next_line(&rest);
    const char *host = NULL;

    if (rest != NULL)
        check_head(rest, &host);
    check_target(arena, target, host);
    cc_free(text);
    cc_arena_destroy(arena);
    return 0;
}
