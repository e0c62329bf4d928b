/* One JSON object a line on stdout. Any thread; the level is an atomic, the trace id per thread.
 * Formats into a buffer of the calling thread, then one write(2): lines never mix. */

#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json_writer.h"

#define LINE_MAX_BYTES  16384
#define FIELD_MAX_BYTES 4096

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Set once before any thread starts, but for the level. */
static struct {
    char service[64], node[128];
    _Atomic int level;
} settings = {.level = CC_LOG_INFO};

static _Thread_local char current_trace[33];

/* A field is masked when its key contains one of these words: "refresh_token", "code_hash". */
static const char *const secret_words[] = {"token",      "password", "authorization", "email",
                                           "secret",     "cookie",   "passwd",        "signature",
                                           "credential", "otp",      "presigned"};
/* These only when they are the whole key: "status_code" and "body_bytes" say nothing secret. */
static const char *const secret_keys[] = {"code", "body", "text"};

void cc_log_init(const char *service, const char *node, enum cc_log_level level)
{
    snprintf(settings.service, sizeof settings.service, "%s", service);
    snprintf(settings.node, sizeof settings.node, "%s", node);
    cc_log_set_level(level);
}

void cc_log_set_level(enum cc_log_level level)
{
    atomic_store(&settings.level, (int)level);
}

bool cc_log_level_parse(const char *text, enum cc_log_level *out)
{
    for (int level = CC_LOG_DEBUG; level <= CC_LOG_ERROR; level++) {
        if (strcmp(text, level_names[level]) == 0) {
            *out = (enum cc_log_level)level;
            return true;
        }
    }
    return false;
}

void cc_log_set_trace(const char *trace_id)
{
    snprintf(current_trace, sizeof current_trace, "%s", trace_id == NULL ? "" : trace_id);
}

static bool is_secret(const char *key)
{
    for (size_t i = 0; i < sizeof secret_words / sizeof *secret_words; i++)
        if (strcasestr(key, secret_words[i]) != NULL)
            return true;
    for (size_t i = 0; i < sizeof secret_keys / sizeof *secret_keys; i++)
        if (strcasecmp(key, secret_keys[i]) == 0)
            return true;
    return false;
}

static void put_field(struct cc_json_writer *writer, const char *key, const char *value)
{
    if (value != NULL && is_secret(key))
        value = "***";
    if (value == NULL)
        cc_json_put_null(writer, key);
    else
        cc_json_put_text_n(writer, key, value, strnlen(value, FIELD_MAX_BYTES));
}

static void put_fields(struct cc_json_writer *writer, va_list fields)
{
    for (const char *key; (key = va_arg(fields, const char *)) != NULL;)
        put_field(writer, key, va_arg(fields, const char *));
}

static void begin_line(struct cc_json_writer *writer, struct cc_strbuf *line,
                       enum cc_log_level level, const char *message)
{
    cc_strbuf_init(line, LINE_MAX_BYTES);
    cc_json_writer_init(writer, line);
    cc_json_open_object(writer, NULL);
    cc_json_put_time(writer, "@timestamp", cc_wall_ms(cc_clock_system()));
    cc_json_put_text(writer, "log.level", level_names[level]);
    cc_json_put_text_n(writer, "message", message, strnlen(message, FIELD_MAX_BYTES));
    cc_json_put_text_opt(writer, "service.name", settings.service);
    cc_json_put_text_opt(writer, "node", settings.node);
    cc_json_put_text_opt(writer, "trace_id", current_trace);
}

static void write_line(const char *line, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, line, length);
        if (written < 0 && errno != EINTR)
            return; /* nobody listens: there is no better place to say so */
        if (written > 0) {
            line += written;
            length -= (size_t)written;
        }
    }
}

/* A line that outgrew its buffer is replaced, never cut: half a JSON object helps nobody. */
static void end_line(struct cc_json_writer *writer, enum cc_log_level level, const char *message)
{
    struct cc_strbuf *line = writer->out;
    cc_json_close_object(writer);
    cc_strbuf_append_char(line, '\n');
    if (line->overflowed) {
        cc_strbuf_finish(line);
        begin_line(writer, line, level, message);
        cc_json_put_bool(writer, "fields_dropped", true);
        cc_json_close_object(writer);
        cc_strbuf_append_char(line, '\n');
    }
    write_line(cc_strbuf_text(line), line->length);
    cc_strbuf_finish(line);
}

static bool wanted(enum cc_log_level level)
{
    return (int)level >= atomic_load_explicit(&settings.level, memory_order_relaxed);
}

void cc_log(enum cc_log_level level, const char *message, ...)
{
    struct cc_strbuf line;
    struct cc_json_writer writer;
    if (!wanted(level))
        return;
    begin_line(&writer, &line, level, message);
    va_list fields;
    va_start(fields, message);
    put_fields(&writer, fields);
    va_end(fields);
    end_line(&writer, level, message);
}

void cc_log_error(enum cc_log_level level, const char *message, const struct cc_error *err, ...)
{
    struct cc_strbuf line;
    struct cc_json_writer writer;
    if (!wanted(level))
        return;
    begin_line(&writer, &line, level, message);
    cc_json_put_text(&writer, "error.code", cc_code_name(err->code));
    cc_json_put_text(&writer, "error.message",
                     err->detail[0] != '\0' ? err->detail : err->public_text);
    cc_json_put_text_opt(&writer, "error.field", err->field);
    va_list fields;
    va_start(fields, err);
    put_fields(&writer, fields);
    va_end(fields);
    end_line(&writer, level, message);
}
