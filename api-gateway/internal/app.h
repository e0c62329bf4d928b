#ifndef GATEWAY_APP_H
#define GATEWAY_APP_H

/* Everything that a handler of api-gateway uses. Made in start, unmade in reverse. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "common/redis_pool.h"
#include "common/service.h"
#include "proxy/address_counts.h"
#include "proxy/client_address.h"
#include "proxy/rate_limit.h"
#include "proxy/tunnel.h"
#include "proxy/upstreams.h"
#include "revocations.h"
#include "settings.h"

struct gateway_app {
    const struct gateway_settings *settings;
    const struct cc_clock *clock;
    struct cc_redis *redis;
    struct cc_http_client *client;
    struct cc_jwt_verifier *verifier;
    struct gateway_revocations *revocations;
    struct gateway_upstreams *upstreams;
    struct cc_peer *message_heads; /* ops listeners of message-service */
    struct gateway_rate_limiter *limiter;
    struct gateway_tunnels *tunnels;
    struct gateway_hops hops;        /* trusted proxies */
    struct gateway_addresses *peers; /* connections of each address; NULL = not counted */
};

extern const struct cc_http_hooks gateway_http_hooks;

/* URLs and prefixes can be read; CC_INVALID names the setting. */
enum cc_code gateway_app_check(const void *settings, struct cc_error *err);
enum cc_code gateway_app_start(void *app, const struct cc_runtime *runtime, struct cc_error *err);
void gateway_app_drain(void *app, int64_t deadline_mono_ms);
void gateway_app_stop(void *app);

#endif
