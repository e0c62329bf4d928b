#ifndef WS_QUOTA_H
#define WS_QUOTA_H

/*
 * How much a person may send, over all sockets on all gateways and REST: the bucket rate:write of
 * Redis. An operation never waits for Redis: it is judged by what is believed to be left, counted
 * there at once, many people in one round trip, and the answer corrects the belief. What two
 * gateways let pass in the same moment leaves the bucket in debt, which has to be refilled before
 * anybody sends on. While Redis is away each gateway limits on its own. Loop thread.
 */

#include "table.h"
#include "ws/limits.h"

struct ws_app;

struct ws_quotas {
    struct ws_table by_user;
    struct ws_link by_use;  /* struct quota.used, the longest unused first */
    struct ws_link to_tell; /* struct quota.telling: taken here, not yet counted in Redis */
    bool asking;
    int64_t rests_until_ms; /* Redis is left alone after a failure; monotonic */
};

void ws_quotas_init(struct ws_app *app);
void ws_quotas_finish(struct ws_app *app);
/* Takes one operation of the person; false: out_wait_ms until there is one. */
bool ws_quota_take(struct ws_app *app, const char *user_id, int *out_wait_ms);
/* So much of it is not confirmed yet that the person's sockets should not be read on. */
bool ws_quota_is_behind(struct ws_app *app, const char *user_id);
void ws_quotas_tick(struct ws_app *app, int64_t now_ms); /* now and then, at least every second */

#endif
