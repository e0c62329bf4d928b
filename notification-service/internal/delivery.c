/* The table of channels that are written to the store. Runs on the consumer's thread. Pushing is no
 * row: a provider may be away, and has a consumer of its own (events/consume_push.c). */

#include "delivery.h"

struct channel {
    const char *name;
    enum cc_code (*send)(struct notification_store *store, const struct notification *notifications,
                         size_t count, struct cc_error *err);
};

static enum cc_code send_in_app(struct notification_store *store,
                                const struct notification *notifications, size_t count,
                                struct cc_error *err)
{
    return store->ops->insert(store, notifications, count, err);
}

static const struct channel channels[] = {
    {"in_app", send_in_app},
};
#define CHANNEL_COUNT (sizeof channels / sizeof channels[0])

static enum cc_code log_all(struct notification_store *store, const struct channel *channel,
                            const char *outcome, const struct notification *notifications,
                            size_t count, int64_t now_ms, struct cc_arena *arena,
                            struct cc_error *err)
{
    struct notification_delivery *rows = cc_arena_calloc(arena, count, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct notification_delivery){
            .notification_id = notifications[i].notification_id,
            .user_id = notifications[i].user_id,
            .channel = channel->name,
            .outcome = outcome,
            .at_ms = now_ms,
        };
    return store->ops->log_deliveries(store, rows, count, err);
}

enum cc_code notification_deliver(struct notification_store *store,
                                  const struct notification *notifications, size_t count,
                                  int64_t now_ms, struct cc_arena *arena, struct cc_error *err)
{
    for (size_t i = 0; i < CHANNEL_COUNT; i++) {
        CC_TRY(channels[i].send(store, notifications, count, err));
        CC_TRY(log_all(store, &channels[i], "delivered", notifications, count, now_ms, arena, err));
    }
    return CC_OK;
}

enum cc_code notification_cancel(struct notification_store *store,
                                 const struct notification *notifications, size_t count,
                                 int64_t now_ms, struct cc_arena *arena, struct cc_error *err)
{
    for (size_t i = 0; i < CHANNEL_COUNT; i++)
        CC_TRY(log_all(store, &channels[i], "cancelled", notifications, count, now_ms, arena, err));
    return CC_OK;
}
