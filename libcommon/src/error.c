/* The table of error codes and the filling of struct cc_error. Any thread; no state. No other file
 * writes an HTTP status or a close code for an error. docs/errors.md shows the same table. */

#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    int http_status;
    const char *name, *title;
    bool retryable;
    int close_code;
};

/* clang-format off: columns are the point */
static const struct row rows[CC_CODE_COUNT] =
    {
        /*                          status  name                     title retry  close */
        [CC_OK] = {200, "ok", "OK", false, 1000},
        [CC_INVALID] = {400, "invalid", "Invalid input", false, 4303},
        [CC_UNAUTHENTICATED] = {401, "unauthenticated", "Not authenticated", false, 4300},
        [CC_BAD_CREDENTIALS] = {401, "bad_credentials", "Wrong e-mail or password", false, 4300},
        [CC_FORBIDDEN] = {403, "forbidden", "Forbidden", false, 4303},
        [CC_NOT_FOUND] = {404, "not_found", "Not found", false, 4303},
        [CC_METHOD_NOT_ALLOWED] = {405, "method_not_allowed", "Method not allowed", false, 4303},
        [CC_CONFLICT] = {409, "conflict", "Conflict", false, 4303},
        [CC_IDEMPOTENCY_CONFLICT] = {409, "idempotency_conflict",
                                     "Idempotency key was used with other content", false, 4303},
        [CC_VERSION_MISMATCH] = {412, "version_mismatch", "Version does not match", false, 4303},
        [CC_TOO_LARGE] = {413, "too_large", "Too large", false, 1009},
        [CC_UNSUPPORTED_MEDIA] = {415, "unsupported_media", "Unsupported media type", false, 1003},
        [CC_UNPROCESSABLE] = {422, "unprocessable", "Can't be carried out", false, 4303},
        [CC_PRECONDITION_REQUIRED] = {428, "precondition_required", "Precondition required", false,
                                      4303},
        [CC_RATE_LIMITED] = {429, "rate_limited", "Too many requests", true, 4108},
        [CC_HEADERS_TOO_LARGE] = {431, "headers_too_large", "Header fields too large", false, 4303},
        [CC_INTERNAL] = {500, "internal", "Internal error", false, 4101},
        [CC_BAD_GATEWAY] = {502, "bad_gateway", "Bad gateway", true, 4101},
        [CC_UNAVAILABLE] = {503, "unavailable", "Temporarily unavailable", true, 4101},
        [CC_TIMEOUT] = {504, "timeout", "Timed out", true, 4101},
        [CC_OUTCOME_UNKNOWN] = {504, "outcome_unknown", "Outcome unknown", true, 4101},
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
