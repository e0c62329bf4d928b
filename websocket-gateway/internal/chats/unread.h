#ifndef CHATS_UNREAD_H
#define CHATS_UNREAD_H

/*
 * What the people at this process's sockets have unread: an `unread` frame a second after a change,
 * at most one a second of each chat, with the state at its end. message-service counts; here is
 * counted on from what it said, because a plain message is one more for everybody but its sender.
 * It is asked, for many people in one request, when a person's chat is heard of for the first time,
 * and again after events may have been lost, and after what can't be counted here (deletions,
 * edits, mentions of that person, system messages). A chat in which nothing happens costs nothing.
 * In chats above CC_RECIPIENTS_MAX members nobody is told: there clients count for themselves. Loop
 * thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "table.h"

struct ws_app;
struct ws_bus_event;
struct ws_chat;
struct ws_membership;
struct ws_person;
struct cc_counter;

struct ws_unreads {         /* in the hub */
    struct ws_link due;     /* struct ws_unread.waiting, in the order of their time */
    struct ws_link unknown; /* those of whom message-service has to be asked */
    bool asking;
    int64_t not_before_ms; /* monotonic; the rest after a question */
    struct cc_counter *told_counter, *asked_counter;
};
void ws_unreads_init(struct ws_app *app);
void ws_unreads_tick(struct ws_app *app, int64_t now_ms);

/* A change was delivered to the chat's members. */
void ws_unread_changed(struct ws_app *app, struct ws_chat *chat, const struct ws_bus_event *event);
/* Changes were, of which only the log tells. */
void ws_unread_repaired(struct ws_app *app, struct ws_chat *chat);
/* message-service has told this person's sockets. */
void ws_unread_said(struct ws_app *app, const struct ws_person *person,
                    const struct ws_bus_event *event);
/* The chat begins elsewhere for this member. */
void ws_unread_begins(struct ws_membership *membership);
/* The membership ends. */
void ws_unread_forget(struct ws_membership *membership);

#endif
