#ifndef APP_H
#define APP_H

/* Everything that auth-service consists of; built by start, taken down by stop in reverse. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "common/kafka_producer.h"
#include "common/pg_pool.h"
#include "common/redis_pool.h"
#include "common/service.h"
#include "domain/device_token.h"
#include "events/outbox_publish.h"
#include "keyring.h"
#include "mail/outbox.h"
#include "otp_store.h"
#include "password_hasher.h"
#include "settings.h"
#include "storage/account_store.h"
#include "storage/outbox_store.h"
#include "worker.h"

struct auth_app {
    const struct cc_runtime *runtime;
    const struct auth_settings *settings;
    struct cc_pg_pool *postgres;
    struct cc_redis *redis;
    struct cc_redis_subscriber *subscriber;
    struct cc_producer *producer;
    struct cc_http_client *client;
    struct cc_peer *user_service;
    struct cc_jwt_verifier *verifier;
    struct key_store *keys;
    struct keyring *keyring;
    bool first_key_stored; /* of the key loader */
    struct cc_health_item *keys_health, *revocations_health;
    struct password_hasher *hasher;
    struct otp_store *otp;
    unsigned char device_token_key[DEVICE_TOKEN_KEY_BYTES];
    struct account_store *accounts;
    struct outbox_store *outbox;
    struct mail_outbox *mails;
    struct event_publisher *events;
    struct worker *upkeep, *key_loader, *deletions;
};

enum cc_code auth_app_start(void *app, const struct cc_runtime *runtime, struct cc_error *err);
/* The stores only, for the command line; auth_app_stop takes it down. */
enum cc_code auth_app_open(struct auth_app *app, const struct cc_runtime *runtime,
                           struct cc_error *err);
void auth_app_stop(void *app);
enum cc_code auth_migrate(const struct cc_runtime *runtime, struct cc_error *err);

extern const struct cc_http_hooks auth_http_hooks;

static inline int64_t auth_now_ms(const struct auth_app *app)
{
    return cc_wall_ms(app->runtime->clock);
}

#endif
