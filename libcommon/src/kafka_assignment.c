/* Book-keeping of a consumer's partitions: ownership, progress, commits, lag. Runs on the
 * consumer's thread. Decides nothing about records. */

#include "kafka_assignment.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"

#define NONE   (-1)
#define ASK_MS 200 /* lag is worth no longer wait */

void assignment_init(struct assignment *assignment, const char *topic, const char *group)
{
    *assignment = (struct assignment){.topic = topic, .group = group};
}

void assignment_finish(struct assignment *assignment)
{
    cc_free(assignment->partitions);
}

static struct held_partition *find(const struct assignment *assignment, int32_t partition)
{
    if (partition < 0 || (size_t)partition >= assignment->count)
        return NULL;
    struct held_partition *found = &assignment->partitions[partition];
    return found->held ? found : NULL;
}

static struct held_partition *make_room(struct assignment *assignment, int32_t partition)
{
    size_t needed = (size_t)partition + 1;
    if (needed > assignment->count) {
        size_t size = sizeof *assignment->partitions;
        assignment->partitions = cc_realloc(assignment->partitions, needed * size);
        memset(&assignment->partitions[assignment->count], 0, (needed - assignment->count) * size);
        assignment->count = needed;
    }
    return &assignment->partitions[partition];
}

static struct cc_gauge *lag_gauge(const struct assignment *assignment, int32_t partition)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)partition);
    return cc_gauge_get("kafka_consumer_lag", "Records in the partition that are not applied yet",
                        "topic", assignment->topic, "partition", number, "group", assignment->group,
                        NULL);
}

void assignment_add(struct assignment *assignment, int32_t partition)
{
    struct held_partition *added = make_room(assignment, partition);
    *added = (struct held_partition){
        .held = true,
        .generation = added->generation + 1,
        .first_offset = NONE,
        .applied = NONE,
        .saved = NONE,
        .asked = NONE,
        .committed = NONE,
        .lag = lag_gauge(assignment, partition),
    };
}

void assignment_remove(struct assignment *assignment, int32_t partition)
{
    struct held_partition *removed = find(assignment, partition);
    if (removed == NULL)
        return;
    removed->held = false;
    cc_gauge_set(removed->lag, 0);
}

unsigned assignment_generation(const struct assignment *assignment, int32_t partition)
{
    const struct held_partition *found = find(assignment, partition);
    return found == NULL ? 0 : found->generation;
}

void assignment_seen(struct assignment *assignment, int32_t partition, int64_t offset)
{
    struct held_partition *found = find(assignment, partition);
    if (found != NULL && found->first_offset == NONE)
        found->first_offset = offset;
}

void assignment_applied(struct assignment *assignment, int32_t partition, int64_t next_offset)
{
    struct held_partition *found = find(assignment, partition);
    if (found != NULL && next_offset > found->applied)
        found->applied = next_offset;
}

void assignment_saved(struct assignment *assignment)
{
    for (size_t i = 0; i < assignment->count; i++)
        assignment->partitions[i].saved = assignment->partitions[i].applied;
}

static bool is_due(const struct held_partition *partition)
{
    return partition->held && partition->saved > partition->asked;
}

bool assignment_has_uncommitted(const struct assignment *assignment)
{
    for (size_t i = 0; i < assignment->count; i++)
        if (is_due(&assignment->partitions[i]))
            return true;
    return false;
}

/* Adds a partition to the list of offsets to commit. */
static void add_offset(const struct assignment *assignment, rd_kafka_topic_partition_list_t *list,
                       size_t index)
{
    struct held_partition *partition = &assignment->partitions[index];
    rd_kafka_topic_partition_list_add(list, assignment->topic, (int32_t)index)->offset =
        partition->saved;
    partition->asked = partition->saved;
}

void assignment_commit(struct assignment *assignment, rd_kafka_t *kafka)
{
    if (assignment->commit_running)
        return;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)assignment->count);
    for (size_t i = 0; i < assignment->count; i++)
        if (is_due(&assignment->partitions[i]))
            add_offset(assignment, list, i);
    if (list->cnt > 0)
        assignment->commit_running = rd_kafka_commit(kafka, list, 1) == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
}

void assignment_commit_answered(struct assignment *assignment, rd_kafka_resp_err_t error,
                                const rd_kafka_topic_partition_list_t *offsets)
{
    assignment->commit_running = false;
    for (int i = 0; offsets != NULL && i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *answer = &offsets->elems[i];
        struct held_partition *partition = find(assignment, answer->partition);
        if (partition == NULL)
            continue;
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR || answer->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            partition->asked = partition->committed; /* goes out again with the next one */
        else if (answer->offset > partition->committed)
            partition->committed = answer->offset;
    }
}

void assignment_commit_now(struct assignment *assignment, rd_kafka_t *kafka)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)assignment->count);
    for (size_t i = 0; i < assignment->count; i++)
        if (assignment->partitions[i].held &&
            assignment->partitions[i].saved > assignment->partitions[i].committed)
            add_offset(assignment, list, i);
    if (list->cnt > 0) {
        rd_kafka_resp_err_t error = rd_kafka_commit(kafka, list, 0);
        assignment_commit_answered(assignment, error, list);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            cc_log(CC_LOG_WARN, "last commit failed: its records will be applied again", "topic",
                   assignment->topic, "group", assignment->group, "error", rd_kafka_err2name(error),
                   NULL);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* From what the last fetch brought: that costs no request. While nothing is fetched it stands
 * still, so then the broker is asked. */
static bool find_end(const struct assignment *assignment, rd_kafka_t *kafka, int32_t partition,
                     bool ask, int64_t *out_low, int64_t *out_high)
{
    rd_kafka_resp_err_t error =
        ask ? rd_kafka_query_watermark_offsets(kafka, assignment->topic, partition, out_low,
                                               out_high, ASK_MS)
            : rd_kafka_get_watermark_offsets(kafka, assignment->topic, partition, out_low,
                                             out_high);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR && *out_high >= 0;
}

/* Where the group was when the partition came; the topic's beginning when it was nowhere. */
static int64_t find_start(const struct assignment *assignment, rd_kafka_t *kafka, int32_t partition,
                          int64_t low)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int64_t offset = NONE;

    rd_kafka_topic_partition_list_add(list, assignment->topic, partition);
    if (rd_kafka_committed(kafka, list, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        offset = list->elems[0].offset >= 0 ? list->elems[0].offset : low;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

/* Before the first record the position is not known: then the partition has nothing to give, or
 * gives it in a moment, unless nothing is fetched. False when the broker does not answer. */
static bool report_partition_lag(struct assignment *assignment, rd_kafka_t *kafka,
                                 int32_t partition, bool ask)
{
    struct held_partition *held = &assignment->partitions[partition];
    int64_t low, high;

    if (!find_end(assignment, kafka, partition, ask, &low, &high))
        return false;
    if (ask && held->applied == NONE && held->first_offset == NONE)
        held->first_offset = find_start(assignment, kafka, partition, low);
    int64_t position = held->applied != NONE ? held->applied : held->first_offset;
    cc_gauge_set(held->lag, position == NONE || position > high ? 0 : high - position);
    return true;
}

void assignment_report_lag(struct assignment *assignment, rd_kafka_t *kafka, bool ask)
{
    bool answers = true;
    for (size_t i = 0; i < assignment->count && (answers || !ask); i++)
        if (assignment->partitions[i].held)
            answers = report_partition_lag(assignment, kafka, (int32_t)i, ask);
}
