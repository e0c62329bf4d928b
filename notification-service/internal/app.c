/* Start and stop of notification-service, on the main thread: stores, peers and producer first, the
 * consumers last. HTTP listeners are the skeleton's. */

#include "app.h"

#include "common/topics.h"
#include "events/consumers.h"

#define REDIS_CONNECTIONS 4
#define FLUSH_MS          3000

static enum cc_code authenticate(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    return cc_jwt_verify(((struct notification_app *)app)->verifier, token, length, out, err);
}

const struct cc_http_hooks notification_http_hooks = {.authenticate = authenticate};

static enum cc_code open_servers(struct notification_app *app, const struct cc_runtime *runtime,
                                 struct cc_error *err)
{
    const struct notification_settings *settings = app->settings;

    CC_TRY(cc_mongo_create(settings->mongo_uri, settings->mongo_database, settings->production,
                           &app->mongo, err));
    CC_TRY(cc_redis_create(settings->redis_url, REDIS_CONNECTIONS, &app->redis, err));
    CC_TRY(cc_producer_create(settings->kafka_brokers, runtime->node_id, &app->producer, err));
    app->client = cc_http_client_create();
    app->verifier = cc_jwt_verifier_create(app->client, &settings->jwks_urls, runtime->clock);
    app->chat_service = cc_peer_create(app->client, &settings->chat_service_internal_urls);
    app->message_service = cc_peer_create(app->client, &settings->message_service_internal_urls);
    app->user_service = cc_peer_create(app->client, &settings->user_service_internal_urls);
    cc_health_watch(runtime->health, "mongodb", cc_mongo_probe, app->mongo);
    cc_health_watch_optional(runtime->health, "redis", cc_redis_probe, app->redis);
    cc_health_watch_optional(runtime->health, "kafka", cc_producer_probe, app->producer);
    cc_health_watch(runtime->health, "keys", cc_jwt_verifier_probe, app->verifier);
    return CC_OK;
}

enum cc_code notification_app_start(void *memory, const struct cc_runtime *runtime,
                                    struct cc_error *err)
{
    struct notification_app *app = memory;

    app->settings = runtime->settings;
    app->clock = runtime->clock;
    app->ids = runtime->ids;
    app->notification_topic = CC_TOPIC_NOTIFICATION_NEW;
    app->blocked =
        cc_counter_get("notification_blocked_total",
                       "Notifications not made: the person has blocked the sender.", NULL);
    CC_TRY(open_servers(app, runtime, err));
    app->store = notification_store_mongo_create(app->mongo);
    app->pushes = push_store_mongo_create(app->mongo);
    app->states = notification_states_create(app->chat_service, app->clock);
    if (app->settings->push_url[0] != '\0')
        app->push_provider =
            push_http_create(app->client, app->settings->push_url, app->settings->push_credential,
                             (int)app->settings->push_timeout_ms);
    app->sweeper = notification_sweeper_start(app->store, app->clock);
    struct cc_consumer_options options = {.brokers = app->settings->kafka_brokers,
                                          .client_id = runtime->node_id,
                                          .producer = app->producer,
                                          .health = runtime->health,
                                          .app = app};
    CC_TRY(cc_consumer_start(&options, &notification_persisted_row, &app->persisted, err));
    CC_TRY(cc_consumer_start(&options, &notification_revoked_row, &app->revoked, err));
    CC_TRY(cc_consumer_start(&options, &notification_deleted_row, &app->deleted, err));
    CC_TRY(cc_consumer_start(&options, &notification_chats_row, &app->chats, err));
    CC_TRY(cc_consumer_start(&options, &notification_delivery_row, &app->notifications, err));
    if (app->push_provider == NULL)
        return CC_OK;
    return cc_consumer_start(&options, &notification_push_row, &app->push, err);
}

void notification_app_drain(void *memory, int64_t deadline_mono_ms)
{
    struct notification_app *app = memory;

    struct cc_consumer **consumers[] = {&app->persisted, &app->notifications, &app->revoked,
                                        &app->deleted,   &app->chats,         &app->push};

    for (size_t i = 0; i < sizeof consumers / sizeof consumers[0]; i++) {
        cc_consumer_stop(*consumers[i], deadline_mono_ms);
        *consumers[i] = NULL;
    }
    notification_sweeper_stop(app->sweeper);
    app->sweeper = NULL;
}

void notification_app_stop(void *memory)
{
    struct notification_app *app = memory;

    push_provider_destroy(app->push_provider);
    push_store_destroy(app->pushes);
    notification_states_destroy(app->states);
    notification_store_destroy(app->store);
    cc_peer_destroy(app->user_service);
    cc_peer_destroy(app->message_service);
    cc_peer_destroy(app->chat_service);
    cc_jwt_verifier_destroy(app->verifier);
    cc_http_client_destroy(app->client);
    cc_producer_destroy(app->producer, FLUSH_MS);
    cc_redis_destroy(app->redis);
    cc_mongo_destroy(app->mongo);
}

enum cc_code notification_app_migrate(const struct cc_runtime *runtime, struct cc_error *err)
{
    const struct notification_settings *settings = runtime->settings;

    CC_TRY(cc_mongo_migrate(settings->mongo_uri, settings->mongo_database, settings->migrations_dir,
                            err));
    return cc_topics_create(settings->kafka_brokers, cc_topics, cc_topic_count,
                            (int)settings->topic_replication, err);
}
