/* The idempotent producer. cc_produce runs on any thread; delivery reports and their callbacks run
 * on the producer's own poll thread (during cc_producer_destroy: on the destroying one). Does not
 * retry what failed: that is the caller's decision. */

#include "kafka_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/metrics.h"

#define QUEUE_MAX_RECORDS  20000
#define QUEUE_MAX_TEXT     "20000"
#define QUEUE_RETRY_MS     200
#define POLL_MS            1000 /* an upper bound: a report or cc_producer_destroy ends it at once */
#define PROBE_MS           1000
#define RECREATE_FLUSH_MS  1000
#define HEADERS_PER_RECORD 4

static const struct kafka_setting settings[] = {
    {"enable.idempotence", "true"}, /* implies acks=all */
    {"linger.ms", "0"},
    {"compression.type", "none"},
    {"message.timeout.ms", "10000"}, /* below the clients' own retry timeout of 15 s */
    {"queue.buffering.max.messages", QUEUE_MAX_TEXT},
    {"retry.backoff.ms", "50"},
    {"partitioner", "murmur2_random"}, /* as the Java clients: a key means one partition for all */
    {NULL, NULL},
};

struct cc_producer {
    char *brokers, *client_id;
    pthread_rwlock_t lock; /* read: the handle is in use; write: it is replaced */
    rd_kafka_t *kafka;
    pthread_t poller;
    atomic_bool stopping, fatal;
    atomic_int outstanding; /* enqueued and not yet reported */
    struct cc_counter *stored, *failed;
    struct cc_histogram *latency;
};

struct delivery { /* freed by the delivery report */
    cc_produced done;
    void *arg;
};

/* What a failed record means for its sender: only "not persisted" may be said to be nothing. */
static enum cc_code judge_report(const rd_kafka_message_t *message, struct cc_error *err)
{
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return CC_OK;
    if (rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
        return cc_fail_detail(err, CC_OUTCOME_UNKNOWN, "produce: %s",
                              rd_kafka_err2str(message->err));
    kafka_fail(message->err, "produce", err);
    return cc_fail_retry_after(err, QUEUE_RETRY_MS);
}

static void on_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    (void)kafka;
    struct cc_producer *producer = opaque;
    struct delivery *delivery = message->_private;
    struct cc_error error = {0};
    enum cc_code code = judge_report(message, &error);

    atomic_fetch_sub(&producer->outstanding, 1);
    cc_counter_add(code == CC_OK ? producer->stored : producer->failed, 1);
    if (code == CC_OK)
        cc_histogram_observe_us(producer->latency, rd_kafka_message_latency(message));
    if (delivery != NULL)
        delivery->done(delivery->arg, code, &error);
    else if (code != CC_OK)
        cc_log_error(CC_LOG_WARN, "record lost: nobody waits for its report", &error, "topic",
                     rd_kafka_topic_name(message->rkt), NULL);
    cc_free(delivery);
}

static void on_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque)
{
    (void)kafka;
    struct cc_producer *producer = opaque;
    if (error == RD_KAFKA_RESP_ERR__FATAL)
        atomic_store(&producer->fatal, true);
    cc_log(kafka_error_level(error), "kafka producer", "error",
           rd_kafka_err2name((rd_kafka_resp_err_t)error), "detail", reason, NULL);
}

static enum cc_code open_handle(struct cc_producer *producer, rd_kafka_t **out,
                                struct cc_error *err)
{
    rd_kafka_conf_t *conf =
        kafka_conf_create(producer->brokers, producer->client_id, settings, err);
    if (conf == NULL)
        return CC_INVALID;
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    return kafka_open(RD_KAFKA_PRODUCER, conf, out, err);
}

/* Every record gets its report before the handle goes. */
static void close_handle(rd_kafka_t *kafka, int timeout_ms)
{
    if (timeout_ms > 0)
        rd_kafka_flush(kafka, timeout_ms);
    rd_kafka_purge(kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(kafka, RECREATE_FLUSH_MS);
    rd_kafka_destroy(kafka);
}

/* After a fatal error the old handle refuses everything. The reports run without the lock, because
 * a callback may produce. */
static void replace_handle(struct cc_producer *producer)
{
    struct cc_error error = {0};
    rd_kafka_t *fresh;
    if (open_handle(producer, &fresh, &error) != CC_OK) {
        cc_log_error(CC_LOG_ERROR, "kafka producer can't be re-created yet", &error, NULL);
        return;
    }
    pthread_rwlock_wrlock(&producer->lock);
    rd_kafka_t *old = producer->kafka;
    producer->kafka = fresh;
    atomic_store(&producer->fatal, false);
    pthread_rwlock_unlock(&producer->lock);
    close_handle(old, 0);
    cc_log(CC_LOG_WARN, "kafka producer re-created after a fatal error", NULL);
}

static void *run_poller(void *arg)
{
    struct cc_producer *producer = arg;
    pthread_setname_np(pthread_self(), "kafka-reports");
    while (!atomic_load(&producer->stopping)) {
        rd_kafka_poll(producer->kafka, POLL_MS); /* only this thread replaces the handle */
        if (atomic_load(&producer->fatal))
            replace_handle(producer);
    }
    return NULL;
}

static void free_producer(struct cc_producer *producer)
{
    pthread_rwlock_destroy(&producer->lock);
    cc_free(producer->brokers);
    cc_free(producer->client_id);
    cc_free(producer);
}

enum cc_code cc_producer_create(const char *brokers, const char *client_id,
                                struct cc_producer **out, struct cc_error *err)
{
    struct cc_producer *producer = cc_calloc(1, sizeof *producer);
    producer->brokers = cc_strdup(brokers);
    producer->client_id = cc_strdup(client_id);
    pthread_rwlock_init(&producer->lock, NULL);
    producer->stored = cc_counter_get("kafka_producer_records_total", "Records by their report",
                                      "outcome", "stored", NULL);
    producer->failed = cc_counter_get("kafka_producer_records_total", "Records by their report",
                                      "outcome", "failed", NULL);
    producer->latency = cc_histogram_get("kafka_producer_ack_seconds",
                                         "From enqueuing to the broker's acknowledgement", NULL);
    enum cc_code code = open_handle(producer, &producer->kafka, err);
    if (code == CC_OK && pthread_create(&producer->poller, NULL, run_poller, producer) != 0) {
        rd_kafka_destroy(producer->kafka);
        code = cc_fail_detail(err, CC_INTERNAL, "kafka producer: no thread");
    }
    if (code != CC_OK) {
        free_producer(producer);
        return code;
    }
    *out = producer;
    return CC_OK;
}

static void wake_poller(struct cc_producer *producer)
{
    pthread_rwlock_rdlock(&producer->lock);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer->kafka);
    rd_kafka_queue_yield(queue);
    rd_kafka_queue_destroy(queue);
    pthread_rwlock_unlock(&producer->lock);
}

void cc_producer_destroy(struct cc_producer *producer, int timeout_ms)
{
    if (producer == NULL)
        return;
    atomic_store(&producer->stopping, true);
    wake_poller(producer);
    pthread_join(producer->poller, NULL);
    close_handle(producer->kafka, timeout_ms);
    free_producer(producer);
}

enum cc_code cc_producer_probe(void *subject, struct cc_error *err)
{
    struct cc_producer *producer = subject;
    const struct rd_kafka_metadata *metadata;

    pthread_rwlock_rdlock(&producer->lock);
    rd_kafka_resp_err_t error = rd_kafka_metadata(producer->kafka, 0, NULL, &metadata, PROBE_MS);
    pthread_rwlock_unlock(&producer->lock);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(error, "kafka", err);
    rd_kafka_metadata_destroy(metadata);
    return CC_OK;
}

static void add_header(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    if (value != NULL)
        rd_kafka_header_add(headers, name, -1, value, -1);
}

static rd_kafka_headers_t *make_headers(const struct cc_produce *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_PER_RECORD);
    char version[16], traceparent[CC_TRACEPARENT_BYTES];

    snprintf(version, sizeof version, "%d", record->version);
    add_header(headers, "type", record->type);
    add_header(headers, "version", record->version > 0 ? version : NULL);
    if (record->trace != NULL && record->trace->trace_id[0] != '\0') {
        cc_trace_format(record->trace, traceparent);
        add_header(headers, "traceparent", traceparent);
    }
    add_header(headers, "reason", record->reason);
    return headers;
}

static rd_kafka_resp_err_t enqueue(struct cc_producer *producer, const struct cc_produce *record,
                                   struct delivery *delivery)
{
    rd_kafka_headers_t *headers = make_headers(record);
    /* librdkafka copies (MSG_F_COPY): its interface only lacks the const */
    rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)record->payload, record->payload_count}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *)(uintptr_t)record->key, record->key == NULL ? 0 : strlen(record->key)}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = delivery},
    };

    atomic_fetch_add(&producer->outstanding, 1);
    pthread_rwlock_rdlock(&producer->lock);
    rd_kafka_error_t *error =
        rd_kafka_produceva(producer->kafka, fields, sizeof fields / sizeof fields[0]);
    pthread_rwlock_unlock(&producer->lock);
    if (error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;

    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    atomic_fetch_sub(&producer->outstanding, 1);
    rd_kafka_headers_destroy(headers); /* still ours when it failed */
    rd_kafka_error_destroy(error);
    return code;
}

enum cc_code cc_produce(struct cc_producer *producer, const struct cc_produce *record,
                        cc_produced done, void *arg, struct cc_error *err)
{
    struct delivery *delivery = NULL;
    if (done != NULL) {
        delivery = cc_alloc(sizeof *delivery);
        *delivery = (struct delivery){done, arg};
    }
    rd_kafka_resp_err_t error = enqueue(producer, record, delivery);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return CC_OK;
    cc_free(delivery);
    enum cc_code code = kafka_fail(error, "produce", err);
    return code == CC_UNAVAILABLE ? cc_fail_retry_after(err, QUEUE_RETRY_MS) : code;
}

/* Counts the reports that are still to come and keeps the first failure. */
struct latch {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t pending;
    enum cc_code code;
    struct cc_error error;
};

static void count_down(void *arg, enum cc_code code, const struct cc_error *err)
{
    struct latch *latch = arg;
    pthread_mutex_lock(&latch->mutex);
    if (code != CC_OK && latch->code == CC_OK) {
        latch->code = code;
        latch->error = *err;
    }
    latch->pending--;
    pthread_cond_signal(&latch->changed);
    pthread_mutex_unlock(&latch->mutex);
}

static void wait_until(struct latch *latch, size_t pending_max)
{
    pthread_mutex_lock(&latch->mutex);
    while (latch->pending > pending_max)
        pthread_cond_wait(&latch->changed, &latch->mutex);
    pthread_mutex_unlock(&latch->mutex);
}

/* Waits until half of the missing reports are there; false when none is missing. */
static bool wait_for_half(struct latch *latch)
{
    pthread_mutex_lock(&latch->mutex);
    size_t pending = latch->pending;
    pthread_mutex_unlock(&latch->mutex);
    if (pending == 0)
        return false;
    wait_until(latch, pending / 2);
    return true;
}

static enum cc_code produce_counted(struct cc_producer *producer, const struct cc_produce *record,
                                    struct latch *latch, struct cc_error *err)
{
    pthread_mutex_lock(&latch->mutex);
    latch->pending++;
    pthread_mutex_unlock(&latch->mutex);
    enum cc_code code = cc_produce(producer, record, count_down, latch, err);
    if (code == CC_OK)
        return CC_OK;
    pthread_mutex_lock(&latch->mutex);
    latch->pending--;
    pthread_mutex_unlock(&latch->mutex);
    return code;
}

enum cc_code cc_produce_all(struct cc_producer *producer, const struct cc_produce *records,
                            size_t count, struct cc_error *err)
{
    struct latch latch = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    enum cc_code code = CC_OK;

    for (size_t i = 0; i < count && code == CC_OK; i++) {
        code = produce_counted(producer, &records[i], &latch, err);
        /* A queue that is full of our own records empties by itself. */
        while (code == CC_UNAVAILABLE && wait_for_half(&latch))
            code = produce_counted(producer, &records[i], &latch, err);
    }
    wait_until(&latch, 0);
    if (code == CC_OK && latch.code != CC_OK) {
        code = latch.code;
        if (err != NULL)
            *err = latch.error;
    }
    pthread_cond_destroy(&latch.changed);
    pthread_mutex_destroy(&latch.mutex);
    return code;
}

int cc_producer_queue_percent(const struct cc_producer *producer)
{
    return atomic_load(&producer->outstanding) * 100 / QUEUE_MAX_RECORDS;
}

rd_kafka_t *cc_producer_handle(struct cc_producer *producer)
{
    pthread_rwlock_rdlock(&producer->lock);
    rd_kafka_t *kafka = producer->kafka;
    pthread_rwlock_unlock(&producer->lock);
    return kafka;
}
