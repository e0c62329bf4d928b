#ifndef SETTINGS_H
#define SETTINGS_H

/* Everything that can be configured; README.md lists it with its meaning. */

#include "common/config.h"

struct ws_settings {
    struct cc_common_settings common; /* first */
    const char *kafka_brokers;
    const char *redis_url;
    struct cc_setting_list jwks_urls;
    struct cc_setting_list chat_service_internal_urls;
    struct cc_setting_list message_service_internal_urls;
    struct cc_setting_list user_service_internal_urls;
    int64_t send_per_s, send_burst;             /* of one connection */
    int64_t rate_write_per_s, rate_write_burst; /* of one person, anywhere */
    int64_t sync_per_s, sync_burst;             /* pages of one connection */
    int64_t watch_per_s, watch_burst;           /* people named by one connection */
    int64_t sockets_per_user;
    int64_t max_unanswered;
    int64_t queue_frames, queue_bytes;
    int64_t frame_max_bytes;
    int64_t auth_deadline_ms, ping_ms, pong_ms;
    int64_t heads_interval_ms, canary_ms;
    bool listen_shared;
    bool production, echo_endpoint;
};
extern const struct cc_setting ws_settings_table[];

enum cc_code ws_settings_check(const void *settings, struct cc_error *err);

#endif
