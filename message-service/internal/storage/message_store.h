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
#define MESSAGE_VERSIONS_MAX   200
#define PURGE_NOTICE_MS        600000 /* from first_rev > 1 on until the first row of a chat goes */

struct cc_mongo;
struct message_store;

struct receipt {
    char chat_id[CC_UUID_BYTES], user_id[CC_UUID_BYTES];
    int64_t read_seq, delivered_seq; /* 0 = nothing yet */
    int64_t from_seq;                /* membership begins after it */
    int64_t cleared_seq;             /* what the person deleted for themselves ends here */
    int64_t at_ms;
};

/* What one person has in a part of a chat. */
struct person_range {
    const char *user_id, *chat_id;
    int64_t from_seq, to_seq; /* inclusive */
};
struct hidden {
    const char *user_id, *chat_id, *message_id;
    int64_t seq;
};
struct seq_list {
    int64_t *items; /* ascending */
    size_t count;
};
struct hidden_list { /* what one person hid: of each its chat and seq, nothing else */
    struct hidden *items;
    size_t count;
    bool more; /* not all that they hid was looked at */
};
struct expiry {
    const char *message_id, *chat_id;
};
struct expiry_list {
    struct expiry *items;
    size_t count;
};
struct erasure { /* a deleted chat whose content is still to be taken out */
    const char *chat_id;
    int64_t rev;    /* of its deletion */
    int64_t bucket; /* the first whose revs and seqs are not erased; up to rev >> BUCKET_BITS */
};
struct erasure_list {
    struct erasure *items; /* in no order */
    size_t count;
};
struct purge {
    int64_t before_ms; /* what was refused, or followed by a bucket, until then */
    int64_t now_ms;
    size_t limit; /* buckets and refusals that are looked at */
};
struct receipt_list {
    struct receipt *items;
    size_t count;
};
struct own_reaction {
    const char *message_id, *emoji;
};
struct reaction_list {
    struct own_reaction *items;
    size_t count;
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
    /* What a message said, version by version: the changes that made one, oldest first; of more
     * than MESSAGE_VERSIONS_MAX the newest. A deleted one's say nothing any more. */
    enum cc_code (*versions_of)(struct message_store *store, const char *chat_id,
                                const char *message_id, struct cc_arena *arena,
                                struct change_list *out, struct cc_error *err);
    /* Brings the timeline (messages, reactions, mentions) up to these accepted changes, revs
     * ascending per chat; what is newer there stays. A deletion takes what the message said out of
     * the log's earlier rows too. Repeatable. */
    enum cc_code (*materialise)(struct message_store *store, const struct change *const *changes,
                                size_t count, struct cc_error *err);
    /* Messages with from_seq <= seq <= to_seq; the range holds at most MESSAGE_READ_RANGE_MAX. */
    enum cc_code (*messages_by_seq)(struct message_store *store, const char *chat_id,
                                    int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                    struct message_list *out, struct cc_error *err);
    /* *out = NULL when there is none. chat_id: where it is, as far as that is known; NULL asks
     * every shard of a cluster. */
    enum cc_code (*find_message)(struct message_store *store, const char *chat_id,
                                 const char *message_id, struct cc_arena *arena,
                                 struct cc_message **out, struct cc_error *err);
    /* The chat's pinned messages, newest first; at most MESSAGE_READ_RANGE_MAX. */
    enum cc_code (*pinned_messages)(struct message_store *store, const char *chat_id,
                                    struct cc_arena *arena, struct message_list *out,
                                    struct cc_error *err);
    /* Whether that person's reaction with that emoji is on. */
    enum cc_code (*find_reaction)(struct message_store *store, const char *message_id,
                                  const char *user_id, const char *emoji, bool *out,
                                  struct cc_error *err);
    /* One person's reactions to the messages of a range (as for messages_by_seq), in no order. */
    enum cc_code (*reactions_of)(struct message_store *store, const struct person_range *range,
                                 struct cc_arena *arena, struct reaction_list *out,
                                 struct cc_error *err);
    /* That person does not see the message any more. Repeatable; nothing brings it back. */
    enum cc_code (*hide)(struct message_store *store, const struct hidden *hidden,
                         struct cc_error *err);
    /* What that person has hidden in a range, of any length. */
    enum cc_code (*hidden_in)(struct message_store *store, const struct person_range *range,
                              struct cc_arena *arena, struct seq_list *out, struct cc_error *err);
    /* What that person has hidden in all chats, at most limit messages, in no order. */
    enum cc_code (*hidden_by)(struct message_store *store, const char *user_id, size_t limit,
                              struct cc_arena *arena, struct hidden_list *out,
                              struct cc_error *err);
    /* Messages that were to expire by then, at most limit, in no order; they are listed until they
     * are forgotten. Each message that materialise adds with an expiry is among them in time. */
    enum cc_code (*expired)(struct message_store *store, int64_t now_ms, size_t limit,
                            struct cc_arena *arena, struct expiry_list *out, struct cc_error *err);
    /* Its expiry is done with. Repeatable. */
    enum cc_code (*forget_expiry)(struct message_store *store, const char *message_id,
                                  struct cc_error *err);
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
    /* How many messages after that seq, not deleted since, mention that person or everybody; at
     * most limit. */
    enum cc_code (*count_mentions)(struct message_store *store, const char *chat_id,
                                   const char *user_id, int64_t after_seq, int64_t limit,
                                   int64_t *out, struct cc_error *err);
    /* Of everybody who ever had one in the chat, in no order. */
    enum cc_code (*receipts_of)(struct message_store *store, const char *chat_id,
                                struct cc_arena *arena, struct receipt_list *out,
                                struct cc_error *err);
    /* Of one person, in every chat where they ever had one, in no order. */
    enum cc_code (*receipts_by)(struct message_store *store, const char *user_id,
                                struct cc_arena *arena, struct receipt_list *out,
                                struct cc_error *err);
    /* Raises what is there; nothing is ever lowered. */
    enum cc_code (*raise_receipts)(struct message_store *store, const struct receipt *receipts,
                                   size_t count, struct cc_error *err);
    /* Read positions, mentions, what they hid and which reactions are theirs; what they wrote, and
     * how often was reacted, stays. Repeatable. */
    enum cc_code (*forget_person)(struct message_store *store, const char *user_id,
                                  struct cc_error *err);
    /* The chat is deleted by that rev, and all before it is materialised: what was said there is to
     * be erased. Repeatable; one that is planned stays as it is. */
    enum cc_code (*plan_erasure)(struct message_store *store, const char *chat_id, int64_t rev,
                                 struct cc_error *err);
    /* What is planned, at most limit; it is listed until all of it was erased. */
    enum cc_code (*erasures)(struct message_store *store, size_t limit, struct cc_arena *arena,
                             struct erasure_list *out, struct cc_error *err);
    /* Takes the content of erasure->bucket out of log and timeline, and notes it; after the last
     * one, nothing is left to erase, nor who has read how far. said: the messages of that bucket's
     * seqs. Ids, hashes, revs and seqs stay. Repeatable. */
    enum cc_code (*erase)(struct message_store *store, const struct erasure *erasure,
                          const struct message_list *said, struct cc_error *err);
    /* Takes the oldest part of logs away: whole buckets (1 << BUCKET_BITS revs), none that the
     * saved head is in or before, and refusals. A chat's first bucket goes PURGE_NOTICE_MS after
     * first_rev told it. out_count: buckets and refusals taken away. Repeatable; several may purge
     * at once. */
    enum cc_code (*purge_log)(struct message_store *store, const struct purge *purge,
                              size_t *out_count, struct cc_error *err);
    /* Where the chat's log begins; 1 = nothing was purged. It only grows, and before rows go. */
    enum cc_code (*first_rev)(struct message_store *store, const char *chat_id, int64_t *out,
                              struct cc_error *err);
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
