/* W3C trace context and the life of a span. A span belongs to one thread; the settings are atomics.
 * Sends nothing: finished spans go to the exporter that trace_export.c has set. */

#include "common/trace.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "common/id.h"
#include "trace_private.h"

#define ATTRIBUTES_MAX 16

static _Atomic(cc_trace_exporter) exporter;
static atomic_int sampling_permille;

void cc_trace_set_exporter(cc_trace_exporter export)
{
    atomic_store(&exporter, export);
}

void cc_trace_set_sampling(int permille)
{
    atomic_store(&sampling_permille, permille);
}

/* ---- traceparent ---- */

static bool all_lower_hex(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool all_zero(const char *text, size_t count)
{
    return strspn(text, "0") >= count;
}

static int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* Versions after 00 may carry more after a dash; what we know of them is the same prefix. */
bool cc_trace_parse(const char *traceparent, struct cc_trace *out)
{
    if (traceparent == NULL || strnlen(traceparent, 512) < CC_TRACEPARENT_BYTES - 1)
        return false;
    const char *trace_id = traceparent + 3, *span_id = traceparent + 36, *flags = traceparent + 53;
    char after = traceparent[CC_TRACEPARENT_BYTES - 1];
    bool version_00 = strncmp(traceparent, "00", 2) == 0;
    if (!all_lower_hex(traceparent, 2) || strncmp(traceparent, "ff", 2) == 0 ||
        traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-' ||
        (after != '\0' && (version_00 || after != '-')))
        return false;
    if (!all_lower_hex(trace_id, 32) || all_zero(trace_id, 32) || !all_lower_hex(span_id, 16) ||
        all_zero(span_id, 16) || !all_lower_hex(flags, 2))
        return false;
    *out = (struct cc_trace){.sampled = (hex_value(flags[1]) & 1) != 0};
    memcpy(out->trace_id, trace_id, 32);
    memcpy(out->span_id, span_id, 16);
    return true;
}

void cc_trace_format(const struct cc_trace *trace, char out[CC_TRACEPARENT_BYTES])
{
    if (trace->trace_id[0] == '\0') {
        out[0] = '\0';
        return;
    }
    memcpy(out, "00-", 3);
    memcpy(out + 3, trace->trace_id, 32);
    out[35] = '-';
    memcpy(out + 36, trace->span_id, 16);
    memcpy(out + 52, trace->sampled ? "-01" : "-00", 4);
}

/* ---- spans ---- */

static void random_hex(char *out, size_t byte_count)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    const struct cc_random *random = cc_random_system();
    random->fill(random, bytes, byte_count);
    bytes[0] |= 1; /* all zeros mean "none" */
    for (size_t i = 0; i < byte_count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * byte_count] = '\0';
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void cc_span_begin(struct cc_span *span, const char *name, enum cc_span_kind kind,
                   const struct cc_trace *parent)
{
    struct cc_span begun = {.name = name, .kind = kind, .started_wall_us = wall_us()};
    if (parent != NULL && parent->trace_id[0] != '\0') {
        begun.trace = *parent;
        memcpy(begun.parent_id, parent->span_id, sizeof begun.parent_id);
    } else {
        int permille = atomic_load(&sampling_permille);
        random_hex(begun.trace.trace_id, 16);
        begun.trace.sampled =
            permille > 0 && cc_random_below(cc_random_system(), 1000) < (uint64_t)permille;
    }
    random_hex(begun.trace.span_id, 8);
    *span = begun;
}

void cc_span_end(struct cc_span *span, const char *error_name, ...)
{
    cc_trace_exporter export = atomic_load(&exporter);
    if (!span->trace.sampled || export == NULL)
        return;
    const char *attributes[2 * ATTRIBUTES_MAX];
    size_t count = 0;
    va_list arguments;
    va_start(arguments, error_name);
    for (const char *key; count < ATTRIBUTES_MAX && (key = va_arg(arguments, const char *)) != NULL;
         count++) {
        attributes[2 * count] = key;
        attributes[2 * count + 1] = va_arg(arguments, const char *);
    }
    va_end(arguments);
    export(span, wall_us(), error_name, attributes, count);
}
