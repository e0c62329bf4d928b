#ifndef EVENTS_EVENT_FIELDS_H
#define EVENTS_EVENT_FIELDS_H

/* Private to the event codecs: bounds and the few ways in which they read and leave out fields. */

#include <stdbool.h>
#include <stdint.h>

#include "common/json_reader.h"
#include "common/json_writer.h"

#define EVENT_ID_MAX_BYTES     36 /* a UUID, or CC_SYSTEM_SENDER where that may stand */
#define EVENT_NAME_MAX_BYTES   128
#define EVENT_SYSTEM_MAX_BYTES (96 * 1024)
#define EVENT_CHAT_MAX_BYTES   (64 * 1024)
#define EVENT_ME_MAX_BYTES     4096
#define EVENT_TARGETS_MAX      1000

/* Text of at most max_bytes; "" when absent. */
const char *event_text(struct cc_json_reader *reader, const char *key, size_t max_bytes);
/* A user id, or CC_SYSTEM_SENDER; required. */
const char *event_actor(struct cc_json_reader *reader, const char *key);
/* A whole number >= 0, required. */
int64_t event_count(struct cc_json_reader *reader, const char *key);
/* A whole number >= 0; fallback when absent. */
int64_t event_count_or(struct cc_json_reader *reader, const char *key, int64_t fallback);
/* The value as compact JSON; NULL when absent, [] or {}. */
const char *event_raw(struct cc_json_reader *reader, const char *key, size_t max_bytes);

/* Writes the pair unless it holds its default. */
void event_put_count_opt(struct cc_json_writer *writer, const char *key, int64_t value);
void event_put_flag_opt(struct cc_json_writer *writer, const char *key, bool value);
/* Writes the text as JSON; `empty` ("[]", "{}") when it is NULL, nothing when both are. */
void event_put_raw(struct cc_json_writer *writer, const char *key, const char *json,
                   const char *empty);

#endif
