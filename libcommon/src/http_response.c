/*
 * What handlers write of a response: status, headers, one body. Owned by the thread that owns the
 * request; http_server.c turns it into a libmicrohttpd response on the listener thread.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_private.h"

void cc_response_init(struct cc_response *res, struct cc_arena *arena)
{
    *res = (struct cc_response){.arena = arena};
    cc_strbuf_init(&res->body, CC_HTTP_RESPONSE_MAX_BYTES);
}

void cc_response_finish(struct cc_response *res)
{
    cc_strbuf_finish(&res->body);
    /* An upgrade that was promised but never happened still has to free its argument. */
    if (res->upgrade_take != NULL)
        res->upgrade_take(-1, NULL, 0, res->upgrade_arg);
    res->upgrade_take = NULL;
}

bool cc_response_has_header(const struct cc_response *res, const char *name)
{
    for (const struct cc_response_header *header = res->headers; header != NULL;
         header = header->next)
        if (strcasecmp(header->name, name) == 0)
            return true;
    return false;
}

void cc_response_status(struct cc_response *res, int status)
{
    res->status = status;
}

void cc_response_header(struct cc_response *res, const char *name, const char *value)
{
    struct cc_response_header *header = CC_ARENA_NEW(res->arena, struct cc_response_header);
    struct cc_response_header **end = &res->headers;

    header->name = cc_arena_strdup(res->arena, name);
    header->value = cc_arena_strdup(res->arena, value);
    while (*end != NULL)
        end = &(*end)->next;
    *end = header;
}

struct cc_json_writer *cc_response_json(struct cc_response *res)
{
    if (!res->writing_json) {
        cc_strbuf_reset(&res->body);
        cc_json_writer_init(&res->writer, &res->body);
        res->content_type = "application/json";
        res->writing_json = true;
    }
    return &res->writer;
}

void cc_response_body(struct cc_response *res, const char *content_type, const void *bytes,
                      size_t count)
{
    res->writing_json = false;
    res->content_type = cc_arena_strdup(res->arena, content_type);
    cc_strbuf_reset(&res->body);
    cc_strbuf_append(&res->body, bytes, count);
}

void cc_response_upgrade(struct cc_response *res, const char *protocol_header_name,
                         const char *protocol_header_value,
                         void (*take)(int fd, const void *extra, size_t extra_count, void *arg),
                         void *arg)
{
    res->status = 101;
    cc_response_header(res, protocol_header_name, protocol_header_value);
    res->upgrade_take = take;
    res->upgrade_arg = arg;
}
