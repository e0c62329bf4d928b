#ifndef PEOPLE_H
#define PEOPLE_H

/* Persons that this process has something to do with: they have sockets here, or somebody here
 * watches them. Each has the channel user:{id} subscribed. Loop thread only. */

#include <stdint.h>

#include "common/id.h"

#include "chats/shared_calls.h"
#include "table.h"

struct ws_app;
struct ws_session;
struct ws_chat;
struct ws_bus_event;

struct ws_person {
    struct ws_node node;
    struct ws_link sessions;    /* struct ws_session.of_person */
    struct ws_link memberships; /* struct ws_membership.of_person */
    struct ws_link watches;     /* struct ws_watch.of_person: who watches this person */
    bool subscribed;            /* confirmed */
    unsigned session_count, chat_count;
    unsigned not_live;        /* chats that have no baseline yet */
    unsigned membership_turn; /* grows whenever a membership begins or ends */
    struct ws_link review;    /* in hub.review */
    int64_t chats_known_ms; /* monotonic: memberships are what chat-service said then, and followed
                             * since; 0 = not asked */
    struct ws_waiter hides; /* while message-service is asked where they hide messages */
    int64_t hides_known_ms; /* the same, of the memberships' `personal` */
    struct ws_hidden *hidden; /* owned: hides.h */
    size_t hidden_count, hidden_room;
    char user_id[CC_UUID_BYTES];
};

struct ws_person *ws_people_find(struct ws_app *app, const char *user_id); /* NULL = nobody here */
/* Finds or makes; to be released after use when it has nobody. */
struct ws_person *ws_people_get(struct ws_app *app, const char *user_id);
/* Unsubscribes and frees the person when nobody needs it any more. */
void ws_people_release(struct ws_app *app, struct ws_person *person);
/* Whether what was asked about somebody at known_ms need not be asked again: the channel of the
 * person has brought every change since. Not for ever: a publish may have been lost. 0 = never
 * asked. */
bool ws_people_knows(const struct ws_app *app, const struct ws_person *person, int64_t known_ms);
void ws_people_subscribed(struct ws_app *app, const char *user_id);

void ws_people_attach(struct ws_person *person, struct ws_session *session);
void ws_people_detach(struct ws_session *session);
/* The oldest of a person's sockets that must make room for `session`: one of the same named device,
 * or NULL. */
struct ws_session *ws_people_replaced_by(const struct ws_session *session);

#endif
