#ifndef COMMON_LOG_H
#define COMMON_LOG_H

/*
 * One JSON object a line on stdout: @timestamp, log.level, message, service.name, node, trace_id
 * when there is one, and the given fields. Values of fields whose key is in the redaction list
 * (token, password, code, body, authorization, email, secret, ...) are replaced by "***"; never put
 * such a thing into `message`. Thread-safe: a line is one write(2).
 */

#include "common/error.h"

enum cc_log_level { CC_LOG_DEBUG, CC_LOG_INFO, CC_LOG_WARN, CC_LOG_ERROR };

void cc_log_init(const char *service, const char *node, enum cc_log_level level);
void cc_log_set_level(enum cc_log_level level);
bool cc_log_level_parse(const char *text, enum cc_log_level *out);

/* fields: alternating key, value texts, ended by NULL:  cc_log(CC_LOG_INFO, "listening", "port",
 * "8104", NULL); */
void cc_log(enum cc_log_level level, const char *message, ...) __attribute__((sentinel));
/* Logs an error once, at the edge, with its code, detail and field, plus key/value pairs. */
void cc_log_error(enum cc_log_level level, const char *message, const struct cc_error *err, ...)
    __attribute__((sentinel));
/* The current thread's trace id for following lines ("" = none); set by the HTTP server and the
 * consumer runner. */
void cc_log_set_trace(const char *trace_id);

#endif
