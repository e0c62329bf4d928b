/* Blocks and new chats, on the threads of their consumers. user-service away: the batch waits,
 * which is why blocks have a group of their own and deletions don't wait with them. */

#include "events/consume_blocks.h"

#include "app.h"
#include "common/chat_changes.h"
#include "common/topics.h"
#include "common/user_changes.h"
#include "direct_posting.h"

#define BLOCKS_BATCH_MAX  20
#define CREATED_BATCH_MAX 100

/* The event never says whom they block: so all their direct chats are looked at. */
static enum cc_code settle_chats_of(void *memory, const char *user_id, struct cc_arena *arena,
                                    struct cc_error *err)
{
    struct chat_app *app = memory;
    struct chat_member_list chats = {0};
    size_t count = 0;

    CC_TRY(app->store->ops->list_memberships(app->store, user_id, CHAT_MEMBERS_ACTIVE, arena,
                                             &chats, err));
    const char **chat_ids = cc_arena_calloc(arena, chats.count + 1, sizeof(*chat_ids));
    for (size_t i = 0; i < chats.count; i++)
        if (membership_may_be_direct(&chats.items[i]))
            chat_ids[count++] = chats.items[i].chat_id;
    return chat_direct_posting_settle(app, chat_ids, count, arena, err);
}

enum cc_code chat_blocks_apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return cc_user_changes_apply(batch, "blocks", "chat-service", settle_chats_of, app, err);
}

enum cc_code chat_created_apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    size_t count;
    const char **chat_ids = cc_chat_changes_of(batch, CC_CHAT_CREATED, &count);

    return chat_direct_posting_settle(app, chat_ids, count, batch->arena, err);
}

const struct cc_consumer_row chat_blocks_row = {.topic = CC_TOPIC_USER_UPDATED,
                                                .group = "chat-service-blocks",
                                                .batch_max = BLOCKS_BATCH_MAX,
                                                .apply = chat_blocks_apply};
const struct cc_consumer_row chat_created_row = {.topic = CC_TOPIC_CHAT_UPDATED,
                                                 .group = "chat-service-chats",
                                                 .batch_max = CREATED_BATCH_MAX,
                                                 .apply = chat_created_apply};
