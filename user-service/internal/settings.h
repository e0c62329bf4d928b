#ifndef USER_SETTINGS_H
#define USER_SETTINGS_H

/* Settings of user-service; their meaning is the help text of each row. */

#include "common/config.h"

struct user_settings {
    struct cc_common_settings common;
    const char *postgres_uri;
    int64_t postgres_pool;
    const char *redis_url;
    int64_t redis_pool;
    const char *kafka_brokers;
    struct cc_setting_list jwks_urls;
    struct cc_setting_list chat_service_internal_urls;
    int64_t handle_cooldown_s, handle_hold_s;
    int64_t topic_replication;
    const char *migrations_dir;
};

extern const struct cc_setting user_settings_table[];

#endif
