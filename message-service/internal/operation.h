#ifndef OPERATION_H
#define OPERATION_H

/* One record of message.created on its way through the owner: what was asked, and what became of
 * it. Lives in the batch's arena. */

#include "common/trace.h"
#include "domain/chat_state.h"

struct owned_chat;

struct operation {
    /* What was asked: filled by events/consume_created.c. */
    struct ev_message_created ask;
    char request_hash[65];
    bool unreadable; /* only its op_id, chat and sender could be read */
    size_t record;   /* its place in the batch */
    int32_t partition;
    struct cc_trace trace;

    /* What became of it: filled by owner.c. */
    struct owned_chat *chat;
    struct operation *first; /* the same op_id, earlier in the batch; NULL mostly */
    struct change decided;   /* this round's decision */
    struct change *outcome;  /* NULL until it is settled */
    bool duplicate;          /* settled before this record came */
    bool looked_up;          /* its op_id is not in the log, as far as this batch saw */
    bool owned;              /* its partition is still ours */
    struct rights *rights;   /* as it was judged; NULL: not known. A reference of the owner's */
};

#endif
