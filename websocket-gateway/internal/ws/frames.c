/* Reads a client's frame and gives it to the row that knows it. Runs on the loop thread. Sockets
 * and UTF-8 checks are behind it, rules before it. */

#include "ws/frames.h"

#include <string.h>

#include "common/metrics.h"

#include "app.h"
#include "ws/session.h"

#define TYPE_NAME_BYTES 32

/* clang-format off: columns are the point */
static const struct ws_frame_type types[] = {
    /* t           before_ready  op              handler */
    {"auth", true, CC_OP_CREATE, ws_frame_auth},
    {"ping", true, CC_OP_CREATE, ws_frame_ping},
    {"send", false, CC_OP_CREATE, ws_frame_operation},
    {"edit", false, CC_OP_EDIT, ws_frame_operation},
    {"delete", false, CC_OP_DELETE, ws_frame_operation},
    {"react", false, CC_OP_REACT, ws_frame_operation},
    {"pin", false, CC_OP_PIN, ws_frame_operation},
    {"read", false, CC_OP_CREATE, ws_frame_read},
    {"delivered", false, CC_OP_CREATE, ws_frame_delivered},
    {"typing", false, CC_OP_CREATE, ws_frame_typing},
    {"watch", false, CC_OP_CREATE, ws_frame_watch},
    {"unwatch", false, CC_OP_CREATE, ws_frame_unwatch},
    {"presence", false, CC_OP_CREATE, ws_frame_presence},
    {"sync", false, CC_OP_CREATE, ws_frame_sync},
    {"refresh", false, CC_OP_CREATE, ws_frame_refresh},
};
/* clang-format on */

static const struct ws_frame_type *find_type(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    }
    return NULL;
}

static void count_frame(const char *type)
{
    cc_counter_add(cc_counter_get("ws_frames_total", "Frames by direction and type.", "direction",
                                  "in", "type", type, NULL),
                   1);
}

static enum cc_code dispatch(struct ws_session *session, struct ws_frame *frame, const char *name,
                             struct cc_error *err)
{
    CC_TRY(cc_json_reader_error(frame->json, err));
    frame->type = find_type(name);
    count_frame(frame->type == NULL ? "unknown" : frame->type->name);
    if (frame->type == NULL)
        return cc_fail(err, CC_INVALID, "t", "there is no frame of this type");
    if (session->state != WS_READY && !frame->type->before_ready) {
        ws_session_close(session, WS_CLOSE_PROTOCOL);
        return CC_OK;
    }
    return frame->type->handle(session, frame, err);
}

static int64_t read_id(struct cc_json_reader *json)
{
    if (!cc_json_has(json, "id"))
        return WS_NO_ID;
    return cc_json_int(json, "id", CC_OPTIONAL, 0, INT64_MAX);
}

void ws_frames_handle(struct ws_session *session, const void *text, size_t count)
{
    struct cc_arena *arena = session->app->hub.arena;
    struct ws_frame frame = {.json = cc_json_reader_create(arena, text, count, CC_IGNORE_UNKNOWN),
                             .arena = arena};
    struct cc_error err = {0};
    const char *name;

    frame.id = read_id(frame.json);
    name = cc_json_text(frame.json, "t", CC_REQUIRED, 1, TYPE_NAME_BYTES);
    if (dispatch(session, &frame, name, &err) != CC_OK)
        ws_session_error(session, frame.id, &err);
    cc_json_reader_destroy(frame.json);
    cc_arena_reset(arena);
}

enum cc_code ws_frame_ping(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err)
{
    struct ws_out out;

    (void)err; /* it can't fail */
    ws_out_event(&out, "pong");
    if (frame->id != WS_NO_ID)
        cc_json_put_int(&out.json, "re", frame->id);
    ws_out_send(&out, session);
    return CC_OK;
}
