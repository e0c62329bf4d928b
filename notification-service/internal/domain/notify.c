/* The rules of telling people about messages. Pure functions, any thread. Does not know whether
 * somebody is online: that is asked after these rules, for those who are left. */

#include "domain/notify.h"

#include <string.h>

#include "common/id.h"
#include "common/topics.h"

#define TITLE    "New message" /* the sender's name is not known here */
#define PRODUCER "notification-service"

const char *const notify_level_names[] = {
    [NOTIFY_LEVEL_DEFAULT] = "default",
    [NOTIFY_LEVEL_ALL] = "all",
    [NOTIFY_LEVEL_MENTIONS] = "mentions",
    [NOTIFY_LEVEL_NONE] = "none",
    NULL,
};
static const char *const kind_names[] = {
    [NOTIFY_MESSAGE] = "message",
    [NOTIFY_MENTION] = "mention",
};

bool notify_is_news(const struct ev_message_persisted *event, int64_t now_ms)
{
    return event->op == CC_OP_CREATE && !event->rejected && !event->silent &&
           !event->message.deleted && now_ms - event->message.created_at_ms < NOTIFY_NEWS_MS;
}

bool notify_is_retraction(const struct ev_message_persisted *event)
{
    return event->op == CC_OP_DELETE && !event->rejected;
}

static bool is_mentioned(const struct cc_message *message, const char *user_id)
{
    if (message->mention_all)
        return true;
    for (size_t i = 0; i < message->mention_count; i++)
        if (strcmp(message->mentions[i], user_id) == 0)
            return true;
    return false;
}

static enum notify_level level_of(const struct notify_wish *wish, size_t member_count)
{
    if (wish->level != NOTIFY_LEVEL_DEFAULT)
        return wish->level;
    return member_count > NOTIFY_EVERYBODY_MAX ? NOTIFY_LEVEL_MENTIONS : NOTIFY_LEVEL_ALL;
}

enum notify_kind notify_kind_for(const struct ev_message_persisted *event, const char *user_id,
                                 size_t member_count, const struct notify_wish *wish,
                                 int64_t now_ms)
{
    static const struct notify_wish nothing_said = {0};
    const struct notify_wish *said = wish == NULL ? &nothing_said : wish;
    enum notify_level level = level_of(said, member_count);

    if (strcmp(event->sender_id, user_id) == 0 || level == NOTIFY_LEVEL_NONE ||
        now_ms < said->mute_until_ms)
        return NOTIFY_NOT;
    if (is_mentioned(&event->message, user_id))
        return NOTIFY_MENTION;
    return level == NOTIFY_LEVEL_ALL ? NOTIFY_MESSAGE : NOTIFY_NOT;
}

/* The bytes 10xxxxxx continue a character. */
static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

size_t notify_preview_length(const char *body)
{
    size_t length = strnlen(body, NOTIFY_PREVIEW_MAX_BYTES + 1);
    if (length <= NOTIFY_PREVIEW_MAX_BYTES)
        return length;
    length = NOTIFY_PREVIEW_MAX_BYTES;
    while (length > 0 && continues_character(body[length]))
        length--;
    return length;
}

void notify_compose(const struct ev_message_persisted *event, const char *user_id,
                    enum notify_kind kind, struct cc_arena *arena, struct ev_notification_new *out)
{
    const struct cc_message *message = &event->message;
    const char *identity[] = {user_id, message->message_id, kind_names[kind]};
    char *id = cc_arena_alloc(arena, CC_UUID_BYTES);

    cc_uuid_hash(identity, sizeof identity / sizeof identity[0], id);
    *out = (struct ev_notification_new){
        .envelope = {.type = CC_TOPIC_NOTIFICATION_NEW,
                     .version = 1,
                     .producer = PRODUCER,
                     .key = user_id},
        .notification_id = id,
        .user_id = user_id,
        .kind = kind_names[kind],
        .chat_id = event->chat_id,
        .message_id = message->message_id,
        .seq = message->seq,
        .title = TITLE,
        .preview = cc_arena_strndup(arena, message->body, notify_preview_length(message->body)),
        .collapse_key = event->chat_id,
        .expires_at_ms = message->created_at_ms + NOTIFY_NEWS_MS,
        .cancel_if_read_seq = message->seq,
    };
}

bool notify_is_stale(const struct ev_notification_new *notification, int64_t read_seq,
                     int64_t now_ms)
{
    if (notification->expires_at_ms != 0 && now_ms >= notification->expires_at_ms)
        return true;
    return notification->cancel_if_read_seq > 0 && read_seq >= notification->cancel_if_read_seq;
}
