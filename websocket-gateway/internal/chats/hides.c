/* Asks message-service's /internal/users/{id}/hidden. Runs on the loop thread. */

#include "chats/hides.h"

#include <stdio.h>

#include "common/arena.h"
#include "common/json_reader.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "people.h"
#include "ws/resume.h"
#include "ws/session.h"

#define CHATS_MAX    1000
#define ANSWER_BYTES 4096

struct answer {
    struct cc_arena *arena; /* that it lives in */
    const char *const *chat_ids;
    size_t count;
    bool more; /* in other chats too */
};

static void release(void *answer)
{
    cc_arena_destroy(((struct answer *)answer)->arena);
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
    answer->chat_ids = cc_json_uuids(reader, "chat_ids", CC_REQUIRED, CHATS_MAX, &answer->count);
    answer->more = cc_json_bool(reader, "more", CC_REQUIRED, false);
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    if (readable)
        return answer;
    release(answer);
    (void)cc_fail_detail(err, CC_BAD_GATEWAY, "unreadable list of chats with hidden messages");
    return NULL;
}

static const struct ws_shared_kind hides_kind = {read_answer, release};

static void mark(struct ws_app *app, struct ws_person *person, const struct answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        struct ws_membership *membership = ws_membership_find(app, person, answer->chat_ids[i]);

        if (membership != NULL)
            membership->personal = true;
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
        mark(app, person, answer);
    if (answer == NULL || answer->more)
        mark_all(person);
    person->hides_known_ms = ws_now_ms(app);
    WS_LIST_EACH(link, &person->sessions)
    ws_resume_hides_known(WS_CONTAINER(link, struct ws_session, of_person));
}

void ws_hides_init(struct ws_person *person)
{
    ws_waiter_init(&person->hides, came);
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
