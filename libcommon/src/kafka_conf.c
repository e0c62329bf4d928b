/* What every librdkafka handle of ours has in common: reconnection, logging, error translation.
 * Any thread; the log callback runs on librdkafka's own threads. */

#include "kafka_private.h"

#include <string.h>

/* A short way back after a broker's death: the library's defaults wait up to 10 s. */
static const struct kafka_setting common_settings[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"socket.connection.setup.timeout.ms", "2000"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "500"},
    {"log.connection.close", "false"},
    {NULL, NULL},
};

/* syslog levels; what librdkafka calls an error is a connection that it opens again by itself. */
static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text)
{
    (void)kafka;
    enum cc_log_level ours = level <= 2 ? CC_LOG_ERROR : level <= 4 ? CC_LOG_WARN : CC_LOG_DEBUG;
    cc_log(ours, "kafka client", "facility", facility, "detail", text, NULL);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct cc_error *err)
{
    char text[256] = "";
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return true;
    cc_fail(err, CC_INVALID, name, "Kafka setting %s: %s", name, text);
    return false;
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings,
                    struct cc_error *err)
{
    for (; settings->name != NULL; settings++)
        if (!set(conf, settings->name, settings->value, err))
            return false;
    return true;
}

rd_kafka_conf_t *kafka_conf_create(const char *brokers, const char *client_id,
                                   const struct kafka_setting *settings, struct cc_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (brokers[0] == '\0')
        cc_fail(err, CC_INVALID, "kafka_brokers", "kafka_brokers is empty");
    else if (set(conf, "bootstrap.servers", brokers, err) &&
             set(conf, "client.id", client_id, err) && set_all(conf, common_settings, err) &&
             set_all(conf, settings, err))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

enum cc_code kafka_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out,
                        struct cc_error *err)
{
    char text[256] = "";
    rd_kafka_t *kafka = rd_kafka_new(type, conf, text, sizeof text);
    if (kafka == NULL) {
        rd_kafka_conf_destroy(conf); /* rd_kafka_new owns it only when it succeeds */
        return cc_fail_detail(err, CC_UNAVAILABLE, "kafka client: %s", text);
    }
    *out = kafka;
    return CC_OK;
}

enum cc_code kafka_fail(rd_kafka_resp_err_t error, const char *what, struct cc_error *err)
{
    enum cc_code code = CC_UNAVAILABLE;
    switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return CC_OK;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        code = CC_TIMEOUT;
        break;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        code = CC_TOO_LARGE;
        break;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        code = CC_INTERNAL;
        break;
    default:
        break;
    }
    return cc_fail_detail(err, code, "%s: %s", what, rd_kafka_err2str(error));
}

enum cc_log_level kafka_error_level(int error)
{
    if (error == RD_KAFKA_RESP_ERR__FATAL)
        return CC_LOG_ERROR;
    bool logged = error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__RESOLVE;
    return logged ? CC_LOG_DEBUG : CC_LOG_WARN;
}
