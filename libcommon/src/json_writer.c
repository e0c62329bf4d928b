/* Streaming JSON writer: one pass into a cc_strbuf, no tree. Runs on whichever thread owns the
 * buffer. Does not check that objects and arrays are closed in order. */

#include "common/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

void cc_json_writer_init(struct cc_json_writer *writer, struct cc_strbuf *out)
{
    *writer = (struct cc_json_writer){.out = out};
}

/* What a byte needs inside a JSON string. */
enum byte_class { PLAIN, ESCAPE, MULTIBYTE };

static enum byte_class byte_class(unsigned char byte)
{
    if (byte >= 0x80)
        return MULTIBYTE;
    return byte < 0x20 || byte == '"' || byte == '\\' ? ESCAPE : PLAIN;
}

static void put_escape(struct cc_strbuf *out, unsigned char byte)
{
    static const char hex_digits[] = "0123456789abcdef";
    static const char short_names[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char text[6] = {'\\', (char)byte};
    if (byte == '"' || byte == '\\') {
        cc_strbuf_append(out, text, 2);
    } else if (short_names[byte] != '\0') {
        text[1] = short_names[byte];
        cc_strbuf_append(out, text, 2);
    } else {
        memcpy(text, "\\u00", 4);
        text[4] = hex_digits[byte >> 4];
        text[5] = hex_digits[byte & 15];
        cc_strbuf_append(out, text, 6);
    }
}

/* Bytes of the UTF-8 character at `at` (RFC 3629: no overlong form, surrogate or value above
 * U+10FFFF), or 0 when it is malformed. */
static size_t character_bytes(const unsigned char *at, size_t left)
{
    size_t count = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    unsigned char low = 0x80, high = 0xBF; /* allowed range of the second byte */
    if (at[0] < 0xC2 || at[0] > 0xF4 || count > left)
        return 0;
    if (at[0] == 0xE0)
        low = 0xA0;
    else if (at[0] == 0xED)
        high = 0x9F;
    else if (at[0] == 0xF0)
        low = 0x90;
    else if (at[0] == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return count;
}

/* Copies runs that need no change at once; stops only where a byte must be replaced. */
static void put_string(struct cc_strbuf *out, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t run = 0, at = 0;
    cc_strbuf_append_char(out, '"');
    while (at < length) {
        enum byte_class class = byte_class(bytes[at]);
        size_t good = class == PLAIN       ? 1
                      : class == MULTIBYTE ? character_bytes(bytes + at, length - at)
                                           : 0;
        if (good > 0) {
            at += good;
            continue;
        }
        cc_strbuf_append(out, text + run, at - run);
        if (class == ESCAPE)
            put_escape(out, bytes[at]);
        else
            cc_strbuf_append(out, "\xEF\xBF\xBD", 3);
        run = ++at;
    }
    cc_strbuf_append(out, text + run, length - run);
    cc_strbuf_append_char(out, '"');
}

/* Everything in front of a value. */
static void begin(struct cc_json_writer *writer, const char *key)
{
    if (writer->need_comma)
        cc_strbuf_append_char(writer->out, ',');
    writer->need_comma = true;
    if (key != NULL) {
        put_string(writer->out, key, strlen(key));
        cc_strbuf_append_char(writer->out, ':');
    }
}

static void open(struct cc_json_writer *writer, const char *key, char bracket)
{
    begin(writer, key);
    cc_strbuf_append_char(writer->out, bracket);
    writer->need_comma = false;
    writer->depth++;
}

static void close(struct cc_json_writer *writer, char bracket)
{
    cc_strbuf_append_char(writer->out, bracket);
    writer->need_comma = true;
    writer->depth--;
}

void cc_json_open_object(struct cc_json_writer *writer, const char *key)
{
    open(writer, key, '{');
}

void cc_json_close_object(struct cc_json_writer *writer)
{
    close(writer, '}');
}

void cc_json_open_array(struct cc_json_writer *writer, const char *key)
{
    open(writer, key, '[');
}

void cc_json_close_array(struct cc_json_writer *writer)
{
    close(writer, ']');
}

void cc_json_put_text(struct cc_json_writer *writer, const char *key, const char *text)
{
    if (text == NULL)
        cc_json_put_null(writer, key);
    else
        cc_json_put_text_n(writer, key, text, strlen(text));
}

void cc_json_put_text_n(struct cc_json_writer *writer, const char *key, const char *text,
                        size_t length)
{
    begin(writer, key);
    put_string(writer->out, text, length);
}

void cc_json_put_text_opt(struct cc_json_writer *writer, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        cc_json_put_text(writer, key, text);
}

void cc_json_put_int(struct cc_json_writer *writer, const char *key, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    begin(writer, key);
    cc_strbuf_append(writer->out, digits + at, sizeof digits - at);
}

void cc_json_put_bool(struct cc_json_writer *writer, const char *key, bool value)
{
    begin(writer, key);
    cc_strbuf_append_text(writer->out, value ? "true" : "false");
}

void cc_json_put_null(struct cc_json_writer *writer, const char *key)
{
    begin(writer, key);
    cc_strbuf_append(writer->out, "null", 4);
}

/* JSON has no NaN and no infinity. 17 digits bring every double back exactly. */
void cc_json_put_double(struct cc_json_writer *writer, const char *key, double value)
{
    if (!isfinite(value)) {
        cc_json_put_null(writer, key);
        return;
    }
    begin(writer, key);
    cc_strbuf_printf(writer->out, "%.17g", value);
}

void cc_json_put_time(struct cc_json_writer *writer, const char *key, int64_t epoch_ms)
{
    if (epoch_ms == 0) {
        cc_json_put_null(writer, key);
        return;
    }
    char text[CC_RFC3339_BYTES];
    cc_time_format(epoch_ms, text);
    cc_json_put_text_n(writer, key, text, CC_RFC3339_BYTES - 1);
}

void cc_json_put_texts(struct cc_json_writer *writer, const char *key, const char *const *texts,
                       size_t count)
{
    cc_json_open_array(writer, key);
    for (size_t i = 0; i < count; i++)
        cc_json_put_text(writer, NULL, texts[i]);
    cc_json_close_array(writer);
}

void cc_json_put_raw(struct cc_json_writer *writer, const char *key, const char *json,
                     size_t length)
{
    begin(writer, key);
    cc_strbuf_append(writer->out, json, length);
}
