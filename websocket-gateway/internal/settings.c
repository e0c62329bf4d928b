/* The table of settings and the rule between two of them. Runs on the main thread before any other
 * exists. */

#include "settings.h"

#define AT(field) offsetof(struct ws_settings, field)

/* clang-format off: columns are the point */
const struct cc_setting ws_settings_table[] = {
    {"kafka_brokers", CC_SETTING_TEXT, AT(kafka_brokers), "127.0.0.1:9092", 0, 0,
     CC_SETTING_REQUIRED, "Kafka bootstrap servers, host:port,..."},
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
    {"send_per_s", CC_SETTING_INT, AT(send_per_s), "5", 1, 100000, 0,
     "operations a second and connection"},
    {"send_burst", CC_SETTING_INT, AT(send_burst), "20", 1, 100000, 0,
     "operations at once per connection"},
    {"rate_write_per_s", CC_SETTING_INT, AT(rate_write_per_s), "20", 0, 1000000, 0,
     "operations a second and person, on all sockets and REST; as api-gateway has it; 0 = no "
     "limit"},
    {"rate_write_burst", CC_SETTING_INT, AT(rate_write_burst), "40", 1, 1000000, 0,
     "operations at once and person; as api-gateway has it"},
    {"sync_per_s", CC_SETTING_INT, AT(sync_per_s), "10", 1, 100000, 0,
     "sync frames a second and connection"},
    {"sync_burst", CC_SETTING_INT, AT(sync_burst), "50", 1, 100000, 0,
     "sync frames at once per connection, of which two are under way at a time"},
    {"watch_per_s", CC_SETTING_INT, AT(watch_per_s), "50", 1, 100000, 0,
     "people a second that a connection names in watch and unwatch"},
    {"watch_burst", CC_SETTING_INT, AT(watch_burst), "1000", 500, 100000, 0,
     "people at once that it names"},
    {"sockets_per_user", CC_SETTING_INT, AT(sockets_per_user), "10", 1, 1000, 0,
     "connections of one person to this process"},
    {"max_unanswered", CC_SETTING_INT, AT(max_unanswered), "32", 1, 10000, 0,
     "operations without an answer per connection; then its socket is not read"},
    {"queue_frames", CC_SETTING_INT, AT(queue_frames), "256", 16, 100000, 0,
     "frames waiting for a slow reader before it is closed with 4104"},
    {"queue_bytes", CC_SETTING_INT, AT(queue_bytes), "1048576", 65536, 67108864, 0,
     "bytes waiting for a slow reader before it is closed with 4104"},
    {"frame_max_bytes", CC_SETTING_INT, AT(frame_max_bytes), "65536", 1024, 1048576, 0,
     "largest frame from a client, in bytes"},
    {"auth_deadline_ms", CC_SETTING_INT, AT(auth_deadline_ms), "5000", 500, 60000, 0,
     "a connection must authenticate within this, in ms"},
    {"ping_ms", CC_SETTING_INT, AT(ping_ms), "25000", 1000, 600000, 0,
     "silence of a client before it is pinged, in ms"},
    {"pong_ms", CC_SETTING_INT, AT(pong_ms), "8000", 500, 600000, 0,
     "how long the answer to a ping may take, in ms"},
    {"heads_interval_ms", CC_SETTING_INT, AT(heads_interval_ms), "20000", 500, 600000, 0,
     "how often subscribed chats are compared with Redis, in ms"},
    {"canary_ms", CC_SETTING_INT, AT(canary_ms), "2000", 100, 60000, 0,
     "how often pub/sub is proved alive, in ms"},
    {"listen_shared", CC_SETTING_BOOL, AT(listen_shared), "false", 0, 0, 0,
     "other processes with this setting listen on the same port too; each has its own ops_port"},
    {"production", CC_SETTING_BOOL, AT(production), "false", 0, 0, 0,
     "refuses what is for tests alone"},
    {"echo_endpoint", CC_SETTING_BOOL, AT(echo_endpoint), "false", 0, 0, 0,
     "serve /v1/echo to the conformance cases; not in production"},
    {NULL, CC_SETTING_TEXT, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */

enum cc_code ws_settings_check(const void *settings, struct cc_error *err)
{
    const struct ws_settings *s = settings;

    if (s->frame_max_bytes > s->queue_bytes)
        return cc_fail(err, CC_INVALID, "frame_max_bytes", "must not be above queue_bytes");
    if (s->production && s->echo_endpoint)
        return cc_fail(err, CC_INVALID, "echo_endpoint",
                       "setting 'echo_endpoint' is not for production");
    return CC_OK;
}
