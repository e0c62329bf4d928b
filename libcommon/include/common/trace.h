#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

/*
 * W3C Trace Context (https://www.w3.org/TR/trace-context/) and spans exported as OTLP/HTTP JSON in
 * batches by a thread of its own (dropped and counted when the collector is away; never blocks the
 * caller). With no endpoint, contexts still travel but no span is kept. Thread-safe except that a
 * span belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#define CC_TRACEPARENT_BYTES 56 /* "00-<32>-<16>-<2>" and NUL */

struct cc_trace {
    char trace_id[33], span_id[17]; /* lower-case hex; trace_id "" = no context */
    bool sampled;
};
enum cc_span_kind {
    CC_SPAN_INTERNAL = 1,
    CC_SPAN_SERVER,
    CC_SPAN_CLIENT,
    CC_SPAN_PRODUCER,
    CC_SPAN_CONSUMER
};

bool cc_trace_parse(const char *traceparent, struct cc_trace *out);
void cc_trace_format(const struct cc_trace *trace, char out[CC_TRACEPARENT_BYTES]);

void cc_trace_init(const char *service, const char *otlp_endpoint, int sample_permille);
void cc_trace_shutdown(void); /* flushes up to 1 s */

struct cc_span {
    struct cc_trace trace; /* of this span; pass it on */
    char parent_id[17];
    const char *name; /* borrowed until cc_span_end */
    enum cc_span_kind kind;
    int64_t started_wall_us;
};
/* parent NULL or without context starts a new trace. */
void cc_span_begin(struct cc_span *span, const char *name, enum cc_span_kind kind,
                   const struct cc_trace *parent);
/* error_name: NULL = ok. Attributes: alternating key, value, ended by NULL. */
void cc_span_end(struct cc_span *span, const char *error_name, ...) __attribute__((sentinel));

#endif
