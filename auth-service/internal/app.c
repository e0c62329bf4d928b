/* Builds and takes down auth-service; see app.h. Runs on the main thread. */

#include "app.h"

#include <string.h>

#include "common/log.h"
#include "common/topics.h"
#include "revocation.h"
#include "upkeep.h"

#define SCHEMA            "auth"
#define PRODUCER_FLUSH_MS 3000
#define KEYS_POLL_MS      2000
#define DELETIONS_POLL_MS 2000

/* Redis subscriber's thread: another replica ended a session. */
static void on_session_revoked(void *arg, const char *channel, const char *payload, size_t length)
{
    struct auth_app *app = arg;
    char session_id[CC_UUID_BYTES];
    (void)channel;
    if (!cc_uuid_valid(payload, length))
        return;
    memcpy(session_id, payload, CC_UUID_BYTES - 1);
    session_id[CC_UUID_BYTES - 1] = '\0';
    cc_jwt_revoke_session(app->verifier, session_id, auth_revoked_until_ms(app));
}

/* Something may have been missed, or Redis was emptied: upkeep puts both right from PostgreSQL. */
static void on_reconnect(void *arg)
{
    struct auth_app *app = arg;
    worker_wake(app->upkeep);
}

static enum cc_code authenticate(void *arg, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    struct auth_app *app = arg;
    return cc_jwt_verify(app->verifier, token, length, out, err);
}

const struct cc_http_hooks auth_http_hooks = {.authenticate = authenticate};

/* One round of the key loader: the first key is the one of the settings; after that the replicas
 * find what `keys rotate` has stored. */
static enum cc_code load_keys(struct auth_app *app, struct cc_error *err)
{
    bool changed;
    CC_TRY(keyring_load(app->keyring, &changed, err));
    return changed ? keyring_teach(app->keyring, app->verifier, err) : CC_OK;
}

static int64_t load_keys_again(void *arg)
{
    struct auth_app *app = arg;
    struct cc_error err = {0};
    enum cc_code code = CC_OK;
    if (!app->first_key_stored)
        code = keyring_import(app->keyring, app->settings->signing_key, &err);
    app->first_key_stored = app->first_key_stored || code == CC_OK;
    if (code == CC_OK)
        code = load_keys(app, &err);
    cc_health_report(app->keys_health, code, err.detail);
    if (code != CC_OK)
        cc_log_error(CC_LOG_WARN, "signing keys can't be read", &err, NULL);
    return KEYS_POLL_MS;
}

static void open_keyring(struct auth_app *app)
{
    const struct auth_settings *settings = app->settings;
    const struct keyring_options options = {
        .store = app->keys,
        .secret = settings->key_encryption_secret[0] != '\0' ? settings->key_encryption_secret
                                                             : settings->signing_key,
        .clock = app->runtime->clock,
        .random = app->runtime->random,
    };
    app->keyring = keyring_create(&options);
}

/* The first round at once: with PostgreSQL there, no request comes before the keys. */
static void start_key_loader(struct auth_app *app)
{
    static const struct cc_setting_list no_urls; /* the keys come from our own ring */
    app->verifier = cc_jwt_verifier_create(app->client, &no_urls, app->runtime->clock);
    app->keys_health = cc_health_add(app->runtime->health, "signing keys");
    (void)load_keys_again(app);
    app->key_loader = worker_start("key-loader", load_keys_again, app);
}

static enum cc_code start_redis(struct auth_app *app, struct cc_error *err)
{
    const struct auth_settings *settings = app->settings;
    CC_TRY(cc_redis_create(settings->redis_url, (int)settings->redis_pool, &app->redis, err));
    app->otp = otp_store_create(app->redis, settings->signing_key, settings->otp_ttl_s);
    cc_health_watch_optional(app->runtime->health, "redis", cc_redis_probe, app->redis);
    return CC_OK;
}

static void start_stores(struct auth_app *app)
{
    app->postgres =
        cc_pg_pool_create(app->settings->postgres_uri, SCHEMA, (int)app->settings->postgres_pool);
    app->accounts = account_store_pg_create(app->postgres);
    app->outbox = outbox_store_pg_create(app->postgres);
    app->keys = key_store_pg_create(app->postgres);
    open_keyring(app);
    cc_health_watch(app->runtime->health, "postgres", cc_pg_pool_probe, app->postgres);
}

static enum cc_code start_hasher(struct auth_app *app, struct cc_error *err)
{
    return password_hasher_create(auth_password_cost(app->settings),
                                  (int)app->settings->password_places, app->runtime->random,
                                  &app->hasher, err);
}

static int64_t advance_deletions(void *arg)
{
    struct auth_app *app = arg;
    struct cc_error err = {0};
    if (account_store_advance_deletions(app->accounts, auth_now_ms(app), &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "deletions have to wait", &err, NULL);
    return DELETIONS_POLL_MS;
}

/* Kafka and the mail server are no condition of readiness: what goes there waits in the outbox. */
static void start_workers(struct auth_app *app)
{
    const struct mail_outbox_options mail = {
        .store = app->outbox,
        .clock = app->runtime->clock,
        .smtp_url = app->settings->smtp_url,
        .from = app->settings->mail_from,
        .require_tls = app->settings->smtp_require_tls,
        .ca_file = app->settings->smtp_ca_file,
    };
    app->mails = mail_outbox_start(&mail);
    app->events = event_publisher_start(app->outbox, app->producer, app->runtime->clock);
    app->upkeep = worker_start("upkeep", auth_upkeep, app);
    app->deletions = worker_start("deletions", advance_deletions, app);
}

/* Last of all: its callbacks use the others. */
static enum cc_code start_subscriber(struct auth_app *app, struct cc_error *err)
{
    static const struct cc_redis_subscriber_events events = {.on_message = on_session_revoked,
                                                             .on_reconnect = on_reconnect};
    CC_TRY(
        cc_redis_subscriber_create(app->settings->redis_url, &events, app, &app->subscriber, err));
    cc_redis_subscribe(app->subscriber, CC_CHANNEL_SESSION_REVOKED);
    return CC_OK;
}

enum cc_code auth_app_open(struct auth_app *app, const struct cc_runtime *runtime,
                           struct cc_error *err)
{
    app->runtime = runtime;
    app->settings = runtime->settings;
    device_token_key(app->settings->signing_key, app->device_token_key);
    start_stores(app);
    return start_redis(app, err);
}

enum cc_code auth_app_start(void *arg, const struct cc_runtime *runtime, struct cc_error *err)
{
    struct auth_app *app = arg;
    app->runtime = runtime;
    app->settings = runtime->settings;
    app->client = cc_http_client_create();
    app->user_service = cc_peer_create(app->client, &app->settings->user_service_internal_urls);
    CC_TRY(start_hasher(app, err));
    CC_TRY(auth_app_open(app, runtime, err));
    start_key_loader(app);
    app->revocations_health = cc_health_add_optional(runtime->health, "revocations");
    CC_TRY(cc_producer_create(app->settings->kafka_brokers, runtime->node_id, &app->producer, err));
    start_workers(app);
    return start_subscriber(app, err);
}

static void stop_workers(struct auth_app *app)
{
    worker_stop(app->upkeep);
    worker_stop(app->key_loader);
    worker_stop(app->deletions);
    event_publisher_stop(app->events);
    mail_outbox_stop(app->mails);
}

void auth_app_stop(void *arg)
{
    struct auth_app *app = arg;
    if (app->subscriber != NULL)
        cc_redis_subscriber_destroy(app->subscriber);
    stop_workers(app);
    if (app->producer != NULL)
        cc_producer_destroy(app->producer, PRODUCER_FLUSH_MS);
    otp_store_destroy(app->otp);
    if (app->redis != NULL)
        cc_redis_destroy(app->redis);
    keyring_destroy(app->keyring);
    key_store_destroy(app->keys);
    outbox_store_destroy(app->outbox);
    account_store_destroy(app->accounts);
    cc_pg_pool_destroy(app->postgres);
    password_hasher_destroy(app->hasher);
    cc_jwt_verifier_destroy(app->verifier);
    cc_peer_destroy(app->user_service);
    cc_http_client_destroy(app->client);
}

enum cc_code auth_migrate(const struct cc_runtime *runtime, struct cc_error *err)
{
    const struct auth_settings *settings = runtime->settings;
    CC_TRY(cc_pg_migrate(settings->postgres_uri, SCHEMA, settings->migrations_dir, err));
    return cc_topics_create(settings->kafka_brokers, cc_topics, cc_topic_count,
                            (int)settings->topic_replication, err);
}
