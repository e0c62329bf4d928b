/* Asks message-service's /internal/users/{id}/hidden. Runs on the loop thread. */

#include "chats/hides.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/json_reader.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "people.h"
#include "ws/auth.h"
#include "ws/resume.h"
#include "ws/session.h"

#define HIDDEN_MAX   1000
#define ANSWER_BYTES 4096

struct answer {
    struct cc_arena *arena; /* that it lives in */
    struct ws_hidden *items;
    size_t count;
    bool more; /* others too */
};

/* ---- what is known ---- */

void ws_hides_add(struct ws_person *person, const char *chat_id, int64_t seq)
{
    struct ws_hidden *hidden;

    if (ws_hides_holds(person, chat_id, seq) || person->hidden_count == HIDDEN_MAX)
        return;
    if (person->hidden_count == person->hidden_room) {
        person->hidden_room = person->hidden_room == 0 ? 4 : 2 * person->hidden_room;
        person->hidden = cc_realloc(person->hidden, person->hidden_room * sizeof *person->hidden);
    }
    hidden = &person->hidden[person->hidden_count++];
    (void)snprintf(hidden->chat_id, sizeof hidden->chat_id, "%s", chat_id);
    hidden->seq = seq;
}

bool ws_hides_holds(const struct ws_person *person, const char *chat_id, int64_t seq)
{
    for (size_t i = 0; i < person->hidden_count; i++)
        if (person->hidden[i].seq == seq && strcmp(person->hidden[i].chat_id, chat_id) == 0)
            return true;
    return false;
}

/* ---- the question ---- */

static void release(void *answer)
{
    cc_arena_destroy(((struct answer *)answer)->arena);
}

static bool read_items(struct cc_json_reader *reader, struct answer *out)
{
    out->count = cc_json_array_count(reader, "items", CC_REQUIRED, HIDDEN_MAX);
    out->items = cc_arena_calloc(out->arena, out->count + 1, sizeof *out->items);
    for (size_t i = 0; i < out->count && cc_json_enter_element(reader, "items", i); i++) {
        const char *chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);

        out->items[i].seq = cc_json_int(reader, "seq", CC_REQUIRED, 1, INT64_MAX);
        if (chat_id != NULL)
            memcpy(out->items[i].chat_id, chat_id, sizeof out->items[i].chat_id);
        cc_json_leave(reader);
    }
    out->more = cc_json_bool(reader, "more", CC_REQUIRED, false);
    return cc_json_reader_done(reader);
}

static void *read_answer(struct ws_app *app, const struct ws_call *call, const char *path,
                         struct cc_error *err)
{
    (void)app;
    (void)path;
    struct cc_arena *arena = cc_arena_create(ANSWER_BYTES);
    struct answer *answer = CC_ARENA_NEW(arena, struct answer);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, call->body, call->body_count, CC_IGNORE_UNKNOWN);
    bool readable;

    answer->arena = arena;
    readable = read_items(reader, answer);
    cc_json_reader_destroy(reader);
    if (readable)
        return answer;
    release(answer);
    (void)cc_fail_detail(err, CC_BAD_GATEWAY, "unreadable list of hidden messages");
    return NULL;
}

static const struct ws_shared_kind hides_kind = {read_answer, release};

static void take(struct ws_app *app, struct ws_person *person, const struct answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct ws_hidden *hidden = &answer->items[i];
        struct ws_membership *membership = ws_membership_find(app, person, hidden->chat_id);

        if (membership != NULL)
            membership->personal = true;
        ws_hides_add(person, hidden->chat_id, hidden->seq);
    }
}

static void mark_all(struct ws_person *person)
{
    WS_LIST_EACH(link, &person->memberships)
    WS_CONTAINER(link, struct ws_membership, of_person)->personal = true;
}

static void came(struct ws_app *app, struct ws_waiter *waiter, void *arg)
{
    struct ws_person *person = WS_CONTAINER(waiter, struct ws_person, hides);
    const struct answer *answer = arg;

    if (answer != NULL)
        take(app, person, answer);
    if (answer == NULL || answer->more)
        mark_all(person);
    person->hides_known_ms = ws_now_ms(app);
    ws_auth_person_changed(person);
    WS_LIST_EACH(link, &person->sessions)
    ws_resume_hides_known(WS_CONTAINER(link, struct ws_session, of_person));
}

void ws_hides_init(struct ws_person *person)
{
    ws_waiter_init(&person->hides, came);
}

void ws_hides_forget(struct ws_person *person)
{
    ws_waiter_cancel(&person->hides);
    cc_free(person->hidden);
    person->hidden = NULL;
    person->hidden_count = person->hidden_room = 0;
    person->hides_known_ms = 0;
}

bool ws_hides_known(const struct ws_app *app, const struct ws_person *person)
{
    return ws_people_knows(app, person, person->hides_known_ms);
}

void ws_hides_ask(struct ws_app *app, struct ws_person *person)
{
    char path[128];

    if (ws_waiter_waits(&person->hides))
        return;
    (void)snprintf(path, sizeof path, "/internal/users/%s/hidden", person->user_id);
    ws_shared_get(app, &person->hides, &hides_kind, path);
}

bool ws_hides_asked(const struct ws_person *person)
{
    return ws_waiter_waits(&person->hides);
}
