/* Start and stop of chat-service, on the main thread: stores, peers and producer first, the
 * consumer and the sweeper last. HTTP listeners are the skeleton's. */

#include "app.h"

#include "common/alloc.h"
#include "common/topics.h"
#include "events/consume_blocks.h"
#include "events/consume_deleted.h"
#include "events/consume_persisted.h"
#include "events/sweep.h"

#define REDIS_CONNECTIONS 8
#define FLUSH_MS          3000

static enum cc_code authenticate(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    return cc_jwt_verify(((struct chat_app *)app)->verifier, token, length, out, err);
}

const struct cc_http_hooks chat_http_hooks = {.authenticate = authenticate};

static enum cc_code open_servers(struct chat_app *app, const struct cc_runtime *runtime,
                                 struct cc_error *err)
{
    const struct chat_settings *settings = app->settings;

    CC_TRY(cc_mongo_create(settings->mongo_uri, settings->mongo_database, settings->production,
                           &app->mongo, err));
    CC_TRY(cc_redis_create(settings->redis_url, REDIS_CONNECTIONS, &app->redis, err));
    CC_TRY(cc_producer_create(settings->kafka_brokers, runtime->node_id, &app->producer, err));
    app->client = cc_http_client_create();
    app->verifier = cc_jwt_verifier_create(app->client, &settings->jwks_urls, runtime->clock);
    app->user_service = cc_peer_create(app->client, &settings->user_service_internal_urls);
    app->message_service = cc_peer_create(app->client, &settings->message_service_internal_urls);
    cc_health_watch(runtime->health, "mongodb", cc_mongo_probe, app->mongo);
    cc_health_watch_optional(runtime->health, "redis", cc_redis_probe, app->redis);
    cc_health_watch_optional(runtime->health, "kafka", cc_producer_probe, app->producer);
    cc_health_watch(runtime->health, "keys", cc_jwt_verifier_probe, app->verifier);
    return CC_OK;
}

static void prepare_announcer(struct chat_app *app)
{
    app->store = chat_store_mongo_create(app->mongo);
    app->activities = activities_create(app->store);
    app->personals = personal_store_mongo_create(app->mongo);
    app->outlet.redis = app->redis;
    app->outlet.producer = app->producer;
    app->outlet.message_service = app->message_service;
    app->outlet.ids = app->ids;
    chat_outlet_servers_init(&app->outlet);
    chat_announcer_init(&app->announcer, app->store, app->personals, &app->outlet.base);
}

enum cc_code chat_app_start(void *memory, const struct cc_runtime *runtime, struct cc_error *err)
{
    struct chat_app *app = memory;

    app->settings = runtime->settings;
    app->clock = runtime->clock;
    app->ids = runtime->ids;
    CC_TRY(open_servers(app, runtime, err));
    prepare_announcer(app);
    app->sweeper =
        chat_sweeper_start(&app->announcer, app->clock, (int)app->settings->sweep_interval_ms);
    struct cc_consumer_options options = {.brokers = app->settings->kafka_brokers,
                                          .client_id = runtime->node_id,
                                          .producer = app->producer,
                                          .health = runtime->health,
                                          .app = app};
    CC_TRY(cc_consumer_start(&options, &chat_deleted_row, &app->deleted, err));
    CC_TRY(cc_consumer_start(&options, &chat_blocks_row, &app->blocks, err));
    CC_TRY(cc_consumer_start(&options, &chat_created_row, &app->created, err));
    return cc_consumer_start(&options, &chat_persisted_row, &app->persisted, err);
}

void chat_app_drain(void *memory, int64_t deadline_mono_ms)
{
    struct chat_app *app = memory;

    cc_consumer_stop(app->persisted, deadline_mono_ms);
    cc_consumer_stop(app->deleted, deadline_mono_ms);
    cc_consumer_stop(app->blocks, deadline_mono_ms);
    cc_consumer_stop(app->created, deadline_mono_ms);
    app->persisted = app->deleted = app->blocks = app->created = NULL;
    chat_sweeper_stop(app->sweeper);
    app->sweeper = NULL;
}

void chat_app_stop(void *memory)
{
    struct chat_app *app = memory;

    if (app->store != NULL)
        chat_announcer_finish(&app->announcer);
    activities_destroy(app->activities);
    chat_store_destroy(app->store);
    personal_store_destroy(app->personals);
    cc_peer_destroy(app->message_service);
    cc_peer_destroy(app->user_service);
    cc_jwt_verifier_destroy(app->verifier);
    cc_http_client_destroy(app->client);
    cc_producer_destroy(app->producer, FLUSH_MS);
    cc_redis_destroy(app->redis);
    cc_mongo_destroy(app->mongo);
}

enum cc_code chat_app_migrate(const struct cc_runtime *runtime, struct cc_error *err)
{
    const struct chat_settings *settings = runtime->settings;

    CC_TRY(cc_mongo_migrate(settings->mongo_uri, settings->mongo_database, settings->migrations_dir,
                            err));
    return cc_topics_create(settings->kafka_brokers, cc_topics, cc_topic_count,
                            (int)settings->topic_replication, err);
}
