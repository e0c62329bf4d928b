/* Redis: one PUBLISH, until a subscriber on another connection has it. See hops.h. */

#include <stdio.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "common/alloc.h"
#include "hops.h"

#define CHANNEL "bench:hop"

enum { PAYLOAD_BYTES = 700 };

struct redis_hop {
    redisContext *publisher, *subscriber;
    char payload[PAYLOAD_BYTES];
};

static redisContext *connected(const struct hop_servers *servers)
{
    struct timeval patience = {.tv_sec = 5};
    redisContext *redis =
        redisConnectWithTimeout(servers->redis_host, servers->redis_port, patience);

    if (redis != NULL && redis->err == 0 && redisSetTimeout(redis, patience) == REDIS_OK)
        return redis;
    fprintf(stderr, "chat-load: Redis: %s\n", redis != NULL ? redis->errstr : "no memory");
    return redis;
}

static bool take_reply(redisContext *redis)
{
    void *reply = NULL;
    bool good = redisGetReply(redis, &reply) == REDIS_OK;

    freeReplyObject(reply);
    return good;
}

static void *open_hop(const struct hop_servers *servers)
{
    struct redis_hop *hop = cc_calloc(1, sizeof *hop);

    memset(hop->payload, 'x', sizeof hop->payload);
    hop->publisher = connected(servers);
    hop->subscriber = connected(servers);
    redisAppendCommand(hop->subscriber, "SUBSCRIBE " CHANNEL);
    if (!take_reply(hop->subscriber))
        fprintf(stderr, "chat-load: SUBSCRIBE: %s\n", hop->subscriber->errstr);
    return hop;
}

static bool once(void *probe)
{
    struct redis_hop *hop = probe;

    redisAppendCommand(hop->publisher, "PUBLISH " CHANNEL " %b", hop->payload, sizeof hop->payload);
    return take_reply(hop->publisher) && take_reply(hop->subscriber);
}

static void close_hop(void *probe)
{
    struct redis_hop *hop = probe;

    redisFree(hop->publisher);
    redisFree(hop->subscriber);
    cc_free(hop);
}

const struct hop hop_redis = {"redis", open_hop, once, close_hop};
