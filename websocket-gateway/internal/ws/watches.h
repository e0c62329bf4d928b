#ifndef WS_WATCHES_H
#define WS_WATCHES_H

/* Whose presence a connection follows. Loop thread. */

#include "common/liveness.h"

#include "table.h"

struct ws_session;
struct ws_person;

struct ws_watch {
    struct ws_link of_person; /* in ws_person.watches */
    struct ws_watch *next;    /* of the same session */
    struct ws_session *session;
    struct ws_person *person;
    bool visible;      /* user-service has said that the session's person may see this one */
    uint64_t asked_at; /* of the latest question about it (hub.sight_questions): older answers don't
                          count */
};
void ws_watches_clear(struct ws_session *session);
/* NULL when the session does not watch that person. */
struct ws_watch *ws_watch_find(struct ws_session *session, const char *user_id);

struct ws_watched {
    char user_id[37]; /* CC_UUID_BYTES */
    bool visible;
};
/* Reads the states of these people and tells them to the session: as the reply to a frame, and who
 * is there as `presence` events; frame_id WS_NO_ID: all of them as events alone. */
void ws_watches_tell(struct ws_session *session, int64_t frame_id, const struct ws_watched *watched,
                     size_t count);
/* Tells the session that this person is offline and has never been seen. */
void ws_watches_hide(struct ws_session *session, const char *user_id);

#endif
