#ifndef MESSAGE_STORAGE_MONGO_PRIVATE_H
#define MESSAGE_STORAGE_MONGO_PRIVATE_H

/* The MongoDB store, cut by collection: change_log_mongo.c, timeline_mongo.c, reactions_mongo.c,
 * mentions_mongo.c, hidden_mongo.c, people_mongo.c, expiries_mongo.c, erasures_mongo.c,
 * purges_mongo.c, slots_mongo.c, positions_mongo.c; message_store_mongo.c puts them together.
 * Signatures and errors: message_store.h. */

#include "storage/message_rows.h"
#include "storage/message_store.h"

#define CHANGES_COLLECTION   "changes"
#define MESSAGES_COLLECTION  "messages"
#define REACTIONS_COLLECTION "reactions"
#define MENTIONS_COLLECTION  "mentions"
#define HIDDEN_COLLECTION    "hidden"
#define EXPIRIES_COLLECTION  "expiries"
#define ERASURES_COLLECTION  "erasures"
#define PURGES_COLLECTION    "purges"
#define STARTS_COLLECTION    "log_starts"
#define MEDIA_COLLECTION     "media"
#define USES_COLLECTION      "media_uses"
#define LOOKS_COLLECTION     "media_looks"
#define HEADS_COLLECTION     "chat_heads"
#define RECEIPTS_COLLECTION  "receipts"

/* A client and the collection, for one scope (CC_MONGO_LOAN). */
struct cc_mongo_loan message_mongo_borrow(struct message_store *store, const char *collection);

/* Calls visit for every document that the filter finds. */
enum cc_code message_mongo_visit(struct message_store *store, const char *collection,
                                 const bson_t *filter, void (*visit)(const bson_t *row, void *arg),
                                 void *arg, struct cc_error *err);
/* The same for at most limit rows; 0 = all. */
enum cc_code message_mongo_visit_some(struct message_store *store, const char *collection,
                                      const bson_t *filter, int64_t limit,
                                      void (*visit)(const bson_t *row, void *arg), void *arg,
                                      struct cc_error *err);

/* The same for one person's documents in the buckets of a range; some are outside of it. */
enum cc_code message_mongo_visit_person(struct message_store *store, const char *collection,
                                        const struct person_range *range,
                                        void (*visit)(const bson_t *row, void *arg), void *arg,
                                        struct cc_error *err);

/* Room for one more item of `size` bytes behind `count`, for a list that grows while rows come. */
void *mongo_grow(struct cc_arena *arena, void *items, size_t count, size_t *capacity, size_t size);

/* Documents under construction, for insertMany. */
struct mongo_rows {
    bson_t *rows;          /* initialised, empty */
    const bson_t **borrow; /* the same, as the driver wants them */
    size_t count;
};
struct mongo_rows mongo_rows_create(size_t count);
void mongo_rows_finish(struct mongo_rows *rows);
#define MONGO_ROWS __attribute__((cleanup(mongo_rows_finish)))

/* Many updates in portions, each one round trip (see CC_MONGO_UPDATES_MAX). `add` puts the update
 * of rows[index] into the portion; a row that is newer in the store stays as it is. */
typedef mongoc_bulk_operation_t mongo_bulk;
typedef enum cc_code (*mongo_bulk_add)(mongo_bulk *bulk, const void *rows, size_t index,
                                       struct cc_error *err);
enum cc_code message_mongo_write_each(struct message_store *store, const char *collection,
                                      mongo_bulk_add add, const void *rows, size_t count,
                                      struct cc_error *err);
enum cc_code mongo_bulk_upsert(mongo_bulk *bulk, const bson_t *filter, const bson_t *update,
                               struct cc_error *err);

/* What is due when (slots_mongo.c): a row tells it by `slot` and `at`. Calls take for rows that are
 * due, at most limit; they stay until they are deleted. sweep_id: of this collection's sweep. */
void mongo_slot_write(bson_t *row, int64_t due_ms, int64_t now_ms);
struct mongo_due {
    const char *collection, *sweep_id;
    int64_t now_ms;
    size_t limit;
    void (*take)(const bson_t *row, void *arg);
    void *arg;
};
enum cc_code message_mongo_visit_due(struct message_store *store, const struct mongo_due *due,
                                     struct cc_error *err);

/* Deletes what the filter finds; nothing is fine too. The second: what has this value. */
enum cc_code message_mongo_delete_all(struct message_store *store, const char *collection,
                                      const bson_t *filter, struct cc_error *err);
enum cc_code message_mongo_delete(struct message_store *store, const char *collection,
                                  const char *key, const char *value, struct cc_error *err);

/* Inserts rows in no order; those that are there already stay as they are. */
enum cc_code message_mongo_insert_missing(struct message_store *store, const char *collection,
                                          const struct mongo_rows *rows, struct cc_error *err);

enum cc_code message_mongo_append_changes(struct message_store *store,
                                          const struct change *const *changes, size_t count,
                                          size_t *out_stored, struct cc_error *err);
enum cc_code message_mongo_find_operation(struct message_store *store, const char *chat_id,
                                          const char *op_id, struct cc_arena *arena,
                                          struct change **out, struct cc_error *err);
enum cc_code message_mongo_changes_after(struct message_store *store, const char *chat_id,
                                         int64_t after_rev, size_t limit, struct cc_arena *arena,
                                         struct change_list *out, struct cc_error *err);
enum cc_code message_mongo_versions_of(struct message_store *store, const char *chat_id,
                                       const char *message_id, struct cc_arena *arena,
                                       struct change_list *out, struct cc_error *err);
/* Takes what deleted messages said out of their rows in the log. */
enum cc_code message_mongo_strip(struct message_store *store, const struct change *const *deletions,
                                 size_t count, struct cc_error *err);
enum cc_code message_mongo_materialise(struct message_store *store,
                                       const struct change *const *changes, size_t count,
                                       struct cc_error *err);
enum cc_code message_mongo_messages_by_seq(struct message_store *store, const char *chat_id,
                                           int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                           struct message_list *out, struct cc_error *err);
enum cc_code message_mongo_find_message(struct message_store *store, const char *chat_id,
                                        const char *message_id, struct cc_arena *arena,
                                        struct cc_message **out, struct cc_error *err);
enum cc_code message_mongo_pinned_messages(struct message_store *store, const char *chat_id,
                                           struct cc_arena *arena, struct message_list *out,
                                           struct cc_error *err);
/* Brings the reactions up to these changes, each the last one of its person, message and emoji. */
enum cc_code message_mongo_put_reactions(struct message_store *store,
                                         const struct change *const *changes, size_t count,
                                         struct cc_error *err);
enum cc_code message_mongo_find_reaction(struct message_store *store, const char *message_id,
                                         const char *user_id, const char *emoji, bool *out,
                                         struct cc_error *err);
enum cc_code message_mongo_reactions_of(struct message_store *store,
                                        const struct person_range *range, struct cc_arena *arena,
                                        struct reaction_list *out, struct cc_error *err);
/* Brings the mentions up to these changes, each the last one of its message that says anew what it
 * says: a create, an edit or a deletion. */
enum cc_code message_mongo_put_mentions(struct message_store *store,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err);
enum cc_code message_mongo_count_mentions(struct message_store *store, const char *chat_id,
                                          const char *user_id, int64_t after_seq, int64_t limit,
                                          int64_t *out, struct cc_error *err);
enum cc_code message_mongo_hide(struct message_store *store, const struct hidden *hidden,
                                struct cc_error *err);
enum cc_code message_mongo_hidden_in(struct message_store *store, const struct person_range *range,
                                     struct cc_arena *arena, struct seq_list *out,
                                     struct cc_error *err);
enum cc_code message_mongo_hidden_by(struct message_store *store, const char *user_id, size_t limit,
                                     struct cc_arena *arena, struct hidden_list *out,
                                     struct cc_error *err);
/* Lists the messages that these changes add and that are to expire. */
enum cc_code message_mongo_put_expiries(struct message_store *store,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err);
enum cc_code message_mongo_expired(struct message_store *store, int64_t now_ms, size_t limit,
                                   struct cc_arena *arena, struct expiry_list *out,
                                   struct cc_error *err);
enum cc_code message_mongo_forget_expiry(struct message_store *store, const char *message_id,
                                         struct cc_error *err);
enum cc_code message_mongo_plan_erasure(struct message_store *store, const char *chat_id,
                                        int64_t rev, struct cc_error *err);
enum cc_code message_mongo_erasures(struct message_store *store, size_t limit,
                                    struct cc_arena *arena, struct erasure_list *out,
                                    struct cc_error *err);
enum cc_code message_mongo_erase(struct message_store *store, const struct erasure *erasure,
                                 const struct message_list *said, struct cc_error *err);
/* Lists what these changes let go in time: themselves, being refusals (before they are appended),
 * or the bucket that they follow. */
enum cc_code message_mongo_plan_refusals(struct message_store *store,
                                         const struct change *const *changes, size_t count,
                                         struct cc_error *err);
enum cc_code message_mongo_plan_buckets(struct message_store *store,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err);
enum cc_code message_mongo_purge_log(struct message_store *store, const struct purge *purge,
                                     size_t *out_count, struct cc_error *err);
enum cc_code message_mongo_first_rev(struct message_store *store, const char *chat_id, int64_t *out,
                                     struct cc_error *err);
enum cc_code message_mongo_load_head(struct message_store *store, struct chat_head *out,
                                     struct cc_error *err);
enum cc_code message_mongo_save_heads(struct message_store *store, const struct chat_head *heads,
                                      size_t count, struct cc_error *err);
enum cc_code message_mongo_get_receipt(struct message_store *store, const char *chat_id,
                                       const char *user_id, struct receipt *out,
                                       struct cc_error *err);
enum cc_code message_mongo_receipts_of(struct message_store *store, const char *chat_id,
                                       struct cc_arena *arena, struct receipt_list *out,
                                       struct cc_error *err);
enum cc_code message_mongo_receipts_by(struct message_store *store, const char *user_id,
                                       struct cc_arena *arena, struct receipt_list *out,
                                       struct cc_error *err);
enum cc_code message_mongo_forget_person(struct message_store *store, const char *user_id,
                                         struct cc_error *err);
enum cc_code message_mongo_raise_receipts(struct message_store *store,
                                          const struct receipt *receipts, size_t count,
                                          struct cc_error *err);

#endif
