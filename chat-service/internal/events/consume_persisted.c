/* Consumer of message.persisted, on the runner's thread. The consumer of a partition is the only
 * writer of the activity of its chats. A refused operation is not activity. */

#include "events/consume_persisted.h"

#include "app.h"
#include "common/events/message_persisted.h"
#include "common/hash_map.h"
#include "common/log.h"
#include "common/topics.h"
#include "list_cache.h"

#define BATCH_MAX         500
#define MESSAGE_MAX_BYTES (128 * 1024)
#define LINGER_MS         100  /* a chat list that is so much behind is seen by nobody */
#define SAVE_MS           2000 /* Redis has it at once */

static void forget_partition(void *app, int32_t partition)
{
    activities_forget_partition(((struct chat_app *)app)->activities, partition);
}

const struct cc_consumer_row chat_persisted_row = {.topic = CC_TOPIC_MESSAGE_PERSISTED,
                                                   .group = CHAT_CONSUMER_GROUP,
                                                   .batch_max = BATCH_MAX,
                                                   .apply = chat_persisted_apply,
                                                   .on_assigned = forget_partition,
                                                   .on_revoked = forget_partition,
                                                   .linger_ms = LINGER_MS,
                                                   .save = chat_persisted_save,
                                                   .save_ms = SAVE_MS};

struct fold { /* the chats that one batch moves */
    struct chat_app *app;
    struct cc_arena *arena;
    struct cc_hash_map *moved; /* chat_id to struct chat_activity, of app->activities */
};

static const char *message_text(struct cc_arena *arena, const struct cc_message *message)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    const char *result = NULL;

    cc_strbuf_init(&text, MESSAGE_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    cc_json_open_object(&writer, NULL);
    cc_message_write(&writer, message);
    cc_json_close_object(&writer);
    if (!text.overflowed)
        result = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
    return result;
}

static enum cc_code fold_event(struct fold *fold, int32_t partition,
                               const struct ev_message_persisted *event, struct cc_error *err)
{
    const char *json = message_text(fold->arena, &event->message);
    const struct chat_activity *moved;

    if (json == NULL)
        return CC_OK;
    struct activity_fact fact = {
        .rev = event->rev,
        .head_seq = event->head_seq,
        .is_new_message =
            (event->op == CC_OP_CREATE || event->op == CC_OP_SYSTEM) && event->message.seq > 0,
        .message_id = event->message.message_id,
        .message_json = json,
        .created_at_ms = event->message.created_at_ms,
    };
    CC_TRY(activities_apply(fold->app->activities, partition, event->chat_id, &fact, &moved, err));
    if (moved != NULL)
        cc_hash_map_put(fold->moved, moved->chat_id, (void *)moved);
    return CC_OK;
}

static enum cc_code fold_record(struct fold *fold, struct cc_record *record, struct cc_error *err)
{
    struct ev_message_persisted event;
    struct cc_json_reader *reader = cc_record_reader(record, fold->arena);

    if (!cc_record_readable(record, reader, ev_message_persisted_read(reader, &event)) ||
        event.rejected)
        return CC_OK;
    return fold_event(fold, record->partition, &event, err);
}

static void tell_list(struct fold *fold)
{
    size_t at = 0;
    void *moved;

    while (cc_hash_map_next(fold->moved, &at, &moved))
        chat_list_cache_put_activity(fold->app->redis, moved);
}

enum cc_code chat_persisted_apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct fold fold = {.app = app, .arena = batch->arena, .moved = cc_hash_map_create()};
    enum cc_code code = CC_OK;

    for (size_t i = 0; i < batch->count && code == CC_OK; i++)
        code = fold_record(&fold, &batch->records[i], err);
    if (code == CC_OK)
        tell_list(&fold);
    cc_hash_map_destroy(fold.moved);
    return code;
}

enum cc_code chat_persisted_save(void *app, struct cc_arena *arena, struct cc_error *err)
{
    return activities_save(((struct chat_app *)app)->activities, arena, err);
}
