#ifndef HEALTH_PRIVATE_H
#define HEALTH_PRIVATE_H

/*
 * The skeleton's side of health.h: life of the set, the probe thread, the answer of /readyz.
 * Nothing outside libcommon/src includes this.
 */

#include <stdbool.h>

#include "common/clock.h"
#include "common/health.h"
#include "common/json_writer.h"

struct cc_health *cc_health_create(const struct cc_clock *clock); /* clock borrowed */
void cc_health_destroy(struct cc_health *health);                 /* after cc_health_stop */
/* The probe thread; watched items added later are probed too. stop joins it. */
void cc_health_start(struct cc_health *health);
void cc_health_stop(struct cc_health *health);
/* Until this is called nothing is ready ("starting"). */
void cc_health_set_started(struct cc_health *health);
/* From now on nothing is ready ("draining"). */
void cc_health_set_draining(struct cc_health *health);

#define CC_HEALTH_REASON_BYTES 256
/* False with "<item>: <reason>" of the first item that isn't ready. */
bool cc_health_ready(struct cc_health *health, char reason[CC_HEALTH_REASON_BYTES]);
/* Writes the members status ("ready", "degraded", "not ready"), reason (of the last two) and items
 * into the open object; returns what cc_health_ready would. */
bool cc_health_write(struct cc_health *health, struct cc_json_writer *writer);

#endif
