/* Deletions among the records of user.updated. On the consumer's thread. Erases nothing itself. */

#include "common/deletions.h"

enum cc_code cc_deletions_apply(struct cc_batch *batch, const char *self, cc_bury bury, void *app,
                                struct cc_error *err)
{
    return cc_user_changes_apply(batch, "deleted", self, bury, app, err);
}
