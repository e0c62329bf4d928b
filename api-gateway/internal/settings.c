/* The table of settings. Read on the main thread before any other exists. */

#include "settings.h"

#include <stddef.h>

#define AT(field) offsetof(struct gateway_settings, field)
#define URLS(field, fallback, help)                                                                \
    {                                                                                              \
#field, CC_SETTING_LIST, AT(field), fallback, 0, 0, CC_SETTING_REQUIRED, help              \
    }
#define COUNT(field, fallback, max, help)                                                          \
    {                                                                                              \
#field, CC_SETTING_INT, AT(field), fallback, 0, max, 0, help                               \
    }

/* clang-format off: columns are the point */
const struct cc_setting gateway_settings_table[] = {
    {"redis_url", CC_SETTING_TEXT, AT(redis_url), "redis://127.0.0.1:6379/0", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET,
     "redis://[:password@]host:port/db: rate limits, revocations"},
    URLS(jwks_urls, "http://127.0.0.1:8201/internal/jwks.json",
         "where the keys of access tokens are"),
    URLS(auth_service_urls, "http://127.0.0.1:8101", "service listeners of auth-service"),
    URLS(user_service_urls, "http://127.0.0.1:8102", "service listeners of user-service"),
    URLS(chat_service_urls, "http://127.0.0.1:8103", "service listeners of chat-service"),
    URLS(message_service_urls, "http://127.0.0.1:8104", "service listeners of message-service"),
    URLS(notification_service_urls, "http://127.0.0.1:8105",
         "service listeners of notification-service"),
    URLS(websocket_gateway_urls, "http://127.0.0.1:8106",
         "WebSocket listeners of websocket-gateway"),
    URLS(auth_service_internal_urls, "http://127.0.0.1:8201",
         "ops listeners of auth-service (revocations)"),
    URLS(message_service_internal_urls, "http://127.0.0.1:8204",
         "ops listeners of message-service (unread counts)"),
    {"allowed_origins", CC_SETTING_LIST, AT(allowed_origins), "", 0, 0, 0,
     "origins that may call from a browser (CORS, /v1/ws); empty = no CORS, any origin at /v1/ws"},
    {"trusted_proxies", CC_SETTING_LIST, AT(trusted_proxies), "", 0, 0, 0,
     "addresses and prefixes whose X-Forwarded-For is believed, e.g. 10.0.0.0/8; empty = nobody's"},
    COUNT(ready_port_distance, "100", 60000,
          "an instance's /readyz is at its port + this; 0 = being connectable is enough"),
    COUNT(hsts_max_age_s, "0", 63072000,
          "Strict-Transport-Security of every answer, in s; 0 = none"),
    {"revocations_poll_ms", CC_SETTING_INT, AT(revocations_poll_ms), "15000", 100, 600000, 0,
     "how often the list of revoked sessions is read while Redis tells of them too, in ms"},
    {"upstream_timeout_ms", CC_SETTING_INT, AT(upstream_timeout_ms), "10000", 100, 25000, 0,
     "longest wait for an upstream's answer, in ms"},
    COUNT(rate_read_per_s, "50", 1000000, "reads a second and person; 0 = no limit"),
    COUNT(rate_read_burst, "100", 1000000, "reads at once and person"),
    COUNT(rate_write_per_s, "20", 1000000, "writes a second and person; 0 = no limit"),
    COUNT(rate_write_burst, "40", 1000000, "writes at once and person"),
    COUNT(rate_auth_per_10s, "10", 1000000,
          "/v1/auth requests without a token per 10 s and address; 0 = no limit"),
    COUNT(rate_token_per_10s, "30", 1000000,
          "refreshes and log-outs per 10 s and refresh token; 0 = no limit"),
    COUNT(rate_address_per_s, "500", 1000000, "requests a second and address; 0 = no limit"),
    COUNT(rate_address_burst, "1000", 1000000, "requests at once and address"),
    COUNT(rate_global_per_s, "20000", 1000000, "requests a second of all; 0 = no limit"),
    COUNT(rate_global_burst, "20000", 1000000, "requests at once of all"),
    COUNT(connections_per_address_max, "2000", 1000000,
          "connections at a time and address, trusted proxies apart; 0 = no cap"),
    COUNT(tunnels_max, "20000", 1000000, "WebSocket connections at a time"),
    COUNT(tunnels_per_address_max, "1000", 1000000, "WebSocket connections at a time and address"),
    {"tunnel_behind_ms", CC_SETTING_INT, AT(tunnel_behind_ms), "30000", 100, 600000, 0,
     "to catch up, for a side of a tunnel that does not take what is there, in ms"},
    COUNT(tunnel_drain_ms, "5000", 600000,
          "at a stop, WebSocket connections are closed spread over so long, in ms"),
    {NULL, CC_SETTING_TEXT, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */
