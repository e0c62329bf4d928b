#ifndef NOTIFICATION_SETTINGS_H
#define NOTIFICATION_SETTINGS_H

/* Settings of notification-service; the table says what each means. */

#include "common/config.h"

struct notification_settings {
    struct cc_common_settings common; /* first */
    const char *kafka_brokers;
    const char *mongo_uri, *mongo_database;
    const char *redis_url;
    struct cc_setting_list jwks_urls;
    struct cc_setting_list chat_service_internal_urls;
    struct cc_setting_list message_service_internal_urls;
    struct cc_setting_list user_service_internal_urls;
    const char *push_url, *push_credential; /* "" = none */
    int64_t push_timeout_ms;
    bool push_preview;
    const char *migrations_dir;
    int64_t topic_replication;
    bool production;
};
extern const struct cc_setting notification_settings_table[];

#endif
