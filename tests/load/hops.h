#ifndef LOAD_HOPS_H
#define LOAD_HOPS_H

/*
 * The bare hops: what a message's way costs when nothing of ours is in it. Each probe is one
 * client library and one server, used as plainly as it can be: the references that the fleet's
 * figures are held against. Belong to one thread.
 */

#include <stdbool.h>
#include <stddef.h>

struct hop_servers {
    const char *kafka;      /* host:port */
    const char *redis_host; /* an address */
    int redis_port;
    const char *mongo_uri;
    const char *documents_db; /* whose documents are inserted again: message-service's */
    const char *scratch_db;   /* where to; migrated as message-service's, and empty */
};

struct hop {
    const char *name;
    /* NULL with a line on stderr when the server is not to be had. */
    void *(*open)(const struct hop_servers *servers);
    bool (*once)(void *probe); /* the whole hop, until the other end has it */
    void (*close)(void *probe);
};

extern const struct hop hop_kafka, hop_redis, hop_insert_change, hop_insert_message;

/* Ordered inserts of the same documents in batches, both collections one after the other, as
 * message-service does, a few of them before the clock runs: a connection's first inserts
 * are slower. Returns how many messages were inserted in *out_seconds, 0 with a line on stderr when
 * it failed. */
size_t hop_insert_batches(const struct hop_servers *servers, size_t batch, size_t wanted,
                          double *out_seconds);

#endif
