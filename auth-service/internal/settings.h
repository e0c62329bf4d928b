#ifndef SETTINGS_H
#define SETTINGS_H

#include "common/config.h"
#include "password_hasher.h"

struct auth_settings {
    struct cc_common_settings common; /* first */
    const char *postgres_uri, *redis_url, *kafka_brokers;
    int64_t postgres_pool, redis_pool;
    const char *smtp_url, *smtp_ca_file, *mail_from;
    bool smtp_require_tls;
    const char *signing_key;           /* PEM: the first one */
    const char *key_encryption_secret; /* "" = signing_key serves as it */
    struct cc_setting_list user_service_internal_urls;
    struct cc_setting_list trusted_proxies; /* networks whose X-Forwarded-For is believed */
    int64_t guesses_per_address;            /* wrong passwords and codes in 15 minutes */
    int64_t access_token_s, refresh_token_s, otp_ttl_s;
    int64_t argon2_memory_kib, argon2_iterations;
    int64_t password_places; /* hashes computed at the same time; 0 = one per core */
    int64_t topic_replication;
    const char *migrations_dir;
};
extern const struct cc_setting auth_settings_table[];

struct password_cost auth_password_cost(const struct auth_settings *settings);
/* Rules between settings. */
CC_MUST_CHECK enum cc_code auth_settings_check(const void *settings, struct cc_error *err);

#endif
