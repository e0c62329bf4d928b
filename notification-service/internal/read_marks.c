/* POST /internal/heads of message-service for one person and chat. Runs on consumer threads. */

#include "read_marks.h"

#include "common/json_reader.h"
#include "common/json_writer.h"
#include "common/log.h"

#define TIMEOUT_MS     1000
#define BODY_MAX_BYTES 256
#define NOT_KNOWN      (-1)

static int64_t read_answer(const struct cc_http_answer *answer, struct cc_arena *arena)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    int64_t read_seq = NOT_KNOWN;
    if (cc_json_array_count(reader, "items", CC_REQUIRED, 1) == 1 &&
        cc_json_enter_element(reader, "items", 0)) {
        read_seq = cc_json_int(reader, "read_seq", CC_REQUIRED, 0, INT64_MAX);
        cc_json_leave(reader);
    }
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable ? read_seq : NOT_KNOWN;
}

int64_t notification_read_seq(struct cc_peer *message_service, const char *user_id,
                              const char *chat_id, const struct cc_trace *trace,
                              struct cc_arena *arena)
{
    struct cc_http_answer answer;
    struct cc_json_writer writer;
    struct cc_strbuf body;
    struct cc_error err = {0};

    cc_strbuf_init(&body, BODY_MAX_BYTES);
    cc_json_writer_init(&writer, &body);
    cc_json_open_object(&writer, NULL);
    cc_json_put_texts(&writer, "chats", &chat_id, 1);
    cc_json_put_text(&writer, "user_id", user_id);
    cc_json_close_object(&writer);
    enum cc_code code =
        cc_peer_call(message_service, "POST", "/internal/heads", cc_strbuf_text(&body), body.length,
                     trace, TIMEOUT_MS, arena, &answer, &err);
    cc_strbuf_finish(&body);
    if (code == CC_OK)
        return read_answer(&answer, arena);
    cc_log_error(CC_LOG_WARN, "the read position is not known", &err, "chat_id", chat_id, NULL);
    return NOT_KNOWN;
}
