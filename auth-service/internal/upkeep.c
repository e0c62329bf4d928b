/* Regular work that no request asks for; see upkeep.h. Runs on the upkeep worker's thread. */

#include "upkeep.h"

#include "app.h"
#include "common/log.h"
#include "common/metrics.h"
#include "revocation.h"

#define ROUND_MS 15000
#define AWAY_MS  1000

static enum cc_code copy_revocations(struct auth_app *app, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct revocation_list list;
    CC_TRY(account_store_list_revocations(app->accounts, auth_now_ms(app), arena, &list, err));
    cc_gauge_set(cc_gauge_get("auth_revocations", "Sessions whose tokens are refused.", NULL),
                 (int64_t)list.count);
    if (list.count == REVOCATIONS_LISTED) /* the rest may be refused too late after a restart */
        cc_log(CC_LOG_WARN, "there are more revocations than are copied", NULL);
    return auth_copy_revocations(app, &list, err);
}

static enum cc_code set_gauges(struct auth_app *app, struct cc_error *err)
{
    static const char name[] = "auth_outbox_rows", help[] = "What still has to leave the service.";
    int64_t mails, events;
    CC_TRY(outbox_count(app->outbox, &mails, &events, err));
    cc_gauge_set(cc_gauge_get(name, help, "outbox", "mail", NULL), mails);
    cc_gauge_set(cc_gauge_get(name, help, "outbox", "event", NULL), events);
    return CC_OK;
}

static enum cc_code do_round(struct auth_app *app, struct cc_error *err)
{
    enum cc_code copied = copy_revocations(app, err);
    cc_health_report(app->revocations_health, copied, err->detail);
    CC_TRY(copied);
    CC_TRY(account_store_purge(app->accounts, auth_now_ms(app), err));
    return set_gauges(app, err);
}

int64_t auth_upkeep(void *arg)
{
    struct cc_error err = {0};
    if (do_round(arg, &err) == CC_OK)
        return ROUND_MS;
    cc_log_error(CC_LOG_WARN, "upkeep was not finished", &err, NULL);
    return AWAY_MS;
}
