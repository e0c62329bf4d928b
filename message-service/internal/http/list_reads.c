/* GET /internal/users/{user_id}/reads: how far somebody has read each chat. Worker threads. One
 * question, however many chats; own sends of the last seconds come from Redis. */

#include "app.h"
#include "heads.h"
#include "http/routes.h"
#include "reads_cache.h"

static void raise_by_hints(struct cc_redis *redis, const struct receipt_list *list)
{
    for (size_t i = 0; i < list->count; i += HEADS_HINT_MAX) {
        size_t left = list->count - i;

        heads_hint_reads(redis, list->items + i, left < HEADS_HINT_MAX ? left : HEADS_HINT_MAX);
    }
}

enum cc_code message_http_reads_by(struct cc_request *req, struct cc_response *res,
                                   struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct receipt_list list;
    const char *user_id;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(reads_cache_list(app->redis, app->store, user_id, cc_request_arena(req), &list, err));
    raise_by_hints(app->redis, &list);
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < list.count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "chat_id", list.items[i].chat_id);
        cc_json_put_int(writer, "read_seq", list.items[i].read_seq);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
    return CC_OK;
}
