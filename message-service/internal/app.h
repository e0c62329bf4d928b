#ifndef APP_H
#define APP_H

/* Everything that a handler or a consumer of message-service uses. Made in start, unmade in
 * reverse. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "common/kafka_consumer.h"
#include "common/mongo_pool.h"
#include "common/redis_pool.h"
#include "common/service.h"
#include "common/topics.h"
#include "events/consume_created.h"
#include "events/consume_deleted.h"
#include "events/consume_read.h"
#include "events/expire.h"
#include "events/housekeep.h"
#include "events/sweep_media.h"
#include "settings.h"
#include "waiters.h"

/* Names outside this process; tests have their own. */
struct message_names {
    const char *created_topic, *persisted_topic, *read_topic, *users_topic;
    const char *created_group, *read_group, *users_group;
};
struct message_app {
    const struct message_settings *settings;
    struct message_names names;
    const char *node_id;
    const struct cc_clock *clock;
    struct cc_ids *ids;
    /* Servers and peers. */
    struct cc_mongo *mongo;
    struct cc_redis *redis;
    struct cc_producer *producer;
    struct cc_http_client *client;
    struct cc_peer *chat_service;
    struct cc_jwt_verifier *verifier;
    /* What is built on them. */
    struct message_store *store;
    struct media_store *media;
    struct object_store_settings object_settings;
    struct object_store *objects; /* NULL: this installation keeps no files */
    struct media_limits media_limits;
    struct message_members *members;
    struct waiters *waiters;
    struct cc_redis_subscriber *subscriber; /* this node's channel, and ended sessions */
    char node_channel[CC_REDIS_NAME_BYTES];
    /* The owner's side. */
    struct owner *owner;
    struct announcer announcer;
    struct head_saver *heads;
    struct created_consumer created;
    struct read_consumer read;
    struct deleted_consumer deleted;
    struct cc_consumer *created_consumer, *read_consumer, *deleted_consumer;
    struct expirer expirer;
    struct media_ticker media_ticker;
    struct housekeeper housekeeper;
};

extern const struct cc_http_hooks message_http_hooks;

enum cc_code message_app_start(void *app, const struct cc_runtime *runtime, struct cc_error *err);
/* The same under other names; app->store is taken over when it is set. runtime->health may be NULL.
 */
enum cc_code message_app_start_as(struct message_app *app, const struct cc_runtime *runtime,
                                  const struct message_names *names, struct cc_error *err);
void message_app_drain(void *app, int64_t deadline_mono_ms);
void message_app_stop(void *app);
enum cc_code message_app_migrate(const struct cc_runtime *runtime, struct cc_error *err);

#endif
