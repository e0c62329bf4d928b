/* The table of settings and the rule between two of them. Runs on the main thread before any other
 * exists. */

#include "settings.h"

#define AT(field) offsetof(struct message_settings, field)

/* clang-format off: columns are the point */
const struct cc_setting message_settings_table[] = {
    {"kafka_brokers", CC_SETTING_TEXT, AT(kafka_brokers), "127.0.0.1:9092", 0, 0,
     CC_SETTING_REQUIRED, "Kafka bootstrap servers, host:port,..."},
    {"mongo_uri", CC_SETTING_TEXT, AT(mongo_uri), "mongodb://127.0.0.1:27017", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET, "MongoDB connection string"},
    {"mongo_database", CC_SETTING_TEXT, AT(mongo_database), "message_service", 0, 0,
     CC_SETTING_REQUIRED, "its database there"},
    {"redis_url", CC_SETTING_TEXT, AT(redis_url), "redis://127.0.0.1:6379/0", 0, 0,
     CC_SETTING_REQUIRED | CC_SETTING_SECRET, "redis://[:password@]host:port/db"},
    {"jwks_urls", CC_SETTING_LIST, AT(jwks_urls), "http://127.0.0.1:8201/internal/jwks.json", 0, 0,
     CC_SETTING_REQUIRED, "where the keys of access tokens are"},
    {"chat_service_internal_urls", CC_SETTING_LIST, AT(chat_service_internal_urls),
     "http://127.0.0.1:8203", 0, 0, CC_SETTING_REQUIRED, "ops listeners of chat-service"},
    {"production", CC_SETTING_BOOL, AT(production), "false", 0, 0, 0,
     "refuse a write concern below majority, and one copy of a topic"},
    {"batch_max", CC_SETTING_INT, AT(batch_max), "200", 1, 500, 0,
     "operations that are stored at once"},
    {"edit_window_s", CC_SETTING_INT, AT(edit_window_s), "172800", 0, 315360000, 0,
     "how long after it was sent a message may be edited"},
    {"sweep_interval_ms", CC_SETTING_INT, AT(sweep_interval_ms), "2000", 50, 600000, 0,
     "how often messages that have expired are looked for"},
    {"topic_replication", CC_SETTING_INT, AT(topic_replication), "1", 1, 9, 0,
     "copies of each topic that --migrate makes"},
    {"migrations_dir", CC_SETTING_TEXT, AT(migrations_dir), "message-service/migrations", 0, 0, 0,
     "where the migrations are"},
    {NULL, CC_SETTING_TEXT, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */

enum cc_code message_settings_check(const void *settings, struct cc_error *err)
{
    const struct message_settings *s = settings;

    if (s->production && s->topic_replication < 2)
        return cc_fail(err, CC_INVALID, "topic_replication", "production needs more than one copy");
    return CC_OK;
}
