#ifndef TRACE_PRIVATE_H
#define TRACE_PRIVATE_H

/*
 * Between trace_context.c, which makes and ends spans, and trace_export.c, which ships them.
 * Nothing outside libcommon/src includes this.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/trace.h"

/* Called on the thread that ends a sampled span; must not block and must copy what it keeps.
 * error_name: NULL = ok. attributes: `count` pairs as alternating key, value. */
typedef void (*cc_trace_exporter)(const struct cc_span *span, int64_t ended_wall_us,
                                  const char *error_name, const char *const *attributes,
                                  size_t count);

/* NULL: finished spans are dropped. Thread-safe. */
void cc_trace_set_exporter(cc_trace_exporter exporter);
/* Share of new traces (those without a parent) that are sampled, 0-1000. 0 at start. Thread-safe.
 */
void cc_trace_set_sampling(int permille);

#endif
