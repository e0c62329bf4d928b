#ifndef NOTIFICATION_EVENTS_NOTIFICATION_RECORD_H
#define NOTIFICATION_EVENTS_NOTIFICATION_RECORD_H

/* What the two groups that read notification.new share. On their consumers' threads. */

#include "app.h"
#include "common/events/notification_new.h"

/* One look at a batch. message-service is asked of what comes late, once for a person and chat,
 * until it does not answer: one such wait is enough for a batch, whose consumer would otherwise be
 * taken for dead. */
struct notification_look {
    struct notification_app *app;
    struct cc_arena *arena;
    int64_t now_ms;
    struct read_position *known; /* asked for already */
    bool unanswered;
};
/* Whether it is too late to tell it: expired, or read meanwhile. */
bool notification_record_is_stale(struct notification_look *look, const struct cc_record *record,
                                  const struct ev_notification_new *event);

#endif
