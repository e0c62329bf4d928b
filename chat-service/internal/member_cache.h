#ifndef CHAT_MEMBER_CACHE_H
#define CHAT_MEMBER_CACHE_H

/*
 * Rights of a chat in Redis, where every gateway and message-service look first: members:{chat} and
 * mver:{chat}. Cached rights count only while their version equals mver:{chat}, so raising it is
 * what takes a right away. Never lowered. Thread-safe.
 * Errors of all: CC_UNAVAILABLE, CC_OUTCOME_UNKNOWN; repeat.
 */

#include "common/redis_pool.h"
#include "http/chat_json.h"

#define CHAT_RIGHTS_CACHED_MAX 1000 /* people; the rights of larger chats are asked for by page */

/* rights must be complete (next_cursor NULL), or members NULL: of more people than
 * CHAT_RIGHTS_CACHED_MAX only the version is raised. */
CC_MUST_CHECK enum cc_code chat_member_cache_put(struct cc_redis *redis,
                                                 const struct chat_rights *rights,
                                                 struct cc_error *err);
/* Tells every gateway that holds a member's socket: what it knows is older than this version. */
CC_MUST_CHECK enum cc_code chat_member_cache_publish(struct cc_redis *redis,
                                                     const struct chat *chat, struct cc_error *err);

#endif
