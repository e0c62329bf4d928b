/* Start and stop of message-service, on the main thread: servers and peers first, consumers last.
 * HTTP listeners are the skeleton's. */

#include "app.h"

#include <string.h>

#define REDIS_CONNECTIONS       16
#define FLUSH_MS                3000
#define READ_LINGER_MS          20   /* somebody may wait for the answer to `read` */
#define READ_SAVE_MS            2000 /* of own sends; Redis has them at once */
#define MS_PER_S                1000
#define SWEEPS_PER_HOUSEKEEPING 5                /* nobody waits for it */
#define ACCESS_TOKEN_LIFE_MS    (15 * 60 * 1000) /* longer than any access token lives */

static const struct message_names production_names = {
    .created_topic = CC_TOPIC_MESSAGE_CREATED,
    .persisted_topic = CC_TOPIC_MESSAGE_PERSISTED,
    .read_topic = CC_TOPIC_MESSAGE_READ,
    .users_topic = CC_TOPIC_USER_UPDATED,
    .created_group = "message-service",
    .read_group = "message-service-read",
    .users_group = "message-service-users",
};

static enum cc_code authenticate(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    return cc_jwt_verify(((struct message_app *)app)->verifier, token, length, out, err);
}

const struct cc_http_hooks message_http_hooks = {.authenticate = authenticate};

static void end_session(struct message_app *app, const char *payload, size_t length)
{
    char session_id[CC_UUID_BYTES] = "";

    if (!cc_uuid_valid(payload, length))
        return;
    memcpy(session_id, payload, CC_UUID_BYTES - 1);
    cc_jwt_revoke_session(app->verifier, session_id, cc_wall_ms(app->clock) + ACCESS_TOKEN_LIFE_MS);
}

static void on_message(void *arg, const char *channel, const char *payload, size_t length)
{
    struct message_app *app = arg;

    if (strcmp(channel, CC_CHANNEL_SESSION_REVOKED) == 0)
        end_session(app, payload, length);
    else
        waiters_deliver(app->waiters, payload, length);
}

static void watch_servers(struct message_app *app, struct cc_health *health)
{
    cc_health_watch(health, "mongodb", cc_mongo_probe, app->mongo);
    cc_health_watch_optional(health, "redis", cc_redis_probe, app->redis);
    cc_health_watch_optional(health, "kafka", cc_producer_probe, app->producer);
    cc_health_watch(health, "keys", cc_jwt_verifier_probe, app->verifier);
    if (app->objects != NULL)
        cc_health_watch_optional(health, "objects", object_store_probe, app->objects);
}

static void open_objects(struct message_app *app)
{
    const struct message_settings *s = app->settings;
    bool same = s->s3_public_endpoint == NULL || s->s3_public_endpoint[0] == '\0';

    app->media_limits =
        (struct media_limits){s->media_abandoned_s * MS_PER_S, s->media_unused_s * MS_PER_S};
    if (s->s3_endpoint == NULL || s->s3_endpoint[0] == '\0')
        return;
    app->object_settings = (struct object_store_settings){
        .endpoint = s->s3_endpoint,
        .public_endpoint = same ? s->s3_endpoint : s->s3_public_endpoint,
        .region = s->s3_region,
        .bucket = s->s3_bucket,
        .keys = {s->s3_access_key, s->s3_secret_key, s->s3_session_token},
        .url_ttl_s = (int)s->media_url_ttl_s,
    };
    app->objects = object_store_s3_create(app->client, &app->object_settings, app->clock);
}

static enum cc_code open_servers(struct message_app *app, const struct cc_runtime *runtime,
                                 struct cc_error *err)
{
    const struct message_settings *settings = app->settings;

    CC_TRY(cc_mongo_create(settings->mongo_uri, settings->mongo_database, settings->production,
                           &app->mongo, err));
    CC_TRY(cc_redis_create(settings->redis_url, REDIS_CONNECTIONS, &app->redis, err));
    CC_TRY(cc_producer_create(settings->kafka_brokers, runtime->node_id, &app->producer, err));
    app->client = cc_http_client_create();
    app->chat_service = cc_peer_create(app->client, &settings->chat_service_internal_urls);
    app->verifier = cc_jwt_verifier_create(app->client, &settings->jwks_urls, runtime->clock);
    open_objects(app);
    if (runtime->health != NULL)
        watch_servers(app, runtime->health);
    return CC_OK;
}

static enum cc_code start_listening(struct message_app *app, struct cc_error *err)
{
    static const struct cc_redis_subscriber_events events = {.on_message = on_message};

    app->waiters = waiters_create(app->clock, app->ids);
    CC_TRY(
        cc_redis_subscriber_create(app->settings->redis_url, &events, app, &app->subscriber, err));
    cc_redis_name_node(app->node_id, app->node_channel);
    cc_redis_subscribe(app->subscriber, app->node_channel);
    cc_redis_subscribe(app->subscriber, CC_CHANNEL_SESSION_REVOKED);
    return CC_OK;
}

static void prepare_consumers(struct message_app *app)
{
    struct redis_outlet outlet = {.redis = app->redis, .clock = app->clock};

    app->owner = owner_create(app->store, app->clock, app->settings->edit_window_s * MS_PER_S);
    owner_use_media(app->owner, &(struct media_uses){app->media, app->media_limits, app->clock});
    app->heads = head_saver_create(app->store);
    app->announcer = (struct announcer){
        .producer = app->producer,
        .ids = app->ids,
        .clock = app->clock,
        .persisted_topic = app->names.persisted_topic,
        .read_topic = app->names.read_topic,
        .outlet = outlet,
    };
    app->created = (struct created_consumer){
        .owner = app->owner,
        .announcer = &app->announcer,
        .members = app->members,
        .heads = app->heads,
    };
    app->read = (struct read_consumer){
        .store = app->store,
        .members = app->members,
        .outlet = outlet,
    };
    read_consumer_init(&app->read);
    app->expirer = (struct expirer){
        .sweeper = {.store = app->store, .clock = app->clock},
        .producer = app->producer,
        .ids = app->ids,
        .created_topic = app->names.created_topic,
    };
    app->media_ticker.sweeper =
        (struct media_sweeper){app->media, app->objects, app->media_limits, app->clock};
    app->deleted =
        (struct deleted_consumer){app->store, {app->media, app->media_limits, app->clock}};
    app->housekeeper.clock = app->clock;
    app->housekeeper.retention_ms = app->settings->changes_retention_s * MS_PER_S;
    app->housekeeper.eraser =
        (struct eraser){app->store, {app->media, app->media_limits, app->clock}};
}

static enum cc_code start_consumers(struct message_app *app, const struct cc_runtime *runtime,
                                    struct cc_error *err)
{
    struct cc_consumer_options options = {
        .brokers = app->settings->kafka_brokers,
        .client_id = runtime->node_id,
        .producer = app->producer,
        .health = runtime->health,
    };
    const struct cc_consumer_row created = {
        .topic = app->names.created_topic,
        .group = app->names.created_group,
        .batch_max = (size_t)app->settings->batch_max,
        .apply = consume_created,
        .on_assigned = consume_created_assigned,
        .on_revoked = consume_created_revoked,
    };
    const struct cc_consumer_row read = {
        .topic = app->names.read_topic,
        .group = app->names.read_group,
        .batch_max = (size_t)app->settings->batch_max,
        .apply = consume_read,
        .on_assigned = consume_read_rebalanced,
        .on_revoked = consume_read_rebalanced,
        .linger_ms = READ_LINGER_MS,
        .save = consume_read_save,
        .save_ms = READ_SAVE_MS,
    };

    const struct cc_consumer_row deleted = {
        .topic = app->names.users_topic,
        .group = app->names.users_group,
        .batch_max = (size_t)app->settings->batch_max,
        .apply = consume_deleted,
    };

    options.app = &app->created;
    CC_TRY(cc_consumer_start(&options, &created, &app->created_consumer, err));
    options.app = &app->read;
    CC_TRY(cc_consumer_start(&options, &read, &app->read_consumer, err));
    options.app = &app->deleted;
    return cc_consumer_start(&options, &deleted, &app->deleted_consumer, err);
}

enum cc_code message_app_start(void *memory, const struct cc_runtime *runtime, struct cc_error *err)
{
    return message_app_start_as(memory, runtime, &production_names, err);
}

enum cc_code message_app_start_as(struct message_app *app, const struct cc_runtime *runtime,
                                  const struct message_names *names, struct cc_error *err)
{
    app->names = *names;
    app->settings = runtime->settings;
    app->node_id = runtime->node_id;
    app->clock = runtime->clock;
    app->ids = runtime->ids;
    CC_TRY(open_servers(app, runtime, err));
    if (app->store == NULL)
        app->store = message_store_mongo_create(app->mongo);
    app->media = media_store_mongo_create(app->mongo);
    app->members = message_members_create(app->chat_service, app->redis);
    CC_TRY(start_listening(app, err));
    prepare_consumers(app);
    CC_TRY(start_consumers(app, runtime, err));
    expirer_start(&app->expirer, (int)app->settings->sweep_interval_ms);
    housekeeper_start(&app->housekeeper,
                      (int)app->settings->sweep_interval_ms * SWEEPS_PER_HOUSEKEEPING);
    if (app->objects != NULL)
        media_ticker_start(&app->media_ticker, (int)app->settings->sweep_interval_ms);
    return CC_OK;
}

void message_app_drain(void *memory, int64_t deadline_mono_ms)
{
    struct message_app *app = memory;

    expirer_stop(&app->expirer);
    media_ticker_stop(&app->media_ticker);
    housekeeper_stop(&app->housekeeper);
    cc_consumer_stop(app->created_consumer, deadline_mono_ms);
    cc_consumer_stop(app->read_consumer, deadline_mono_ms);
    cc_consumer_stop(app->deleted_consumer, deadline_mono_ms);
    app->created_consumer = app->read_consumer = app->deleted_consumer = NULL;
}

void message_app_stop(void *memory)
{
    struct message_app *app = memory;

    head_saver_destroy(app->heads);
    owner_destroy(app->owner);
    if (app->read.known != NULL)
        read_consumer_finish(&app->read);
    if (app->subscriber != NULL)
        cc_redis_subscriber_destroy(app->subscriber);
    waiters_destroy(app->waiters);
    message_members_destroy(app->members);
    media_store_destroy(app->media);
    object_store_destroy(app->objects);
    message_store_destroy(app->store);
    cc_jwt_verifier_destroy(app->verifier);
    cc_peer_destroy(app->chat_service);
    cc_http_client_destroy(app->client);
    if (app->producer != NULL)
        cc_producer_destroy(app->producer, FLUSH_MS);
    cc_redis_destroy(app->redis);
    cc_mongo_destroy(app->mongo);
}

enum cc_code message_app_migrate(const struct cc_runtime *runtime, struct cc_error *err)
{
    const struct message_settings *settings = runtime->settings;

    CC_TRY(cc_mongo_migrate(settings->mongo_uri, settings->mongo_database, settings->migrations_dir,
                            err));
    return cc_topics_create(settings->kafka_brokers, cc_topics, cc_topic_count,
                            (int)settings->topic_replication, err);
}
