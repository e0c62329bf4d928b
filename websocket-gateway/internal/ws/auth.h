#ifndef WS_AUTH_H
#define WS_AUTH_H

/*
 * From a token to `ready`, in steps that never block: verify the token, ask Redis whether its
 * session was revoked, subscribe user:{id}, ask chat-service for the person's chats, subscribe
 * them and wait (a bounded time) until each has a baseline. Loop thread.
 */

#include <stdint.h>

#include "common/error.h"

#include "ws/frames.h"

struct ws_session;
struct ws_person;

/* token: `count` bytes. resume: the reader stands in the auth frame; NULL for the handshake. */
enum cc_code ws_auth_begin(struct ws_session *session, const char *token, size_t count,
                           const struct ws_frame *frame, struct cc_error *err);
/* With the token of the handshake's Authorization header; a bad one closes the connection. */
void ws_auth_by_handshake(struct ws_session *session);
void ws_auth_tick(struct ws_session *session, int64_t now_ms);
void ws_auth_cancel(struct ws_session *session);
/* Something that this person's authentications wait for has happened. */
void ws_auth_person_changed(struct ws_person *person);
/* How a connection ends whose token was refused. */
void ws_auth_refuse(struct ws_session *session, int64_t frame_id, const struct cc_error *err,
                    const char *token, size_t count);

#endif
