#ifndef COMMON_SRC_CLIENT_METRICS_H
#define COMMON_SRC_CLIENT_METRICS_H

/* The one metric that all clients of servers share. Thread-safe. */

#include "common/metrics.h"

/* server: postgres, redis, mongodb. */
static inline struct cc_histogram *cc_client_durations(const char *server)
{
    return cc_histogram_get("client_operation_duration_seconds",
                            "Time until the server's answer was complete.", "server", server, NULL);
}

#endif
