/* The table of settings. Read on the main thread before any other exists. */

#include "settings.h"

#include <stddef.h>

#define AT(field) offsetof(struct chat_settings, field)

/* clang-format off: columns are the point */
const struct cc_setting chat_settings_table[] = {
    {"kafka_brokers", CC_SETTING_TEXT, AT(kafka_brokers), "127.0.0.1:9092", 0, 0,
     CC_SETTING_REQUIRED, "Kafka bootstrap servers, host:port,..."},
    {"mongo_uri", CC_SETTING_TEXT, AT(mongo_uri), "mongodb://127.0.0.1:27017/", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET, "mongodb://[user:password@]host:port/?options"},
    {"mongo_database", CC_SETTING_TEXT, AT(mongo_database), "chat_service", 0, 0,
     CC_SETTING_REQUIRED, "database of this service alone"},
    {"redis_url", CC_SETTING_TEXT, AT(redis_url), "redis://127.0.0.1:6379/0", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET, "redis://[:password@]host:port/db"},
    {"jwks_urls", CC_SETTING_LIST, AT(jwks_urls), "http://127.0.0.1:8201/internal/jwks.json", 0, 0,
     CC_SETTING_REQUIRED, "where the keys of access tokens are"},
    {"user_service_internal_urls", CC_SETTING_LIST, AT(user_service_internal_urls),
     "http://127.0.0.1:8202", 0, 0, CC_SETTING_REQUIRED, "ops listeners of user-service"},
    {"message_service_internal_urls", CC_SETTING_LIST, AT(message_service_internal_urls),
     "http://127.0.0.1:8204", 0, 0, CC_SETTING_REQUIRED, "ops listeners of message-service"},
    {"migrations_dir", CC_SETTING_TEXT, AT(migrations_dir), "chat-service/migrations", 0, 0, 0,
     "folder of the migrations, for --migrate"},
    {"topic_replication", CC_SETTING_INT, AT(topic_replication), "1", 1, 7, 0,
     "replication factor of topics made by --migrate"},
    {"sweep_interval_ms", CC_SETTING_INT, AT(sweep_interval_ms), "10000", 100, 600000, 0,
     "how often unannounced changes are looked for, in ms"},
    {"production", CC_SETTING_BOOL, AT(production), "false", 0, 0, 0,
     "refuse settings that can lose data (write concern below majority, reads from secondaries)"},
    {NULL, CC_SETTING_TEXT, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */
