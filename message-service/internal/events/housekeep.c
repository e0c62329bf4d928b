/* Erasing and purging, again and again. Runs on a thread of its own. */

#include "events/housekeep.h"

#include "common/log.h"
#include "common/metrics.h"
#include "common/ticker.h"

#define PURGE_MAX 1000 /* of one sweep: 64,000 revs */

static void erase(struct housekeeper *housekeeper)
{
    struct cc_error err = {0};
    size_t count;

    if (eraser_sweep(&housekeeper->eraser, &count, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "not all that deleted chats said was erased", &err, NULL);
    cc_counter_add(cc_counter_get("message_erased_buckets_total",
                                  "Portions of deleted chats that were erased", NULL),
                   count);
}

static void purge(struct housekeeper *housekeeper)
{
    struct message_store *store = housekeeper->eraser.store;
    int64_t now_ms = cc_wall_ms(housekeeper->clock);
    const struct purge purge = {now_ms - housekeeper->retention_ms, now_ms, PURGE_MAX};
    struct cc_error err = {0};
    size_t count;

    if (store->ops->purge_log(store, &purge, &count, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "not all of the log that is too old was purged", &err, NULL);
    cc_counter_add(
        cc_counter_get("message_purged_total", "Buckets and refusals that left the log", NULL),
        count);
}

static void keep_house(void *arg)
{
    erase(arg);
    purge(arg);
}

void housekeeper_start(struct housekeeper *housekeeper, int interval_ms)
{
    housekeeper->ticker = cc_ticker_start(interval_ms, keep_house, housekeeper);
}

void housekeeper_stop(struct housekeeper *housekeeper)
{
    cc_ticker_stop(housekeeper->ticker);
    housekeeper->ticker = NULL;
}
