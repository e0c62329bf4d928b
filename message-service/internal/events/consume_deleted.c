/* Accounts that are deleted. On the consumer's thread. */

#include "events/consume_deleted.h"

#include "common/deletions.h"
#include "storage/message_store.h"

static enum cc_code bury(void *app, const char *user_id, struct cc_arena *arena,
                         struct cc_error *err)
{
    struct message_store *store = app;

    (void)arena;
    return store->ops->forget_person(store, user_id, err);
}

enum cc_code consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return cc_deletions_apply(batch, "message-service", bury, app, err);
}
