#ifndef MESSAGE_EVENTS_RECEIPTS_H
#define MESSAGE_EVENTS_RECEIPTS_H

/*
 * The `receipt` frame: how far a message has reached somebody, for whoever wrote it. What
 * GET /v1/messages/{message_id}/receipts answers, as it happens, and to the same people: nobody in
 * a chat that is too large for its members to be listed. A hint: what is not told is asked for.
 * Source: docs/ARCHITECTURE.md "The life of a message".
 */

#include "domain/rights.h"
#include "events/redis_hints.h"

#define RECEIPT_RANGE_MAX 128 /* seqs whose authors are looked up: the newest */

struct receipt_move { /* one person's, in one chat */
    const struct receipt *told, *now;
};
/* Adds one frame for each active member who wrote a message that has come to be read or delivered,
 * except the reader. May block on the store. Errors: those of the store; then nothing was added. */
CC_MUST_CHECK enum cc_code receipts_tell(struct cc_bus_batch *batch, struct message_store *store,
                                         const struct rights *rights,
                                         const struct receipt_move *move, struct cc_error *err);

#endif
