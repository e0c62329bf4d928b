/* Records of notification.new: read, and judged by their age. On the consumers' threads. */

#include "events/notification_record.h"

#include "domain/notify.h"
#include "read_marks.h"

/* Who was offline a moment ago has not read it since: only what comes late is looked up. */
#define LATE_MS 10000

bool notification_record_read(const struct cc_record *record, struct cc_arena *arena,
                              struct ev_notification_new *out, struct cc_error *fault)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);
    bool readable = ev_notification_new_read(reader, out);

    if (!readable)
        (void)cc_json_reader_error(reader, fault); /* its code is always CC_INVALID */
    cc_json_reader_destroy(reader);
    return readable;
}

static int64_t read_position(struct notification_look *look, const struct cc_record *record,
                             const struct ev_notification_new *event)
{
    int64_t read_seq;

    if (look->unanswered || look->now_ms - event->envelope.occurred_at_ms < LATE_MS ||
        event->cancel_if_read_seq == 0)
        return -1;
    read_seq = notification_read_seq(look->app->message_service, event->user_id, event->chat_id,
                                     &record->trace, look->arena);
    look->unanswered = read_seq < 0;
    return read_seq;
}

bool notification_record_is_stale(struct notification_look *look, const struct cc_record *record,
                                  const struct ev_notification_new *event)
{
    return notify_is_stale(event, read_position(look, record, event), look->now_ms);
}
