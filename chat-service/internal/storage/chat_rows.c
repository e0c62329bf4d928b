/* Mapping between documents and structs. Any thread; no I/O. */

#include "storage/chat_rows.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/mongo_pool.h"

void chat_member_row_id(const char *chat_id, const char *user_id, char out[CHAT_MEMBER_ID_BYTES])
{
    snprintf(out, CHAT_MEMBER_ID_BYTES, "%s/%s", chat_id, user_id);
}

void chat_change_row_id(const char *chat_id, int64_t version, char out[CHAT_CHANGE_ID_BYTES])
{
    snprintf(out, CHAT_CHANGE_ID_BYTES, "%s/%" PRId64, chat_id, version);
}

void chat_slot_name(const char *chat_id, int64_t slot, char out[CHAT_SLOT_BYTES])
{
    snprintf(out, CHAT_SLOT_BYTES, "%s/%" PRId64, chat_id, slot);
}

static void put_chat(bson_t *row, const struct chat *chat)
{
    BSON_APPEND_UTF8(row, "chat_id", chat->chat_id);
    BSON_APPEND_UTF8(row, "type", chat_type_names[chat->type]);
    BSON_APPEND_UTF8(row, "title", chat->title);
    BSON_APPEND_UTF8(row, "description", chat->description);
    BSON_APPEND_UTF8(row, "avatar_media_id",
                     chat->avatar_media_id == NULL ? "" : chat->avatar_media_id);
    BSON_APPEND_UTF8(row, "created_by", chat->created_by);
    BSON_APPEND_INT64(row, "created_at_ms", chat->created_at_ms);
    BSON_APPEND_INT64(row, "version", chat->version);
    BSON_APPEND_INT64(row, "member_version", chat->member_version);
    BSON_APPEND_INT64(row, "member_count", chat->member_count);
    BSON_APPEND_INT64(row, "owner_count", chat->owner_count);
    BSON_APPEND_INT64(row, "place_count", chat->place_count);
    BSON_APPEND_UTF8(row, "post", cc_chat_posting_names[chat->rules.post]);
    BSON_APPEND_UTF8(row, "history", cc_chat_history_names[chat->rules.history]);
    BSON_APPEND_INT64(row, "retention_s", chat->rules.retention_s);
    BSON_APPEND_BOOL(row, "deleted", chat->deleted);
}

/* Everything but the chat's id, which an embedded member shares with its change. */
static void put_member(bson_t *row, const struct membership *member)
{
    BSON_APPEND_UTF8(row, "user_id", member->user_id);
    BSON_APPEND_UTF8(row, "role", cc_chat_role_names[member->role]);
    BSON_APPEND_UTF8(row, "state", cc_member_state_names[member->state]);
    BSON_APPEND_INT64(row, "version", member->version);
    BSON_APPEND_INT64(row, "joined_at_ms", member->joined_at_ms);
    BSON_APPEND_INT64(row, "joined_seq", member->joined_seq);
    BSON_APPEND_INT64(row, "place", member->place);
}

static void put_members(bson_t *row, const struct chat_change *change)
{
    bson_t array, element;
    char buffer[16];
    const char *key;

    BSON_APPEND_ARRAY_BEGIN(row, "members", &array);
    for (size_t i = 0; i < change->member_count; i++) {
        size_t length = bson_uint32_to_string((uint32_t)i, &key, buffer, sizeof(buffer));

        bson_append_document_begin(&array, key, (int)length, &element);
        put_member(&element, &change->members[i]);
        bson_append_document_end(&array, &element);
    }
    bson_append_array_end(row, &array);
}

bson_t *chat_row_from_change(const struct chat_change *change)
{
    bson_t *row = bson_new();
    char id[CHAT_CHANGE_ID_BYTES];

    chat_change_row_id(change->after.chat_id, change->after.version, id);
    BSON_APPEND_UTF8(row, "_id", id);
    put_chat(row, &change->after);
    BSON_APPEND_UTF8(row, "kind", change_kind_names[change->kind]);
    BSON_APPEND_UTF8(row, "actor_id", change->actor_id);
    BSON_APPEND_INT64(row, "at_ms", change->at_ms);
    put_members(row, change);
    BSON_APPEND_BOOL(row, "announced", false);
    return row;
}

bson_t *chat_row_from_chat(const struct chat *chat)
{
    bson_t *row = bson_new();

    BSON_APPEND_UTF8(row, "_id", chat->chat_id);
    put_chat(row, chat);
    return row;
}

bson_t *chat_row_from_member(const struct membership *member)
{
    bson_t *row = bson_new();
    char id[CHAT_MEMBER_ID_BYTES], slot[CHAT_SLOT_BYTES];

    chat_member_row_id(member->chat_id, member->user_id, id);
    chat_slot_name(member->chat_id, member->place / CHAT_SLOT_PLACES, slot);
    BSON_APPEND_UTF8(row, "_id", id);
    BSON_APPEND_UTF8(row, "chat_id", member->chat_id);
    BSON_APPEND_UTF8(row, "slot", slot);
    put_member(row, member);
    return row;
}

bson_t *chat_row_from_activity(const struct chat_activity *activity)
{
    bson_t *row = bson_new();

    BSON_APPEND_UTF8(row, "_id", activity->chat_id);
    BSON_APPEND_INT64(row, "rev", activity->rev);
    BSON_APPEND_INT64(row, "seq", activity->seq);
    BSON_APPEND_INT64(row, "last_activity_at_ms", activity->last_activity_at_ms);
    if (activity->last_message_id != NULL) {
        BSON_APPEND_UTF8(row, "last_message_id", activity->last_message_id);
        BSON_APPEND_UTF8(row, "last_message_json", activity->last_message_json);
    }
    return row;
}

/* "" when absent. */
static const char *text_of(const bson_t *row, const char *key, struct cc_arena *arena)
{
    return cc_arena_strdup(arena, cc_bson_text(row, key));
}

static const char *text_or_null(const bson_t *row, const char *key, struct cc_arena *arena)
{
    const char *text = cc_bson_text(row, key);

    return text[0] == '\0' ? NULL : cc_arena_strdup(arena, text);
}

static int name_of(const bson_t *row, const char *key, const char *const *names, int fallback)
{
    return cc_name_index(names, cc_bson_text(row, key), fallback);
}

void chat_row_to_chat(const bson_t *row, struct cc_arena *arena, struct chat *out)
{
    out->chat_id = text_of(row, "chat_id", arena);
    out->type = (enum chat_type)name_of(row, "type", chat_type_names, CHAT_GROUP);
    out->title = text_of(row, "title", arena);
    out->description = text_of(row, "description", arena);
    out->avatar_media_id = text_or_null(row, "avatar_media_id", arena);
    out->created_by = text_of(row, "created_by", arena);
    out->created_at_ms = cc_bson_int(row, "created_at_ms", 0);
    out->version = cc_bson_int(row, "version", 0);
    out->member_version = cc_bson_int(row, "member_version", 0);
    out->member_count = cc_bson_int(row, "member_count", 0);
    /* Older rows don't say: then a group had one owner, as long as anybody was in it. */
    out->owner_count =
        cc_bson_int(row, "owner_count", out->type == CHAT_GROUP && out->member_count > 0 ? 1 : 0);
    out->place_count = cc_bson_int(row, "place_count", 0);
    out->rules = (struct chat_rules){
        .post = (enum cc_chat_posting)name_of(row, "post", cc_chat_posting_names, CC_POST_ALL),
        .history =
            (enum cc_chat_history)name_of(row, "history", cc_chat_history_names, CC_HISTORY_ALL),
        .retention_s = cc_bson_int(row, "retention_s", 0)};
    out->deleted = cc_bson_bool(row, "deleted", false);
}

void chat_row_to_member(const bson_t *row, struct cc_arena *arena, struct membership *out)
{
    out->chat_id = text_of(row, "chat_id", arena); /* "" when embedded in a change */
    out->user_id = text_of(row, "user_id", arena);
    out->role = (enum cc_chat_role)name_of(row, "role", cc_chat_role_names, CC_ROLE_MEMBER);
    out->state =
        (enum cc_member_state)name_of(row, "state", cc_member_state_names, CC_MEMBER_REMOVED);
    out->version = cc_bson_int(row, "version", 0);
    out->joined_at_ms = cc_bson_int(row, "joined_at_ms", 0);
    out->joined_seq = cc_bson_int(row, "joined_seq", 0);
    out->place = cc_bson_int(row, "place", 0);
}

static void read_embedded_members(const bson_t *row, struct cc_arena *arena,
                                  struct chat_change *change)
{
    bson_iter_t field, element;
    struct membership *members;
    size_t count = 0;

    if (!bson_iter_init_find(&field, row, "members") || !BSON_ITER_HOLDS_ARRAY(&field))
        return;
    bson_iter_recurse(&field, &element);
    while (bson_iter_next(&element))
        count++;
    members = cc_arena_calloc(arena, count + 1, sizeof(*members));
    bson_iter_recurse(&field, &element);
    while (bson_iter_next(&element) && BSON_ITER_HOLDS_DOCUMENT(&element)) {
        const uint8_t *bytes;
        uint32_t length;
        bson_t document;

        bson_iter_document(&element, &length, &bytes);
        bson_init_static(&document, bytes, length);
        chat_row_to_member(&document, arena, &members[change->member_count]);
        members[change->member_count++].chat_id = change->after.chat_id;
    }
    change->members = members;
}

struct chat_change *chat_row_to_change(const bson_t *row, struct cc_arena *arena)
{
    struct chat_change *change = CC_ARENA_NEW(arena, struct chat_change);

    chat_row_to_chat(row, arena, &change->after);
    change->kind = (enum change_kind)name_of(row, "kind", change_kind_names, CHANGE_METADATA);
    change->actor_id = text_of(row, "actor_id", arena);
    change->at_ms = cc_bson_int(row, "at_ms", 0);
    change->announced = cc_bson_bool(row, "announced", false);
    read_embedded_members(row, arena, change);
    return change;
}

void chat_row_to_activity(const bson_t *row, struct cc_arena *arena, struct chat_activity *out)
{
    out->chat_id = text_of(row, "_id", arena);
    out->rev = cc_bson_int(row, "rev", 0);
    out->seq = cc_bson_int(row, "seq", 0);
    out->last_activity_at_ms = cc_bson_int(row, "last_activity_at_ms", 0);
    out->last_message_id = text_or_null(row, "last_message_id", arena);
    out->last_message_json = text_or_null(row, "last_message_json", arena);
}

bson_t *chat_row_older_than(const char *id, const char *counter, int64_t value)
{
    return BCON_NEW("_id", BCON_UTF8(id), counter, "{", "$lt", BCON_INT64(value), "}");
}

bson_t *chat_row_set_all(const bson_t *row)
{
    bson_t fields;
    bson_t *update = bson_new();

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &fields);
    bson_copy_to_excluding_noinit(row, &fields, "_id", NULL);
    bson_append_document_end(update, &fields);
    return update;
}

bson_t *chat_row_erase_chat(void)
{
    return BCON_NEW("$set", "{", "title", BCON_UTF8(""), "description", BCON_UTF8(""),
                    "avatar_media_id", BCON_UTF8(""), "}");
}

bson_t *chat_row_erase_activity(void)
{
    return BCON_NEW("$unset", "{", "last_message_id", BCON_UTF8(""), "last_message_json",
                    BCON_UTF8(""), "}");
}
