/* GET /v1/messages/{message_id}/receipts: whom it has reached. Worker threads. Only its author is
 * told, and in a large chat nobody: who reads what is theirs to know. */

#include <stdio.h>
#include <string.h>

#include "heads.h"
#include "http/message_access.h"
#include "http/routes.h"

static const struct receipt *receipt_of(const struct receipt_list *list, const char *user_id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].user_id, user_id) == 0)
            return &list->items[i];
    return NULL;
}

/* Whoever joined later counts as having read what was before: he is left out. */
static void write_reader(struct cc_json_writer *writer, const struct receipt *receipt, int64_t seq)
{
    if (receipt->from_seq >= seq)
        return;
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "user_id", receipt->user_id);
    cc_json_put_bool(writer, "delivered", receipt->delivered_seq >= seq);
    cc_json_put_bool(writer, "read", receipt->read_seq >= seq);
    cc_json_close_object(writer);
}

/* Everybody else's, as they are now: what is stored, raised by what Redis hints. */
static size_t others_now(struct message_app *app, const struct cc_message *message,
                         const struct rights *rights, const struct receipt_list *stored,
                         struct receipt *out)
{
    size_t count = 0;

    for (size_t i = 0; i < rights->recipient_count; i++) {
        const char *user_id = rights->recipients[i];
        const struct receipt *known = receipt_of(stored, user_id);
        if (strcmp(user_id, message->sender_id) == 0)
            continue;
        memset(&out[count], 0, sizeof out[count]);
        if (known != NULL)
            out[count] = *known;
        (void)snprintf(out[count].chat_id, sizeof out[count].chat_id, "%s", message->chat_id);
        (void)snprintf(out[count].user_id, sizeof out[count].user_id, "%s", user_id);
        count++;
    }
    heads_hint_reads(app->redis, out, count);
    return count;
}

static void write_readers(struct cc_json_writer *writer, const struct receipt *receipts,
                          size_t count, int64_t seq, bool omitted)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++)
        write_reader(writer, &receipts[i], seq);
    cc_json_close_array(writer);
    cc_json_put_null(writer, "next_cursor");
    cc_json_put_bool(writer, "omitted", omitted);
    cc_json_close_object(writer);
}

enum cc_code message_http_receipts(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_message *message;
    struct receipt_list receipts = {0};
    struct rights *rights;
    enum cc_code code = CC_OK;

    CC_TRY(message_access(req, &message, err));
    if (strcmp(message->sender_id, cc_request_caller(req)->user_id) != 0)
        return cc_fail(err, CC_FORBIDDEN, NULL,
                       "only its author is told whom a message has reached");
    CC_TRY(message_members_rights(app->members, message->chat_id, &rights, err));
    if (!rights->recipients_omitted)
        code = app->store->ops->receipts_of(app->store, message->chat_id, cc_request_arena(req),
                                            &receipts, err);
    if (code == CC_OK) {
        struct receipt now[CC_RECIPIENTS_MAX];
        size_t count = others_now(app, message, rights, &receipts, now);
        write_readers(cc_response_json(res), now, count, message->seq, rights->recipients_omitted);
    }
    rights_unref(rights);
    return code;
}
