#ifndef COMMON_HEALTH_H
#define COMMON_HEALTH_H

/*
 * Readiness by named dependency. A component either reports (cc_health_report) or is probed by the
 * skeleton's own thread once a second. An item is required when nothing useful works without it:
 * /readyz is 503, "not ready", while one fails, so that a balancer sends nobody here. Whatever has
 * a fallback, or serves only a part, is optional: without it /readyz is 200, "degraded". Each item
 * is shown with the age of its last success. Liveness never looks here. Thread-safe.
 */

#include "common/error.h"
#include "common/strbuf.h"

struct cc_health;
struct cc_health_item;
typedef enum cc_code (*cc_health_probe)(void *subject,
                                        struct cc_error *err); /* may block up to 2 s */

struct cc_health_item *cc_health_add(struct cc_health *health, const char *name);
/* Optional, except that after the start readiness waits up to CC_HEALTH_GRACE_MS for its first
 * success: a rollout goes on when this replica does its part, an outage holds none up for ever. */
#define CC_HEALTH_GRACE_MS 10000
struct cc_health_item *cc_health_add_optional(struct cc_health *health, const char *name);
void cc_health_report(struct cc_health_item *item, enum cc_code code, const char *reason);
void cc_health_watch(struct cc_health *health, const char *name, cc_health_probe probe,
                     void *subject);
/* The same for what is optional; readiness never waits for it. */
void cc_health_watch_optional(struct cc_health *health, const char *name, cc_health_probe probe,
                              void *subject);

#endif
