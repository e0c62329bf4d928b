/* GET /internal/users/{user_id}/reads of message-service. Runs on HTTP workers. */

#include "reads.h"

#include "common/json_reader.h"

#define READS_TIMEOUT_MS 1000

static bool read_items(const struct cc_http_answer *answer, struct cc_arena *arena,
                       struct chat_read_list *out)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    size_t count = cc_json_array_count(reader, "items", CC_REQUIRED, CHAT_READS_MAX);

    out->items = cc_arena_calloc(arena, count + 1, sizeof(*out->items));
    for (size_t i = 0; i < count && cc_json_enter_element(reader, "items", i); i++) {
        out->items[i].chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
        out->items[i].read_seq = cc_json_int(reader, "read_seq", CC_REQUIRED, 0, INT64_MAX);
        cc_json_leave(reader);
    }
    out->count = count;
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}

enum cc_code chat_reads_load(struct cc_peer *message_service, const char *user_id,
                             const struct cc_trace *trace, struct cc_arena *arena,
                             struct chat_read_list *out, struct cc_error *err)
{
    const char *path = cc_arena_printf(arena, "/internal/users/%s/reads", user_id);
    struct cc_http_answer answer;
    struct chat_read_list list;

    CC_TRY(cc_peer_call(message_service, "GET", path, NULL, 0, trace, READS_TIMEOUT_MS, arena,
                        &answer, err));
    if (!read_items(&answer, arena, &list))
        return cc_fail_detail(err, CC_BAD_GATEWAY, "message-service: unreadable reads");
    *out = list;
    return CC_OK;
}
