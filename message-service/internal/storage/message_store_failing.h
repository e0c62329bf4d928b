#ifndef MESSAGE_STORAGE_MESSAGE_STORE_FAILING_H
#define MESSAGE_STORAGE_MESSAGE_STORE_FAILING_H

/* A store around another one whose n-th call of a kind fails, before or after it took effect: the
 * crash points of the owner, for tests. Thread-safe as far as the inner store is. */

#include "storage/message_store.h"

enum store_call {
    STORE_APPEND_CHANGES,
    STORE_FIND_OPERATION,
    STORE_CHANGES_AFTER,
    STORE_VERSIONS_OF,
    STORE_MATERIALISE,
    STORE_MESSAGES_BY_SEQ,
    STORE_FIND_MESSAGE,
    STORE_PINNED_MESSAGES,
    STORE_FIND_REACTION,
    STORE_REACTIONS_OF,
    STORE_HIDE,
    STORE_HIDDEN_IN,
    STORE_HIDDEN_BY,
    STORE_EXPIRED,
    STORE_FORGET_EXPIRY,
    STORE_LOAD_HEAD,
    STORE_SAVE_HEADS,
    STORE_GET_RECEIPT,
    STORE_COUNT_MENTIONS,
    STORE_RECEIPTS_OF,
    STORE_RECEIPTS_BY,
    STORE_RAISE_RECEIPTS,
    STORE_FORGET_PERSON,
    STORE_PLAN_ERASURE,
    STORE_ERASURES,
    STORE_ERASE,
    STORE_PURGE_LOG,
    STORE_FIRST_REV,
    STORE_CALL_COUNT
};
enum store_failure { STORE_FAILS_BEFORE, STORE_FAILS_AFTER };

/* Takes `inner`. Fails nothing until told to. */
struct message_store *message_store_failing_create(struct message_store *inner);
/* The nth call (1 = the next) of that kind fails with `code`, once. */
void message_store_failing_plan(struct message_store *store, enum store_call call, int nth,
                                enum store_failure when, enum cc_code code);
bool message_store_failing_done(struct message_store *store); /* the planned failure has happened */

#endif
