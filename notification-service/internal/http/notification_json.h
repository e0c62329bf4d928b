#ifndef NOTIFICATION_HTTP_NOTIFICATION_JSON_H
#define NOTIFICATION_HTTP_NOTIFICATION_JSON_H

/* JSON of notifications, both ways, and the cursor of their pages. */

#include "common/json_reader.h"
#include "common/json_writer.h"
#include "storage/notification_store.h"

#define NOTIFICATION_IDS_MAX 200

void notification_json_put(struct cc_json_writer *writer, const struct notification *notification);

struct notification_read_input {
    const char *const *ids;
    size_t count;
};
bool notification_json_read_ids(struct cc_json_reader *reader, struct notification_read_input *out);

/* Opaque to clients: the last one's time and id. The text is in the arena. */
const char *notification_cursor(struct cc_arena *arena, const struct notification *last);
bool notification_cursor_read(const char *text, struct notification_position *out);

#endif
