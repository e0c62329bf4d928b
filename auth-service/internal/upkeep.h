#ifndef UPKEEP_H
#define UPKEEP_H

#include <stdint.h>

/* One round of the upkeep worker (arg: struct auth_app): copies the revocations in force from
 * PostgreSQL to Redis and to this process, forgets what expired, sets the outbox gauges. Returns
 * how long to wait for the next round, ms. */
int64_t auth_upkeep(void *arg);

#endif
