#ifndef COMMON_JSON_READER_H
#define COMMON_JSON_READER_H

/*
 * Declarative reading of a JSON object into a checked struct. The first fault sticks, with the JSON
 * Pointer of the field at fault; every getter after that returns a harmless default, so a reader
 * function is straight-line code that ends in `return cc_json_reader_done(r)`.
 *
 * Parsing refuses: trailing bytes, duplicate keys, invalid UTF-8, NUL in strings, NaN/Infinity,
 * depth above CC_JSON_DEPTH_MAX (before the parser recurses), and anything that is not one object.
 * Strings returned live as long as the arena. Not thread-safe: one reader belongs to one thread.
 * Source: RFC 8259; docs/errors.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/id.h"

#define CC_JSON_DEPTH_MAX 32

struct cc_json_reader;

enum cc_presence {
    CC_OPTIONAL, /* absent or null gives the default (NULL, 0, false) */
    CC_REQUIRED,
};
enum cc_unknown_keys {
    CC_REFUSE_UNKNOWN, /* REST bodies */
    CC_IGNORE_UNKNOWN, /* frames and events: additive evolution */
};

/* Parses `bytes`; on a syntax fault the reader is returned with the fault already stuck. The
 * reader, and the parsed tree, are freed with cc_json_reader_destroy (nothing returned by getters
 * refers to the tree). */
struct cc_json_reader *cc_json_reader_create(struct cc_arena *arena, const void *bytes,
                                             size_t count, enum cc_unknown_keys unknown_keys);
void cc_json_reader_destroy(struct cc_json_reader *reader);
/* The arena given at creation: for arrays of structs that a reading function builds. */
struct cc_arena *cc_json_reader_arena(struct cc_json_reader *reader);

/* True when nothing failed and (CC_REFUSE_UNKNOWN) every key, nested objects included, was asked
 * for. */
bool cc_json_reader_done(struct cc_json_reader *reader);
/* The sticky error as a cc_error (CC_INVALID with field and text); CC_OK when there is none. */
enum cc_code cc_json_reader_error(const struct cc_json_reader *reader, struct cc_error *err);
/* Makes a rule's failure sticky from outside (cross-field checks); the first one wins. */
void cc_json_reject(struct cc_json_reader *reader, const char *key, const char *public_format, ...)
    CC_PRINTF(3, 4);

/* True when the key is there and not null; does not count as asked for. */
bool cc_json_has(const struct cc_json_reader *reader, const char *key);

/* Text of min..max bytes of UTF-8 (no control check); NULL when absent and optional. */
const char *cc_json_text(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                         size_t min_bytes, size_t max_bytes);
/* UUID text, lower-cased. */
const char *cc_json_uuid(struct cc_json_reader *reader, const char *key, enum cc_presence presence);
int64_t cc_json_int(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                    int64_t min, int64_t max);
bool cc_json_bool(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                  bool fallback);
/* RFC 3339 text to epoch ms; 0 when absent. */
int64_t cc_json_time(struct cc_json_reader *reader, const char *key, enum cc_presence presence);
/* One of a NULL-terminated list of names; returns its index, `fallback` when absent. */
int cc_json_choice(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                   const char *const *names, int fallback);
/* Array of UUIDs or texts (each 1..max_bytes), at most max_count; count 0 and NULL when absent. */
const char *const *cc_json_uuids(struct cc_json_reader *reader, const char *key,
                                 enum cc_presence presence, size_t max_count, size_t *out_count);
const char *const *cc_json_texts(struct cc_json_reader *reader, const char *key,
                                 enum cc_presence presence, size_t max_count, size_t max_bytes,
                                 size_t *out_count);
/* The value re-serialised as compact JSON text (object or array), at most max_bytes; NULL when
 * absent. Keys that are empty, start with '$' or hold '.', and arrays directly inside arrays, are
 * refused: stores can't hold them. */
const char *cc_json_raw(struct cc_json_reader *reader, const char *key, enum cc_presence presence,
                        size_t max_bytes);

/* Enters a nested object (returns false, and nothing to leave, when it is absent or faulty);
 * getters then refer to it until cc_json_leave. */
bool cc_json_enter(struct cc_json_reader *reader, const char *key, enum cc_presence presence);
void cc_json_leave(struct cc_json_reader *reader);
/* Number of elements of an array of objects (0 when absent); then enter each by index. */
size_t cc_json_array_count(struct cc_json_reader *reader, const char *key,
                           enum cc_presence presence, size_t max_count);
bool cc_json_enter_element(struct cc_json_reader *reader, const char *key, size_t index);
/* Keys of the current object, for maps such as resume cursors: at most max_count; marks them all as
 * asked for. */
const char *const *cc_json_keys(struct cc_json_reader *reader, size_t max_count, size_t *out_count);

#endif
