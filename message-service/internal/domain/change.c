/* Copies of changes and messages, and a look into what a system message says. Pure functions, any
 * thread. Judges nothing: decide.c does. */

#include "domain/change.h"

#include <string.h>

static const char *const *copy_texts(struct cc_arena *arena, const char *const *texts, size_t count)
{
    if (count == 0)
        return NULL;
    const char **copy = cc_arena_calloc(arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = cc_arena_strdup(arena, texts[i]);
    return copy;
}

struct cc_message message_copy(struct cc_arena *arena, const struct cc_message *message)
{
    struct cc_message copy = *message;

    copy.message_id = cc_arena_strdup(arena, message->message_id);
    copy.chat_id = cc_arena_strdup(arena, message->chat_id);
    copy.sender_id = cc_arena_strdup(arena, message->sender_id);
    copy.type = cc_arena_strdup(arena, message->type);
    copy.body = cc_arena_strdup(arena, message->body);
    copy.system_json = cc_arena_strdup(arena, message->system_json);
    copy.reply_to = cc_arena_strdup(arena, message->reply_to);
    copy.mentions = copy_texts(arena, message->mentions, message->mention_count);
    copy.attachments_json = cc_arena_strdup(arena, message->attachments_json);
    copy.reactions_json = cc_arena_strdup(arena, message->reactions_json);
    return copy;
}

static const struct cc_member_change *copy_members(struct cc_arena *arena,
                                                   const struct change *change)
{
    if (change->member_count == 0)
        return NULL;
    struct cc_member_change *copy = cc_arena_calloc(arena, change->member_count, sizeof *copy);
    for (size_t i = 0; i < change->member_count; i++)
        copy[i] = (struct cc_member_change){
            .user_id = cc_arena_strdup(arena, change->members[i].user_id),
            .role = cc_arena_strdup(arena, change->members[i].role),
            .state = cc_arena_strdup(arena, change->members[i].state),
        };
    return copy;
}

struct change *change_copy(struct cc_arena *arena, const struct change *change)
{
    struct change *copy = CC_ARENA_NEW(arena, struct change);

    *copy = *change;
    copy->chat_id = cc_arena_strdup(arena, change->chat_id);
    copy->op_id = cc_arena_strdup(arena, change->op_id);
    copy->event_id = cc_arena_strdup(arena, change->event_id);
    copy->request_hash = cc_arena_strdup(arena, change->request_hash);
    copy->sender_id = cc_arena_strdup(arena, change->sender_id);
    copy->device_id = cc_arena_strdup(arena, change->device_id);
    copy->message = message_copy(arena, &change->message);
    copy->reaction.user_id = cc_arena_strdup(arena, change->reaction.user_id);
    copy->reaction.emoji = cc_arena_strdup(arena, change->reaction.emoji);
    copy->members = copy_members(arena, change);
    return copy;
}

#define EVENT_NAME_MAX_BYTES 64

bool change_is_event(const struct change *change, const char *name)
{
    const char *json = change->message.system_json;
    if (json == NULL)
        return false;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, json, strlen(json), CC_IGNORE_UNKNOWN);
    const char *event = cc_json_text(reader, "event", CC_REQUIRED, 1, EVENT_NAME_MAX_BYTES);
    bool same = event != NULL && strcmp(event, name) == 0;
    cc_json_reader_destroy(reader);
    return same;
}
