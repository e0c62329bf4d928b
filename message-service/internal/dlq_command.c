/* The words of the subcommand. Main thread; prints to stdout, faults to stderr. */

#include "dlq_command.h"

#include <stdio.h>
#include <string.h>

#include "common/topics.h"
#include "events/dead_letters.h"

#define GROUP       "message-service-dlq"
#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_USAGE  64

static void print_line(const char *line, void *arg)
{
    (void)arg;
    puts(line);
}

int message_dlq_command(const struct cc_runtime *runtime, int count, char **words)
{
    const struct message_settings *settings = runtime->settings;
    const struct dead_letters letters = {
        .brokers = settings->kafka_brokers,
        .client_id = runtime->node_id,
        .created_topic = CC_TOPIC_MESSAGE_CREATED,
        .group = GROUP,
        .now_ms = cc_wall_ms(runtime->clock),
        .tell = print_line,
    };
    struct cc_error err = {0};
    enum cc_code code;

    if (count == 2 && strcmp(words[0], "dlq") == 0 && strcmp(words[1], "list") == 0) {
        code = dead_letters_list(&letters, &err);
    } else if (count == 2 && strcmp(words[0], "dlq") == 0 && strcmp(words[1], "replay") == 0) {
        code = dead_letters_replay(&letters, &err);
    } else {
        fprintf(stderr, "usage: message-service dlq list|replay\n");
        return EXIT_USAGE;
    }
    if (code == CC_OK)
        return EXIT_DONE;
    fprintf(stderr, "dlq: %s %s\n", err.public_text, err.detail);
    return EXIT_FAILED;
}
