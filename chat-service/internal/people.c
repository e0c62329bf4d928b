/* POST /internal/users/lookup of user-service, in portions. Runs on HTTP workers. */

#include "people.h"

#include <string.h>

#include "common/json_reader.h"
#include "common/json_writer.h"

#define PORTION           100
#define PEOPLE_TIMEOUT_MS 3000
#define BODY_MAX_BYTES    (8 * 1024)

/* How many of them the answer knows; SIZE_MAX when it can't be read. */
static size_t known_in(const struct cc_http_answer *answer, const char *const *user_ids,
                       size_t count, struct cc_arena *arena)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    size_t items = cc_json_array_count(reader, "items", CC_REQUIRED, PORTION), known = 0;

    for (size_t i = 0; i < items && cc_json_enter_element(reader, "items", i); i++) {
        const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);

        for (size_t k = 0; user_id != NULL && k < count; k++)
            known += strcmp(user_ids[k], user_id) == 0;
        cc_json_leave(reader);
    }
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable ? known : SIZE_MAX;
}

static enum cc_code look_up(struct cc_peer *user_service, const char *const *user_ids, size_t count,
                            const struct cc_trace *trace, struct cc_arena *arena, size_t *out_known,
                            struct cc_error *err)
{
    struct cc_strbuf body;
    struct cc_json_writer writer;
    struct cc_http_answer answer;

    cc_strbuf_init(&body, BODY_MAX_BYTES);
    cc_json_writer_init(&writer, &body);
    cc_json_open_object(&writer, NULL);
    cc_json_put_texts(&writer, "user_ids", user_ids, count);
    cc_json_close_object(&writer);
    enum cc_code code =
        cc_peer_call(user_service, "POST", "/internal/users/lookup", cc_strbuf_text(&body),
                     body.length, trace, PEOPLE_TIMEOUT_MS, arena, &answer, err);
    cc_strbuf_finish(&body);
    if (code != CC_OK)
        return code;
    *out_known = known_in(&answer, user_ids, count, arena);
    if (*out_known == SIZE_MAX)
        return cc_fail_detail(err, CC_BAD_GATEWAY, "user-service: unreadable answer to a lookup");
    return CC_OK;
}

enum cc_code chat_people_none(const char *field, struct cc_error *err)
{
    return cc_fail(err, CC_NOT_FOUND, field, "there is no such person");
}

enum cc_code chat_people_must_exist(struct cc_peer *user_service, const char *const *user_ids,
                                    size_t count, const char *field, const struct cc_trace *trace,
                                    struct cc_arena *arena, struct cc_error *err)
{
    for (size_t from = 0; from < count; from += PORTION) {
        size_t portion = count - from < PORTION ? count - from : PORTION, known = 0;

        CC_TRY(look_up(user_service, user_ids + from, portion, trace, arena, &known, err));
        if (known < portion)
            return chat_people_none(field, err);
    }
    return CC_OK;
}
