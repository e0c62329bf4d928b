#ifndef CHAT_ACTIVITIES_H
#define CHAT_ACTIVITIES_H

/*
 * The activity of the chats whose partitions this replica consumes: what the store has, moved on by
 * the events since. Redis is told at once, the store later (write-behind), because an update of a
 * document costs more than storing the message did. Used by the consumer's thread alone.
 * Source: docs/ARCHITECTURE.md "What is stored later".
 */

#include "common/arena.h"
#include "domain/activity.h"
#include "storage/chat_store.h"

struct activities;

/* store is borrowed. */
struct activities *activities_create(struct chat_store *store);
void activities_destroy(struct activities *activities); /* accepts NULL; what is unsaved is lost */

/* Moves a chat's activity on. *out: how it stands, now and after later facts, until it is saved or
 * forgotten; NULL when the fact was known. Errors: those of the store, from which the chat is read
 * the first time. */
CC_MUST_CHECK enum cc_code activities_apply(struct activities *activities, int32_t partition,
                                            const char *chat_id, const struct activity_fact *fact,
                                            const struct chat_activity **out, struct cc_error *err);
/* Stores all that has moved since the last time. */
CC_MUST_CHECK enum cc_code activities_save(struct activities *activities, struct cc_arena *arena,
                                           struct cc_error *err);
/* Another replica may own this partition from now on, or did until now. */
void activities_forget_partition(struct activities *activities, int32_t partition);

#endif
