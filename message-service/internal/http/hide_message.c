/* Deleting for oneself: takes no rev and tells nobody else. The row is what counts; the frame to
 * the person's devices is a hint, for whoever reads again misses the message anyway. Worker
 * threads. */

#include "http/hide_message.h"

#include <stdio.h>
#include <string.h>

#include "common/topics.h"
#include "http/routes.h"

#define FRAME_MAX_BYTES 512

static void tell_devices(struct message_app *app, const struct hidden *hidden,
                         struct cc_arena *arena)
{
    struct redis_outlet outlet = {.redis = app->redis, .clock = app->clock};
    struct cc_bus_batch batch = cc_bus_batch_create(arena);
    struct cc_bus_message message = {.kind = CC_BUS_PERSONAL};
    struct cc_json_writer writer;
    struct cc_strbuf frame;
    char channel[CC_REDIS_NAME_BYTES];

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    cc_json_writer_init(&writer, &frame);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "t", "message_hidden");
    cc_json_put_text(&writer, "chat_id", hidden->chat_id);
    cc_json_put_text(&writer, "message_id", hidden->message_id);
    cc_json_put_int(&writer, "seq", hidden->seq);
    cc_json_close_object(&writer);
    (void)snprintf(message.chat_id, sizeof message.chat_id, "%s", hidden->chat_id);
    cc_redis_name_user(hidden->user_id, channel);
    cc_bus_carry(&message, &frame);
    cc_bus_batch_publish(&batch, channel, &message);
    (void)redis_outlet_send(&outlet, &batch);
    cc_strbuf_finish(&frame);
}

enum cc_code message_hide(struct message_app *app, const char *user_id,
                          const struct cc_message *message, struct cc_arena *arena,
                          struct cc_error *err)
{
    const struct hidden hidden = {user_id, message->chat_id, message->message_id, message->seq};

    CC_TRY(app->store->ops->hide(app->store, &hidden, err));
    tell_devices(app, &hidden, arena);
    return CC_OK;
}

/* POST /internal/chats/{chat_id}/hidden: for a gateway, which has seen to membership. */
enum cc_code message_http_internal_hide(struct cc_request *req, struct cc_response *res,
                                        struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *chat_id;
    struct cc_json_reader *reader;
    struct cc_message *found;

    (void)res; /* 204 */
    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    const char *message_id = cc_json_uuid(reader, "message_id", CC_REQUIRED);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    CC_TRY(app->store->ops->find_message(app->store, chat_id, message_id, arena, &found, err));
    if (found == NULL || strcmp(found->chat_id, chat_id) != 0)
        return cc_fail(err, CC_NOT_FOUND, "message_id", "there is no such message");
    return message_hide(app, user_id, found, arena, err);
}

/* GET /internal/users/{user_id}/hidden: where somebody's view is not everybody's. */
enum cc_code message_http_hidden_by(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct hidden_list hidden;
    const char *user_id;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(app->store->ops->hidden_by(app->store, user_id, MESSAGE_HIDDEN_MAX,
                                      cc_request_arena(req), &hidden, err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < hidden.count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "chat_id", hidden.items[i].chat_id);
        cc_json_put_int(writer, "seq", hidden.items[i].seq);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_put_bool(writer, "more", hidden.more);
    cc_json_close_object(writer);
    return CC_OK;
}
