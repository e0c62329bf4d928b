#ifndef WS_SENDS_H
#define WS_SENDS_H

/*
 * Operations of a connection between the frame and their outcome. `accepted` comes from the
 * delivery report alone; an outcome that overtakes it is held back; one that comes twice is
 * dropped. Loop thread, except that delivery reports arrive on the producer's thread.
 */

#include "common/events/message_created.h"

#include "ws/buffer.h"

struct ws_session;

/* Produces the operation. frame_id: whom `accepted` or an error answers. */
CC_MUST_CHECK enum cc_code ws_send_operation(struct ws_session *session, int64_t frame_id,
                                             const struct ev_message_created *event,
                                             struct cc_error *err);
/* `frame` answers this connection: an outcome (it has a client_msg_id) or a reply. */
void ws_send_outcome(struct ws_session *session, struct ws_buffer *frame);
void ws_sends_clear(struct ws_session *session);

#endif
