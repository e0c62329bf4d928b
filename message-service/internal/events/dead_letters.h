#ifndef MESSAGE_EVENTS_DEAD_LETTERS_H
#define MESSAGE_EVENTS_DEAD_LETTERS_H

/* `message-service dlq list|replay`: what could not be read of message.created, shown, or brought
 * into the pipeline once more. A tool beside the running daemons; never tells what a record says.
 */

#include "common/kafka_producer.h"
#include "settings.h"

/* How long the log is certain to know an operation: what is older is not replayed, because it could
 * be done a second time. */
#define DEAD_LETTER_MAX_AGE_MS (INT64_C(7) * 24 * 60 * 60 * 1000)

struct dead_letters { /* filled by the command (or a test) */
    const char *brokers, *client_id;
    const char *created_topic; /* its dead letters are in <created_topic>.dlq */
    const char *group;         /* remembers what was replayed */
    int64_t now_ms;
    void (*tell)(const char *line, void *arg); /* one line of the report */
    void *arg;
};
CC_MUST_CHECK enum cc_code dead_letters_list(const struct dead_letters *letters,
                                             struct cc_error *err);
/* Each once: what comes back as a dead letter is a new one. Repeatable when it fails in between. */
CC_MUST_CHECK enum cc_code dead_letters_replay(const struct dead_letters *letters,
                                               struct cc_error *err);

#endif
