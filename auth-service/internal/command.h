#ifndef COMMAND_H
#define COMMAND_H

#include "common/service.h"

/* The subcommands of the executable: `auth-service admin grant ADDRESS` and so on; without one that
 * it knows it prints them all. Runs on the main thread beside the running replicas. Returns the
 * exit code. */
int auth_command(const struct cc_runtime *runtime, int count, char **words);

#endif
