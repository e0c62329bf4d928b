#ifndef COMMON_HEALTH_H
#define COMMON_HEALTH_H

/*
 * Readiness by named dependency. A component either reports (cc_health_report) or is probed by the
 * skeleton's own thread once a second. Not ready until every item has succeeded once; /readyz
 * answers 503 with "not ready: kafka: ..." and each item with the age of its last success. Liveness
 * never looks here. Thread-safe.
 */

#include "common/error.h"
#include "common/strbuf.h"

struct cc_health;
struct cc_health_item;
typedef enum cc_code (*cc_health_probe)(void *subject,
                                        struct cc_error *err); /* may block up to 2 s */

struct cc_health_item *cc_health_add(struct cc_health *health, const char *name);
void cc_health_report(struct cc_health_item *item, enum cc_code code, const char *reason);
void cc_health_watch(struct cc_health *health, const char *name, cc_health_probe probe,
                     void *subject);
/* The same for what only part of the service needs: it is shown and logged, and readiness does not
 * wait for it. */
void cc_health_watch_optional(struct cc_health *health, const char *name, cc_health_probe probe,
                              void *subject);

#endif
