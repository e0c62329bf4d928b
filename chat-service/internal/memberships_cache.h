#ifndef CHAT_MEMBERSHIPS_CACHE_H
#define CHAT_MEMBERSHIPS_CACHE_H

/*
 * A person's memberships in Redis, present and former, so that their list of chats costs one round
 * trip instead of a query for hundreds of documents. A key of this service alone:
 *   memberships:{user}   hash: <chat> "<version> <state> <role> <joined epoch ms> <joined seq>
 *                        <place>"; and "*" when none is missing
 * Only forward, chat by chat, for ten minutes from when it was filled. Whoever changes a membership
 * writes it here after the store, whether the key is there or not: so a reader who fills it with
 * what the store said before can't take it back. Thread-safe.
 */

#include "common/arena.h"
#include "common/redis_pool.h"
#include "storage/chat_store.h"

/* Of one chat, any people. Errors: CC_UNAVAILABLE, CC_OUTCOME_UNKNOWN; repeat. */
CC_MUST_CHECK enum cc_code chat_memberships_cache_put(struct cc_redis *redis,
                                                      const struct membership *members,
                                                      size_t count, struct cc_error *err);
/* As chat_store_ops.list_memberships: from Redis or, where something is missing there, from the
 * store. Errors: the store's. */
CC_MUST_CHECK enum cc_code
chat_memberships_list(struct cc_redis *redis, struct chat_store *store, const char *user_id,
                      enum chat_member_filter filter, struct cc_arena *arena,
                      struct chat_member_list *out, struct cc_error *err);

#endif
