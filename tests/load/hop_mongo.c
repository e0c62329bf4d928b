/* MongoDB's protocol: the very documents that message-service stored, inserted once more into
 * collections with the same indexes. See hops.h. */

#include <stdio.h>

#include <mongoc/mongoc.h>

#include "common/alloc.h"
#include "hops.h"
#include "load.h"

enum { DOCUMENTS_MAX = 20000, WARMUP_BATCHES = 5 };

struct mongo_hop {
    mongoc_client_t *client;
    mongoc_collection_t *scratch;
    bson_t **documents; /* owned */
    size_t count, next;
};

static bool read_documents(struct mongo_hop *hop, const char *database, const char *collection)
{
    mongoc_collection_t *source = mongoc_client_get_collection(hop->client, database, collection);
    bson_t *everything = bson_new();
    bson_t *options = BCON_NEW("limit", BCON_INT64(DOCUMENTS_MAX));
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(source, everything, options, NULL);
    const bson_t *document;
    bson_error_t fault = {0};

    hop->documents = cc_calloc(DOCUMENTS_MAX, sizeof(bson_t *));
    while (hop->count < DOCUMENTS_MAX && mongoc_cursor_next(cursor, &document))
        hop->documents[hop->count++] = bson_copy(document);
    if (mongoc_cursor_error(cursor, &fault) || hop->count == 0)
        fprintf(stderr, "chat-load: no documents in %s.%s %s\n", database, collection,
                fault.message);
    mongoc_cursor_destroy(cursor);
    bson_destroy(options);
    bson_destroy(everything);
    mongoc_collection_destroy(source);
    return hop->count > 0;
}

static void close_hop(void *probe)
{
    struct mongo_hop *hop = probe;

    for (size_t i = 0; i < hop->count; i++)
        bson_destroy(hop->documents[i]);
    cc_free(hop->documents);
    mongoc_collection_destroy(hop->scratch);
    mongoc_client_destroy(hop->client);
    cc_free(hop);
}

static struct mongo_hop *open_collection(const struct hop_servers *servers, const char *collection)
{
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(servers->mongo_uri);
    if (client == NULL)
        return NULL;
    struct mongo_hop *hop = cc_calloc(1, sizeof *hop);
    hop->client = client;
    hop->scratch = mongoc_client_get_collection(client, servers->scratch_db, collection);
    if (read_documents(hop, servers->documents_db, collection))
        return hop;
    close_hop(hop);
    return NULL;
}

static bool insert(struct mongo_hop *hop, size_t count)
{
    bson_error_t fault = {0};
    const bson_t **rows = (const bson_t **)hop->documents + hop->next;

    hop->next += count;
    if (mongoc_collection_insert_many(hop->scratch, rows, count, NULL, NULL, &fault))
        return true;
    fprintf(stderr, "chat-load: insert: %s\n", fault.message);
    return false;
}

static bool once(void *probe)
{
    struct mongo_hop *hop = probe;
    return hop->next < hop->count && insert(hop, 1);
}

static void *open_changes(const struct hop_servers *servers)
{
    return open_collection(servers, "changes");
}

static void *open_messages(const struct hop_servers *servers)
{
    return open_collection(servers, "messages");
}

const struct hop hop_insert_change = {"insert_change", open_changes, once, close_hop};
const struct hop hop_insert_message = {"insert_message", open_messages, once, close_hop};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t insert_all(struct mongo_hop *changes, struct mongo_hop *messages, size_t batch,
                         size_t wanted)
{
    size_t done = 0, left;

    while ((left = smaller(wanted - done, smaller(changes->count - changes->next,
                                                  messages->count - messages->next))) > 0) {
        size_t count = smaller(batch, left);
        if (!insert(changes, count) || !insert(messages, count))
            return 0;
        done += count;
    }
    return done;
}

size_t hop_insert_batches(const struct hop_servers *servers, size_t batch, size_t wanted,
                          double *out_seconds)
{
    struct mongo_hop *changes = open_collection(servers, "changes");
    struct mongo_hop *messages = open_collection(servers, "messages");
    size_t done = 0;

    if (changes != NULL && messages != NULL &&
        insert_all(changes, messages, batch, WARMUP_BATCHES * batch) > 0) {
        int64_t start = monotonic_us();
        done = insert_all(changes, messages, batch, wanted);
        *out_seconds = (double)(monotonic_us() - start) / 1000000;
    }
    if (changes != NULL)
        close_hop(changes);
    if (messages != NULL)
        close_hop(messages);
    return done;
}
