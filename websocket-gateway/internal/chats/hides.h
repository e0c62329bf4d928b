#ifndef CHATS_HIDES_H
#define CHATS_HIDES_H

/* In which of their chats somebody has deleted messages for themselves: their pages of changes are
 * not those of everybody. Asked once for all of a person's devices that return at the same time;
 * what is hidden later comes on the person's channel. Loop thread only. */

#include <stdbool.h>

struct ws_app;
struct ws_person;

/* Whether the memberships' `personal` can be relied on. */
bool ws_hides_known(const struct ws_app *app, const struct ws_person *person);
/* Idempotent. The resumes of the person's sessions go on when it is known; it soon is: when nobody
 * says it, all that person's pages are their own. */
void ws_hides_ask(struct ws_app *app, struct ws_person *person);
void ws_hides_init(struct ws_person *person);

#endif
