/* Questions to chat-service about shared chats; see sight.h. Runs on worker threads. Sharing a chat
 * has no direction, so that one question covers all pairs of one person, on either side. */

#include "sight.h"

#include <string.h>

#include "common/log.h"
#include "common/metrics.h"

#define SHARED_TIMEOUT_MS 2000
#define QUESTIONS_MAX     8 /* for one request; what is left is not visible */
#define QUESTION_BYTES    (32 * 1024)
#define OTHERS_MAX        500

struct question {
    struct user_app *app;
    const struct user_bond *bonds;
    size_t count;
    const struct cc_trace *trace;
    struct cc_arena *arena;
    bool *open; /* still to be asked about */
    bool *visible;
};

/* The other one of a pair that holds this person; NULL when it does not. */
static const char *other_of(const struct user_bond *bond, const char *person_id)
{
    if (strcmp(bond->actor_id, person_id) == 0)
        return bond->user_id;
    return strcmp(bond->user_id, person_id) == 0 ? bond->actor_id : NULL;
}

static size_t count_open(const struct question *question, const char *person_id)
{
    size_t count = 0;
    for (size_t i = 0; i < question->count; i++)
        count += question->open[i] && other_of(&question->bonds[i], person_id) != NULL;
    return count;
}

static bool is_among(const char *const *ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], id) == 0)
            return true;
    }
    return false;
}

/* Who of `others` is in a chat with this person. */
static enum cc_code ask_chat_service(const struct question *question, const char *person_id,
                                     const char *const *others, size_t count,
                                     const char *const **out, size_t *out_count,
                                     struct cc_error *err)
{
    struct cc_arena *arena = question->arena;
    const char *path = cc_arena_printf(arena, "/internal/users/%s/shared", person_id);
    struct cc_http_answer answer;
    struct cc_json_writer writer;
    struct cc_strbuf body;

    cc_strbuf_init(&body, QUESTION_BYTES);
    cc_json_writer_init(&writer, &body);
    cc_json_open_object(&writer, NULL);
    cc_json_put_texts(&writer, "user_ids", others, count);
    cc_json_close_object(&writer);
    enum cc_code code =
        cc_peer_call(question->app->chat_service, "POST", path, cc_strbuf_text(&body), body.length,
                     question->trace, SHARED_TIMEOUT_MS, arena, &answer, err);
    cc_strbuf_finish(&body);
    if (code != CC_OK)
        return code;
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer.body, answer.body_count, CC_IGNORE_UNKNOWN);
    *out = cc_json_uuids(reader, "user_ids", CC_REQUIRED, OTHERS_MAX, out_count);
    bool readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable ? CC_OK : cc_fail_detail(err, CC_BAD_GATEWAY, "chat-service: who shares?");
}

/* Settles all open pairs of one person. */
static void settle(struct question *question, const char *person_id)
{
    const char **others = cc_arena_calloc(question->arena, OTHERS_MAX, sizeof *others);
    const char *const *shared = NULL;
    size_t count = 0, shared_count = 0;
    struct cc_error err = {0};

    for (size_t i = 0; i < question->count && count < OTHERS_MAX; i++) {
        const char *other_id = other_of(&question->bonds[i], person_id);
        if (question->open[i] && other_id != NULL && !is_among(others, count, other_id))
            others[count++] = other_id;
    }
    if (ask_chat_service(question, person_id, others, count, &shared, &shared_count, &err) !=
        CC_OK) {
        cc_log_error(CC_LOG_WARN, "who shares a chat is not known, nobody counts", &err, NULL);
        cc_counter_add(cc_counter_get("user_shared_unknown_total",
                                      "Questions that chat-service left open.", NULL),
                       1);
    }
    for (size_t i = 0; i < question->count; i++) {
        const char *other_id = other_of(&question->bonds[i], person_id);
        if (!question->open[i] || other_id == NULL)
            continue;
        question->open[i] = false;
        question->visible[i] = is_among(shared, shared_count, other_id);
    }
}

void user_sight_resolve(struct user_app *app, const struct user_bond *bonds, size_t count,
                        const struct cc_trace *trace, struct cc_arena *arena, bool *out_visible)
{
    struct question question = {.app = app,
                                .bonds = bonds,
                                .count = count,
                                .trace = trace,
                                .arena = arena,
                                .open = cc_arena_calloc(arena, count + 1, sizeof(bool)),
                                .visible = out_visible};
    int asked = 0;

    for (size_t i = 0; i < count; i++) {
        enum user_sight sight = user_bond_sight(&bonds[i]);
        out_visible[i] = sight == USER_SIGHT_FULL;
        question.open[i] = sight == USER_SIGHT_IN_SHARED_CHATS;
    }
    for (size_t i = 0; i < count && asked < QUESTIONS_MAX; i++) {
        if (!question.open[i])
            continue;
        bool actor =
            count_open(&question, bonds[i].actor_id) >= count_open(&question, bonds[i].user_id);
        settle(&question, actor ? bonds[i].actor_id : bonds[i].user_id);
        asked++;
    }
}
