#ifndef CHATS_SHARED_CALLS_H
#define CHATS_SHARED_CALLS_H

/*
 * Questions to message-service that come in crowds, when many clients return at once. Who asks what
 * is being asked already shares the request and its answer; requests stand in line here, not before
 * message-service's workers, who would refuse them. Loop thread only.
 */

#include "jobs.h"
#include "table.h"

struct ws_waiter { /* embedded in whoever asks */
    struct ws_link waiting;
    /* The answer as the kind has read it; NULL: not to be had now. It lives until the last waiter
     * has returned. May close the sessions of other waiters. */
    void (*came)(struct ws_app *app, struct ws_waiter *waiter, void *answer);
};
/* What is asked: one static object per kind of question. */
struct ws_shared_kind {
    /* NULL: unreadable, err says why. The hub's arena is free for it. path: what was asked. */
    void *(*read)(struct ws_app *app, const struct ws_call *call, const char *path,
                  struct cc_error *err);
    void (*release)(void *answer);
};

void ws_waiter_init(struct ws_waiter *waiter,
                    void (*came)(struct ws_app *app, struct ws_waiter *waiter, void *answer));
/* `came` once, later. path: of message-service, copied; the same path means the same kind. */
void ws_shared_get(struct ws_app *app, struct ws_waiter *waiter, const struct ws_shared_kind *kind,
                   const char *path);
/* `came` no more. Idempotent; does nothing to one that does not wait. */
void ws_waiter_cancel(struct ws_waiter *waiter);
static inline bool ws_waiter_waits(const struct ws_waiter *waiter)
{
    return !ws_list_empty(&waiter->waiting);
}

struct ws_shared_calls { /* in the hub */
    struct ws_table by_path;
    struct ws_link line;
    unsigned under_way;
    bool going_on; /* the line moves */
    struct cc_counter *asked_counter, *shared_counter, *late_counter;
    struct cc_gauge *line_gauge;
};
void ws_shared_init(struct ws_app *app);
void ws_shared_finish(struct ws_app *app); /* nobody waits any more */

#endif
