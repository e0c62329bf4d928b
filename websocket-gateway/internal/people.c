/* Persons of this process and their channels. Runs on the loop thread. What arrives on a channel is
 * fanout.c's. */

#include "people.h"

#include <string.h>

#include "common/alloc.h"
#include "common/topics.h"

#include "app.h"
#include "chats/hides.h"
#include "chats/subscriptions.h"
#include "ws/auth.h"
#include "ws/session.h"

#define KNOWN_MS 10000

struct ws_person *ws_people_find(struct ws_app *app, const char *user_id)
{
    struct ws_node *node = ws_table_find(&app->hub.people, user_id);

    return node == NULL ? NULL : WS_CONTAINER(node, struct ws_person, node);
}

struct ws_person *ws_people_get(struct ws_app *app, const char *user_id)
{
    struct ws_person *person = ws_people_find(app, user_id);
    char channel[CC_REDIS_NAME_BYTES];

    if (person != NULL)
        return person;
    person = cc_calloc(1, sizeof *person);
    memcpy(person->user_id, user_id, sizeof person->user_id);
    ws_list_init(&person->sessions);
    ws_list_init(&person->memberships);
    ws_list_init(&person->watches);
    ws_list_init(&person->review);
    ws_hides_init(person);
    ws_table_add(&app->hub.people, &person->node, person->user_id);
    cc_redis_name_user(user_id, channel);
    cc_redis_subscribe(app->subscriber, channel);
    return person;
}

void ws_people_release(struct ws_app *app, struct ws_person *person)
{
    char channel[CC_REDIS_NAME_BYTES];

    if (!ws_list_empty(&person->sessions) || !ws_list_empty(&person->watches))
        return;
    ws_chat_leave_all(app, person);
    ws_hides_forget(person);
    cc_redis_name_user(person->user_id, channel);
    cc_redis_unsubscribe(app->subscriber, channel);
    ws_table_remove(&app->hub.people, &person->node);
    cc_free(person);
}

bool ws_people_knows(const struct ws_app *app, const struct ws_person *person, int64_t known_ms)
{
    return known_ms > 0 && person->subscribed && ws_now_ms(app) - known_ms < KNOWN_MS;
}

void ws_people_subscribed(struct ws_app *app, const char *user_id)
{
    struct ws_person *person = ws_people_find(app, user_id);

    if (person == NULL || person->subscribed)
        return;
    person->subscribed = true;
    ws_auth_person_changed(person);
}

void ws_people_attach(struct ws_person *person, struct ws_session *session)
{
    session->person = person;
    ws_list_append(&person->sessions, &session->of_person);
    person->session_count++;
}

void ws_people_detach(struct ws_session *session)
{
    struct ws_person *person = session->person;

    session->person = NULL;
    ws_list_remove(&session->of_person);
    person->session_count--;
    if (person->session_count == 0) {
        ws_chat_leave_all(session->app, person);
        ws_list_remove(&person->review);
        person->chats_known_ms = 0;
        ws_hides_forget(person); /* it is said of the memberships, which are gone */
    }
    ws_people_release(session->app, person);
}

struct ws_session *ws_people_replaced_by(const struct ws_session *session)
{
    if (session->client_device_id == NULL)
        return NULL;
    WS_LIST_EACH(link, &session->person->sessions)
    {
        struct ws_session *other = WS_CONTAINER(link, struct ws_session, of_person);

        if (other != session && other->state != WS_CLOSING && other->client_device_id != NULL &&
            strcmp(other->client_device_id, session->client_device_id) == 0)
            return other;
    }
    return NULL;
}
