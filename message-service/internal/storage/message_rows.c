/* BSON of the collections. Pure functions, any thread. The only file that knows the documents'
 * field names. */

#include "storage/message_rows.h"

#include <stdio.h>
#include <string.h>

void message_row_id(const char *chat_id, int64_t number, char out[MESSAGE_ROW_ID_BYTES])
{
    (void)snprintf(out, MESSAGE_ROW_ID_BYTES, "%s/%lld", chat_id, (long long)number);
}

void message_row_bucket(const char *chat_id, int64_t number, char out[MESSAGE_ROW_ID_BYTES])
{
    message_row_id(chat_id, number >> BUCKET_BITS, out);
}

void message_row_refusal_id(const char *chat_id, const char *op_id, char out[MESSAGE_ROW_ID_BYTES])
{
    (void)snprintf(out, MESSAGE_ROW_ID_BYTES, "%s/x/%s", chat_id, op_id);
}

void message_row_receipt_id(const char *chat_id, const char *user_id,
                            char out[MESSAGE_ROW_ID_BYTES])
{
    (void)snprintf(out, MESSAGE_ROW_ID_BYTES, "%s/%s", chat_id, user_id);
}

void message_row_reaction_id(const char *message_id, const struct cc_reaction *reaction,
                             char out[MESSAGE_ROW_ID_BYTES])
{
    (void)snprintf(out, MESSAGE_ROW_ID_BYTES, "%s/%s/%s", message_id, reaction->user_id,
                   reaction->emoji);
}

void message_row_person_bucket(const char *user_id, const char *chat_id, int64_t seq,
                               char out[MESSAGE_ROW_ID_BYTES])
{
    char bucket[MESSAGE_ROW_ID_BYTES];

    message_row_bucket(chat_id, seq, bucket);
    (void)snprintf(out, MESSAGE_ROW_ID_BYTES, "%s/%.100s", user_id, bucket);
}

/* Absent and empty are the same. */
static void put_text(bson_t *row, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        bson_append_utf8(row, key, -1, text, -1);
}

static void put_int(bson_t *row, const char *key, int64_t value)
{
    if (value != 0)
        bson_append_int64(row, key, -1, value);
}

static void put_time(bson_t *row, const char *key, int64_t epoch_ms)
{
    if (epoch_ms != 0)
        bson_append_date_time(row, key, -1, epoch_ms);
}

static void put_flag(bson_t *row, const char *key, bool value)
{
    if (value)
        BSON_APPEND_BOOL(row, key, true);
}

static void put_texts(bson_t *row, const char *key, const char *const *texts, size_t count)
{
    bson_t array;

    if (count == 0)
        return;
    bson_append_array_begin(row, key, -1, &array);
    for (size_t i = 0; i < count; i++) {
        char buffer[16];
        const char *position;
        bson_uint32_to_string((uint32_t)i, &position, buffer, sizeof buffer);
        bson_append_utf8(&array, position, -1, texts[i], -1);
    }
    bson_append_array_end(row, &array);
}

static const char *take_text(const bson_t *row, const char *key, struct cc_arena *arena)
{
    return cc_arena_strdup(arena, cc_bson_text(row, key));
}

static const char *take_text_or_null(const bson_t *row, const char *key, struct cc_arena *arena)
{
    const char *text = cc_bson_text(row, key);
    return text[0] == '\0' ? NULL : cc_arena_strdup(arena, text);
}

static int64_t take_time(const bson_t *row, const char *key)
{
    bson_iter_t at;
    bool found = bson_iter_init_find(&at, row, key) && BSON_ITER_HOLDS_DATE_TIME(&at);
    return found ? bson_iter_date_time(&at) : 0;
}

/* The array `key`, ready to be walked; out_count: its length. False when there is none. */
static bool open_array(const bson_t *row, const char *key, bson_iter_t *out, size_t *out_count)
{
    bson_iter_t at, counted;
    bool found = bson_iter_init_find(&at, row, key) && BSON_ITER_HOLDS_ARRAY(&at) &&
                 bson_iter_recurse(&at, out) && bson_iter_recurse(&at, &counted);
    *out_count = 0;
    while (found && bson_iter_next(&counted))
        (*out_count)++;
    return found && *out_count > 0;
}

static const char *const *take_texts(const bson_t *row, const char *key, struct cc_arena *arena,
                                     size_t *out_count)
{
    bson_iter_t at;
    size_t count, i = 0;

    *out_count = 0;
    if (!open_array(row, key, &at, &count))
        return NULL;
    const char **texts = cc_arena_calloc(arena, count, sizeof *texts);
    while (bson_iter_next(&at))
        texts[i++] = cc_arena_strdup(arena, bson_iter_utf8(&at, NULL));
    *out_count = count;
    return texts;
}

/* What a message document and a row of the log have in common. */
static void put_message(bson_t *row, const struct cc_message *message)
{
    put_int(row, "seq", message->seq);
    put_text(row, "type", message->type);
    put_text(row, "body", message->body);
    put_text(row, "system", message->system_json);
    put_time(row, "created_at", message->created_at_ms);
    put_time(row, "edited_at", message->edited_at_ms);
    put_int(row, "version", message->version);
    put_flag(row, "deleted", message->deleted);
    put_flag(row, "pinned", message->pinned);
    put_time(row, "expires_at", message->expires_at_ms);
    put_text(row, "reply_to", message->reply_to);
    put_texts(row, "mentions", message->mentions, message->mention_count);
    put_flag(row, "mention_all", message->mention_all);
    put_text(row, "attachments", message->attachments_json);
    put_text(row, "reactions", message->reactions_json);
}

/* author_key: the log has the sender of the operation besides the author of the message. */
static struct cc_message take_message(const bson_t *row, const char *id_key, const char *author_key,
                                      struct cc_arena *arena)
{
    struct cc_message message = {
        .message_id = take_text(row, id_key, arena),
        .chat_id = take_text(row, "chat_id", arena),
        .seq = cc_bson_int(row, "seq", 0),
        .rev = cc_bson_int(row, "rev", 0),
        .sender_id = take_text(row, author_key, arena),
        .type = take_text(row, "type", arena),
        .body = take_text(row, "body", arena),
        .system_json = take_text_or_null(row, "system", arena),
        .created_at_ms = take_time(row, "created_at"),
        .edited_at_ms = take_time(row, "edited_at"),
        .version = cc_bson_int(row, "version", 0),
        .deleted = cc_bson_bool(row, "deleted", false),
        .pinned = cc_bson_bool(row, "pinned", false),
        .expires_at_ms = take_time(row, "expires_at"),
        .mention_all = cc_bson_bool(row, "mention_all", false),
        .reply_to = take_text_or_null(row, "reply_to", arena),
        .attachments_json = take_text_or_null(row, "attachments", arena),
        .reactions_json = take_text_or_null(row, "reactions", arena),
    };
    message.mentions = take_texts(row, "mentions", arena, &message.mention_count);
    return message;
}

static void put_members(bson_t *row, const struct change *change)
{
    bson_t array, member;

    if (change->member_count == 0)
        return;
    BSON_APPEND_ARRAY_BEGIN(row, "members", &array);
    for (size_t i = 0; i < change->member_count; i++) {
        char buffer[16];
        const char *position;
        bson_uint32_to_string((uint32_t)i, &position, buffer, sizeof buffer);
        BSON_APPEND_DOCUMENT_BEGIN(&array, position, &member);
        put_text(&member, "user_id", change->members[i].user_id);
        put_text(&member, "role", change->members[i].role);
        put_text(&member, "state", change->members[i].state);
        bson_append_document_end(&array, &member);
    }
    bson_append_array_end(row, &array);
}

static struct cc_member_change take_member(const bson_iter_t *at, struct cc_arena *arena)
{
    const uint8_t *bytes = NULL;
    uint32_t length = 0;
    bson_t member;

    if (BSON_ITER_HOLDS_DOCUMENT(at))
        bson_iter_document(at, &length, &bytes);
    if (bytes == NULL || !bson_init_static(&member, bytes, length))
        return (struct cc_member_change){"", "", ""};
    return (struct cc_member_change){
        .user_id = take_text(&member, "user_id", arena),
        .role = take_text(&member, "role", arena),
        .state = take_text(&member, "state", arena),
    };
}

static void take_members(const bson_t *row, struct cc_arena *arena, struct change *out)
{
    bson_iter_t at;
    size_t count, i = 0;

    if (!open_array(row, "members", &at, &count))
        return;
    struct cc_member_change *members = cc_arena_calloc(arena, count, sizeof *members);
    while (bson_iter_next(&at))
        members[i++] = take_member(&at, arena);
    out->members = members;
    out->member_count = count;
}

/* The rev as a name ("<chat>/<rev>") is the fence; a refusal has none, and no bucket. */
static void put_place(bson_t *row, const struct change *change)
{
    char text[MESSAGE_ROW_ID_BYTES];

    if (change_accepted(change)) {
        message_row_id(change->chat_id, change->rev, text);
        BSON_APPEND_UTF8(row, "_id", text);
        message_row_bucket(change->chat_id, change->rev, text);
        BSON_APPEND_UTF8(row, "bucket", text);
        BSON_APPEND_UTF8(row, "message_id", change->message.message_id);
        if (change_alters_message(change)) /* creates, the many, are spared its index */
            BSON_APPEND_UTF8(row, "alters", change->message.message_id);
    } else {
        message_row_refusal_id(change->chat_id, change->op_id, text);
        BSON_APPEND_UTF8(row, "_id", text);
        BSON_APPEND_UTF8(row, "code", cc_code_name(change->refusal));
    }
}

void message_row_from_change(bson_t *row, const struct change *change)
{
    put_place(row, change);
    BSON_APPEND_UTF8(row, "chat_id", change->chat_id);
    BSON_APPEND_UTF8(row, "op_id", change->op_id);
    BSON_APPEND_UTF8(row, "op", cc_op_names[change->op]);
    put_text(row, "event_id", change->event_id);
    put_text(row, "hash", change->request_hash);
    put_text(row, "sender_id", change->sender_id);
    put_text(row, "device_id", change->device_id);
    if (!change_accepted(change))
        return;
    put_int(row, "rev", change->rev);
    put_int(row, "head_seq", change->head_seq);
    put_int(row, "member_version", change->member_version);
    put_flag(row, "silent", change->silent);
    put_text(row, "author_id", change->message.sender_id);
    put_message(row, &change->message);
    if (change->reaction.user_id != NULL) {
        put_text(row, "emoji", change->reaction.emoji);
        put_flag(row, "on", change->reaction.on);
    }
    put_members(row, change);
}

static enum cc_op op_of(const char *name)
{
    for (int op = 0; cc_op_names[op] != NULL; op++)
        if (strcmp(cc_op_names[op], name) == 0)
            return (enum cc_op)op;
    return CC_OP_CREATE;
}

struct change *message_row_to_change(const bson_t *row, struct cc_arena *arena)
{
    struct change *change = CC_ARENA_NEW(arena, struct change);
    const char *code = cc_bson_text(row, "code");

    *change = (struct change){
        .chat_id = take_text(row, "chat_id", arena),
        .op_id = take_text(row, "op_id", arena),
        .op = op_of(cc_bson_text(row, "op")),
        .event_id = take_text(row, "event_id", arena),
        .request_hash = take_text(row, "hash", arena),
        .sender_id = take_text(row, "sender_id", arena),
        .device_id = take_text(row, "device_id", arena),
        .refusal = code[0] == '\0' ? CC_OK : cc_code_from_name(code),
        .rev = cc_bson_int(row, "rev", 0),
        .head_seq = cc_bson_int(row, "head_seq", 0),
        .member_version = cc_bson_int(row, "member_version", 0),
        .silent = cc_bson_bool(row, "silent", false),
    };
    if (change_accepted(change))
        change->message = take_message(row, "message_id", "author_id", arena);
    if (change_accepted(change) && change->op == CC_OP_REACT)
        change->reaction = (struct cc_reaction){
            .user_id = change->sender_id,
            .emoji = take_text(row, "emoji", arena),
            .on = cc_bson_bool(row, "on", false),
        };
    take_members(row, arena, change);
    return change;
}

static void strip_fields(bson_t *update, const char *const *names, size_t count)
{
    bson_t fields;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &fields);
    BSON_APPEND_BOOL(&fields, "deleted", true);
    bson_append_document_end(update, &fields);
    BSON_APPEND_DOCUMENT_BEGIN(update, "$unset", &fields);
    for (size_t i = 0; i < count; i++)
        BSON_APPEND_UTF8(&fields, names[i], "");
    bson_append_document_end(update, &fields);
}

#define SAID "body", "attachments", "mentions", "mention_all", "reply_to", "reactions"

void message_row_strip(bson_t *update)
{
    static const char *const said[] = {SAID};
    strip_fields(update, said, sizeof said / sizeof said[0]);
}

void message_row_erase(bson_t *update)
{
    static const char *const said[] = {SAID, "system", "emoji", "pinned", "pin_of"};
    strip_fields(update, said, sizeof said / sizeof said[0]);
}

void message_row_from_message(bson_t *row, const struct cc_message *message)
{
    char bucket[MESSAGE_ROW_ID_BYTES];

    message_row_bucket(message->chat_id, message->seq, bucket);
    BSON_APPEND_UTF8(row, "_id", message->message_id);
    BSON_APPEND_UTF8(row, "bucket", bucket);
    BSON_APPEND_UTF8(row, "chat_id", message->chat_id);
    BSON_APPEND_INT64(row, "rev", message->rev);
    put_text(row, "sender_id", message->sender_id);
    put_message(row, message);
    if (message->pinned)
        BSON_APPEND_UTF8(row, "pin_of", message->chat_id);
}

void message_row_from_reaction(bson_t *fields, const struct change *change)
{
    const struct cc_message *message = &change->message;
    char bucket[MESSAGE_ROW_ID_BYTES];

    message_row_person_bucket(change->reaction.user_id, message->chat_id, message->seq, bucket);
    BSON_APPEND_UTF8(fields, "person_bucket", bucket);
    BSON_APPEND_UTF8(fields, "chat_id", message->chat_id);
    BSON_APPEND_UTF8(fields, "message_id", message->message_id);
    BSON_APPEND_UTF8(fields, "user_id", change->reaction.user_id);
    BSON_APPEND_UTF8(fields, "emoji", change->reaction.emoji);
    BSON_APPEND_INT64(fields, "seq", message->seq);
    BSON_APPEND_BOOL(fields, "on", change->reaction.on);
    BSON_APPEND_INT64(fields, "rev", change->rev);
}

struct cc_message message_row_to_message(const bson_t *row, struct cc_arena *arena)
{
    return take_message(row, "_id", "sender_id", arena);
}

void message_row_from_head(bson_t *fields, const struct chat_head *head)
{
    bson_t array;

    BSON_APPEND_INT64(fields, "rev", head->rev);
    BSON_APPEND_INT64(fields, "seq", head->seq);
    BSON_APPEND_ARRAY_BEGIN(fields, "uncounted", &array);
    for (size_t i = 0; i < head->uncounted.count; i++) {
        char buffer[16];
        const char *position;
        bson_uint32_to_string((uint32_t)i, &position, buffer, sizeof buffer);
        BSON_APPEND_INT64(&array, position, head->uncounted.seqs[i]);
    }
    bson_append_array_end(fields, &array);
}

void message_row_to_head(const bson_t *row, struct chat_head *out)
{
    bson_iter_t at;
    size_t count;

    out->rev = cc_bson_int(row, "rev", 0);
    out->seq = cc_bson_int(row, "seq", 0);
    if (!open_array(row, "uncounted", &at, &count))
        return;
    while (bson_iter_next(&at))
        uncounted_add(&out->uncounted, bson_iter_as_int64(&at));
}

static void copy_id(char out[CC_UUID_BYTES], const char *id)
{
    (void)snprintf(out, CC_UUID_BYTES, "%s", id);
}

void message_row_to_receipt(const bson_t *row, struct receipt *out)
{
    *out = (struct receipt){
        .read_seq = cc_bson_int(row, "read_seq", 0),
        .delivered_seq = cc_bson_int(row, "delivered_seq", 0),
        .from_seq = cc_bson_int(row, "from_seq", 0),
        .cleared_seq = cc_bson_int(row, "cleared_seq", 0),
        .at_ms = take_time(row, "at"),
    };
    copy_id(out->chat_id, cc_bson_text(row, "chat_id"));
    copy_id(out->user_id, cc_bson_text(row, "user_id"));
}
