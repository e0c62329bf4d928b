/* The table of settings. Read on the main thread before any other exists. */

#include "settings.h"

#include <stddef.h>

#define AT(field) offsetof(struct notification_settings, field)

/* Columns are the point. */
/* clang-format off */
const struct cc_setting notification_settings_table[] = {
    {"kafka_brokers", CC_SETTING_TEXT, AT(kafka_brokers), "127.0.0.1:9092", 0, 0,
     CC_SETTING_REQUIRED, "Kafka bootstrap servers, host:port,..."},
    {"mongo_uri", CC_SETTING_TEXT, AT(mongo_uri), "mongodb://127.0.0.1:27017/", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET, "mongodb://[user:password@]host:port/?options"},
    {"mongo_database", CC_SETTING_TEXT, AT(mongo_database), "notification_service", 0, 0,
     CC_SETTING_REQUIRED, "database of this service alone"},
    {"redis_url", CC_SETTING_TEXT, AT(redis_url), "redis://127.0.0.1:6379/0", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET, "redis://[:password@]host:port/db"},
    {"jwks_urls", CC_SETTING_LIST, AT(jwks_urls), "http://127.0.0.1:8201/internal/jwks.json", 0, 0,
     CC_SETTING_REQUIRED, "where the keys of access tokens are"},
    {"chat_service_internal_urls", CC_SETTING_LIST, AT(chat_service_internal_urls),
     "http://127.0.0.1:8203", 0, 0, CC_SETTING_REQUIRED, "ops listeners of chat-service"},
    {"message_service_internal_urls", CC_SETTING_LIST, AT(message_service_internal_urls),
     "http://127.0.0.1:8204", 0, 0, CC_SETTING_REQUIRED, "ops listeners of message-service"},
    {"user_service_internal_urls", CC_SETTING_LIST, AT(user_service_internal_urls),
     "http://127.0.0.1:8202", 0, 0, CC_SETTING_REQUIRED, "ops listeners of user-service"},
    {"push_url", CC_SETTING_TEXT, AT(push_url), "", 0, 0, 0,
     "push provider: messages are POSTed there in the shape of FCM's HTTP v1 API; empty = none"},
    {"push_credential", CC_SETTING_TEXT, AT(push_credential), "", 0, 0, CC_SETTING_SECRET,
     "bearer token for the push provider; empty = none"},
    {"push_timeout_ms", CC_SETTING_INT, AT(push_timeout_ms), "3000", 100, 30000, 0,
     "how long the push provider may take for one message"},
    {"push_preview", CC_SETTING_BOOL, AT(push_preview), "false", 0, 0, 0,
     "whether a push tells what was said; it passes through the provider"},
    {"migrations_dir", CC_SETTING_TEXT, AT(migrations_dir), "notification-service/migrations", 0, 0,
     0, "folder of the migrations, for --migrate"},
    {"topic_replication", CC_SETTING_INT, AT(topic_replication), "1", 1, 7, 0,
     "replication factor of topics made by --migrate"},
    {"production", CC_SETTING_BOOL, AT(production), "false", 0, 0, 0,
     "refuse settings that can lose data (write concern below majority, reads from secondaries)"},
    {NULL, CC_SETTING_TEXT, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */
