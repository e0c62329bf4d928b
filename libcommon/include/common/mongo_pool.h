#ifndef COMMON_MONGO_POOL_H
#define COMMON_MONGO_POOL_H

/*
 * mongoc client pool (size 8, server selection 2 s, connect 1 s, socket 5 s). A lent client belongs
 * to one thread.
 */

#include <mongoc/mongoc.h>

#include "common/cleanup.h"
#include "common/error.h"

struct cc_mongo;
CC_DEFINE_AUTO(bson, bson_t, bson_destroy);
CC_DEFINE_AUTO(cursor, mongoc_cursor_t, mongoc_cursor_destroy);
CC_DEFINE_AUTO(collection, mongoc_collection_t, mongoc_collection_destroy);

/* Errors: CC_INVALID for an unreadable uri. production: refuse a write concern
 * below majority, and reading from anywhere but the primary. */
CC_MUST_CHECK enum cc_code cc_mongo_create(const char *uri, const char *database, bool production,
                                           struct cc_mongo **out, struct cc_error *err);
void cc_mongo_destroy(struct cc_mongo *mongo);
enum cc_code cc_mongo_probe(void *mongo, struct cc_error *err);

/* For what somebody waits for, before a client is borrowed: CC_UNAVAILABLE at once, with
 * retry_after_ms, when the driver has known of no server that takes writes for more than a second;
 * otherwise each caller would wait for server selection, and the pool's clients with it. Who is to
 * find out that a server is back (cc_mongo_probe, a writer in a consumer) doesn't ask. */
CC_MUST_CHECK enum cc_code cc_mongo_admit(struct cc_mongo *mongo, struct cc_error *err);

/* Never NULL; blocks while all clients are lent. */
mongoc_client_t *cc_mongo_borrow(struct cc_mongo *mongo);
void cc_mongo_return(struct cc_mongo *mongo, mongoc_client_t *client);
const char *cc_mongo_database(const struct cc_mongo *mongo);

/* A borrowed client with one of its collections, for one scope:
 * struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(mongo, "changes"); */
struct cc_mongo_loan {
    struct cc_mongo *mongo;
    mongoc_client_t *client;
    mongoc_collection_t *collection;
};
struct cc_mongo_loan cc_mongo_loan(struct cc_mongo *mongo, const char *collection);
void cc_mongo_loan_end(struct cc_mongo_loan *loan);
#define CC_MONGO_LOAN __attribute__((cleanup(cc_mongo_loan_end)))

/* Most update statements in one command. FerretDB 1.24 holds a PostgreSQL connection for each of
 * them until the command ends and needs one more for the write, so a longer command can use its
 * whole pool up and wait for itself for ever. */
#define CC_MONGO_UPDATES_MAX 16
/* Most documents in one ordered insertMany. FerretDB 1.24 takes them a hundred at a time and, after
 * a duplicate key, goes on with the next hundred: in a longer command what is stored is no prefix.
 */
#define CC_MONGO_INSERTS_MAX 100

/* Driver error to ours: duplicate key CC_CONFLICT, server selection CC_UNAVAILABLE, stream/socket
 * CC_OUTCOME_UNKNOWN, timeout. */
enum cc_code cc_mongo_fail(const bson_error_t *error, struct cc_error *err);
/* Index of the first failed document of an ordered insertMany from its reply; -1 when there is
 * none. */
int64_t cc_mongo_failed_index(const bson_t *reply);

/* Typed readers of a flat document; fallbacks when absent or of another type. Text is valid as long
 * as the document. */
const char *cc_bson_text(const bson_t *doc, const char *key);
int64_t cc_bson_int(const bson_t *doc, const char *key, int64_t fallback);
bool cc_bson_bool(const bson_t *doc, const char *key, bool fallback);

/* Creates the collections and indexes declared in <directory>/NNNN_*.json
 * ({"collections":[{"name","indexes":[{"name","keys", "unique"}],"equality":[...],
 * "shard_key":{...}}]}), idempotently. A shard key is for a sharded cluster (the server is a
 * mongos) and else passed over; a hashed one gets its index. What is done is recorded in collection
 * schema_migrations. Waits for a late server. */
CC_MUST_CHECK enum cc_code cc_mongo_migrate(const char *uri, const char *database,
                                            const char *directory, struct cc_error *err);

#endif
