#ifndef USER_APP_H
#define USER_APP_H

/* Everything that a handler of user-service uses. Made in start, unmade in reverse. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "common/kafka_consumer.h"
#include "common/kafka_producer.h"
#include "common/pg_pool.h"
#include "common/redis_pool.h"
#include "common/service.h"
#include "events/publish.h"
#include "settings.h"
#include "storage/user_choices.h"
#include "storage/user_store.h"

struct user_app {
    const struct user_settings *settings;
    const struct cc_clock *clock;
    struct cc_ids *ids;
    struct cc_pg_pool *postgres;
    struct cc_redis *redis;
    struct cc_producer *producer;
    struct cc_http_client *client;
    struct cc_jwt_verifier *verifier;
    struct cc_peer *chat_service;
    struct user_store *store;
    struct user_choices *choices;
    struct user_publisher *publisher;
    struct cc_consumer *deleted;
};

extern const struct cc_http_hooks user_http_hooks;

/* A new fact about somebody, as of now; event_id is its storage. Any thread. */
struct user_fact user_app_fact(struct user_app *app, const char *user_id, const char *change,
                               char event_id[CC_UUID_BYTES]);

/* Somebody who is not deleted. Errors: those of user_store_find. Any thread. */
CC_MUST_CHECK enum cc_code user_app_find_living(struct user_app *app, const char *user_id,
                                                struct cc_arena *arena, struct user *out,
                                                struct cc_error *err);
/* Leaves a tombstone of somebody whose account is deleted, and has it told; may be repeated.
 * Errors: those of user_store_bury. Any thread. */
CC_MUST_CHECK enum cc_code user_app_bury(struct user_app *app, const char *user_id,
                                         struct cc_error *err);
/* Between two changes of a handle; what happens to one that is given up now. */
int64_t user_app_cooldown_ms(const struct user_app *app);
struct user_hold user_app_hold(const struct user_app *app);

enum cc_code user_app_start(void *app, const struct cc_runtime *runtime, struct cc_error *err);
void user_app_drain(void *app, int64_t deadline_mono_ms);
void user_app_stop(void *app);
enum cc_code user_app_migrate(const struct cc_runtime *runtime, struct cc_error *err);

#endif
