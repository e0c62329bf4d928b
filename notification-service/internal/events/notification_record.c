/* Records of notification.new: read, and judged by their age. On the consumers' threads. */

#include "events/notification_record.h"

#include <string.h>

#include "domain/notify.h"
#include "read_marks.h"

/* Who was offline a moment ago has not read it since: only what comes late is looked up. */
#define LATE_MS 10000
/* So old may an answer be that serves the next record: a push in between may take seconds. */
#define KNOWN_MS 2000

struct read_position {
    struct read_position *next;
    const char *user_id, *chat_id;
    int64_t read_seq, asked_ms;
};

static const struct read_position *known_position(const struct notification_look *look,
                                                  const struct ev_notification_new *event)
{
    const struct read_position *known = look->known;

    while (known != NULL && (strcmp(known->chat_id, event->chat_id) != 0 ||
                             strcmp(known->user_id, event->user_id) != 0))
        known = known->next;
    return known != NULL && look->now_ms - known->asked_ms < KNOWN_MS ? known : NULL;
}

/* A chat of which much comes late, as after an outage, would otherwise cost a question each. */
static int64_t ask_once(struct notification_look *look, const struct cc_record *record,
                        const struct ev_notification_new *event)
{
    const struct read_position *known = known_position(look, event);

    if (known != NULL)
        return known->read_seq;
    struct read_position *asked = CC_ARENA_NEW(look->arena, struct read_position);
    *asked = (struct read_position){look->known, event->user_id, event->chat_id,
                                    .asked_ms = look->now_ms};
    asked->read_seq = notification_read_seq(look->app->message_service, event->user_id,
                                            event->chat_id, &record->trace, look->arena);
    look->known = asked;
    look->unanswered = asked->read_seq < 0;
    return asked->read_seq;
}

static int64_t read_position(struct notification_look *look, const struct cc_record *record,
                             const struct ev_notification_new *event)
{
    if (look->unanswered || look->now_ms - event->envelope.occurred_at_ms < LATE_MS ||
        event->cancel_if_read_seq == 0)
        return -1;
    return ask_once(look, record, event);
}

bool notification_record_is_stale(struct notification_look *look, const struct cc_record *record,
                                  const struct ev_notification_new *event)
{
    return notify_is_stale(event, read_position(look, record, event), look->now_ms);
}
