/* POST /internal/heads: where chats end, and what one person has unread in them and may see of the
 * last message. Worker threads. Redis answers for most; what it doesn't know is read from the
 * store.
 */

#include <string.h>

#include "app.h"
#include "http/hide_message.h"
#include "http/routes.h"
#include "standing.h"

struct heads_input {
    const char *const *chat_ids;
    size_t count;
    const char *user_id; /* NULL = only the heads */
};
struct heads_item {
    const char *chat_id;
    struct head_position head;
    struct standing standing;
    struct unread unread;
    bool last_hidden; /* the person deleted the last message for themselves */
};

static enum cc_code read_input(struct cc_request *req, struct heads_input *out,
                               struct cc_error *err)
{
    struct cc_json_reader *reader;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    out->chat_ids = cc_json_uuids(reader, "chats", CC_REQUIRED, HEADS_HINT_MAX, &out->count);
    out->user_id = cc_json_uuid(reader, "user_id", CC_OPTIONAL);
    return cc_json_reader_done(reader) ? CC_OK : cc_json_reader_error(reader, err);
}

static enum cc_code count_unread(struct message_store *store, const char *user_id,
                                 struct heads_item *item, struct cc_error *err)
{
    struct chat_head head;

    CC_TRY(heads_read(store, item->chat_id, &head, err));
    item->head = (struct head_position){head.rev, head.seq};
    enum cc_code code = standing_unread(store, &item->standing, user_id, &head, &item->unread, err);
    chat_head_finish(&head);
    return code;
}

/* Somebody who has read to the end has nothing unread, whatever the log says of counting. */
static enum cc_code fill_person(struct message_app *app, const char *user_id,
                                struct heads_item *item, struct cc_error *err)
{
    struct standing *standing = &item->standing;

    CC_TRY(standing_begin(app->store, app->redis, item->chat_id, user_id, standing, err));
    if (item->head.rev > 0 && standing->receipt.read_seq >= item->head.seq)
        return CC_OK;
    CC_TRY(standing_complete(app->members, standing, err));
    return count_unread(app->store, user_id, item, err);
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

static enum cc_code fill(struct message_app *app, const struct heads_input *input,
                         struct heads_item *items, struct cc_error *err)
{
    struct head_position hints[HEADS_HINT_MAX];

    heads_hint(app->redis, input->chat_ids, input->count, hints);
    for (size_t i = 0; i < input->count; i++) {
        items[i] = (struct heads_item){.chat_id = input->chat_ids[i], .head = hints[i]};
        if (input->user_id != NULL)
            CC_TRY(fill_person(app, input->user_id, &items[i], err));
        else if (items[i].head.rev == 0)
            CC_TRY(fill_head(app->store, &items[i], err));
    }
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

static void write_item(struct cc_json_writer *writer, const struct heads_item *item, bool person)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "chat_id", item->chat_id);
    cc_json_put_int(writer, "rev", item->head.rev);
    cc_json_put_int(writer, "seq", item->head.seq);
    if (person) {
        cc_json_put_int(writer, "read_seq", item->standing.receipt.read_seq);
        cc_json_put_int(writer, "floor_seq", item->standing.floor_seq);
        cc_json_put_int(writer, "unread", item->unread.count);
        cc_json_put_bool(writer, "capped", item->unread.capped);
        cc_json_put_int(writer, "unread_mentions", item->unread.mentions);
        cc_json_put_bool(writer, "last_hidden", item->last_hidden);
    }
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
    CC_TRY(fill(app, &input, items, err));
    if (input.user_id != NULL)
        CC_TRY(
            mark_hidden(app->store, input.user_id, items, input.count, cc_request_arena(req), err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < input.count; i++)
        write_item(writer, &items[i], input.user_id != NULL);
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}
