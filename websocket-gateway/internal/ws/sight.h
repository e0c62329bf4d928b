#ifndef WS_SIGHT_H
#define WS_SIGHT_H

/* Whose presence a connection may see, as user-service says. What is not known is not shown. Loop
 * thread only. */

#include <stddef.h>
#include <stdint.h>

struct ws_app;
struct ws_person;
struct ws_session;

/* The session has asked by a frame to watch these people, at most WS_WATCHES_MAX, and does: asks
 * whom it may see, then tells it their states. */
void ws_sight_ask(struct ws_session *session, int64_t frame_id, const char *const *user_ids,
                  size_t count);
/* Something that this person has chosen has changed: looks again at who here sees the person, and
 * whom the person's own connections see. */
void ws_sight_review(struct ws_app *app, struct ws_person *person);
/* Changes may have been missed: looks again at everything. */
void ws_sight_review_all(struct ws_app *app);
/* The reply to a frame when it can't be known now. */
void ws_sight_unknown(struct ws_session *session, int64_t frame_id);

#endif
