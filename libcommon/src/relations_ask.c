/* The blocking question to user-service; see relations.h. Runs on the caller's thread. */

#include "common/relations.h"

static enum cc_code read_answer(const struct cc_http_answer *answer, struct cc_relation *pairs,
                                size_t count, struct cc_arena *arena, struct cc_error *err)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    bool readable = cc_relations_read_answer(reader, pairs, count);
    cc_json_reader_destroy(reader);
    return readable ? CC_OK
                    : cc_fail_detail(err, CC_BAD_GATEWAY, "user-service: unreadable relations");
}

static enum cc_code ask_some(struct cc_peer *user_service, const char *route,
                             struct cc_relation *pairs, size_t count, const struct cc_trace *trace,
                             int timeout_ms, struct cc_arena *arena, struct cc_error *err)
{
    struct cc_strbuf question;
    struct cc_json_writer writer;
    struct cc_http_answer answer;

    cc_strbuf_init(&question, CC_RELATIONS_BYTES);
    cc_json_writer_init(&writer, &question);
    cc_relations_write_question(&writer, pairs, count);
    enum cc_code code = cc_peer_call(user_service, "POST", route, cc_strbuf_text(&question),
                                     question.length, trace, timeout_ms, arena, &answer, err);
    cc_strbuf_finish(&question);
    return code == CC_OK ? read_answer(&answer, pairs, count, arena, err) : code;
}

enum cc_code cc_relations_ask(struct cc_peer *user_service, const char *route,
                              struct cc_relation *pairs, size_t count, const struct cc_trace *trace,
                              int timeout_ms, struct cc_arena *arena, struct cc_error *err)
{
    for (size_t from = 0; from < count; from += CC_RELATIONS_MAX) {
        size_t portion = count - from < CC_RELATIONS_MAX ? count - from : CC_RELATIONS_MAX;
        CC_TRY(ask_some(user_service, route, pairs + from, portion, trace, timeout_ms, arena, err));
    }
    return CC_OK;
}
