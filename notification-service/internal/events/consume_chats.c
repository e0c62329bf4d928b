/* chat.updated: of a chat that is deleted for everybody nothing that was told stays. On the
 * consumer's thread. From this topic, and not from the deletion's message.persisted: that says what
 * it is no longer once message-service has erased the chat, and may come again after that. */

#include "app.h"
#include "common/chat_changes.h"
#include "common/topics.h"
#include "events/consumers.h"

#define BATCH_MAX 100

static enum cc_code apply(void *memory, struct cc_batch *batch, struct cc_error *err)
{
    struct notification_app *app = memory;
    size_t count;
    const char **chat_ids = cc_chat_changes_of(batch, CC_CHAT_DELETED, &count);

    return app->store->ops->retract_chats(app->store, (const char *const *)chat_ids, count,
                                          cc_wall_ms(app->clock), err);
}

const struct cc_consumer_row notification_chats_row = {
    .topic = CC_TOPIC_CHAT_UPDATED,
    .group = "notification-service-chats",
    .batch_max = BATCH_MAX,
    .apply = apply,
};
