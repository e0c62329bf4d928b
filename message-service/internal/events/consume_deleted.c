/* Accounts that are deleted. On the consumer's thread. */

#include "events/consume_deleted.h"

#include "common/deletions.h"
#include "media_owners.h"

static enum cc_code bury(void *app, const char *user_id, struct cc_arena *arena,
                         struct cc_error *err)
{
    const struct deleted_consumer *consumer = app;

    (void)arena;
    CC_TRY(consumer->store->ops->forget_person(consumer->store, user_id, err));
    return media_forget_owner(&consumer->media, user_id, err);
}

enum cc_code consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return cc_deletions_apply(batch, "message-service", bury, app, err);
}
