#ifndef WS_FRAMES_H
#define WS_FRAMES_H

/* What a client may send: one row per frame type. A new type is a row and a frame_*.c. */

#include "common/error.h"
#include "common/events/message_created.h"
#include "common/json_reader.h"

#define WS_ATTACHMENTS_MAX    CC_MESSAGE_ATTACHMENTS_MAX
#define WS_WATCHES_MAX        500
#define WS_SYNCS_OPEN_MAX     2
#define WS_RESUME_CURSORS_MAX 500
#define WS_SYNC_LIMIT_MAX     200

struct ws_session;
struct ws_frame_type;

struct ws_frame { /* valid while it is handled; the arena with it */
    const struct ws_frame_type *type;
    struct cc_json_reader *json;
    struct cc_arena *arena;
    int64_t id; /* WS_NO_ID when the client gave none */
};
/* CC_OK: the handler has replied, will reply, or there is nothing to reply. Otherwise the error is
 * sent as the reply. */
typedef enum cc_code (*ws_frame_handler)(struct ws_session *session, const struct ws_frame *frame,
                                         struct cc_error *err);
struct ws_frame_type {
    const char *name;
    bool before_ready; /* allowed on a connection that is not ready yet */
    enum cc_op op;     /* of an operation on a chat */
    ws_frame_handler handle;
};

void ws_frames_handle(struct ws_session *session, const void *text, size_t count);

enum cc_code ws_frame_auth(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err);
enum cc_code ws_frame_refresh(struct ws_session *session, const struct ws_frame *frame,
                              struct cc_error *err);
enum cc_code ws_frame_operation(struct ws_session *session, const struct ws_frame *frame,
                                struct cc_error *err);
enum cc_code ws_frame_read(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err);
enum cc_code ws_frame_delivered(struct ws_session *session, const struct ws_frame *frame,
                                struct cc_error *err);
enum cc_code ws_frame_typing(struct ws_session *session, const struct ws_frame *frame,
                             struct cc_error *err);
enum cc_code ws_frame_watch(struct ws_session *session, const struct ws_frame *frame,
                            struct cc_error *err);
enum cc_code ws_frame_unwatch(struct ws_session *session, const struct ws_frame *frame,
                              struct cc_error *err);
enum cc_code ws_frame_presence(struct ws_session *session, const struct ws_frame *frame,
                               struct cc_error *err);
enum cc_code ws_frame_sync(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err);
enum cc_code ws_frame_ping(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err);

/* `delete` for the sender alone (frame_hide.c); answers the frame when it is done. */
void ws_hide_message(struct ws_session *session, int64_t frame_id, const char *chat_id,
                     const char *message_id);

#endif
