#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

/* Settings of api-gateway; the table says what each means. */

#include "common/config.h"

struct gateway_settings {
    struct cc_common_settings common; /* first */
    const char *redis_url;
    struct cc_setting_list jwks_urls;
    struct cc_setting_list auth_service_urls, user_service_urls, chat_service_urls,
        message_service_urls, notification_service_urls, websocket_gateway_urls;
    struct cc_setting_list auth_service_internal_urls, message_service_internal_urls;
    struct cc_setting_list allowed_origins, trusted_proxies;
    int64_t ready_port_distance;
    int64_t upstream_timeout_ms, revocations_poll_ms;
    int64_t hsts_max_age_s;
    int64_t rate_read_per_s, rate_read_burst;
    int64_t rate_write_per_s, rate_write_burst;
    int64_t rate_auth_per_10s, rate_token_per_10s;
    int64_t rate_address_per_s, rate_address_burst;
    int64_t rate_global_per_s, rate_global_burst;
    int64_t connections_per_address_max;
    int64_t tunnel_behind_ms;
    int64_t tunnels_max, tunnels_per_address_max, tunnel_drain_ms;
};
extern const struct cc_setting gateway_settings_table[];

#endif
