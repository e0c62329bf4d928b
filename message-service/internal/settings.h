#ifndef SETTINGS_H
#define SETTINGS_H

/* Everything that can be configured; README.md lists it with its meaning. */

#include "common/config.h"

struct message_settings {
    struct cc_common_settings common; /* first */
    const char *kafka_brokers;
    const char *mongo_uri, *mongo_database;
    const char *redis_url;
    struct cc_setting_list jwks_urls;
    struct cc_setting_list chat_service_internal_urls;
    const char *s3_endpoint, *s3_public_endpoint; /* "" = no files; "" = the same */
    const char *s3_region, *s3_bucket;
    const char *s3_access_key, *s3_secret_key, *s3_session_token;
    int64_t media_max_bytes, media_avatar_max_bytes, media_avatars_max;
    int64_t media_url_ttl_s;
    int64_t media_abandoned_s, media_unused_s;
    bool production;
    int64_t batch_max;
    int64_t edit_window_s;
    int64_t sweep_interval_ms;
    int64_t changes_retention_s;
    int64_t topic_replication;
    const char *migrations_dir;
};
extern const struct cc_setting message_settings_table[];

enum cc_code message_settings_check(const void *settings, struct cc_error *err);

#endif
