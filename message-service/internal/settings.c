/* The table of settings and the rule between two of them. Runs on the main thread before any other
 * exists. */

#include "settings.h"

#include <string.h>

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
    {"s3_endpoint", CC_SETTING_TEXT, AT(s3_endpoint), "", 0, 0, 0,
     "object store, scheme://host:port; empty = this installation keeps no files"},
    {"s3_public_endpoint", CC_SETTING_TEXT, AT(s3_public_endpoint), "", 0, 0, 0,
     "the same, as clients reach it; empty = s3_endpoint"},
    {"s3_region", CC_SETTING_TEXT, AT(s3_region), "us-east-1", 0, 0, CC_SETTING_REQUIRED,
     "region that requests are signed for"},
    {"s3_bucket", CC_SETTING_TEXT, AT(s3_bucket), "chat-attachments", 0, 0, CC_SETTING_REQUIRED,
     "bucket of media"},
    {"s3_access_key", CC_SETTING_TEXT, AT(s3_access_key), "", 0, 0, CC_SETTING_SECRET,
     "key of the object store"},
    {"s3_secret_key", CC_SETTING_TEXT, AT(s3_secret_key), "", 0, 0, CC_SETTING_SECRET,
     "its secret"},
    {"s3_session_token", CC_SETTING_TEXT, AT(s3_session_token), "", 0, 0, CC_SETTING_SECRET,
     "of temporary keys"},
    {"media_max_bytes", CC_SETTING_INT, AT(media_max_bytes), "26214400", 1, 5368709120, 0,
     "largest file"},
    {"media_avatar_max_bytes", CC_SETTING_INT, AT(media_avatar_max_bytes), "2097152", 1, 26214400,
     0, "largest avatar"},
    {"media_avatars_max", CC_SETTING_INT, AT(media_avatars_max), "64", 1, 1000, 0,
     "avatars of one person that are kept, of the profile and of groups: the newest"},
    {"media_url_ttl_s", CC_SETTING_INT, AT(media_url_ttl_s), "300", 1, 300, 0,
     "how long a pre-signed URL is good"},
    {"media_abandoned_s", CC_SETTING_INT, AT(media_abandoned_s), "3600", 1, 604800, 0,
     "an upload that is not complete after that is swept"},
    {"media_unused_s", CC_SETTING_INT, AT(media_unused_s), "86400", 1, 31622400, 0,
     "how long a complete file may wait for being sent"},
    {"production", CC_SETTING_BOOL, AT(production), "false", 0, 0, 0,
     "refuse a write concern below majority, reads from secondaries, one copy of a topic"},
    {"batch_max", CC_SETTING_INT, AT(batch_max), "200", 1, 500, 0,
     "operations that are stored at once"},
    {"edit_window_s", CC_SETTING_INT, AT(edit_window_s), "172800", 0, 315360000, 0,
     "how long after it was sent a message may be edited"},
    {"sweep_interval_ms", CC_SETTING_INT, AT(sweep_interval_ms), "2000", 50, 600000, 0,
     "how often messages that have expired are looked for"},
    {"changes_retention_s", CC_SETTING_INT, AT(changes_retention_s), "2592000", 691200, 315360000,
     0, "how long the log of a chat goes back; longer than Kafka keeps operations (7 days)"},
    {"topic_replication", CC_SETTING_INT, AT(topic_replication), "1", 1, 9, 0,
     "copies of each topic that --migrate makes"},
    {"migrations_dir", CC_SETTING_TEXT, AT(migrations_dir), "message-service/migrations", 0, 0, 0,
     "where the migrations are"},
    {NULL, CC_SETTING_TEXT, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Scheme, host and port, and nothing behind them: the bucket is in the path. */
static enum cc_code check_endpoint(const char *key, const char *url, bool production,
                                   struct cc_error *err)
{
    bool secure = begins_with(url, "https://");
    const char *host = strstr(url, "://");

    if (!secure && !begins_with(url, "http://"))
        return cc_fail(err, CC_INVALID, key, "must begin with https:// or http://");
    if (host[3] == '\0' || strpbrk(host + 3, "/?#@") != NULL)
        return cc_fail(err, CC_INVALID, key, "is scheme://host[:port], without a path");
    if (production && !secure)
        return cc_fail(err, CC_INVALID, key, "production needs https");
    return CC_OK;
}

static enum cc_code check_media(const struct message_settings *s, struct cc_error *err)
{
    if (s->media_abandoned_s < s->media_url_ttl_s)
        return cc_fail(err, CC_INVALID, "media_abandoned_s", "is shorter than media_url_ttl_s");
    if (s->s3_endpoint[0] == '\0')
        return CC_OK;
    CC_TRY(check_endpoint("s3_endpoint", s->s3_endpoint, s->production, err));
    if (s->s3_public_endpoint[0] != '\0')
        CC_TRY(check_endpoint("s3_public_endpoint", s->s3_public_endpoint, s->production, err));
    if (s->s3_access_key[0] == '\0')
        return cc_fail(err, CC_INVALID, "s3_access_key",
                       "setting 's3_access_key' is missing: s3_endpoint needs it");
    if (s->s3_secret_key[0] == '\0')
        return cc_fail(err, CC_INVALID, "s3_secret_key",
                       "setting 's3_secret_key' is missing: s3_endpoint needs it");
    return CC_OK;
}

enum cc_code message_settings_check(const void *settings, struct cc_error *err)
{
    const struct message_settings *s = settings;

    if (s->production && s->topic_replication < 2)
        return cc_fail(err, CC_INVALID, "topic_replication", "production needs more than one copy");
    return check_media(s, err);
}
