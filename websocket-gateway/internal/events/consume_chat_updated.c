/* chat.updated: the frame `chat` for those concerned, and for everybody in the chat; a person's own
 * state of a chat for that person alone. Runs on its
 * consumer's thread. */

#include <stdio.h>
#include <string.h>

#include "common/events/chat_updated.h"

#include "events/consumers.h"
#include "events/relay.h"
#include "publish.h"

#define FRAME_MAX_BYTES (256 * 1024)

static bool changes_members(enum cc_chat_change change)
{
    return change == CC_CHAT_CREATED || change == CC_CHAT_MEMBER_ADDED ||
           change == CC_CHAT_MEMBER_REMOVED || change == CC_CHAT_DELETED;
}

static void build_frame(const struct ev_chat_updated *event, struct cc_strbuf *out)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    cc_json_open_object(&json, NULL);
    cc_json_put_text(&json, "t", "chat");
    cc_json_put_text(&json, "chat_id", event->chat_id);
    cc_json_put_text(&json, "change", cc_chat_change_names[event->change]);
    cc_json_put_text(&json, "actor_id", event->actor_id);
    cc_json_put_texts(&json, "targets", event->targets, event->target_count);
    cc_json_put_int(&json, "version", event->version);
    if (event->chat_json != NULL)
        cc_json_put_raw(&json, "chat", event->chat_json, strlen(event->chat_json));
    if (event->me_json != NULL)
        cc_json_put_raw(&json, "me", event->me_json, strlen(event->me_json));
    cc_json_close_object(&json);
}

static void publish(const struct ev_chat_updated *event, struct cc_bus_batch *publications)
{
    bool members = changes_members(event->change);
    bool personal = event->change == CC_CHAT_PERSONAL;
    struct cc_bus_message message = {.kind = personal ? CC_BUS_PERSONAL : CC_BUS_CHAT,
                                     .member_version = members ? event->version : 0};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    build_frame(event, &frame);
    snprintf(message.chat_id, sizeof message.chat_id, "%s", event->chat_id);
    cc_bus_carry(&message, &frame);
    for (size_t i = 0; (members || personal) && i < event->target_count; i++)
        ws_publish_with(publications, WS_CHANNEL_USER, event->targets[i], &message);
    if (!personal)
        ws_publish_with(publications, WS_CHANNEL_CHAT, event->chat_id, &message);
    cc_strbuf_finish(&frame);
}

static bool announce(struct cc_json_reader *reader, struct cc_bus_batch *publications)
{
    struct ev_chat_updated event = {0};

    if (!ev_chat_updated_read(reader, &event))
        return false;
    publish(&event, publications);
    return true;
}

enum cc_code ws_consume_chat_updated(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return ws_relay(app, batch, announce, err);
}
