/* GET /internal/chats/{chat_id}/members of chat-service, page by page. Runs on consumer threads. */

#include "members.h"

#include <string.h>

#include "common/json_reader.h"

#define PAGE_MAX     1000
#define MEMBERS_MAX  10000 /* of a group: the platform's limit */
#define TIMEOUT_MS   3000
#define STATE_BYTES  16
#define CURSOR_BYTES 128

struct gathering {
    const char **user_ids;
    size_t count;
    const char *next; /* NULL = no further page */
};

static void add_active(struct cc_json_reader *reader, struct gathering *members)
{
    const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    const char *state = cc_json_text(reader, "state", CC_REQUIRED, 1, STATE_BYTES);
    if (state != NULL && strcmp(state, "active") == 0 && members->count < MEMBERS_MAX)
        members->user_ids[members->count++] = user_id;
}

static bool read_page(const struct cc_http_answer *answer, struct cc_arena *arena,
                      struct gathering *members)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, PAGE_MAX);
    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        add_active(reader, members);
        cc_json_leave(reader);
    }
    members->next = cc_json_text(reader, "next_cursor", CC_OPTIONAL, 1, CURSOR_BYTES);
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}

enum cc_code notification_members_load(struct cc_peer *chat_service, const char *chat_id,
                                       size_t enough, const struct cc_trace *trace,
                                       struct cc_arena *arena, struct notification_members *out,
                                       struct cc_error *err)
{
    struct gathering members = {.user_ids =
                                    cc_arena_calloc(arena, MEMBERS_MAX, sizeof *members.user_ids)};
    const char *path =
        cc_arena_printf(arena, "/internal/chats/%s/members?limit=%d", chat_id, PAGE_MAX);
    do {
        struct cc_http_answer answer;
        enum cc_code code = cc_peer_call(chat_service, "GET", path, NULL, 0, trace, TIMEOUT_MS,
                                         arena, &answer, err);
        if (code == CC_NOT_FOUND)
            break;
        if (code != CC_OK)
            return code;
        if (!read_page(&answer, arena, &members))
            return cc_fail_detail(err, CC_BAD_GATEWAY, "chat-service: unreadable members of %s",
                                  chat_id);
        if (members.next != NULL)
            path = cc_arena_printf(arena, "/internal/chats/%s/members?limit=%d&after=%s", chat_id,
                                   PAGE_MAX, members.next);
    } while (members.next != NULL && members.count <= enough);
    *out = (struct notification_members){members.user_ids, members.count};
    return CC_OK;
}
