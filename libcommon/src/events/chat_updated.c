/* Codec of chat.updated. Pure functions, any thread. */

#include "common/events/chat_updated.h"

#include "common/topics.h"
#include "event_fields.h"

const char *const cc_chat_change_names[] = {
    [CC_CHAT_CREATED] = "created",
    [CC_CHAT_METADATA] = "metadata",
    [CC_CHAT_MEMBER_ADDED] = "member_added",
    [CC_CHAT_MEMBER_REMOVED] = "member_removed",
    [CC_CHAT_ROLE] = "role",
    [CC_CHAT_SETTINGS] = "settings",
    [CC_CHAT_DELETED] = "deleted",
    [CC_CHAT_PERSONAL] = "personal",
    NULL,
};

bool ev_chat_updated_read(struct cc_json_reader *reader, struct ev_chat_updated *out)
{
    struct ev_chat_updated event = {
        .chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED),
        .version = event_count(reader, "chat_version"),
        .change = (enum cc_chat_change)cc_json_choice(reader, "change", CC_REQUIRED,
                                                      cc_chat_change_names, CC_CHAT_METADATA),
        .actor_id = event_actor(reader, "actor_id"),
        .chat_json = event_raw(reader, "chat", EVENT_CHAT_MAX_BYTES),
        .me_json = event_raw(reader, "me", EVENT_ME_MAX_BYTES),
    };
    cc_envelope_read(reader, CC_TOPIC_CHAT_UPDATED, &event.envelope);
    event.targets =
        cc_json_uuids(reader, "targets", CC_OPTIONAL, EVENT_TARGETS_MAX, &event.target_count);
    *out = event;
    return cc_json_reader_done(reader);
}

void ev_chat_updated_write(struct cc_json_writer *writer, const struct ev_chat_updated *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "chat_id", event->chat_id);
    cc_json_put_int(writer, "chat_version", event->version);
    cc_json_put_text(writer, "change", cc_chat_change_names[event->change]);
    cc_json_put_text(writer, "actor_id", event->actor_id);
    cc_json_put_texts(writer, "targets", event->targets, event->target_count);
    event_put_raw(writer, "chat", event->chat_json, NULL);
    event_put_raw(writer, "me", event->me_json, NULL);
    cc_json_close_object(writer);
}
