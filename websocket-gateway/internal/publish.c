/* Announces on Redis channels. ws_publish: loop thread, the command itself on the worker;
 * ws_publish_with: consumer threads. It does not know frames. */

#include "publish.h"

#include <string.h>

#include "common/alloc.h"
#include "common/topics.h"

#include "app.h"
#include "jobs.h"

void ws_channel_name(enum ws_channel channel, const char *id, char out[64])
{
    switch (channel) {
    case WS_CHANNEL_CHAT:
        cc_redis_name_chat(id, out);
        return;
    case WS_CHANNEL_USER:
        cc_redis_name_user(id, out);
        return;
    case WS_CHANNEL_NODE:
        cc_redis_name_node(id, out);
        return;
    }
}

bool ws_channel_parse(const char *name, enum ws_channel *out_channel, const char **out_id)
{
    for (enum ws_channel channel = WS_CHANNEL_CHAT; channel <= WS_CHANNEL_NODE; channel++) {
        char prefix[CC_REDIS_NAME_BYTES];

        ws_channel_name(channel, "", prefix);
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        *out_channel = channel;
        *out_id = name + strlen(prefix);
        return true;
    }
    return false;
}

struct publication {
    struct ws_job job;
    struct cc_arena *arena;
    struct cc_bus_batch batch; /* of one message */
};

static enum cc_code publish_now(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    return cc_bus_batch_send(&WS_CONTAINER(job, struct publication, job)->batch, redis, err);
}

static void publication_free(struct ws_job *job)
{
    struct publication *publication = WS_CONTAINER(job, struct publication, job);

    cc_arena_destroy(publication->arena);
    cc_free(publication);
}

void ws_publish(struct ws_app *app, enum ws_channel channel, const char *id,
                const struct cc_bus_message *message)
{
    struct publication *publication = cc_calloc(1, sizeof *publication);

    publication->job.work = publish_now;
    publication->job.discard = publication_free;
    publication->arena = cc_arena_create(0);
    publication->batch = cc_bus_batch_create(publication->arena);
    ws_publish_with(&publication->batch, channel, id, message);
    ws_job_submit(app, &publication->job);
}

void ws_publish_with(struct cc_bus_batch *batch, enum ws_channel channel, const char *id,
                     const struct cc_bus_message *message)
{
    char name[CC_REDIS_NAME_BYTES];

    ws_channel_name(channel, id, name);
    cc_bus_batch_publish(batch, name, message);
}
