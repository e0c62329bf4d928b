/* Dead letters, read to the end of the topic as it is now. Runs on the main thread of the command.
 * Judges nothing: what is replayed goes the way of every record. */

#include "events/dead_letters.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/kafka_reader.h"
#include "common/topics.h"

#define LINE_BYTES  512
#define TOPIC_BYTES 256
#define FLUSH_MS    3000

struct letter_run {
    const struct dead_letters *letters;
    struct cc_producer *producer; /* NULL: only listed */
    size_t told, replayed, too_old;
};

static void tell(const struct dead_letters *letters, const struct cc_topic_record *letter,
                 const char *what)
{
    const struct cc_record *record = &letter->record;
    char line[LINE_BYTES], time[CC_RFC3339_BYTES];

    cc_time_format(record->timestamp_ms, time);
    snprintf(line, sizeof line,
             "%s partition %" PRId32 " offset %" PRId64 " key %.36s %zu bytes%s: %s", time,
             record->partition, record->offset, record->key, record->payload_count, what,
             letter->reason);
    letters->tell(line, letters->arg);
}

static enum cc_code replay_one(struct letter_run *run, const struct cc_topic_record *letter,
                               struct cc_error *err)
{
    const struct cc_record *record = &letter->record;
    const struct cc_produce again = {
        .topic = run->letters->created_topic,
        .key = record->key,
        .payload = record->payload,
        .payload_count = record->payload_count,
        .type = CC_TOPIC_MESSAGE_CREATED,
    };

    if (run->letters->now_ms - record->timestamp_ms > DEAD_LETTER_MAX_AGE_MS) {
        run->too_old++;
        tell(run->letters, letter, " too old");
        return CC_OK;
    }
    CC_TRY(cc_produce_all(run->producer, &again, 1, err));
    run->replayed++;
    tell(run->letters, letter, " replayed");
    return CC_OK;
}

static enum cc_code go_through(struct letter_run *run, struct cc_topic_reader *reader,
                               struct cc_error *err)
{
    struct cc_topic_record letter;
    bool end;

    for (;;) {
        CC_TRY(cc_topic_reader_next(reader, &letter, &end, err));
        if (end)
            return CC_OK;
        run->told++;
        if (run->producer != NULL)
            CC_TRY(replay_one(run, &letter, err));
        else
            tell(run->letters, &letter, "");
    }
}

static enum cc_code read_letters(struct letter_run *run, const char *group, struct cc_error *err)
{
    const struct dead_letters *letters = run->letters;
    struct cc_topic_reader *reader = NULL;
    char topic[TOPIC_BYTES];

    snprintf(topic, sizeof topic, "%s.dlq", letters->created_topic);
    CC_TRY(cc_topic_reader_open(letters->brokers, letters->client_id, topic, group, &reader, err));
    enum cc_code code = go_through(run, reader, err);
    /* After a failure all of it comes again, which the op_ids make harmless. */
    if (code == CC_OK && group != NULL)
        code = cc_topic_reader_commit(reader, err);
    cc_topic_reader_close(reader);
    return code;
}

enum cc_code dead_letters_list(const struct dead_letters *letters, struct cc_error *err)
{
    struct letter_run run = {.letters = letters};
    char line[LINE_BYTES];

    CC_TRY(read_letters(&run, NULL, err));
    snprintf(line, sizeof line, "%zu dead letters", run.told);
    letters->tell(line, letters->arg);
    return CC_OK;
}

enum cc_code dead_letters_replay(const struct dead_letters *letters, struct cc_error *err)
{
    struct letter_run run = {.letters = letters};
    char line[LINE_BYTES];

    CC_TRY(cc_producer_create(letters->brokers, letters->client_id, &run.producer, err));
    enum cc_code code = read_letters(&run, letters->group, err);
    cc_producer_destroy(run.producer, FLUSH_MS);
    if (code != CC_OK)
        return code;
    snprintf(line, sizeof line, "%zu replayed, %zu too old", run.replayed, run.too_old);
    letters->tell(line, letters->arg);
    return CC_OK;
}
