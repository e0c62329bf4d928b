#ifndef MEMBERS_H
#define MEMBERS_H

/*
 * Who is in a chat. For requests: from memory while its version is the one in Redis (mver:{chat}),
 * then from Redis (members:{chat}), then from chat-service. For the owner's cold start: from
 * chat-service alone. Thread-safe; may block as long as the HTTP client's timeout.
 * Source: docs/contracts.md "Redis", "Internal routes".
 */

#include "common/http_client.h"
#include "common/redis_pool.h"
#include "domain/rights.h"

struct message_members;

struct message_members *message_members_create(struct cc_peer *chat_service,
                                               struct cc_redis *redis); /* both borrowed */
void message_members_destroy(struct message_members *members);

/* What chat-service says now. A chat that it doesn't know has no members (and version 0).
 * *out: one reference. Errors: CC_UNAVAILABLE and the like: ask again. */
CC_MUST_CHECK enum cc_code message_members_fetch(struct message_members *members,
                                                 const char *chat_id, struct rights **out,
                                                 struct cc_error *err);
/* The valid rights, from wherever they are nearest. *out: one reference. */
CC_MUST_CHECK enum cc_code message_members_rights(struct message_members *members,
                                                  const char *chat_id, struct rights **out,
                                                  struct cc_error *err);

/* The answer to whoever is no member: CC_NOT_FOUND, as for a chat that isn't there. */
enum cc_code message_members_none(struct cc_error *err);

/* CC_OK for an active member; CC_NOT_FOUND for everybody else, as for a chat that isn't there. */
CC_MUST_CHECK enum cc_code message_members_may_read(struct message_members *members,
                                                    const char *chat_id, const char *user_id,
                                                    struct cc_error *err);
/* The same; CC_FORBIDDEN for a member who may not post here. */
CC_MUST_CHECK enum cc_code message_members_may_post(struct message_members *members,
                                                    const char *chat_id, const char *user_id,
                                                    struct cc_error *err);

#endif
