/* The settings of auth-service: names, defaults, ranges. Read once, before any thread starts.
 */

#include "settings.h"

#include <string.h>

#include "domain/network_address.h"

#define AT(member) offsetof(struct auth_settings, member)
#define SECRET     CC_SETTING_SECRET
#define REQUIRED   CC_SETTING_REQUIRED
#define TEXT       CC_SETTING_TEXT
#define INT        CC_SETTING_INT
#define BOOL       CC_SETTING_BOOL
#define LIST       CC_SETTING_LIST

#define KEY_SECRET_BYTES 32
#define PRIVATE_NETWORKS "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"

/* clang-format off: columns are the point */
const struct cc_setting auth_settings_table[] = {
    {"postgres_uri", TEXT, AT(postgres_uri), "", 0, 0, SECRET | REQUIRED, "libpq connection URI"},
    {"postgres_pool", INT, AT(postgres_pool), "8", 1, 32, 0, "connections to PostgreSQL, at most"},
    {"redis_url", TEXT, AT(redis_url), "", 0, 0, SECRET | REQUIRED,
     "redis://[:password@]host:port/db"},
    {"redis_pool", INT, AT(redis_pool), "8", 1, 32, 0, "connections to Redis, at most"},
    {"kafka_brokers", TEXT, AT(kafka_brokers), "", 0, 0, REQUIRED, "host:port,..."},
    {"smtp_url", TEXT, AT(smtp_url), "", 0, 0, SECRET | REQUIRED,
     "smtp://[user:password@]host:port or smtps://..."},
    {"smtp_require_tls", BOOL, AT(smtp_require_tls), "true", 0, 0, 0,
     "send no mail without TLS, even when the server offers none"},
    {"smtp_ca_file", TEXT, AT(smtp_ca_file), "", 0, 0, 0,
     "PEM file: who vouches for the mail server's certificate; empty = as the system has it"},
    {"mail_from", TEXT, AT(mail_from), "Chat-App <no-reply@chat-app.example>", 0, 0, 0,
     "From: of every mail"},
    {"signing_key", TEXT, AT(signing_key), "", 0, 0, SECRET | REQUIRED,
     "RSA private key, PEM: the first that signs access tokens"},
    {"key_encryption_secret", TEXT, AT(key_encryption_secret), "", 0, 0, SECRET,
     "encrypts stored signing keys, 32 characters or more; empty = signing_key does"},
    {"user_service_internal_urls", LIST, AT(user_service_internal_urls), "", 0, 0, REQUIRED,
     "ops listeners of user-service"},
    {"trusted_proxies", LIST, AT(trusted_proxies), PRIVATE_NETWORKS, 0, 0, 0,
     "networks whose X-Forwarded-For is believed: the edge's"},
    {"guesses_per_address", INT, AT(guesses_per_address), "300", 10, 1000000000, 0,
     "wrong passwords and codes from one address in 15 minutes, of all accounts"},
    {"access_token_s", INT, AT(access_token_s), "600", 10, 3600, 0, "life of an access token, s"},
    {"refresh_token_s", INT, AT(refresh_token_s), "2592000", 60, 31536000, 0,
     "life of an unused refresh token, s"},
    {"otp_ttl_s", INT, AT(otp_ttl_s), "600", 10, 600, 0, "life of a one-time code, s"},
    {"argon2_memory_kib", INT, AT(argon2_memory_kib), "19456", 7168, 1048576, 0,
     "Argon2id memory per hash, KiB"},
    {"argon2_iterations", INT, AT(argon2_iterations), "2", 1, 20, 0, "Argon2id passes"},
    {"password_places", INT, AT(password_places), "0", 0, 256, 0,
     "password hashes at the same time; 0 = one per core"},
    {"topic_replication", INT, AT(topic_replication), "1", 1, 9, 0,
     "replicas of topics that --migrate makes"},
    {"migrations_dir", TEXT, AT(migrations_dir), "auth-service/migrations", 0, 0, 0,
     "folder that --migrate reads"},
    {0},
};
/* clang-format on */

struct password_cost auth_password_cost(const struct auth_settings *settings)
{
    return (struct password_cost){.memory_kib = (uint32_t)settings->argon2_memory_kib,
                                  .iterations = (uint32_t)settings->argon2_iterations};
}

enum cc_code auth_settings_check(const void *settings, struct cc_error *err)
{
    const struct auth_settings *self = settings;
    if (!password_cost_suffices(auth_password_cost(self)))
        return cc_fail(err, CC_INVALID, "argon2_memory_kib",
                       "argon2_memory_kib and argon2_iterations must cost 19456 KiB twice, or as "
                       "much in another way");
    if (self->refresh_token_s <= self->access_token_s)
        return cc_fail(err, CC_INVALID, "refresh_token_s",
                       "refresh_token_s must be longer than access_token_s");
    if (strchr(self->mail_from, '@') == NULL || strpbrk(self->mail_from, "\r\n") != NULL)
        return cc_fail(err, CC_INVALID, "mail_from", "mail_from must be one line with an address");
    if (self->key_encryption_secret[0] != '\0' &&
        strlen(self->key_encryption_secret) < KEY_SECRET_BYTES)
        return cc_fail(err, CC_INVALID, "key_encryption_secret",
                       "key_encryption_secret must have 32 characters or more");
    for (size_t i = 0; i < self->trusted_proxies.count; i++)
        if (!network_valid(self->trusted_proxies.items[i]))
            return cc_fail(err, CC_INVALID, "trusted_proxies",
                           "trusted_proxies must be networks such as 10.0.0.0/8");
    return CC_OK;
}
