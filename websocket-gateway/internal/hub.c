/* The loop thread's state as a whole: its making, its clock, its end. Runs on the loop thread (init
 * and finish: before it starts, after it has ended). */

#include "hub.h"

#include "common/arena.h"
#include "common/log.h"

#include "app.h"
#include "chats/heads.h"
#include "chats/subscriptions.h"
#include "presence.h"
#include "publish.h"
#include "ws/session.h"

#define FRAME_ARENA_BYTES   (64 * 1024)
#define CANARIES_MISSED     3
#define SECOND_MS           1000
#define RECONNECT_SPREAD_MS 5000 /* over which clients come back after a drain */
#define CLOSE_SPREAD_MS     1500

static void init_metrics(struct ws_metrics *metrics)
{
    metrics->connections = cc_gauge_get("ws_connections", "Open client connections.", NULL);
    metrics->subscriptions = cc_gauge_get("ws_subscribed_chats", "Chats subscribed here.", NULL);
    metrics->loop_queue_depth =
        cc_gauge_get("ws_loop_queue_depth", "Elements waiting for the loop thread.", NULL);
    metrics->deliveries =
        cc_counter_get("ws_deliveries_total", "Live frames given to connections.", NULL);
    metrics->repairs = cc_counter_get("ws_repairs_total",
                                      "Pages fetched to fill a hole in a chat's events.", NULL);
    metrics->bus_lost = cc_counter_get("ws_bus_events_lost_total",
                                       "Pub/sub events refused because the loop was behind.", NULL);
    metrics->sight_unknown =
        cc_counter_get("ws_presence_unknown_total",
                       "Questions about who may see whom that user-service left open.", NULL);
    metrics->quota_alone = cc_counter_get(
        "ws_quota_alone_total",
        "Questions about what people have sent elsewhere that Redis left open.", NULL);
    metrics->frames_out = cc_counter_get("ws_frames_total", "Frames by direction and type.",
                                         "direction", "out", "type", "any", NULL);
    metrics->delivery_seconds = cc_histogram_get(
        "message_delivery_seconds", "From the stored message to the receiver's socket.", NULL);
}

void ws_hub_init(struct ws_app *app)
{
    struct ws_hub *hub = &app->hub;
    int64_t now_ms = ws_now_ms(app);

    hub->arena = cc_arena_create(FRAME_ARENA_BYTES);
    ws_table_init(&hub->sessions);
    ws_table_init(&hub->people);
    ws_table_init(&hub->chats);
    ws_list_init(&hub->all_sessions);
    ws_list_init(&hub->no_baseline);
    ws_list_init(&hub->graces);
    ws_list_init(&hub->sign_ins);
    ws_quotas_init(app);
    ws_shared_init(app);
    ws_review_init(app);
    ws_unreads_init(app);
    init_metrics(&hub->metrics);
    hub->heads_due_ms = now_ms + app->settings->heads_interval_ms;
    hub->presence_due_ms = now_ms + WS_PRESENCE_REFRESH_MS;
    hub->sweep_due_ms = now_ms + WS_PRESENCE_SWEEP_MS;
    hub->canary_seen_ms = now_ms;
}

void ws_hub_finish(struct ws_app *app)
{
    struct ws_hub *hub = &app->hub;

    if (hub->arena == NULL)
        return;
    while (!ws_list_empty(&hub->all_sessions))
        ws_session_closed(WS_CONTAINER(hub->all_sessions.next, struct ws_session, everyone));
    ws_presence_finish(app);
    ws_quotas_finish(app);
    ws_shared_finish(app);
    ws_table_finish(&hub->sessions);
    ws_table_finish(&hub->people);
    ws_table_finish(&hub->chats);
    cc_arena_destroy(hub->arena);
}

/* True once per interval. */
static bool due(int64_t *due_ms, int64_t now_ms, int64_t interval_ms)
{
    if (now_ms < *due_ms)
        return false;
    *due_ms = now_ms + interval_ms;
    return true;
}

static void send_canary(struct ws_app *app, int64_t now_ms)
{
    struct cc_bus_message message = {.kind = CC_BUS_CANARY, .frame = ""};

    if (now_ms - app->hub.canary_seen_ms > CANARIES_MISSED * app->settings->canary_ms)
        cc_health_report(app->bus_health, CC_UNAVAILABLE, "pub/sub delivers nothing");
    ws_publish(app, WS_CHANNEL_NODE, app->runtime.node_id, &message);
}

static void tick_sessions(struct ws_app *app, int64_t now_ms)
{
    WS_LIST_EACH(link, &app->hub.all_sessions)
    ws_session_tick(WS_CONTAINER(link, struct ws_session, everyone), now_ms);
}

struct tick {
    struct ws_app *app;
    int64_t now_ms;
};

static void tick_chat(struct ws_node *node, void *arg)
{
    const struct tick *tick = arg;

    ws_chat_tick(tick->app, WS_CONTAINER(node, struct ws_chat, node), tick->now_ms);
}

void ws_hub_tick(struct ws_app *app)
{
    struct ws_hub *hub = &app->hub;
    int64_t now_ms = ws_now_ms(app);
    struct tick tick = {app, now_ms};

    tick_sessions(app, now_ms);
    ws_presence_tick(app, now_ms);
    if (due(&hub->canary_due_ms, now_ms, app->settings->canary_ms))
        send_canary(app, now_ms);
    if (due(&hub->heads_due_ms, now_ms, app->settings->heads_interval_ms))
        ws_heads_compare(app);
    if (hub->second_look_ms != 0 && now_ms >= hub->second_look_ms)
        ws_heads_look_again(app);
    if (due(&hub->presence_due_ms, now_ms, WS_PRESENCE_REFRESH_MS))
        ws_presence_refresh(app);
    if (due(&hub->sweep_due_ms, now_ms, WS_PRESENCE_SWEEP_MS))
        ws_presence_sweep(app);
    if (due(&hub->second_due_ms, now_ms, SECOND_MS)) {
        ws_table_each(&hub->chats, tick_chat, &tick);
        ws_quotas_tick(app, now_ms);
        ws_review_go_on(app);
        cc_gauge_set(hub->metrics.loop_queue_depth, (int64_t)ws_loop_queue_depth(app->queue));
    }
    ws_unreads_tick(app, now_ms);
    ws_heads_ask_baselines(app);
}

void ws_hub_drain(struct ws_app *app)
{
    const struct cc_random *random = app->runtime.random;
    int64_t now_ms = ws_now_ms(app);

    app->hub.draining = true;
    WS_LIST_EACH(link, &app->hub.all_sessions)
    {
        struct ws_session *session = WS_CONTAINER(link, struct ws_session, everyone);
        struct ws_out out;

        if (session->state == WS_CLOSING)
            continue;
        ws_out_event(&out, "moved");
        cc_json_put_int(&out.json, "after_ms",
                        (int64_t)cc_random_below(random, RECONNECT_SPREAD_MS));
        cc_json_put_text(&out.json, "reason", "drain");
        ws_out_send(&out, session);
        session->drain_ms = now_ms + (int64_t)cc_random_below(random, CLOSE_SPREAD_MS);
    }
}
