/* POST /internal/heads: where chats end, and what somebody has unread in them: one person in many
 * chats, who is also told what they may see of the last message, or any person in any chat. Worker
 * threads. Redis answers for most; what it doesn't know is read from the
 * store.
 */

#include <string.h>

#include "app.h"
#include "http/hide_message.h"
#include "http/routes.h"
#include "reads_cache.h"
#include "standing.h"

#define PAIRS_MAX 200 /* each of them is a few queries */

struct heads_input {
    const char **chat_ids;
    const char **user_ids; /* NULL where only the head is asked for */
    size_t count;
    bool pairs;          /* each with a person of its own */
    const char *user_id; /* the person of all of them; NULL = none, or pairs */
};
struct heads_item {
    const char *chat_id, *user_id;
    bool gone; /* there is no such chat (any more) */
    struct head_position head;
    struct standing standing;
    struct unread unread;
    bool last_hidden; /* the person deleted the last message for themselves */
};

static void read_chats(struct cc_json_reader *reader, struct heads_input *out)
{
    const char *const *chat_ids =
        cc_json_uuids(reader, "chats", CC_REQUIRED, HEADS_HINT_MAX, &out->count);

    out->user_id = cc_json_uuid(reader, "user_id", CC_OPTIONAL);
    for (size_t i = 0; i < out->count; i++) {
        out->chat_ids[i] = chat_ids[i];
        out->user_ids[i] = out->user_id;
    }
}

static void read_pairs(struct cc_json_reader *reader, struct heads_input *out)
{
    out->count = cc_json_array_count(reader, "pairs", CC_REQUIRED, PAIRS_MAX);
    for (size_t i = 0; i < out->count && cc_json_enter_element(reader, "pairs", i); i++) {
        out->chat_ids[i] = cc_json_uuid(reader, "chat_id", CC_REQUIRED);
        out->user_ids[i] = cc_json_uuid(reader, "user_id", CC_REQUIRED);
        cc_json_leave(reader);
    }
}

static enum cc_code read_input(struct cc_request *req, struct heads_input *out,
                               struct cc_error *err)
{
    struct cc_arena *arena = cc_request_arena(req);
    struct cc_json_reader *reader;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    *out = (struct heads_input){
        .chat_ids = cc_arena_calloc(arena, HEADS_HINT_MAX, sizeof *out->chat_ids),
        .user_ids = cc_arena_calloc(arena, HEADS_HINT_MAX, sizeof *out->user_ids),
        .pairs = cc_json_has(reader, "pairs"),
    };
    if (out->pairs)
        read_pairs(reader, out);
    else
        read_chats(reader, out);
    return cc_json_reader_done(reader) ? CC_OK : cc_json_reader_error(reader, err);
}

static enum cc_code count_unread(struct message_store *store, struct heads_item *item,
                                 struct cc_error *err)
{
    struct chat_head head;

    CC_TRY(heads_read(store, item->chat_id, &head, err));
    item->head = (struct head_position){head.rev, head.seq};
    enum cc_code code =
        standing_unread(store, &item->standing, item->user_id, &head, &item->unread, err);
    chat_head_finish(&head);
    return code;
}

/* Somebody who has read to the end has nothing unread, whatever the log says of counting. */
static bool has_read_all(const struct heads_item *item)
{
    return item->head.rev > 0 && item->standing.receipt.read_seq >= item->head.seq;
}

static enum cc_code fill_person(struct message_app *app, struct heads_item *item,
                                struct cc_error *err)
{
    struct standing *standing = &item->standing;

    CC_TRY(standing_begin(app->store, app->redis, item->chat_id, item->user_id, standing, err));
    if (has_read_all(item))
        return CC_OK;
    CC_TRY(standing_complete(app->members, standing, err));
    return count_unread(app->store, item, err);
}

static enum cc_code fill_head(struct message_store *store, struct heads_item *item,
                              struct cc_error *err)
{
    struct chat_head head;

    CC_TRY(heads_read(store, item->chat_id, &head, err));
    item->head = (struct head_position){head.rev, head.seq};
    chat_head_finish(&head);
    return CC_OK;
}

static enum cc_code fill_one(struct message_app *app, struct heads_item *item, struct cc_error *err)
{
    if (item->user_id != NULL)
        return fill_person(app, item, err);
    return item->head.rev == 0 ? fill_head(app->store, item, err) : CC_OK;
}

/* The pairs have nothing to do with each other: what is gone leaves the others theirs. */
static enum cc_code fill_pair(struct message_app *app, struct heads_item *item,
                              struct cc_error *err)
{
    enum cc_code code = fill_person(app, item, err);

    item->gone = code == CC_NOT_FOUND;
    return item->gone ? CC_OK : code;
}

/* What Redis knows of one person in all the chats, in three round trips. */
static void fill_by_hints(struct message_app *app, const struct heads_input *input,
                          struct heads_item *items, struct cc_arena *arena)
{
    struct head_position hints[HEADS_HINT_MAX] = {0};
    struct receipt *reads = cc_arena_calloc(arena, input->count + 1, sizeof *reads);

    heads_hint(app->redis, input->chat_ids, input->count, hints);
    if (input->user_id != NULL) {
        reads_cache_find(app->redis, input->user_id, input->chat_ids, input->count, arena, reads);
        heads_hint_reads(app->redis, reads, input->count);
    }
    for (size_t i = 0; i < input->count; i++) {
        items[i].head = hints[i];
        items[i].standing =
            (struct standing){.receipt = reads[i], .floor_seq = reads[i].cleared_seq};
    }
}

/* Of pairs hints say nothing: who asks for those counts on from there, and behind won't do. What
 * Redis says of a person may be behind as well: only where nothing is left unread it is enough. */
static enum cc_code fill(struct message_app *app, const struct heads_input *input,
                         struct heads_item *items, struct cc_arena *arena, struct cc_error *err)
{
    for (size_t i = 0; i < input->count; i++)
        items[i] =
            (struct heads_item){.chat_id = input->chat_ids[i], .user_id = input->user_ids[i]};
    if (!input->pairs)
        fill_by_hints(app, input, items, arena);
    for (size_t i = 0; i < input->count; i++)
        if (input->user_id == NULL || !has_read_all(&items[i]))
            CC_TRY(input->pairs ? fill_pair(app, &items[i], err) : fill_one(app, &items[i], err));
    return CC_OK;
}

/* One query for all chats: nearly everybody hides nothing at all. */
static enum cc_code mark_hidden(struct message_store *store, const char *user_id,
                                struct heads_item *items, size_t count, struct cc_arena *arena,
                                struct cc_error *err)
{
    struct hidden_list hidden;

    CC_TRY(store->ops->hidden_by(store, user_id, MESSAGE_HIDDEN_MAX, arena, &hidden, err));
    for (size_t i = 0; i < hidden.count; i++)
        for (size_t j = 0; j < count; j++)
            if (hidden.items[i].seq == items[j].head.seq &&
                strcmp(hidden.items[i].chat_id, items[j].chat_id) == 0)
                items[j].last_hidden = true;
    return CC_OK;
}

static void write_item(struct cc_json_writer *writer, const struct heads_item *item, bool pair)
{
    if (item->gone)
        return;
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "chat_id", item->chat_id);
    cc_json_put_int(writer, "rev", item->head.rev);
    cc_json_put_int(writer, "seq", item->head.seq);
    if (pair)
        cc_json_put_text(writer, "user_id", item->user_id);
    if (item->user_id != NULL) {
        cc_json_put_int(writer, "read_seq", item->standing.receipt.read_seq);
        cc_json_put_int(writer, "floor_seq", item->standing.floor_seq);
        cc_json_put_int(writer, "unread", item->unread.count);
        cc_json_put_bool(writer, "capped", item->unread.capped);
        cc_json_put_int(writer, "unread_mentions", item->unread.mentions);
    }
    if (item->user_id != NULL && !pair)
        cc_json_put_bool(writer, "last_hidden", item->last_hidden);
    cc_json_close_object(writer);
}

enum cc_code message_http_heads(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct heads_input input;

    CC_TRY(read_input(req, &input, err));
    struct heads_item *items =
        cc_arena_calloc(cc_request_arena(req), input.count + 1, sizeof *items);
    CC_TRY(fill(app, &input, items, cc_request_arena(req), err));
    if (input.user_id != NULL)
        CC_TRY(
            mark_hidden(app->store, input.user_id, items, input.count, cc_request_arena(req), err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < input.count; i++)
        write_item(writer, &items[i], input.pairs);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}
