/* The table of settings. Read on the main thread before any other exists. */

#include "settings.h"

#define AT(member) offsetof(struct user_settings, member)
#define TEXT       CC_SETTING_TEXT
#define INT        CC_SETTING_INT
#define LIST       CC_SETTING_LIST
#define SECRET     CC_SETTING_SECRET
#define REQUIRED   CC_SETTING_REQUIRED

/* clang-format off: columns are the point */
const struct cc_setting user_settings_table[] = {
    {"postgres_uri", TEXT, AT(postgres_uri), "", 0, 0, SECRET | REQUIRED, "libpq connection URI"},
    {"postgres_pool", INT, AT(postgres_pool), "8", 1, 32, 0, "connections to PostgreSQL, at most"},
    {"redis_url", TEXT, AT(redis_url), "", 0, 0, SECRET | REQUIRED,
     "redis://[:password@]host:port/db"},
    {"redis_pool", INT, AT(redis_pool), "8", 1, 32, 0, "connections to Redis, at most"},
    {"kafka_brokers", TEXT, AT(kafka_brokers), "", 0, 0, REQUIRED, "host:port,..."},
    {"jwks_urls", LIST, AT(jwks_urls), "", 0, 0, REQUIRED, "where the keys of access tokens are"},
    {"chat_service_internal_urls", LIST, AT(chat_service_internal_urls), "http://127.0.0.1:8203", 0,
     0, REQUIRED, "ops listeners of chat-service"},
    {"handle_cooldown_s", INT, AT(handle_cooldown_s), "1209600", 0, 31536000, 0,
     "between two changes of one's handle, in s"},
    {"handle_hold_s", INT, AT(handle_hold_s), "2592000", 0, 315360000, 0,
     "nobody else may take a handle so long after it was given up, in s"},
    {"topic_replication", INT, AT(topic_replication), "1", 1, 9, 0,
     "replicas of topics that --migrate makes"},
    {"migrations_dir", TEXT, AT(migrations_dir), "user-service/migrations", 0, 0, 0,
     "folder that --migrate reads"},
    {0},
};
/* clang-format on */
