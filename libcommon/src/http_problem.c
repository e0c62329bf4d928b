/*
 * Turns a struct cc_error into an application/problem+json answer. The only place that does; runs
 * on the thread that owns the response. Source: RFC 9457; docs/errors.md.
 */
#include "http_private.h"

static void write_problem(struct cc_json_writer *writer, const struct cc_error *err,
                          const char *instance, const char *trace_id)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "type", "about:blank");
    cc_json_put_text(writer, "title", cc_code_title(err->code));
    cc_json_put_int(writer, "status", cc_code_http_status(err->code));
    cc_json_put_text_opt(writer, "detail", err->public_text);
    cc_json_put_text_opt(writer, "instance", instance);
    cc_json_put_text(writer, "code", cc_code_name(err->code));
    cc_json_put_text_opt(writer, "trace_id", trace_id);
    if (err->field[0] != '\0') {
        bool is_pointer = err->field[0] == '/';

        cc_json_open_array(writer, "errors");
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, is_pointer ? "pointer" : "parameter", err->field);
        cc_json_put_text(writer, "detail", err->public_text);
        cc_json_close_object(writer);
        cc_json_close_array(writer);
    }
    cc_json_close_object(writer);
}

static void add_retry_after(struct cc_response *res, const struct cc_error *err)
{
    int retry_after_ms = err->retry_after_ms;

    if (retry_after_ms <= 0 && (err->code == CC_UNAVAILABLE || err->code == CC_RATE_LIMITED))
        retry_after_ms = 1000;
    if (retry_after_ms > 0 && !cc_response_has_header(res, "Retry-After"))
        cc_response_header(res, "Retry-After",
                           cc_arena_printf(res->arena, "%d", (retry_after_ms + 999) / 1000));
}

void cc_response_problem(struct cc_response *res, const struct cc_error *err, const char *instance,
                         const char *trace_id)
{
    struct cc_response_header *headers = res->headers;

    cc_response_finish(res);
    cc_response_init(res, res->arena);
    res->headers = headers;
    res->status = cc_code_http_status(err->code);
    write_problem(cc_response_json(res), err, instance, trace_id);
    res->content_type = "application/problem+json";
    add_retry_after(res, err);
    if (res->status == 401)
        cc_response_header(res, "WWW-Authenticate", "Bearer");
}
