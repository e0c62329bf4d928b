#ifndef READS_CACHE_H
#define READS_CACHE_H

/*
 * How far a person has read each of their chats, in Redis, so that a list of hundreds of chats
 * costs no query for each. A key of this service alone:
 *   reads:{user}   hash: <chat> "<read seq> <cleared seq>"; and "*" when none is missing
 * As stored, and never ahead of the store: each is raised here after it was raised there, whether
 * the key is there or not, so that a reader who fills it with what the store said before lowers
 * nothing. It may be behind, when Redis did not take what it was told: who has read to the end by
 * it has; of whom it says less, the store is asked. For ten minutes from when it was filled; what
 * is left of a deleted account goes with it. Thread-safe.
 */

#include "common/bus_publish.h"
#include "storage/message_store.h"

/* What the store has just raised. */
void reads_cache_raise(struct cc_bus_batch *batch, const struct receipt *receipts, size_t count);
/* Of those chats, read and cleared alone; 0 where nothing is known. */
void reads_cache_find(struct cc_redis *redis, const char *user_id, const char *const *chat_ids,
                      size_t count, struct cc_arena *arena, struct receipt *out);
/* Of all chats, as message_store_ops.receipts_by, but read and cleared alone: from Redis or, where
 * something is missing there, from the store. Errors: the store's. */
CC_MUST_CHECK enum cc_code reads_cache_list(struct cc_redis *redis, struct message_store *store,
                                            const char *user_id, struct cc_arena *arena,
                                            struct receipt_list *out, struct cc_error *err);

#endif
