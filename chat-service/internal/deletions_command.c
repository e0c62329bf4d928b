/* The words of the subcommand. Main thread; prints to stdout, faults to stderr. Tells nothing
 * itself: the sweep of a daemon does. */

#include "deletions_command.h"

#include <stdio.h>
#include <string.h>

#include "common/mongo_pool.h"
#include "settings.h"
#include "storage/chat_store.h"

#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_USAGE  64

static enum cc_code retell(const struct chat_settings *settings, size_t *out_count,
                           struct cc_error *err)
{
    struct cc_mongo *mongo;

    CC_TRY(cc_mongo_create(settings->mongo_uri, settings->mongo_database, settings->production,
                           &mongo, err));
    struct chat_store *store = chat_store_mongo_create(mongo);
    enum cc_code code = store->ops->forget_deletions_announced(store, out_count, err);
    chat_store_destroy(store);
    cc_mongo_destroy(mongo);
    return code;
}

int chat_deletions_command(const struct cc_runtime *runtime, int count, char **words)
{
    struct cc_error err = {0};
    size_t told = 0;

    if (count != 2 || strcmp(words[0], "deletions") != 0 || strcmp(words[1], "retell") != 0) {
        fprintf(stderr, "usage: chat-service deletions retell\n");
        return EXIT_USAGE;
    }
    if (retell(runtime->settings, &told, &err) == CC_OK) {
        printf("%zu deletions will be told again\n", told);
        return EXIT_DONE;
    }
    fprintf(stderr, "deletions: %s %s\n", err.public_text, err.detail);
    return EXIT_FAILED;
}
