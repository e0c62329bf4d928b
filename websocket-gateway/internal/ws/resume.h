#ifndef WS_RESUME_H
#define WS_RESUME_H

/*
 * Catching up after a reconnect: for each chat whose cursor is behind, the changes up to the head
 * of the moment are replayed in rev order, page by page as fast as the client reads; live events
 * wait meanwhile and follow `sync_done`, which comes exactly once. Loop thread.
 */

#include "common/error.h"

#include "ws/frames.h"

struct ws_session;
struct ws_resume;

/* Reads `resume` of an auth frame; *out NULL when it has none. */
CC_MUST_CHECK enum cc_code ws_resume_read(const struct ws_frame *frame, struct ws_resume **out,
                                          struct cc_error *err);
/* none, ok or limited; compares cursors with heads, so all chats should have a baseline.
 * Right before ws_resume_start: it also notes which chats the client knows. */
const char *ws_resume_verdict(struct ws_session *session, struct ws_resume *resume);
void ws_resume_start(struct ws_session *session, struct ws_resume *resume); /* takes it */
void ws_resume_go_on(struct ws_session *session); /* the send queue is empty */
/* What the person hides was asked about, as hides.h says. */
void ws_resume_hides_known(struct ws_session *session);
void ws_resume_cancel(struct ws_session *session);
void ws_resume_free(struct ws_resume *resume); /* accepts NULL */

#endif
