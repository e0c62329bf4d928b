#ifndef MESSAGE_STORAGE_MESSAGE_STORE_H
#define MESSAGE_STORAGE_MESSAGE_STORE_H

/*
 * The log of every chat's changes, and what follows from it: messages, heads and read positions.
 * The log is the truth, the fence and the deduplication: an operation is done when its row is
 * appended, and messages and heads can be made again from it. One instance serves all threads; each
 * call may block as long as the driver's timeouts. Results live in the given arena. Common errors:
 * CC_UNAVAILABLE nothing was done; CC_OUTCOME_UNKNOWN the connection broke after sending (every
 * call may be repeated). Three implementations pass one contract suite (tests/contract).
 * Source: docs/ARCHITECTURE.md "The life of a message".
 */

#include "domain/chat_state.h"

#define BUCKET_BITS            6 /* 64 revs of `changes`, or seqs of `messages`, share a bucket */
#define CHANGE_BATCH_MAX       500
#define MESSAGE_READ_RANGE_MAX 1024 /* seqs of one messages_by_seq */

struct cc_mongo;
struct message_store;

struct receipt {
    char chat_id[CC_UUID_BYTES], user_id[CC_UUID_BYTES];
    int64_t read_seq, delivered_seq; /* 0 = nothing yet */
    int64_t from_seq;                /* membership begins after it */
    int64_t at_ms;
};

struct message_store_ops {
    /* Appends in the given order (revs ascending per chat, at most CHANGE_BATCH_MAX) and stops at
     * the first row that can't be stored; out_stored: how many are, always a prefix. CC_CONFLICT:
     * the next row's (chat_id, op_id) or (chat_id, rev) is taken. Of CC_OUTCOME_UNKNOWN nobody
     * knows how many are stored. */
    enum cc_code (*append_changes)(struct message_store *store, const struct change *const *changes,
                                   size_t count, size_t *out_stored, struct cc_error *err);
    /* *out = NULL when that operation never was judged. */
    enum cc_code (*find_operation)(struct message_store *store, const char *chat_id,
                                   const char *op_id, struct cc_arena *arena, struct change **out,
                                   struct cc_error *err);
    /* Accepted changes with rev > after_rev, contiguous from after_rev + 1, at most limit. */
    enum cc_code (*changes_after)(struct message_store *store, const char *chat_id,
                                  int64_t after_rev, size_t limit, struct cc_arena *arena,
                                  struct change_list *out, struct cc_error *err);
    /* Brings the timeline up to these accepted changes; what is newer there stays. Repeatable. */
    enum cc_code (*materialise)(struct message_store *store, const struct change *const *changes,
                                size_t count, struct cc_error *err);
    /* Messages with from_seq <= seq <= to_seq; the range holds at most MESSAGE_READ_RANGE_MAX. */
    enum cc_code (*messages_by_seq)(struct message_store *store, const char *chat_id,
                                    int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                    struct message_list *out, struct cc_error *err);
    /* The head as last saved; a chat without one is at 0, 0. *out is initialised (its chat_id says
     * which chat). */
    enum cc_code (*load_head)(struct message_store *store, struct chat_head *out,
                              struct cc_error *err);
    /* Saves each unless a newer one is there. */
    enum cc_code (*save_heads)(struct message_store *store, const struct chat_head *heads,
                               size_t count, struct cc_error *err);
    /* All zero when there is none. */
    enum cc_code (*get_receipt)(struct message_store *store, const char *chat_id,
                                const char *user_id, struct receipt *out, struct cc_error *err);
    /* Raises what is there; nothing is ever lowered. */
    enum cc_code (*raise_receipts)(struct message_store *store, const struct receipt *receipts,
                                   size_t count, struct cc_error *err);
    void (*destroy)(struct message_store *store);
};
struct message_store {
    const struct message_store_ops *ops;
};

/* mongo is borrowed. */
struct message_store *message_store_mongo_create(struct cc_mongo *mongo);
struct message_store *message_store_memory_create(void);
static inline void message_store_destroy(struct message_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

#endif
