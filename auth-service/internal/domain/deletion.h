#ifndef DOMAIN_DELETION_H
#define DOMAIN_DELETION_H

/*
 * Deleting an account, step by step; each step is one transaction, and the next one looks at what
 * is stored, so that a crash between two of them costs time only. requested  the account can't be
 * used, its sessions have ended, its address and names are gone here; user.updated (deleted) and
 * the sessions' session.revoked are queued announced  Kafka has the event: the other services
 * delete or anonymise theirs completed  the last access token has expired; nothing of the account
 * is left
 */

#include <stdint.h>

#include "common/id.h"

#define DELETION_STATE_BYTES 16

struct account_deletion {
    char deletion_id[CC_UUID_BYTES];
    char user_id[CC_UUID_BYTES];
    char state[DELETION_STATE_BYTES];
    int64_t requested_at_ms, changed_at_ms;
};

#endif
