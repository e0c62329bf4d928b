/* Start and stop of api-gateway, on the main thread. Every server may be away at that time: pools
 * connect lazily, readiness waits. */

#include "app.h"

#include <strings.h>

#include "common/metrics.h"
#include "common/rate_bucket.h"

#include "http/browser.h"
#include "proxy/forward.h"

#define REDIS_CONNECTIONS 1   /* for its health; the limiter has its own */
#define DRAIN_RESERVE_MS  500 /* for what follows the drain */

static enum cc_code authenticate(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    return cc_jwt_verify(((struct gateway_app *)app)->verifier, token, length, out, err);
}

struct joined {
    struct cc_arena *arena;
    const char *text;
};

static void join_forwarded_for(const char *name, const char *value, void *arg)
{
    struct joined *joined = arg;

    if (strcasecmp(name, "X-Forwarded-For") != 0)
        return;
    joined->text =
        joined->text == NULL ? value : cc_arena_printf(joined->arena, "%s,%s", joined->text, value);
}

static void client_address(void *memory, struct cc_request *req, const char *tcp_peer,
                           char out[CC_ADDRESS_BYTES])
{
    const struct gateway_app *app = memory;
    struct joined joined = {.arena = cc_request_arena(req)};

    if (app->hops.count > 0)
        cc_request_each_header(req, join_forwarded_for, &joined);
    gateway_client_address(&app->hops, tcp_peer, joined.text, out);
}

/* A trusted proxy's connections are those of many. */
static bool is_counted(const struct gateway_app *app, const char *tcp_peer)
{
    return app->peers != NULL && !gateway_is_hop(&app->hops, tcp_peer);
}

static bool peer_came(void *memory, const char *tcp_peer)
{
    const struct gateway_app *app = memory;

    if (!is_counted(app, tcp_peer) || gateway_address_came(app->peers, tcp_peer))
        return true;
    cc_counter_add(cc_counter_get("gateway_connections_refused_total",
                                  "Connections closed because their address had its share", NULL),
                   1);
    return false;
}

static void peer_left(void *memory, const char *tcp_peer)
{
    const struct gateway_app *app = memory;

    if (is_counted(app, tcp_peer))
        gateway_address_left(app->peers, tcp_peer);
}

const struct cc_http_hooks gateway_http_hooks = {
    .authenticate = authenticate,
    .client_address = client_address,
    .settle = gateway_settle,
    .peer_came = peer_came,
    .peer_left = peer_left,
    .intercept = gateway_answer_preflight,
    .decorate = gateway_add_browser_headers,
};

static enum cc_code create_limiter(struct gateway_app *app, struct cc_error *err)
{
    const struct gateway_settings *s = app->settings;
    const struct gateway_rate rates[GATEWAY_RATE_COUNT] = {
        [GATEWAY_RATE_READ] = {"read", s->rate_read_per_s, 1, s->rate_read_burst},
        [GATEWAY_RATE_WRITE] = {CC_BUCKET_WRITE, s->rate_write_per_s, 1, s->rate_write_burst},
        [GATEWAY_RATE_AUTH] = {"auth", s->rate_auth_per_10s, 10, s->rate_auth_per_10s},
        [GATEWAY_RATE_TOKEN] = {"token", s->rate_token_per_10s, 10, s->rate_token_per_10s},
        [GATEWAY_RATE_ADDRESS] = {"address", s->rate_address_per_s, 1, s->rate_address_burst},
        [GATEWAY_RATE_GLOBAL] = {"global", s->rate_global_per_s, 1, s->rate_global_burst},
    };

    return gateway_rate_limiter_create(s->redis_url, app->client, rates, app->clock, &app->limiter,
                                       err);
}

enum cc_code gateway_app_check(const void *settings, struct cc_error *err)
{
    struct gateway_upstreams *upstreams = NULL;
    struct gateway_hops hops;

    CC_TRY(gateway_hops_read(&((const struct gateway_settings *)settings)->trusted_proxies, &hops,
                             err));
    CC_TRY(gateway_upstreams_create(settings, cc_clock_system(), &upstreams, err));
    gateway_upstreams_destroy(upstreams);
    return CC_OK;
}

enum cc_code gateway_app_start(void *memory, const struct cc_runtime *runtime, struct cc_error *err)
{
    struct gateway_app *app = memory;
    const struct gateway_settings *settings = runtime->settings;

    app->settings = settings;
    app->clock = runtime->clock;
    CC_TRY(gateway_hops_read(&settings->trusted_proxies, &app->hops, err));
    CC_TRY(cc_redis_create(settings->redis_url, REDIS_CONNECTIONS, &app->redis, err));
    CC_TRY(gateway_upstreams_create(settings, runtime->clock, &app->upstreams, err));
    if (settings->connections_per_address_max > 0)
        app->peers = gateway_addresses_create(settings->connections_per_address_max);
    app->client = cc_http_client_create();
    app->verifier = cc_jwt_verifier_create(app->client, &settings->jwks_urls, runtime->clock);
    app->message_heads = cc_peer_create(app->client, &settings->message_service_internal_urls);
    CC_TRY(create_limiter(app, err));
    CC_TRY(gateway_tunnels_create(runtime->clock, app->upstreams, settings, &app->tunnels, err));
    CC_TRY(gateway_revocations_create(settings, app->client, app->verifier, runtime->clock,
                                      &app->revocations, err));
    cc_health_watch(runtime->health, "keys", cc_jwt_verifier_probe, app->verifier);
    cc_health_watch_optional(runtime->health, "redis", cc_redis_probe, app->redis);
    cc_health_watch(runtime->health, "revocations", gateway_revocations_probe, app->revocations);
    gateway_upstreams_watch(app->upstreams, app->client, runtime->health);
    return CC_OK;
}

void gateway_app_drain(void *memory, int64_t deadline_mono_ms)
{
    struct gateway_app *app = memory;
    int64_t until_ms = cc_mono_ms(app->clock) + app->settings->tunnel_drain_ms;

    deadline_mono_ms -= DRAIN_RESERVE_MS;
    gateway_tunnels_drain(app->tunnels, until_ms < deadline_mono_ms ? until_ms : deadline_mono_ms);
}

void gateway_app_stop(void *memory)
{
    struct gateway_app *app = memory;

    gateway_revocations_destroy(app->revocations);
    gateway_tunnels_destroy(app->tunnels);
    cc_jwt_verifier_destroy(app->verifier);
    cc_http_client_destroy(app->client);
    gateway_rate_limiter_destroy(app->limiter); /* the client looked after it */
    cc_peer_destroy(app->message_heads);
    gateway_upstreams_destroy(app->upstreams);
    cc_redis_destroy(app->redis);
    gateway_addresses_destroy(app->peers);
}
