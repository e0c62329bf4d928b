#ifndef PRESENCE_H
#define PRESENCE_H

/*
 * Who is there: a sorted set per person in Redis holds every live connection of all gateways until
 * its expiry, another one those that are away; online means that one is left which is not away.
 * Going offline is announced after 15 s without any, so that a reconnect goes unnoticed; what a
 * dead gateway left behind is claimed by another one. Loop thread; the commands run on the worker.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/liveness.h"

struct ws_app;
struct ws_session;

void ws_presence_enter(struct ws_session *session);
void ws_presence_leave(struct ws_session *session);
/* The client says that nobody is at it, or somebody again. */
void ws_presence_set_away(struct ws_session *session, bool away);
void ws_presence_tick(struct ws_app *app, int64_t now_ms); /* ends what has lasted its 15 s */
void ws_presence_finish(struct ws_app *app);
void ws_presence_refresh(struct ws_app *app); /* every 20 s: all connections live on */
void ws_presence_sweep(struct ws_app *app);   /* every 5 s: what nobody refreshed */
/* Writes {"t":"presence",...}; last_seen_ms 0 = never or now. */
struct cc_strbuf;
void ws_presence_frame(struct cc_strbuf *out, const char *user_id, enum cc_live_state state,
                       int64_t last_seen_ms);

#define WS_PRESENCE_REFRESH_MS 20000
#define WS_PRESENCE_SWEEP_MS   5000

#endif
