#ifndef CHATS_LISTING_H
#define CHATS_LISTING_H

/*
 * Which chats somebody is a member of, as chat-service's /internal/users/{id}/chats says. Asked at
 * sign-in (ws/auth.c), and again for everybody here after the connection to Redis was lost: who was
 * added or removed meanwhile was told on a channel that nobody listened to. Loop thread only.
 */

#include <stdbool.h>
#include <stddef.h>

#include "table.h"

struct ws_app;
struct ws_buffer;
struct ws_call;
struct ws_membership;
struct ws_person;

struct ws_review {       /* in the hub */
    struct ws_link line; /* struct ws_person.review */
    unsigned under_way;
};
void ws_review_init(struct ws_app *app);

/* Sends the question; `call` as for ws_call_send. */
void ws_listing_ask(struct ws_app *app, struct ws_call *call, const struct ws_person *person);
/* None of the person's memberships is `listed`. */
void ws_listing_unmark(struct ws_person *person);
/* Joins what the answer lists and marks these memberships `listed`. False: unreadable. */
bool ws_listing_join(struct ws_app *app, struct ws_person *person, const char *body, size_t count);

/* Everybody's chats are asked for again, a few people at a time: what was missed is joined, and
 * told with its head; what is over is left, and told. */
void ws_review_everybody(struct ws_app *app);
void ws_review_go_on(struct ws_app *app); /* once a second */
/* The chat frame for somebody who did not hear what made them a member: where the chat ends, if
 * that is known, and nothing of what changed. One reference. */
struct ws_buffer *ws_listing_frame(const struct ws_membership *membership);
void ws_listing_introduce(struct ws_app *app, const struct ws_membership *membership);

#endif
