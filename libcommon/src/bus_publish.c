/* PUBLISH of messages of the bus. Knows neither their kinds nor who listens. */

#include "common/bus_publish.h"

#include <string.h>

#define FIRST_COMMANDS 32
#define PER_ROUND_TRIP 256 /* what Redis answers fits the socket's buffer */

static void write_payload(const struct cc_bus_message *message, struct cc_strbuf *out)
{
    cc_strbuf_init(out, CC_BUS_HEADER_MAX_BYTES + message->frame_count);
    cc_bus_write(message, out);
}

enum cc_code cc_bus_publish(struct cc_redis *redis, const char *channel,
                            const struct cc_bus_message *message, struct cc_error *err)
{
    struct cc_strbuf payload;

    write_payload(message, &payload);
    const char *argv[] = {"PUBLISH", channel, cc_strbuf_text(&payload)};
    const size_t lengths[] = {strlen(argv[0]), strlen(argv[1]), payload.length};
    enum cc_code code = cc_redis_command(redis, 3, argv, lengths, NULL, err);
    cc_strbuf_finish(&payload);
    return code;
}

struct cc_bus_batch cc_bus_batch_create(struct cc_arena *arena)
{
    return (struct cc_bus_batch){.arena = arena};
}

static void grow(struct cc_bus_batch *batch)
{
    size_t capacity = batch->capacity == 0 ? FIRST_COMMANDS : 2 * batch->capacity;
    struct cc_redis_args *grown = cc_arena_calloc(batch->arena, capacity, sizeof *grown);

    if (batch->count > 0)
        memcpy(grown, batch->commands, batch->count * sizeof *grown);
    batch->commands = grown;
    batch->capacity = capacity;
}

static void add(struct cc_bus_batch *batch, const struct cc_redis_args *command)
{
    if (batch->count == batch->capacity)
        grow(batch);
    batch->commands[batch->count++] = *command;
}

void cc_bus_batch_publish(struct cc_bus_batch *batch, const char *channel,
                          const struct cc_bus_message *message)
{
    const char **argv = cc_arena_calloc(batch->arena, 3, sizeof *argv);
    size_t *lengths = cc_arena_calloc(batch->arena, 3, sizeof *lengths);
    struct cc_strbuf payload;

    write_payload(message, &payload);
    argv[0] = "PUBLISH";
    argv[1] = cc_arena_strdup(batch->arena, channel);
    argv[2] = cc_arena_strndup(batch->arena, cc_strbuf_text(&payload), payload.length);
    lengths[0] = strlen(argv[0]);
    lengths[1] = strlen(argv[1]);
    lengths[2] = payload.length;
    cc_strbuf_finish(&payload);
    add(batch, &(struct cc_redis_args){3, argv, lengths});
}

void cc_bus_batch_command(struct cc_bus_batch *batch, size_t argc, const char *const *argv)
{
    add(batch, &(struct cc_redis_args){.argc = argc, .argv = argv});
}

enum cc_code cc_bus_batch_send(const struct cc_bus_batch *batch, struct cc_redis *redis,
                               struct cc_error *err)
{
    for (size_t at = 0; at < batch->count; at += PER_ROUND_TRIP) {
        size_t left = batch->count - at;
        size_t some = left < PER_ROUND_TRIP ? left : PER_ROUND_TRIP;

        CC_TRY(cc_redis_pipeline(redis, batch->commands + at, some, NULL, err));
    }
    return CC_OK;
}
