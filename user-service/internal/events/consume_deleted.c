/* Deletions of accounts to tombstones, on the runner's thread. PostgreSQL away: the batch waits. */

#include "events/consume_deleted.h"

#include "app.h"
#include "common/deletions.h"
#include "common/topics.h"

#define BATCH_MAX 100
#define LINGER_MS 200 /* who is deleted is logged out already */

const struct cc_consumer_row user_deleted_row = {.topic = CC_TOPIC_USER_UPDATED,
                                                 .group = "user-service",
                                                 .batch_max = BATCH_MAX,
                                                 .apply = user_consume_deleted,
                                                 .linger_ms = LINGER_MS};

static enum cc_code bury(void *app, const char *user_id, struct cc_arena *arena,
                         struct cc_error *err)
{
    (void)arena;
    return user_app_bury(app, user_id, err);
}

enum cc_code user_consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return cc_deletions_apply(batch, "user-service", bury, app, err);
}
