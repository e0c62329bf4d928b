#ifndef CHAT_STORAGE_CHAT_ROWS_H
#define CHAT_STORAGE_CHAT_ROWS_H

/*
 * Documents of MongoDB to structs and back: the only place that knows field names. Documents
 * returned are the caller's (bson_destroy); structs read live in the arena.
 */

#include <mongoc/mongoc.h>

#include "common/arena.h"
#include "domain/activity.h"
#include "domain/change.h"

bson_t *chat_row_from_change(const struct chat_change *change);
bson_t *chat_row_from_chat(const struct chat *chat);
bson_t *chat_row_from_member(const struct membership *member);
bson_t *chat_row_from_activity(const struct chat_activity *activity);

struct chat_change *chat_row_to_change(const bson_t *row, struct cc_arena *arena);
void chat_row_to_chat(const bson_t *row, struct cc_arena *arena, struct chat *out);
void chat_row_to_member(const bson_t *row, struct cc_arena *arena, struct membership *out);
void chat_row_to_activity(const bson_t *row, struct cc_arena *arena, struct chat_activity *out);

/* {_id, <counter>: {$lt: value}}: what is as new or newer is left alone. */
bson_t *chat_row_older_than(const char *id, const char *counter, int64_t value);
/* {$set: all of the row but its _id} */
bson_t *chat_row_set_all(const bson_t *row);

/* Updates that take what a deleted chat said out: of its row and those of its changes; of its
 * activity. */
bson_t *chat_row_erase_chat(void);
bson_t *chat_row_erase_activity(void);

/* `_id` of a membership: "<chat_id>/<user_id>". */
#define CHAT_MEMBER_ID_BYTES (2 * CC_UUID_BYTES)
void chat_member_row_id(const char *chat_id, const char *user_id, char out[CHAT_MEMBER_ID_BYTES]);
/* Members in portions of CHAT_SLOT_PLACES, so that every page of a large chat is a few queries by
 * equality: "<chat_id>/<place / CHAT_SLOT_PLACES>". */
#define CHAT_SLOT_PLACES 128
#define CHAT_SLOT_BYTES  (CC_UUID_BYTES + 21)
void chat_slot_name(const char *chat_id, int64_t slot, char out[CHAT_SLOT_BYTES]);
#define CHAT_CHANGE_ID_BYTES (CC_UUID_BYTES + 21)
void chat_change_row_id(const char *chat_id, int64_t version, char out[CHAT_CHANGE_ID_BYTES]);

#endif
