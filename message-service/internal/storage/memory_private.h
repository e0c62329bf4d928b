#ifndef MESSAGE_STORAGE_MEMORY_PRIVATE_H
#define MESSAGE_STORAGE_MEMORY_PRIVATE_H

/* The store in memory, cut by subject as the MongoDB store is by collection: change_log_memory.c,
 * timeline_memory.c, reactions_memory.c, mentions_memory.c, hidden_memory.c, people_memory.c,
 * expiries_memory.c, erasures_memory.c, purges_memory.c, positions_memory.c;
 * message_store_memory.c puts them together. Signatures and errors: message_store.h. */

#include <pthread.h>

#include "common/hash_map.h"
#include "storage/message_store.h"

struct stored_message {
    struct cc_message message;
    struct stored_message *next; /* in its chat */
};
struct memory_store {
    struct message_store base;
    pthread_mutex_t lock;
    struct cc_arena *arena;             /* keys and values, but for the lists of heads */
    struct cc_hash_map *changes_by_rev; /* chat/rev */
    struct cc_hash_map *changes_by_op;  /* chat/op */
    struct cc_hash_map *messages;       /* message_id */
    struct cc_hash_map *timelines;      /* chat: list of its messages */
    struct cc_hash_map *reactions;      /* message/user/emoji: the last change of it */
    struct cc_hash_map *hidden;         /* user/message: struct hidden */
    struct cc_hash_map *expiries;       /* message_id: its message */
    struct cc_hash_map *heads, *receipts;
    struct cc_hash_map *erasures; /* chat: struct erasure */
    struct cc_hash_map *plans;    /* chat/bucket or chat/op: what may be purged */
    struct cc_hash_map *starts;   /* chat: where its log begins */
};

/* Each call of the interface is between these two; all below are for callers that are. */
struct memory_store *message_memory_enter(struct message_store *base);
enum cc_code message_memory_leave(struct memory_store *store, enum cc_code code);

/* The store's own for as long as it lives. */
const char *message_memory_key(struct memory_store *store, const char *chat_id, const char *rest);
const char *message_memory_rev_key(struct memory_store *store, const char *chat_id, int64_t rev);

/* Drops the values that belong to this id; `key` is what a value stands under. */
void message_memory_drop_where(struct cc_hash_map **map, struct memory_store *store,
                               bool (*belongs)(const void *value, const char *id),
                               const char *(*key)(struct memory_store *store, const void *value),
                               const char *id);
void message_memory_drop_receipts_of(struct memory_store *store, const char *chat_id);
void message_memory_drop_receipts_by(struct memory_store *store, const char *user_id);
void message_memory_drop_hidden_by(struct memory_store *store, const char *user_id);
void message_memory_drop_reactions_by(struct memory_store *store, const char *user_id);
void message_memory_drop_reactions_to(struct memory_store *store, const char *message_id);

/* Leaves of a message only that it was there; the second: in all rows of the log before this. */
void message_memory_strip_message(struct cc_message *said);
void message_memory_strip(struct memory_store *store, const struct change *deletion);

/* What a change means for the other subjects. */
void message_memory_put_reaction(struct memory_store *store, const struct change *change);
void message_memory_list_expiry(struct memory_store *store, const struct cc_message *message);
void message_memory_plan_refusal(struct memory_store *store, const struct change *refusal);
void message_memory_plan_bucket(struct memory_store *store, const struct change *change);
void message_memory_raise(int64_t *there, int64_t value);

enum cc_code message_memory_append_changes(struct message_store *base,
                                           const struct change *const *changes, size_t count,
                                           size_t *out_stored, struct cc_error *err);
enum cc_code message_memory_find_operation(struct message_store *base, const char *chat_id,
                                           const char *op_id, struct cc_arena *arena,
                                           struct change **out, struct cc_error *err);
enum cc_code message_memory_changes_after(struct message_store *base, const char *chat_id,
                                          int64_t after_rev, size_t limit, struct cc_arena *arena,
                                          struct change_list *out, struct cc_error *err);
enum cc_code message_memory_versions_of(struct message_store *base, const char *chat_id,
                                        const char *message_id, struct cc_arena *arena,
                                        struct change_list *out, struct cc_error *err);
enum cc_code message_memory_materialise(struct message_store *base,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err);
enum cc_code message_memory_messages_by_seq(struct message_store *base, const char *chat_id,
                                            int64_t from_seq, int64_t to_seq,
                                            struct cc_arena *arena, struct message_list *out,
                                            struct cc_error *err);
enum cc_code message_memory_find_message(struct message_store *base, const char *chat_id,
                                         const char *message_id, struct cc_arena *arena,
                                         struct cc_message **out, struct cc_error *err);
enum cc_code message_memory_pinned_messages(struct message_store *base, const char *chat_id,
                                            struct cc_arena *arena, struct message_list *out,
                                            struct cc_error *err);
enum cc_code message_memory_find_reaction(struct message_store *base, const char *message_id,
                                          const char *user_id, const char *emoji, bool *out,
                                          struct cc_error *err);
enum cc_code message_memory_reactions_of(struct message_store *base,
                                         const struct person_range *range, struct cc_arena *arena,
                                         struct reaction_list *out, struct cc_error *err);
enum cc_code message_memory_count_mentions(struct message_store *base, const char *chat_id,
                                           const char *user_id, int64_t after_seq, int64_t limit,
                                           int64_t *out, struct cc_error *err);
enum cc_code message_memory_hide(struct message_store *base, const struct hidden *hidden,
                                 struct cc_error *err);
enum cc_code message_memory_hidden_in(struct message_store *base, const struct person_range *range,
                                      struct cc_arena *arena, struct seq_list *out,
                                      struct cc_error *err);
enum cc_code message_memory_hidden_by(struct message_store *base, const char *user_id, size_t limit,
                                      struct cc_arena *arena, struct hidden_list *out,
                                      struct cc_error *err);
enum cc_code message_memory_forget_person(struct message_store *base, const char *user_id,
                                          struct cc_error *err);
enum cc_code message_memory_expired(struct message_store *base, int64_t now_ms, size_t limit,
                                    struct cc_arena *arena, struct expiry_list *out,
                                    struct cc_error *err);
enum cc_code message_memory_forget_expiry(struct message_store *base, const char *message_id,
                                          struct cc_error *err);
enum cc_code message_memory_plan_erasure(struct message_store *base, const char *chat_id,
                                         int64_t rev, struct cc_error *err);
enum cc_code message_memory_erasures(struct message_store *base, size_t limit,
                                     struct cc_arena *arena, struct erasure_list *out,
                                     struct cc_error *err);
enum cc_code message_memory_erase(struct message_store *base, const struct erasure *erasure,
                                  const struct message_list *said, struct cc_error *err);
enum cc_code message_memory_purge_log(struct message_store *base, const struct purge *purge,
                                      size_t *out_count, struct cc_error *err);
enum cc_code message_memory_first_rev(struct message_store *base, const char *chat_id, int64_t *out,
                                      struct cc_error *err);
enum cc_code message_memory_load_head(struct message_store *base, struct chat_head *out,
                                      struct cc_error *err);
enum cc_code message_memory_save_heads(struct message_store *base, const struct chat_head *heads,
                                       size_t count, struct cc_error *err);
enum cc_code message_memory_get_receipt(struct message_store *base, const char *chat_id,
                                        const char *user_id, struct receipt *out,
                                        struct cc_error *err);
enum cc_code message_memory_receipts_of(struct message_store *base, const char *chat_id,
                                        struct cc_arena *arena, struct receipt_list *out,
                                        struct cc_error *err);
enum cc_code message_memory_receipts_by(struct message_store *base, const char *user_id,
                                        struct cc_arena *arena, struct receipt_list *out,
                                        struct cc_error *err);
enum cc_code message_memory_raise_receipts(struct message_store *base,
                                           const struct receipt *receipts, size_t count,
                                           struct cc_error *err);

#endif
