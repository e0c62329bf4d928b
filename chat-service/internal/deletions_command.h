#ifndef DELETIONS_COMMAND_H
#define DELETIONS_COMMAND_H

#include "common/service.h"

/* `chat-service deletions retell`: for cc_service.command. The daemons tell every deletion of a
 * chat once more, and every service erases what it still holds of it. May be repeated. Exit codes:
 * 0 done, 1 failed, 64 usage. */
int chat_deletions_command(const struct cc_runtime *runtime, int count, char **words);

#endif
