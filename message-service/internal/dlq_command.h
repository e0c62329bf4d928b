#ifndef DLQ_COMMAND_H
#define DLQ_COMMAND_H

#include "common/service.h"

/* `message-service dlq list` and `message-service dlq replay`: for cc_service.command. Exit codes:
 * 0 done, 1 failed, 64 usage. */
int message_dlq_command(const struct cc_runtime *runtime, int count, char **words);

#endif
