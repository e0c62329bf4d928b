#ifndef OWNER_H
#define OWNER_H

/*
 * The single writer of the chats whose partition this process holds. Takes a batch of operations
 * through the four steps that make them durable and known: decide and append to the log,
 * materialise, announce; the caller commits when CC_OK is returned. Any failure forgets what was
 * known of the batch's chats, and the same batch comes again: everything is idempotent by op_id.
 * Not thread-safe: belongs to the consumer's thread. Source: docs/ARCHITECTURE.md "What makes it
 * hold", core rules in README.md.
 */

#include "common/clock.h"
#include "media_uses.h"
#include "operation.h"
#include "storage/message_store.h"

struct owner;

/* What the owner needs of the world. */
struct owner_ports {
    void *arg;
    /* Members of a chat that isn't known yet; *out: one reference. */
    enum cc_code (*load_rights)(void *arg, const char *chat_id, struct rights **out,
                                struct cc_error *err);
    bool (*still_owned)(void *arg, const struct operation *operation);
    /* Tells the outcomes of all operations that are still owned. CC_OK: everybody will know. */
    enum cc_code (*announce)(void *arg, struct operation *const *operations, size_t count,
                             struct cc_arena *arena, struct cc_error *err);
    /* A head that is materialised. Must not block. */
    void (*head_moved)(void *arg, int32_t partition, const struct chat_head *head);
};

/* edit_window_ms: how long after it was sent a message may be edited. */
struct owner *owner_create(struct message_store *store, const struct cc_clock *clock,
                           int64_t edit_window_ms);
void owner_destroy(struct owner *owner); /* accepts NULL */
/* Before the first batch: attachments are looked up, and what shows them is kept. Copied. */
void owner_use_media(struct owner *owner, const struct media_uses *media);

/* Errors: CC_UNAVAILABLE, CC_OUTCOME_UNKNOWN and the like are transient: bring the same batch
 * again. */
CC_MUST_CHECK enum cc_code owner_apply(struct owner *owner, const struct owner_ports *ports,
                                       struct operation *operations, size_t count,
                                       struct cc_arena *arena, struct cc_error *err);
/* The partition was given up, or has just come: what was known of its chats is stale. */
void owner_forget_partition(struct owner *owner, int32_t partition);

#endif
