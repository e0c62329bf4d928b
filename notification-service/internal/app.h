#ifndef NOTIFICATION_APP_H
#define NOTIFICATION_APP_H

/* Everything that a handler or a consumer of notification-service uses. Made in start, unmade in
 * reverse. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "common/kafka_consumer.h"
#include "common/metrics.h"
#include "common/mongo_pool.h"
#include "common/redis_pool.h"
#include "common/service.h"
#include "push.h"
#include "settings.h"
#include "states.h"
#include "storage/notification_store.h"
#include "sweep.h"

struct notification_app {
    const struct notification_settings *settings;
    const struct cc_clock *clock;
    struct cc_ids *ids;
    struct cc_mongo *mongo;
    struct cc_redis *redis;
    struct cc_producer *producer;
    const char *notification_topic; /* where what is to be told goes: notification.new */
    struct cc_http_client *client;
    struct cc_jwt_verifier *verifier;
    struct cc_peer *chat_service;
    struct cc_peer *message_service;
    struct cc_peer *user_service;
    struct notification_states *states; /* of chats; the consumer's */
    struct cc_counter *blocked;         /* told to nobody: their sender is blocked */
    struct notification_store *store;
    struct push_store *pushes;
    struct push_provider *push_provider; /* NULL: nothing is pushed */
    struct notification_sweeper *sweeper;
    struct cc_consumer *persisted, *notifications, *revoked, *deleted, *chats;
    struct cc_consumer *push; /* NULL without a provider */
};

extern const struct cc_http_hooks notification_http_hooks;

enum cc_code notification_app_start(void *app, const struct cc_runtime *runtime,
                                    struct cc_error *err);
void notification_app_drain(void *app, int64_t deadline_mono_ms);
void notification_app_stop(void *app);
enum cc_code notification_app_migrate(const struct cc_runtime *runtime, struct cc_error *err);

#endif
