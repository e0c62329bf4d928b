/* JSON of notifications, both ways. Pure functions, any thread. */

#include "http/notification_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_PLAIN_BYTES 64

void notification_json_put(struct cc_json_writer *writer, const struct notification *notification)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "notification_id", notification->notification_id);
    cc_json_put_text(writer, "kind", notification->kind);
    cc_json_put_text(writer, "chat_id", notification->chat_id);
    cc_json_put_text_opt(writer, "message_id", notification->message_id);
    cc_json_put_int(writer, "seq", notification->seq);
    cc_json_put_text(writer, "title", notification->title);
    cc_json_put_text(writer, "preview", notification->preview);
    cc_json_put_time(writer, "created_at", notification->created_at_ms);
    cc_json_put_bool(writer, "read", notification->read);
    cc_json_close_object(writer);
}

bool notification_json_read_ids(struct cc_json_reader *reader, struct notification_read_input *out)
{
    out->ids =
        cc_json_uuids(reader, "notification_ids", CC_REQUIRED, NOTIFICATION_IDS_MAX, &out->count);
    return cc_json_reader_done(reader);
}

const char *notification_cursor(struct cc_arena *arena, const struct notification *last)
{
    char plain[CURSOR_PLAIN_BYTES];
    int length =
        snprintf(plain, sizeof plain, "%" PRId64 "/%s", last->created_at_ms, last->notification_id);
    char *text = cc_arena_alloc(arena, ((size_t)length * 4 + 2) / 3 + 1);
    cc_base64url_encode(plain, (size_t)length, text);
    return text;
}

bool notification_cursor_read(const char *text, struct notification_position *out)
{
    char plain[CURSOR_PLAIN_BYTES];
    size_t length;
    if (!cc_base64url_decode(text, strlen(text), plain, sizeof plain - 1, &length))
        return false;
    plain[length] = '\0';

    char *slash;
    int64_t created_at_ms = strtoll(plain, &slash, 10);
    if (*slash != '/' || slash == plain || created_at_ms < 0 || strlen(plain) != length ||
        !cc_uuid_valid(slash + 1, strlen(slash + 1)))
        return false;
    out->created_at_ms = created_at_ms;
    memcpy(out->notification_id, slash + 1, CC_UUID_BYTES);
    return true;
}
