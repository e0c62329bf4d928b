/* Start and stop of user-service, on the main thread: servers first, the publisher last. The HTTP
 * listeners are the skeleton's. */

#include "app.h"

#include "common/topics.h"
#include "events/consume_deleted.h"

#define SCHEMA   "users"
#define FLUSH_MS 3000

/* Listener threads; must not block. */
static enum cc_code authenticate(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    return cc_jwt_verify(((struct user_app *)app)->verifier, token, length, out, err);
}

const struct cc_http_hooks user_http_hooks = {.authenticate = authenticate};

struct user_fact user_app_fact(struct user_app *app, const char *user_id, const char *change,
                               char event_id[CC_UUID_BYTES])
{
    cc_ids_next(app->ids, event_id);
    return (struct user_fact){.event_id = event_id,
                              .user_id = user_id,
                              .change = change,
                              .occurred_at_ms = cc_wall_ms(app->clock)};
}

enum cc_code user_app_find_living(struct user_app *app, const char *user_id, struct cc_arena *arena,
                                  struct user *out, struct cc_error *err)
{
    struct user found;
    CC_TRY(user_store_find(app->store, user_id, arena, &found, err));
    if (found.deleted_at_ms != 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
    *out = found;
    return CC_OK;
}

int64_t user_app_cooldown_ms(const struct user_app *app)
{
    return app->settings->handle_cooldown_s * 1000;
}

struct user_hold user_app_hold(const struct user_app *app)
{
    int64_t now_ms = cc_wall_ms(app->clock);
    return (struct user_hold){now_ms, now_ms + app->settings->handle_hold_s * 1000};
}

enum cc_code user_app_bury(struct user_app *app, const char *user_id, struct cc_error *err)
{
    char event_id[CC_UUID_BYTES];
    struct user_fact fact = user_app_fact(app, user_id, "deleted", event_id);
    struct user_hold hold = user_app_hold(app);

    CC_TRY(user_store_bury(app->store, user_id, &fact, &hold, err));
    user_publisher_wake(app->publisher);
    return CC_OK;
}

/* Redis and chat-service serve presence alone, and what goes to Kafka waits in the outbox. */
static void watch(struct user_app *app, struct cc_health *health)
{
    cc_health_watch(health, "postgres", cc_pg_pool_probe, app->postgres);
    cc_health_watch_optional(health, "redis", cc_redis_probe, app->redis);
    cc_health_watch_optional(health, "kafka", cc_producer_probe, app->producer);
    cc_health_watch(health, "keys", cc_jwt_verifier_probe, app->verifier);
}

enum cc_code user_app_start(void *memory, const struct cc_runtime *runtime, struct cc_error *err)
{
    struct user_app *app = memory;
    const struct user_settings *settings = runtime->settings;

    app->settings = settings;
    app->clock = runtime->clock;
    app->ids = runtime->ids;
    CC_TRY(cc_redis_create(settings->redis_url, (int)settings->redis_pool, &app->redis, err));
    CC_TRY(cc_producer_create(settings->kafka_brokers, runtime->node_id, &app->producer, err));
    app->postgres = cc_pg_pool_create(settings->postgres_uri, SCHEMA, (int)settings->postgres_pool);
    app->client = cc_http_client_create();
    app->verifier = cc_jwt_verifier_create(app->client, &settings->jwks_urls, runtime->clock);
    app->chat_service = cc_peer_create(app->client, &settings->chat_service_internal_urls);
    watch(app, runtime->health);
    app->store = user_store_pg_create(app->postgres);
    app->choices = user_choices_pg_create(app->postgres);
    app->publisher = user_publisher_start(app->store, app->producer);
    const struct cc_consumer_options options = {.brokers = settings->kafka_brokers,
                                                .client_id = runtime->node_id,
                                                .producer = app->producer,
                                                .health = runtime->health,
                                                .app = app};
    return cc_consumer_start(&options, &user_deleted_row, &app->deleted, err);
}

/* Each stops between two batches. What the publisher has not told yet waits in the outbox for the
 * next start. */
void user_app_drain(void *memory, int64_t deadline_mono_ms)
{
    struct user_app *app = memory;
    cc_consumer_stop(app->deleted, deadline_mono_ms);
    app->deleted = NULL;
    user_publisher_stop(app->publisher);
    app->publisher = NULL;
}

void user_app_stop(void *memory)
{
    struct user_app *app = memory;
    user_publisher_stop(app->publisher);
    user_choices_destroy(app->choices);
    user_store_destroy(app->store);
    cc_peer_destroy(app->chat_service);
    cc_jwt_verifier_destroy(app->verifier);
    cc_http_client_destroy(app->client);
    cc_pg_pool_destroy(app->postgres);
    cc_producer_destroy(app->producer, FLUSH_MS);
    cc_redis_destroy(app->redis);
}

enum cc_code user_app_migrate(const struct cc_runtime *runtime, struct cc_error *err)
{
    const struct user_settings *settings = runtime->settings;
    CC_TRY(cc_pg_migrate(settings->postgres_uri, SCHEMA, settings->migrations_dir, err));
    return cc_topics_create(settings->kafka_brokers, cc_topics, cc_topic_count,
                            (int)settings->topic_replication, err);
}
