/* The sweep of media, again and again. Runs on a thread of its own. */

#include "events/sweep_media.h"

#include "common/log.h"
#include "common/metrics.h"
#include "common/ticker.h"

static void sweep(void *arg)
{
    struct media_ticker *ticker = arg;
    struct cc_error err = {0};
    size_t count;

    if (media_sweep(&ticker->sweeper, &count, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "not all media that nobody needs were swept", &err, NULL);
    cc_counter_add(cc_counter_get("media_swept_total", "Files that the sweep took away", NULL),
                   count);
}

void media_ticker_start(struct media_ticker *ticker, int interval_ms)
{
    ticker->ticker = cc_ticker_start(interval_ms, sweep, ticker);
}

void media_ticker_stop(struct media_ticker *ticker)
{
    cc_ticker_stop(ticker->ticker);
    ticker->ticker = NULL;
}
