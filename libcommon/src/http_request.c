/*
 * What handlers read of a request. Runs on whichever thread owns the request: a worker (blocking
 * handlers), or the listener thread and those the asynchronous handler hands it to. No I/O here.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/id.h"

#include "http_private.h"

void *cc_request_app(const struct cc_request *req)
{
    return req->app;
}

struct cc_arena *cc_request_arena(struct cc_request *req)
{
    return req->arena;
}

const char *cc_request_method(const struct cc_request *req)
{
    return req->method;
}

const char *cc_request_path(const struct cc_request *req)
{
    return req->target.path;
}

const char *cc_request_target(const struct cc_request *req)
{
    return req->raw_target;
}

const char *cc_request_pattern(const struct cc_request *req)
{
    return req->match.entry != NULL ? req->match.entry->row->pattern : "";
}

const char *cc_request_param(const struct cc_request *req, const char *name)
{
    for (size_t i = 0; i < req->match.param_count; i++)
        if (strcmp(req->match.params[i].name, name) == 0)
            return req->match.params[i].value;
    return "";
}

enum cc_code cc_request_uuid(struct cc_request *req, const char *name, const char **out,
                             struct cc_error *err)
{
    const char *value = cc_request_param(req, name);
    char *copy;

    if (!cc_uuid_valid(value, strlen(value)))
        return cc_fail(err, CC_NOT_FOUND, NULL, "Not found");
    copy = cc_arena_strdup(req->arena, value);
    cc_uuid_normalise(copy);
    *out = copy;
    return CC_OK;
}

const char *cc_request_query(const struct cc_request *req, const char *name)
{
    for (size_t i = 0; i < req->target.query_count; i++)
        if (strcmp(req->target.query[i].name, name) == 0)
            return req->target.query[i].value;
    return NULL;
}

enum cc_code cc_request_query_int(struct cc_request *req, const char *name, int64_t min,
                                  int64_t max, int64_t fallback, int64_t *out, struct cc_error *err)
{
    const char *text = cc_request_query(req, name);
    char *end;
    long long value;

    if (text == NULL) {
        *out = fallback;
        return CC_OK;
    }
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || isspace((unsigned char)*text) ||
        *text == '+' || value < min || value > max)
        return cc_fail(err, CC_INVALID, name, "%s must be an integer from %lld to %lld", name,
                       (long long)min, (long long)max);
    *out = value;
    return CC_OK;
}

const char *cc_request_header(const struct cc_request *req, const char *name)
{
    return cc_http_field_find(req->fields, req->field_count, name);
}

const void *cc_request_body(const struct cc_request *req, size_t *out_length)
{
    *out_length = req->body.length;
    return cc_strbuf_text(&req->body);
}

const char *cc_request_id(const struct cc_request *req)
{
    return req->id;
}

const char *cc_request_peer(const struct cc_request *req)
{
    return req->peer;
}

const struct cc_caller *cc_request_caller(const struct cc_request *req)
{
    return &req->caller;
}

const struct cc_trace *cc_request_trace(const struct cc_request *req)
{
    return &req->span.trace;
}

int64_t cc_request_deadline_mono_ms(const struct cc_request *req)
{
    return req->deadline_ms;
}

void cc_request_each_header(const struct cc_request *req,
                            void (*each)(const char *name, const char *value, void *arg), void *arg)
{
    for (size_t i = 0; i < req->field_count; i++)
        each(req->fields[i].name, req->fields[i].value, arg);
}

/* Compares the media type alone; parameters such as charset are ignored. */
static bool media_type_is(const char *header, const char *type)
{
    size_t length = strlen(type);

    if (header == NULL || strncasecmp(header, type, length) != 0)
        return false;
    header += length;
    header += strspn(header, " \t");
    return *header == '\0' || *header == ';';
}

enum cc_code cc_request_json(struct cc_request *req, const char *media_type,
                             struct cc_json_reader **out, struct cc_error *err)
{
    const char *content_type = cc_request_header(req, "content-type");

    if (!media_type_is(content_type, "application/json") &&
        (media_type == NULL || !media_type_is(content_type, media_type)))
        return cc_fail(err, CC_UNSUPPORTED_MEDIA, NULL, "Content-Type must be %s",
                       media_type != NULL ? media_type : "application/json");
    if (req->reader == NULL)
        req->reader = cc_json_reader_create(req->arena, cc_strbuf_text(&req->body),
                                            req->body.length, CC_REFUSE_UNKNOWN);
    CC_TRY(cc_json_reader_error(req->reader, err));
    *out = req->reader;
    return CC_OK;
}

void cc_request_finish(struct cc_request *req)
{
    if (req->reader != NULL)
        cc_json_reader_destroy(req->reader);
    req->reader = NULL;
    cc_strbuf_finish(&req->body);
    cc_response_finish(&req->response);
}
