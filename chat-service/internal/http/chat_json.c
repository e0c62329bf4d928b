/* JSON of chats. Any thread; no I/O. */

#include "http/chat_json.h"

#include <string.h>

#include "common/events/message.h"

#define EDIT_KEYS_MAX 8

void chat_json_put_member(struct cc_json_writer *writer, const struct membership *member)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "user_id", member->user_id);
    cc_json_put_text(writer, "role", cc_chat_role_names[member->role]);
    if (!membership_active(member))
        cc_json_put_text(writer, "state", cc_member_state_names[member->state]);
    cc_json_put_time(writer, "joined_at", member->joined_at_ms);
    cc_json_close_object(writer);
}

/* Within a text its quotes would be escaped: hardly any message needs to be read. */
static bool may_expire(const char *message_json)
{
    return strstr(message_json, "\"expires_at\":\"") != NULL;
}

/* As it is now, whether or not what has expired is swept. */
static void put_last_message(struct cc_json_writer *writer, const char *message_json,
                             int64_t now_ms)
{
    struct cc_message message;

    if (!may_expire(message_json)) {
        cc_json_put_raw(writer, "last_message", message_json, strlen(message_json));
        return;
    }
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, message_json, strlen(message_json), CC_IGNORE_UNKNOWN);
    cc_message_read(reader, &message);
    if (cc_json_reader_done(reader)) {
        message = cc_message_as_of(&message, now_ms);
        cc_json_open_object(writer, "last_message");
        cc_message_write(writer, &message);
        cc_json_close_object(writer);
    }
    cc_json_reader_destroy(reader);
}

/* The last message is not shown to whom the chat begins after it. */
static void put_activity(struct cc_json_writer *writer, const struct chat_activity *activity,
                         int64_t floor_seq, int64_t now_ms)
{
    if (activity->last_message_json != NULL && activity->seq > floor_seq)
        put_last_message(writer, activity->last_message_json, now_ms);
    cc_json_put_time(writer, "last_activity_at", activity->last_activity_at_ms);
    cc_json_put_int(writer, "head_seq", activity->seq);
}

void chat_json_put_rules(struct cc_json_writer *writer, const struct chat_rules *rules)
{
    cc_json_open_object(writer, "settings");
    cc_json_put_text(writer, "post", cc_chat_posting_names[rules->post]);
    cc_json_put_text(writer, "history", cc_chat_history_names[rules->history]);
    cc_json_put_int(writer, "retention_s", rules->retention_s);
    cc_json_close_object(writer);
}

void chat_json_put_personal(struct cc_json_writer *writer, const char *key,
                            const struct personal *personal)
{
    const struct personal_wish *wish = &personal->wish;

    cc_json_open_object(writer, key);
    cc_json_put_time(writer, "mute_until", wish->mute_until_ms);
    cc_json_put_bool(writer, "pinned", wish->pinned);
    cc_json_put_bool(writer, "archived", wish->archived);
    cc_json_put_bool(writer, "marked_unread", wish->marked_unread);
    cc_json_put_text(writer, "notify", personal_notify_names[wish->notify]);
    cc_json_put_int(writer, "cleared_seq", personal->cleared_seq);
    cc_json_put_int(writer, "version", personal->version);
    cc_json_close_object(writer);
}

void chat_json_put_chat(struct cc_json_writer *writer, const struct chat_view *view)
{
    const struct chat *chat = &view->chat;

    cc_json_put_text(writer, "chat_id", chat->chat_id);
    cc_json_put_text(writer, "type", chat_type_names[chat->type]);
    cc_json_put_text(writer, "title", chat->title);
    cc_json_put_text(writer, "description", chat->description);
    cc_json_put_text(writer, "avatar_media_id", chat->avatar_media_id);
    chat_json_put_rules(writer, &chat->rules);
    cc_json_put_text(writer, "created_by", chat->created_by);
    cc_json_put_time(writer, "created_at", chat->created_at_ms);
    cc_json_put_int(writer, "version", chat->version);
    cc_json_put_int(writer, "member_count", chat->member_count);
    if (view->members != NULL) {
        cc_json_open_array(writer, "members");
        for (size_t i = 0; i < view->member_count; i++)
            chat_json_put_member(writer, &view->members[i]);
        cc_json_close_array(writer);
    }
    if (view->activity != NULL)
        put_activity(writer, view->activity, chat_floor(&view->chat, view->reader, view->me),
                     view->now_ms);
    if (view->me != NULL)
        chat_json_put_personal(writer, "me", view->me);
}

const char *chat_json_card(struct cc_arena *arena, const struct chat *chat,
                           const struct membership *members, size_t count)
{
    bool shown = members != NULL && chat->member_count <= CHAT_JSON_MEMBERS_MAX &&
                 count <= CHAT_JSON_MEMBERS_MAX;
    struct chat_view view = {
        .chat = *chat, .members = shown ? members : NULL, .member_count = shown ? count : 0};
    struct cc_strbuf text;
    struct cc_json_writer writer;
    const char *card = NULL;

    cc_strbuf_init(&text, CHAT_CARD_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    cc_json_open_object(&writer, NULL);
    chat_json_put_chat(&writer, &view);
    cc_json_close_object(&writer);
    if (!text.overflowed)
        card = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
    return card;
}

static void read_member(struct cc_json_reader *reader, struct membership *member)
{
    member->user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    member->role = (enum cc_chat_role)cc_json_choice(reader, "role", CC_REQUIRED,
                                                     cc_chat_role_names, CC_ROLE_MEMBER);
    member->joined_at_ms = cc_json_time(reader, "joined_at", CC_REQUIRED);
    member->state = CC_MEMBER_ACTIVE;
}

/* Those of an object "settings", as far as it has them. */
static void read_rules(struct cc_json_reader *reader, const char *const *postings,
                       struct chat_rules *out)
{
    out->post =
        (enum cc_chat_posting)cc_json_choice(reader, "post", CC_OPTIONAL, postings, CC_POST_ALL);
    out->history = (enum cc_chat_history)cc_json_choice(reader, "history", CC_OPTIONAL,
                                                        cc_chat_history_names, CC_HISTORY_ALL);
    out->retention_s = cc_json_int(reader, "retention_s", CC_OPTIONAL, 0, CHAT_RETENTION_MAX_S);
}

static void read_members(struct cc_json_reader *reader, struct cc_arena *arena,
                         struct chat_view *out)
{
    size_t count = cc_json_array_count(reader, "members", CC_OPTIONAL, CHAT_JSON_MEMBERS_MAX);
    struct membership *members;

    if (!cc_json_has(reader, "members"))
        return;
    members = cc_arena_calloc(arena, count + 1, sizeof(*members));
    for (size_t i = 0; i < count; i++) {
        if (!cc_json_enter_element(reader, "members", i))
            break;
        read_member(reader, &members[i]);
        cc_json_leave(reader);
    }
    out->members = members;
    out->member_count = count;
}

bool chat_json_read_card(struct cc_arena *arena, const char *card, struct chat_view *out)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, card, strlen(card), CC_IGNORE_UNKNOWN);
    struct chat *chat = &out->chat;
    bool readable;

    *out = (struct chat_view){0};
    chat->chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
    chat->type =
        (enum chat_type)cc_json_choice(reader, "type", CC_REQUIRED, chat_type_names, CHAT_GROUP);
    chat->title = cc_json_text(reader, "title", CC_REQUIRED, 0, CHAT_TITLE_MAX_BYTES);
    chat->description =
        cc_json_text(reader, "description", CC_REQUIRED, 0, CHAT_DESCRIPTION_MAX_BYTES);
    chat->avatar_media_id = cc_json_uuid(reader, "avatar_media_id", CC_OPTIONAL);
    if (cc_json_enter(reader, "settings", CC_REQUIRED)) {
        read_rules(reader, cc_chat_posting_names, &chat->rules);
        cc_json_leave(reader);
    }
    chat->created_by = cc_json_uuid(reader, "created_by", CC_REQUIRED);
    chat->created_at_ms = cc_json_time(reader, "created_at", CC_REQUIRED);
    chat->version = cc_json_int(reader, "version", CC_REQUIRED, 1, INT64_MAX);
    chat->member_count = cc_json_int(reader, "member_count", CC_REQUIRED, 0, CHAT_MEMBERS_MAX);
    read_members(reader, arena, out);
    readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    return readable;
}

void chat_json_put_rights(struct cc_json_writer *writer, const struct chat_rights *rights)
{
    cc_json_put_text(writer, "chat_id", rights->chat->chat_id);
    cc_json_put_int(writer, "member_version", rights->chat->member_version);
    cc_json_put_bool(writer, "deleted", rights->chat->deleted);
    cc_json_put_text(writer, "post", cc_chat_posting_names[rights->chat->rules.post]);
    cc_json_put_text(writer, "history", cc_chat_history_names[rights->chat->rules.history]);
    cc_json_put_int(writer, "retention_s", rights->chat->rules.retention_s);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < rights->count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", rights->members[i].user_id);
        if (rights->members[i].joined_seq > 0)
            cc_json_put_int(writer, "joined_seq", rights->members[i].joined_seq);
        cc_json_put_text(writer, "role", cc_chat_role_names[rights->members[i].role]);
        /* Nobody is in a deleted chat, also while the memberships are still being ended. */
        bool ended = rights->chat->deleted && membership_active(&rights->members[i]);
        cc_json_put_text(
            writer, "state",
            cc_member_state_names[ended ? CC_MEMBER_REMOVED : rights->members[i].state]);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor", rights->next_cursor);
}

/* The same person twice is a mistake of the caller's that would otherwise change the count. */
static void refuse_repeats(struct cc_json_reader *reader, const char *key, const char *const *ids,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (strcmp(ids[i], ids[k]) == 0)
                cc_json_reject(reader, key, "names somebody twice");
}

static const char *read_title(struct cc_json_reader *reader)
{
    return cc_json_text(reader, "title", CC_REQUIRED, 1, CHAT_TITLE_MAX_BYTES);
}

bool chat_json_read_group(struct cc_json_reader *reader, struct chat_group_input *out)
{
    out->title = read_title(reader);
    out->member_ids =
        cc_json_uuids(reader, "member_ids", CC_REQUIRED, CHAT_FOUNDERS_MAX, &out->member_count);
    refuse_repeats(reader, "member_ids", out->member_ids, out->member_count);
    return cc_json_reader_done(reader);
}

bool chat_json_read_person(struct cc_json_reader *reader, const char **out_user_id)
{
    *out_user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED);
    return cc_json_reader_done(reader);
}

bool chat_json_read_people(struct cc_json_reader *reader, struct chat_people_input *out)
{
    out->user_ids = cc_json_uuids(reader, "user_ids", CC_REQUIRED, CHAT_ADD_MAX, &out->count);
    refuse_repeats(reader, "user_ids", out->user_ids, out->count);
    if (out->count == 0)
        cc_json_reject(reader, "user_ids", "must name somebody");
    return cc_json_reader_done(reader);
}

bool chat_json_read_member(struct cc_json_reader *reader, struct chat_member_input *out)
{
    bool has_role = cc_json_has(reader, "role");

    if (has_role == cc_json_has(reader, "banned"))
        cc_json_reject(reader, "role", "either this or banned must be given");
    out->role = (enum cc_chat_role)cc_json_choice(reader, "role", CC_OPTIONAL, cc_chat_role_names,
                                                  CC_ROLE_MEMBER);
    bool banned = cc_json_bool(reader, "banned", CC_OPTIONAL, false);
    out->action = has_role ? CHAT_ACT_SET_ROLE : banned ? CHAT_ACT_BAN : CHAT_ACT_UNBAN;
    return cc_json_reader_done(reader);
}

bool chat_json_read_wish(struct cc_json_reader *reader, struct personal_wish *out)
{
    out->mute_until_ms = cc_json_time(reader, "mute_until", CC_OPTIONAL);
    out->pinned = cc_json_bool(reader, "pinned", CC_OPTIONAL, false);
    out->archived = cc_json_bool(reader, "archived", CC_OPTIONAL, false);
    out->marked_unread = cc_json_bool(reader, "marked_unread", CC_OPTIONAL, false);
    out->notify = (enum personal_notify)cc_json_choice(reader, "notify", CC_OPTIONAL,
                                                       personal_notify_names, PERSONAL_DEFAULT);
    return cc_json_reader_done(reader);
}

/* A merge patch: a member that is null takes its value away. */
static void read_edit_member(struct cc_json_reader *reader, const char *key, struct chat_edit *edit)
{
    if (strcmp(key, "title") == 0) {
        edit->title = read_title(reader);
    } else if (strcmp(key, "description") == 0) {
        edit->description = cc_json_text(reader, key, CC_OPTIONAL, 0, CHAT_DESCRIPTION_MAX_BYTES);
        if (edit->description == NULL)
            edit->description = "";
    } else if (strcmp(key, "avatar_media_id") == 0) {
        edit->sets_avatar = true;
        edit->avatar_media_id = cc_json_uuid(reader, key, CC_OPTIONAL);
    } else if (strcmp(key, "settings") != 0) {
        cc_json_reject(reader, key, "is not a member that can be changed");
    } else if (cc_json_enter(reader, key, CC_REQUIRED)) {
        edit->sets_post = cc_json_has(reader, "post");
        edit->sets_history = cc_json_has(reader, "history");
        edit->sets_retention = cc_json_has(reader, "retention_s");
        read_rules(reader, chat_posting_choices, &edit->rules);
        cc_json_leave(reader);
    }
}

bool chat_json_read_edit(struct cc_json_reader *reader, struct chat_edit *out)
{
    size_t count = 0;
    const char *const *keys = cc_json_keys(reader, EDIT_KEYS_MAX, &count);

    *out = (struct chat_edit){0};
    for (size_t i = 0; i < count; i++)
        read_edit_member(reader, keys[i], out);
    if (count == 0)
        cc_json_reject(reader, NULL, "must change something");
    return cc_json_reader_done(reader);
}
