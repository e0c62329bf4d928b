/* The table of error codes and the filling of struct cc_error. Any thread; no state. No other file
 * writes an HTTP status or a close code for an error. docs/errors.md shows the same table. */

#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef cc_fail
#undef cc_fail_detail

struct row {
    int http_status;
    const char *name;
    int close_code;
    bool retryable;
    const char *title;
};

/* The columns are the point: status, wire name, close code, retryable, title. */
/* clang-format off */
static const struct row rows[CC_CODE_COUNT] = {
    [CC_OK]                    = {200, "ok",                     1000, false, "OK"},
    [CC_INVALID]               = {400, "invalid",                4303, false, "Invalid input"},
    [CC_UNAUTHENTICATED]       = {401, "unauthenticated",        4300, false, "Not authenticated"},
    [CC_BAD_CREDENTIALS]       = {401, "bad_credentials",        4300, false, "Wrong e-mail or password"},
    [CC_FORBIDDEN]             = {403, "forbidden",              4303, false, "Forbidden"},
    [CC_SUSPENDED]             = {403, "suspended",              4304, false, "Account suspended"},
    [CC_NOT_FOUND]             = {404, "not_found",              4303, false, "Not found"},
    [CC_METHOD_NOT_ALLOWED]    = {405, "method_not_allowed",     4303, false, "Method not allowed"},
    [CC_CONFLICT]              = {409, "conflict",               4303, false, "Conflict"},
    [CC_IDEMPOTENCY_CONFLICT]  = {409, "idempotency_conflict",   4303, false, "Idempotency key used with other content"},
    [CC_VERSION_MISMATCH]      = {412, "version_mismatch",       4303, false, "Version does not match"},
    [CC_TOO_LARGE]             = {413, "too_large",              1009, false, "Too large"},
    [CC_UNSUPPORTED_MEDIA]     = {415, "unsupported_media",      1003, false, "Unsupported media type"},
    [CC_UNPROCESSABLE]         = {422, "unprocessable",          4303, false, "Can't be carried out"},
    [CC_PRECONDITION_REQUIRED] = {428, "precondition_required",  4303, false, "Precondition required"},
    [CC_RATE_LIMITED]          = {429, "rate_limited",           4108, true,  "Too many requests"},
    [CC_HEADERS_TOO_LARGE]     = {431, "headers_too_large",      4303, false, "Header fields too large"},
    [CC_INTERNAL]              = {500, "internal",               4101, false, "Internal error"},
    [CC_BAD_GATEWAY]           = {502, "bad_gateway",            4101, true,  "Bad gateway"},
    [CC_UNAVAILABLE]           = {503, "unavailable",            4101, true,  "Temporarily unavailable"},
    [CC_TIMEOUT]               = {504, "timeout",                4101, true,  "Timed out"},
    [CC_OUTCOME_UNKNOWN]       = {504, "outcome_unknown",        4101, true,  "Outcome unknown"},
};
/* clang-format on */

static const struct row *row_of(enum cc_code code)
{
    return (unsigned)code < CC_CODE_COUNT ? &rows[code] : &rows[CC_INTERNAL];
}

/* Cutting must not leave half a UTF-8 character behind: the text goes into JSON. */
static void drop_partial_character(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (wanted > length - (start - 1))
        text[start - 1] = '\0';
}

CC_PRINTF(3, 0)
static void format_into(char *out, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(out, size, format, arguments);
    if (length >= (int)size)
        drop_partial_character(out, size - 1);
}

enum cc_code cc_fail(struct cc_error *err, enum cc_code code, const char *field,
                     const char *public_format, ...)
{
    if (err == NULL)
        return code;
    struct cc_error filled = {.code = code};
    if (field != NULL) {
        int length = snprintf(filled.field, sizeof filled.field, "%s", field);
        if (length >= (int)sizeof filled.field)
            drop_partial_character(filled.field, sizeof filled.field - 1);
    }
    va_list arguments;
    va_start(arguments, public_format);
    format_into(filled.public_text, sizeof filled.public_text, public_format, arguments);
    va_end(arguments);
    *err = filled;
    return code;
}

enum cc_code cc_fail_detail(struct cc_error *err, enum cc_code code, const char *detail_format, ...)
{
    if (err == NULL)
        return code;
    struct cc_error filled = {.code = code};
    snprintf(filled.public_text, sizeof filled.public_text, "%s", cc_code_title(code));
    va_list arguments;
    va_start(arguments, detail_format);
    format_into(filled.detail, sizeof filled.detail, detail_format, arguments);
    va_end(arguments);
    *err = filled;
    return code;
}

enum cc_code cc_fail_retry_after(struct cc_error *err, int retry_after_ms)
{
    if (err == NULL)
        return CC_INTERNAL; /* there is no error to give advice about: the caller's bug */
    err->retry_after_ms = retry_after_ms;
    return err->code;
}

int cc_code_http_status(enum cc_code code)
{
    return row_of(code)->http_status;
}

const char *cc_code_name(enum cc_code code)
{
    return row_of(code)->name;
}

const char *cc_code_title(enum cc_code code)
{
    return row_of(code)->title;
}

bool cc_code_retryable(enum cc_code code)
{
    return row_of(code)->retryable;
}

int cc_code_close_code(enum cc_code code)
{
    return row_of(code)->close_code;
}

enum cc_code cc_code_from_name(const char *name)
{
    for (int code = CC_OK; code < CC_CODE_COUNT; code++)
        if (strcmp(rows[code].name, name) == 0)
            return (enum cc_code)code;
    return CC_INTERNAL;
}

enum cc_code cc_code_from_http_status(int status)
{
    if (status >= 200 && status < 300)
        return CC_OK;
    for (int code = CC_INVALID; code < CC_CODE_COUNT; code++)
        if (rows[code].http_status == status)
            return (enum cc_code)code;
    if (status >= 400 && status < 500)
        return CC_INVALID;
    return CC_BAD_GATEWAY;
}
