/* user.updated: of who has deleted their account, nothing that they were told and no device stays.
 * On the consumer's thread. */

#include "app.h"
#include "common/deletions.h"
#include "common/topics.h"
#include "events/consumers.h"

#define BATCH_MAX 100

static enum cc_code bury(void *memory, const char *user_id, struct cc_arena *arena,
                         struct cc_error *err)
{
    struct notification_app *app = memory;

    (void)arena;
    CC_TRY(app->pushes->ops->drop_person(app->pushes, user_id, err));
    return app->store->ops->forget_person(app->store, user_id, cc_wall_ms(app->clock), err);
}

static enum cc_code apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return cc_deletions_apply(batch, "notification-service", bury, app, err);
}

const struct cc_consumer_row notification_deleted_row = {
    .topic = CC_TOPIC_USER_UPDATED,
    .group = "notification-service-users",
    .batch_max = BATCH_MAX,
    .apply = apply,
};
