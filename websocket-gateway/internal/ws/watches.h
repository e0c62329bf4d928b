#ifndef WS_WATCHES_H
#define WS_WATCHES_H

/* Whose presence a connection follows. Loop thread. */

#include "table.h"

struct ws_session;
struct ws_person;

struct ws_watch {
    struct ws_link of_person; /* in ws_person.watches */
    struct ws_watch *next;    /* of the same session */
    struct ws_session *session;
    struct ws_person *person;
};
void ws_watches_clear(struct ws_session *session);

#endif
