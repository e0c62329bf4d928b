#ifndef APP_H
#define APP_H

/* Everything the daemon has, in the order of its making. The upper half is shared and thread-safe;
 * `hub` belongs to the loop thread alone. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "common/kafka_consumer.h"
#include "common/kafka_producer.h"
#include "common/metrics.h"
#include "common/redis_pool.h"
#include "common/service.h"

#include "hub.h"
#include "loop_queue.h"
#include "settings.h"

#define WS_CONSUMERS 5

struct ws_app {
    struct cc_runtime runtime;
    const struct ws_settings *settings;
    struct ws_loop_queue *queue;
    struct cc_producer *producer;
    struct cc_redis *redis;   /* consumers and the worker */
    struct ws_worker *worker; /* blocking Redis commands of the loop */
    struct cc_http_client *http;
    struct cc_peer *chat_service, *message_service, *user_service;
    struct cc_jwt_verifier *verifier;
    struct ws_server *_Atomic server; /* the loop thread; NULL until it is there */
    struct cc_redis_subscriber *subscriber;
    struct cc_health_item *bus_health;
    struct cc_consumer *consumers[WS_CONSUMERS];
    struct ws_hub hub;
};

enum cc_code ws_app_start(void *app, const struct cc_runtime *runtime, struct cc_error *err);
void ws_app_reload(void *app, const void *settings);
void ws_app_drain(void *app, int64_t deadline_mono_ms);
void ws_app_stop(void *app);

static inline int64_t ws_now_ms(const struct ws_app *app) /* monotonic */
{
    return cc_mono_ms(app->runtime.clock);
}
static inline int64_t ws_wall_ms(const struct ws_app *app)
{
    return cc_wall_ms(app->runtime.clock);
}

#endif
