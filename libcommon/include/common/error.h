#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

/*
 * One closed set of error codes for the whole platform, and the one value that carries an error.
 *
 * Every fallible function returns `enum cc_code` and, when that is not CC_OK, has filled the
 * caller's `struct cc_error`. Whoever handles an error logs it, once, at the edge (end of a
 * request, of a consumed record, of start-up); everything below only returns it. `error.c` holds
 * the only table that maps a code to its HTTP status, wire name, title, retryability and WebSocket
 * close code.
 *
 * Source: RFC 9457 (problem details), docs/errors.md.
 */

#include <stdbool.h>
#include <stddef.h>

#define CC_MUST_CHECK __attribute__((warn_unused_result))
#define CC_PRINTF(format_index, first_argument)                                                    \
    __attribute__((format(printf, format_index, first_argument)))

enum cc_code {
    CC_OK = 0,
    CC_INVALID,               /* 400: the caller's input breaks a rule; `field` names it */
    CC_UNAUTHENTICATED,       /* 401: no, expired or bad token */
    CC_BAD_CREDENTIALS,       /* 401: e-mail and password do not match (says nothing more) */
    CC_FORBIDDEN,             /* 403: known caller, not allowed */
    CC_SUSPENDED,             /* 403: an administrator has closed the account for now */
    CC_NOT_FOUND,             /* 404: absent, or must look absent to this caller */
    CC_METHOD_NOT_ALLOWED,    /* 405 */
    CC_CONFLICT,              /* 409: exists already, or state does not allow it */
    CC_IDEMPOTENCY_CONFLICT,  /* 409: same idempotency key or client_msg_id, other content */
    CC_VERSION_MISMATCH,      /* 412: If-Match or expected_version is not the current one */
    CC_TOO_LARGE,             /* 413 */
    CC_UNSUPPORTED_MEDIA,     /* 415 */
    CC_UNPROCESSABLE,         /* 422: well-formed, but can't be carried out */
    CC_PRECONDITION_REQUIRED, /* 428 */
    CC_RATE_LIMITED,          /* 429: retry after `retry_after_ms` */
    CC_HEADERS_TOO_LARGE,     /* 431 */
    CC_INTERNAL,              /* 500: our bug */
    CC_BAD_GATEWAY,           /* 502: an upstream answered garbage */
    CC_UNAVAILABLE,           /* 503: nothing was done; try again */
    CC_TIMEOUT,               /* 504: deadline passed before anything was done */
    CC_OUTCOME_UNKNOWN,       /* 504: it may have been done; retry only with an idempotency key */
    CC_CODE_COUNT
};

struct cc_error {
    enum cc_code code;
    int retry_after_ms;    /* 0 = no advice */
    char field[64];        /* JSON Pointer or parameter name at fault; empty = none */
    char public_text[160]; /* may be shown to the client; never holds secrets or server internals */
    char detail[256];      /* for the log only */
};

/* Fills *err (which may be NULL) and returns `code`, so that a failing function can `return
 * cc_fail(...)`. `field` may be NULL; `public_format` becomes public_text (cut if longer).
 * Thread-safe. */
enum cc_code cc_fail(struct cc_error *err, enum cc_code code, const char *field,
                     const char *public_format, ...) CC_PRINTF(4, 5);

/* The same for faults that the client must not read about: public_text is the code's standard
 * title, `detail_format` goes to `detail`. Thread-safe. */
enum cc_code cc_fail_detail(struct cc_error *err, enum cc_code code, const char *detail_format, ...)
    CC_PRINTF(3, 4);

/* Sets retry_after_ms on an already filled error and returns its code. */
enum cc_code cc_fail_retry_after(struct cc_error *err, int retry_after_ms);

/* Table look-ups; every code outside the enum reads as CC_INTERNAL. The strings live for ever. */
int cc_code_http_status(enum cc_code code);
const char *cc_code_name(
    enum cc_code code); /* stable wire name, e.g. "idempotency_conflict"; metric label too */
const char *cc_code_title(enum cc_code code); /* short human text, e.g. "Not found" */
bool cc_code_retryable(enum cc_code code);
int cc_code_close_code(
    enum cc_code code); /* WebSocket close code for a connection-level fault (docs/errors.md) */

/* The code with this wire name; CC_INTERNAL when unknown. Used by clients of our own services. */
enum cc_code cc_code_from_name(const char *name);
/* The code that best describes an HTTP status from a peer that sent no readable problem. */
enum cc_code cc_code_from_http_status(int status);

/* The one control-flow macro: return on the first failure. Safe because arenas and cleanup
 * attributes free. */
#define CC_TRY(expression)                                                                         \
    do {                                                                                           \
        enum cc_code cc_try_code = (expression);                                                   \
        if (cc_try_code != CC_OK)                                                                  \
            return cc_try_code;                                                                    \
    } while (0)

/* Only for the static analyzer, which sees one file at a time and would follow the way on which a
 * failure returned CC_OK. */
#ifdef __clang_analyzer__
#define cc_fail(err, code, ...)        (cc_fail((err), (code), __VA_ARGS__), (code))
#define cc_fail_detail(err, code, ...) (cc_fail_detail((err), (code), __VA_ARGS__), (code))
#endif

#endif
