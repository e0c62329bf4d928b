#ifndef MESSAGE_STORAGE_MESSAGE_ROWS_H
#define MESSAGE_STORAGE_MESSAGE_ROWS_H

/*
 * Documents of the collections, both ways. Ids: changes "<chat>/<rev>", refusals "<chat>/x/<op>",
 * messages "<message>", reactions "<message>/<user>/<emoji>", heads "<chat>", receipts
 * "<chat>/<user>". Buckets: "<chat>/<number >> BUCKET_BITS", of one person "<user>/<bucket>". Texts
 * read are copied into the arena.
 */

#include "common/mongo_pool.h"

#include "storage/message_store.h"

#define MESSAGE_ROW_ID_BYTES 160

void message_row_id(const char *chat_id, int64_t number, char out[MESSAGE_ROW_ID_BYTES]);
void message_row_bucket(const char *chat_id, int64_t number, char out[MESSAGE_ROW_ID_BYTES]);
void message_row_refusal_id(const char *chat_id, const char *op_id, char out[MESSAGE_ROW_ID_BYTES]);
void message_row_receipt_id(const char *chat_id, const char *user_id,
                            char out[MESSAGE_ROW_ID_BYTES]);

/* `row` is empty and becomes the whole document. */
void message_row_from_change(bson_t *row, const struct change *change);
struct change *message_row_to_change(const bson_t *row, struct cc_arena *arena);

/* The update that leaves of a row's message only that it was there. */
void message_row_strip(bson_t *update);

/* The same of a deleted chat's row, in the log or the timeline: what people see of the chat's own
 * changes is gone too. */
void message_row_erase(bson_t *update);

void message_row_from_message(bson_t *row, const struct cc_message *message);
struct cc_message message_row_to_message(const bson_t *row, struct cc_arena *arena);

void message_row_reaction_id(const char *message_id, const struct cc_reaction *reaction,
                             char out[MESSAGE_ROW_ID_BYTES]);
/* The bucket of a seq, of one person. */
void message_row_person_bucket(const char *user_id, const char *chat_id, int64_t seq,
                               char out[MESSAGE_ROW_ID_BYTES]);
void message_row_from_reaction(bson_t *fields, const struct change *change); /* without _id */

void message_row_from_head(bson_t *fields, const struct chat_head *head); /* without _id */
void message_row_to_head(const bson_t *row, struct chat_head *out);

void message_row_to_receipt(const bson_t *row, struct receipt *out);

#endif
