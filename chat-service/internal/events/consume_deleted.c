/* Accounts that are deleted. On the consumer's thread. Repeatable: who has left has nothing to
 * leave. */

#include "events/consume_deleted.h"

#include "app.h"
#include "common/deletions.h"
#include "common/topics.h"
#include "leaving.h"

#define BATCH_MAX 20

static enum cc_code bury(void *memory, const char *user_id, struct cc_arena *arena,
                         struct cc_error *err)
{
    struct chat_app *app = memory;
    struct chat_member_list chats = {0};

    CC_TRY(app->store->ops->list_memberships(app->store, user_id, CHAT_MEMBERS_ACTIVE, arena,
                                             &chats, err));
    for (size_t i = 0; i < chats.count; i++)
        CC_TRY(chat_leaving_commit(&app->announcer, chats.items[i].chat_id, user_id,
                                   cc_wall_ms(app->clock), arena, err));
    return app->personals->ops->forget(app->personals, user_id, err);
}

enum cc_code chat_deleted_apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return cc_deletions_apply(batch, "chat-service", bury, app, err);
}

const struct cc_consumer_row chat_deleted_row = {
    .topic = CC_TOPIC_USER_UPDATED,
    .group = "chat-service-users",
    .batch_max = BATCH_MAX,
    .apply = chat_deleted_apply,
};
