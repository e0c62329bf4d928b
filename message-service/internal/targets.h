#ifndef TARGETS_H
#define TARGETS_H

/*
 * What the operations of one batch refer to, as it is before each of them: what the store has, plus
 * what the batch itself has decided so far. True while the batch's chats are materialised up to
 * where their logs stand, which taking a log over sees to. Not thread-safe; lives in a batch.
 */

#include "domain/decide.h"
#include "storage/message_store.h"

struct targets;

struct targets *targets_create(struct message_store *store, struct cc_arena *arena); /* borrowed */
void targets_destroy(struct targets *targets); /* accepts NULL */

/* What `ask` refers to (nothing, when it refers to nothing). */
CC_MUST_CHECK enum cc_code targets_find(struct targets *targets,
                                        const struct ev_message_created *ask,
                                        struct decide_target *out, struct cc_error *err);
/* An operation was accepted: later ones build upon it. Its texts live as long as the batch. */
void targets_note(struct targets *targets, const struct change *decided);
/* The logs were read again: nothing that was decided counts any more. */
void targets_forget(struct targets *targets);

#endif
