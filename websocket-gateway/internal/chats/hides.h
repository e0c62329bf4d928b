#ifndef CHATS_HIDES_H
#define CHATS_HIDES_H

/*
 * What somebody has deleted for themselves: their pages of changes are not those of everybody, and
 * what is changed about it live is told them by its rev alone. Asked once for all of a person's
 * devices that come at the same time; what is hidden later comes on the person's channel. Of at
 * most 1,000 messages a person. Loop thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/id.h"

struct ws_app;
struct ws_person;

struct ws_hidden {
    char chat_id[CC_UUID_BYTES];
    int64_t seq;
};

void ws_hides_init(struct ws_person *person);
/* Asks no more, and knows nothing. */
void ws_hides_forget(struct ws_person *person);

/* Whether the memberships' `personal` can be relied on. */
bool ws_hides_known(const struct ws_app *app, const struct ws_person *person);
/* Idempotent. Sign-ins and resumes of the person's sessions go on when it is known; it soon is:
 * when nobody says it, all that person's pages are their own. */
void ws_hides_ask(struct ws_app *app, struct ws_person *person);
bool ws_hides_asked(const struct ws_person *person); /* and not answered */

/* Idempotent. */
void ws_hides_add(struct ws_person *person, const char *chat_id, int64_t seq);
bool ws_hides_holds(const struct ws_person *person, const char *chat_id, int64_t seq);

#endif
