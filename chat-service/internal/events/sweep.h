#ifndef CHAT_EVENTS_SWEEP_H
#define CHAT_EVENTS_SWEEP_H

/* A thread that announces what a crash, or a server that was away, left unannounced: at start and
 * then at every interval. */

#include "common/clock.h"
#include "events/announce.h"

struct chat_sweeper;

/* announcer and clock are borrowed. */
struct chat_sweeper *chat_sweeper_start(struct chat_announcer *announcer,
                                        const struct cc_clock *clock, int interval_ms);
/* Waits for a running sweep; accepts NULL. */
void chat_sweeper_stop(struct chat_sweeper *sweeper);

#endif
