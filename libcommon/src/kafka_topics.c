/* Creating topics with the admin API, for --migrate. Runs on the calling thread and waits for a
 * late broker. Never alters a topic that exists. */

#include "kafka_private.h"

#include <stdio.h>
#include <time.h>

#include "common/alloc.h"
#include "common/clock.h"

#define WAIT_FOR_BROKER_MS 60000
#define REQUEST_MS         5000
#define RETRY_MS           500

static const struct kafka_setting settings[] = {{NULL, NULL}};

static rd_kafka_NewTopic_t *make_topic(const struct cc_topic *topic, int replication)
{
    char text[160], retention[32];
    rd_kafka_NewTopic_t *request =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, replication, text, sizeof text);
    if (request != NULL && topic->retention_ms > 0) {
        snprintf(retention, sizeof retention, "%lld", (long long)topic->retention_ms);
        rd_kafka_NewTopic_set_config(request, "retention.ms", retention);
    }
    return request;
}

/* The first error of a topic; one that exists already is none. */
static enum cc_code judge_topics(rd_kafka_event_t *event, struct cc_error *err)
{
    size_t count;
    const rd_kafka_topic_result_t **topics =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(topics[i]);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return kafka_fail(error, rd_kafka_topic_result_name(topics[i]), err);
    }
    return CC_OK;
}

static enum cc_code request_topics(rd_kafka_t *kafka, rd_kafka_NewTopic_t **topics, size_t count,
                                   struct cc_error *err)
{
    char text[160];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(kafka, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);

    rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_MS, text, sizeof text);
    rd_kafka_AdminOptions_set_operation_timeout(options, REQUEST_MS, text, sizeof text);
    rd_kafka_CreateTopics(kafka, topics, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * REQUEST_MS);
    enum cc_code code;
    if (event == NULL)
        code = cc_fail_detail(err, CC_TIMEOUT, "create topics: no answer");
    else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        code = kafka_fail(rd_kafka_event_error(event), "create topics", err);
    else
        code = judge_topics(event, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    return code;
}

static enum cc_code request_until_answered(rd_kafka_t *kafka, rd_kafka_NewTopic_t **topics,
                                           size_t count, struct cc_error *err)
{
    const struct cc_clock *clock = cc_clock_system();
    int64_t deadline_ms = cc_mono_ms(clock) + WAIT_FOR_BROKER_MS;
    for (;;) {
        enum cc_code code = request_topics(kafka, topics, count, err);
        if (code == CC_OK || !cc_code_retryable(code) || cc_mono_ms(clock) > deadline_ms)
            return code;
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
    }
}

enum cc_code cc_topics_create(const char *brokers, const struct cc_topic *topics, size_t count,
                              int replication, struct cc_error *err)
{
    rd_kafka_t *kafka;
    rd_kafka_conf_t *conf = kafka_conf_create(brokers, "topics", settings, err);
    if (conf == NULL)
        return CC_INVALID;
    CC_TRY(kafka_open(RD_KAFKA_PRODUCER, conf, &kafka, err));

    rd_kafka_NewTopic_t **requests = cc_calloc(count, sizeof *requests);
    enum cc_code code = CC_OK;
    for (size_t i = 0; i < count && code == CC_OK; i++) {
        requests[i] = make_topic(&topics[i], replication);
        if (requests[i] == NULL)
            code = cc_fail_detail(err, CC_INVALID, "bad topic %s", topics[i].name);
    }
    if (code == CC_OK)
        code = request_until_answered(kafka, requests, count, err);
    for (size_t i = 0; i < count; i++)
        if (requests[i] != NULL)
            rd_kafka_NewTopic_destroy(requests[i]);
    cc_free(requests);
    rd_kafka_destroy(kafka);
    return code;
}
