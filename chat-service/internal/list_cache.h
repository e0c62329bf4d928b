#ifndef CHAT_LIST_CACHE_H
#define CHAT_LIST_CACHE_H

/*
 * What the list of chats needs of each chat, in Redis, so that a person with hundreds of chats
 * costs two round trips instead of hundreds of queries. Keys of this service alone:
 *   chat-card:{chat}      "<version> <chat as JSON, without activity>"
 *   chat-activity:{chat}  "<rev> <seq> <epoch ms> <message id or -> <message as JSON, or nothing>"
 * Only forward, for an hour; what is missing is read from the store and put back. Thread-safe.
 * Writers ignore failures (the store has it); readers treat them as if nothing were there.
 */

#include "common/arena.h"
#include "common/redis_pool.h"
#include "domain/activity.h"
#include "domain/chat.h"

void chat_list_cache_put_card(struct cc_redis *redis, const struct chat *chat, const char *card);
void chat_list_cache_put_activity(struct cc_redis *redis, const struct chat_activity *activity);

/* out[i]: the card of ids[i], NULL when it isn't there. */
void chat_list_cache_cards(struct cc_redis *redis, const char *const *ids, size_t count,
                           struct cc_arena *arena, const char **out);
/* out[i].rev is 0 when the activity of ids[i] isn't there. */
void chat_list_cache_activities(struct cc_redis *redis, const char *const *ids, size_t count,
                                struct cc_arena *arena, struct chat_activity *out);

#endif
