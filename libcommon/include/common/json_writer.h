#ifndef COMMON_JSON_WRITER_H
#define COMMON_JSON_WRITER_H

/*
 * Streaming JSON writer into a cc_strbuf: no tree, one pass, always valid UTF-8 JSON (RFC 8259).
 * Commas and escaping are the writer's job. Inside an object every call names its key; inside an
 * array the key is NULL. Text that is not valid UTF-8 has each bad byte replaced by U+FFFD. Not
 * thread-safe.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/strbuf.h"

struct cc_json_writer {
    struct cc_strbuf *out; /* borrowed */
    bool need_comma;
    int depth;
};

void cc_json_writer_init(struct cc_json_writer *writer, struct cc_strbuf *out);

void cc_json_open_object(struct cc_json_writer *writer, const char *key);
void cc_json_close_object(struct cc_json_writer *writer);
void cc_json_open_array(struct cc_json_writer *writer, const char *key);
void cc_json_close_array(struct cc_json_writer *writer);

void cc_json_put_text(struct cc_json_writer *writer, const char *key,
                      const char *text); /* NULL writes null */
void cc_json_put_text_n(struct cc_json_writer *writer, const char *key, const char *text,
                        size_t length);
/* Writes the pair only when text is neither NULL nor empty. */
void cc_json_put_text_opt(struct cc_json_writer *writer, const char *key, const char *text);
void cc_json_put_int(struct cc_json_writer *writer, const char *key, int64_t value);
void cc_json_put_bool(struct cc_json_writer *writer, const char *key, bool value);
void cc_json_put_null(struct cc_json_writer *writer, const char *key);
void cc_json_put_double(struct cc_json_writer *writer, const char *key, double value);
/* RFC 3339; epoch_ms 0 writes null. */
void cc_json_put_time(struct cc_json_writer *writer, const char *key, int64_t epoch_ms);
/* Array of texts. */
void cc_json_put_texts(struct cc_json_writer *writer, const char *key, const char *const *texts,
                       size_t count);
/* Inserts text that is already valid JSON (from cc_json_raw or another writer). */
void cc_json_put_raw(struct cc_json_writer *writer, const char *key, const char *json,
                     size_t length);

#endif
