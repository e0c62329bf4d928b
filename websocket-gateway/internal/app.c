/* Makes everything, in order, and takes it down again. Runs on the main thread. What is done on
 * which thread stands at the head of each file and in README.md. */

#include "app.h"

#include <string.h>

#include "common/alloc.h"
#include "common/topics.h"

#include "chats/heads.h"
#include "chats/listing.h"
#include "chats/subscriptions.h"
#include "events/consumers.h"
#include "jobs.h"
#include "people.h"
#include "publish.h"
#include "ws/fanout.h"
#include "ws/server.h"
#include "ws/sight.h"

#define REDIS_CONNECTIONS   8
#define LOOP_QUEUE_MAX      50000
#define WORKER_QUEUE_MAX    10000
#define PRODUCER_FLUSH_MS   3000
#define CONSUMER_SESSION_MS 3000
#define LINGER_MS           100  /* of what nobody waits for while Redis answers its owner */
#define DRAIN_RESERVE_MS    3500 /* of the drain's time, for what stop() does */

static const struct cc_consumer_row consumer_rows[WS_CONSUMERS] = {
    {.topic = CC_TOPIC_MESSAGE_PERSISTED,
     .group = WS_GROUP,
     .batch_max = 200,
     .linger_ms = LINGER_MS,
     .session_timeout_ms = CONSUMER_SESSION_MS,
     .apply = ws_consume_persisted},
    {.topic = CC_TOPIC_CHAT_UPDATED,
     .group = WS_GROUP "-chats",
     .batch_max = 100,
     .session_timeout_ms = CONSUMER_SESSION_MS,
     .apply = ws_consume_chat_updated},
    {.topic = CC_TOPIC_SESSION_REVOKED,
     .group = WS_GROUP "-sessions",
     .batch_max = 100,
     .session_timeout_ms = CONSUMER_SESSION_MS,
     .apply = ws_consume_session_revoked},
    {.topic = CC_TOPIC_NOTIFICATION_NEW,
     .group = WS_GROUP "-notifications",
     .batch_max = 200,
     .session_timeout_ms = CONSUMER_SESSION_MS,
     .apply = ws_consume_notification},
    {.topic = CC_TOPIC_USER_UPDATED,
     .group = WS_GROUP "-users",
     .batch_max = 100,
     .session_timeout_ms = CONSUMER_SESSION_MS,
     .apply = ws_consume_user_updated},
};

/* ---- the subscriber's thread ---- */

static void on_message(void *arg, const char *channel, const char *payload, size_t length)
{
    struct ws_app *app = arg;
    struct ws_bus_event *event = ws_fanout_read(app, channel, payload, length);

    if (event != NULL && !ws_loop_queue_try_push(app->queue, &event->item))
        ws_bus_event_free(event); /* the loop hears of it and compares heads */
}

struct notice { /* a subscription was confirmed, or all were after a reconnect */
    struct ws_item item;
    struct ws_app *app;
    char channel[CC_REDIS_NAME_BYTES]; /* "" = a reconnect */
};

static void notice_drop(struct ws_item *item)
{
    cc_free(WS_CONTAINER(item, struct notice, item));
}

static void notice_run(struct ws_item *item)
{
    struct notice *notice = WS_CONTAINER(item, struct notice, item);
    enum ws_channel channel = WS_CHANNEL_NODE;
    const char *id;

    if (notice->channel[0] == '\0') {
        notice->app->hub.losses++;
        ws_heads_compare(notice->app);
        ws_review_everybody(notice->app);
        ws_sight_review_all(notice->app);
    } else if (ws_channel_parse(notice->channel, &channel, &id) && channel == WS_CHANNEL_CHAT) {
        ws_chat_subscribed(notice->app, id);
    } else if (channel == WS_CHANNEL_USER) {
        ws_people_subscribed(notice->app, id);
    }
    cc_free(notice);
}

static void notify(struct ws_app *app, const char *channel)
{
    struct notice *notice = cc_calloc(1, sizeof *notice);

    notice->item.run = notice_run;
    notice->item.drop = notice_drop;
    notice->app = app;
    strncpy(notice->channel, channel, sizeof notice->channel - 1);
    ws_loop_queue_push(app->queue, &notice->item); /* bounded by our own subscriptions */
}

static void on_subscribed(void *arg, const char *channel)
{
    notify(arg, channel);
}

static void on_reconnect(void *arg)
{
    notify(arg, "");
}

static const struct cc_redis_subscriber_events bus_events = {
    .on_message = on_message, .on_subscribed = on_subscribed, .on_reconnect = on_reconnect};

/* ---- start ---- */

static enum cc_code start_bus(struct ws_app *app, struct cc_error *err)
{
    char channel[CC_REDIS_NAME_BYTES];

    CC_TRY(cc_redis_subscriber_create(app->settings->redis_url, &bus_events, app, &app->subscriber,
                                      err));
    cc_redis_name_node(app->runtime.node_id, channel);
    cc_redis_subscribe(app->subscriber, channel);
    cc_redis_subscribe(app->subscriber, CC_CHANNEL_SESSION_REVOKED);
    return CC_OK;
}

static enum cc_code start_consumers(struct ws_app *app, struct cc_error *err)
{
    struct cc_consumer_options options = {.brokers = app->settings->kafka_brokers,
                                          .client_id = app->runtime.node_id,
                                          .producer = app->producer,
                                          .health = app->runtime.health,
                                          .app = app};

    for (size_t i = 0; i < WS_CONSUMERS; i++)
        CC_TRY(cc_consumer_start(&options, &consumer_rows[i], &app->consumers[i], err));
    return CC_OK;
}

static void start_clients(struct ws_app *app)
{
    app->http = cc_http_client_create();
    app->chat_service = cc_peer_create(app->http, &app->settings->chat_service_internal_urls);
    app->message_service = cc_peer_create(app->http, &app->settings->message_service_internal_urls);
    app->user_service = cc_peer_create(app->http, &app->settings->user_service_internal_urls);
    app->verifier =
        cc_jwt_verifier_create(app->http, &app->settings->jwks_urls, app->runtime.clock);
    cc_health_watch(app->runtime.health, "token keys", cc_jwt_verifier_probe, app->verifier);
}

enum cc_code ws_app_start(void *arg, const struct cc_runtime *runtime, struct cc_error *err)
{
    struct ws_app *app = arg;

    app->runtime = *runtime;
    app->settings = runtime->settings;
    ws_hub_init(app);
    app->bus_health = cc_health_add(runtime->health, "redis pub/sub");
    app->queue = ws_loop_queue_create(LOOP_QUEUE_MAX, ws_server_wake, app);
    CC_TRY(cc_producer_create(app->settings->kafka_brokers, runtime->node_id, &app->producer, err));
    cc_health_watch_optional(runtime->health, "kafka", cc_producer_probe, app->producer);
    CC_TRY(cc_redis_create(app->settings->redis_url, REDIS_CONNECTIONS, &app->redis, err));
    app->worker = ws_worker_create(app->redis, app->queue, WORKER_QUEUE_MAX);
    start_clients(app);
    CC_TRY(start_bus(app, err));
    CC_TRY(ws_server_start(app, err));
    return start_consumers(app, err);
}

void ws_app_reload(void *arg, const void *settings)
{
    struct ws_app *app = arg;

    (void)settings; /* none is reloadable; the certificate's files are */
    ws_server_reload(app->server);
}

/* ---- end ---- */

void ws_app_drain(void *arg, int64_t deadline_mono_ms)
{
    struct ws_app *app = arg;
    int64_t deadline_ms = deadline_mono_ms - DRAIN_RESERVE_MS;

    if (app->server != NULL)
        ws_server_drain(app->server, deadline_ms);
    for (size_t i = 0; i < WS_CONSUMERS; i++) {
        if (app->consumers[i] != NULL)
            cc_consumer_stop(app->consumers[i], deadline_mono_ms);
        app->consumers[i] = NULL;
    }
}

void ws_app_stop(void *arg)
{
    struct ws_app *app = arg;

    ws_app_drain(app, ws_now_ms(app)); /* consumers of a start that failed half-way */
    ws_server_stop(app->server);       /* the last sessions end: their jobs are still done */
    ws_worker_destroy(app->worker);
    if (app->producer != NULL)
        cc_producer_destroy(app->producer, PRODUCER_FLUSH_MS);
    if (app->subscriber != NULL)
        cc_redis_subscriber_destroy(app->subscriber);
    if (app->verifier != NULL)
        cc_jwt_verifier_destroy(app->verifier);
    if (app->http != NULL) {
        cc_http_client_destroy(app->http);
        cc_peer_destroy(app->chat_service);
        cc_peer_destroy(app->message_service);
        cc_peer_destroy(app->user_service);
    }
    ws_loop_queue_destroy(app->queue);
    ws_server_destroy(app->server);
    ws_hub_finish(app);
    if (app->redis != NULL)
        cc_redis_destroy(app->redis);
}
