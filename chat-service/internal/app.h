#ifndef CHAT_APP_H
#define CHAT_APP_H

/* Everything that a handler or a consumer of chat-service uses. Made in start, unmade in reverse.
 */

#include <pthread.h>

#include "activities.h"
#include "common/http_client.h"
#include "common/jwt.h"
#include "common/kafka_consumer.h"
#include "common/mongo_pool.h"
#include "common/redis_pool.h"
#include "common/service.h"
#include "events/announce.h"
#include "settings.h"
#include "storage/chat_store.h"

struct chat_app {
    const struct chat_settings *settings;
    const struct cc_clock *clock;
    struct cc_ids *ids;
    struct cc_mongo *mongo;
    struct cc_redis *redis;
    struct cc_producer *producer;
    struct cc_http_client *client;
    struct cc_jwt_verifier *verifier;
    struct cc_peer *user_service;
    struct cc_peer *message_service;
    struct chat_store *store;
    struct activities *activities; /* the consumer's */
    struct personal_store *personals;
    struct chat_outlet_servers outlet;
    struct chat_announcer announcer;
    struct chat_sweeper *sweeper;
    struct cc_consumer *persisted, *deleted, *blocks, *created;
};

extern const struct cc_http_hooks chat_http_hooks;

enum cc_code chat_app_start(void *app, const struct cc_runtime *runtime, struct cc_error *err);
void chat_app_drain(void *app, int64_t deadline_mono_ms);
void chat_app_stop(void *app);
enum cc_code chat_app_migrate(const struct cc_runtime *runtime, struct cc_error *err);

#endif
