/* Deletions of what has expired, produced as anybody's. Runs on the sweeper's thread. */

#include "events/expire.h"

#include "common/log.h"
#include "common/metrics.h"
#include "common/ticker.h"
#include "common/topics.h"
#include "events/event_payload.h"

static struct cc_produce record_of(struct expirer *expirer, struct ev_message_created *operation,
                                   struct cc_arena *arena)
{
    struct event_payload payload;
    char event_id[CC_UUID_BYTES];

    cc_ids_next(expirer->ids, event_id);
    operation->envelope = event_envelope(CC_TOPIC_MESSAGE_CREATED, event_id,
                                         operation->received_at_ms, operation->chat_id);
    event_payload_start(&payload);
    ev_message_created_write(&payload.writer, operation);
    struct cc_produce record = event_payload_finish(&payload, arena);
    record.topic = expirer->created_topic;
    record.key = operation->chat_id;
    record.type = CC_TOPIC_MESSAGE_CREATED;
    return record;
}

static enum cc_code produce(void *arg, struct ev_message_created *operations, size_t count,
                            struct cc_arena *arena, struct cc_error *err)
{
    struct expirer *expirer = arg;
    struct cc_produce *records = cc_arena_calloc(arena, count, sizeof *records);

    for (size_t i = 0; i < count; i++)
        records[i] = record_of(expirer, &operations[i], arena);
    return cc_produce_all(expirer->producer, records, count, err);
}

static void sweep(void *arg)
{
    struct expirer *expirer = arg;
    struct cc_error err = {0};
    size_t count;

    if (sweeper_sweep(&expirer->sweeper, &count, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "not all that has expired was swept", &err, NULL);
    cc_counter_add(
        cc_counter_get("message_expired_total", "Deletions that the sweeper asked for", NULL),
        count);
}

void expirer_start(struct expirer *expirer, int interval_ms)
{
    expirer->sweeper.produce = produce;
    expirer->sweeper.arg = expirer;
    sweeper_init(&expirer->sweeper);
    expirer->ticker = cc_ticker_start(interval_ms, sweep, expirer);
}

void expirer_stop(struct expirer *expirer)
{
    if (expirer->ticker == NULL)
        return;
    cc_ticker_stop(expirer->ticker);
    expirer->ticker = NULL;
    sweeper_finish(&expirer->sweeper);
}
