/* Consumer of message.persisted, on the runner's thread. The consumer of a partition is the only
 * writer of the activity of its chats. A refused operation is not activity. */

#include "events/consume_persisted.h"

#include "app.h"
#include "common/events/message_persisted.h"
#include "common/hash_map.h"
#include "common/log.h"
#include "common/topics.h"
#include "list_cache.h"

#define BATCH_MAX         200
#define MESSAGE_MAX_BYTES (128 * 1024)

const struct cc_consumer_row chat_persisted_row = {.topic = CC_TOPIC_MESSAGE_PERSISTED,
                                                   .group = CHAT_CONSUMER_GROUP,
                                                   .batch_max = BATCH_MAX,
                                                   .apply = chat_persisted_apply};

struct fold { /* the chats of one batch */
    struct chat_app *app;
    struct cc_arena *arena;
    struct cc_hash_map *by_chat; /* chat_id to struct folded */
};
struct folded {
    struct chat_activity activity;
    bool changed;
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

/* What the chat's activity was before this batch; read once per chat and batch. */
static enum cc_code folded_for(struct fold *fold, const char *chat_id, struct folded **out,
                               struct cc_error *err)
{
    struct chat_store *store = fold->app->store;
    struct folded *found = cc_hash_map_get(fold->by_chat, chat_id);
    struct chat_activity *stored = NULL;

    if (found == NULL) {
        enum cc_code code = store->ops->find_activity(store, chat_id, fold->arena, &stored, err);

        if (code != CC_OK && code != CC_NOT_FOUND)
            return code;
        found = CC_ARENA_NEW(fold->arena, struct folded);
        if (stored != NULL)
            found->activity = *stored;
        found->activity.chat_id = cc_arena_strdup(fold->arena, chat_id);
        cc_hash_map_put(fold->by_chat, found->activity.chat_id, found);
    }
    *out = found;
    return CC_OK;
}

static enum cc_code fold_event(struct fold *fold, const struct ev_message_persisted *event,
                               struct cc_error *err)
{
    struct folded *folded = NULL;
    const char *json;

    CC_TRY(folded_for(fold, event->chat_id, &folded, err));
    if (event->rev <= folded->activity.rev ||
        (json = message_text(fold->arena, &event->message)) == NULL)
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
    if (activity_apply(&folded->activity, &fact))
        folded->changed = true;
    return CC_OK;
}

static enum cc_code fold_record(struct fold *fold, struct cc_record *record, struct cc_error *err)
{
    struct ev_message_persisted event;
    struct cc_error fault;
    struct cc_json_reader *reader = cc_json_reader_create(fold->arena, record->payload,
                                                          record->payload_count, CC_IGNORE_UNKNOWN);
    enum cc_code code = CC_OK;

    if (!ev_message_persisted_read(reader, &event)) {
        (void)cc_json_reader_error(reader, &fault); /* it failed: that is why we are here */
        cc_record_reject(record, "%s %s", fault.field, fault.public_text);
    } else if (!event.rejected) {
        code = fold_event(fold, &event, err);
    }
    cc_json_reader_destroy(reader);
    return code;
}

static enum cc_code store_all(struct fold *fold, struct cc_error *err)
{
    struct chat_store *store = fold->app->store;
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(fold->by_chat, &at, &value)) {
        const struct folded *folded = value;

        if (!folded->changed)
            continue;
        CC_TRY(store->ops->save_activity(store, &folded->activity, err));
        chat_list_cache_put_activity(fold->app->redis, &folded->activity);
    }
    return CC_OK;
}

enum cc_code chat_persisted_apply(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct fold fold = {.app = app, .arena = batch->arena, .by_chat = cc_hash_map_create()};
    enum cc_code code = CC_OK;

    for (size_t i = 0; i < batch->count && code == CC_OK; i++)
        code = fold_record(&fold, &batch->records[i], err);
    if (code == CC_OK)
        code = store_all(&fold, err);
    cc_hash_map_destroy(fold.by_chat);
    return code;
}
