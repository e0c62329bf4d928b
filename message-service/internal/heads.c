/* Heads of logs for those who don't own them, and what is unread. Any thread. Writes nothing. */

#include "heads.h"

#include <stdlib.h>
#include <string.h>

#include "common/events/message.h"
#include "common/topics.h"

#define CATCH_UP_ROWS 256
#define COUNT_ROWS    (1 << BUCKET_BITS)

static void move_over(struct chat_head *head, const struct change_list *found)
{
    for (size_t i = 0; i < found->count; i++)
        chat_head_advance(head, found->items[i]);
}

enum cc_code heads_catch_up(struct message_store *store, struct chat_head *head, heads_found found,
                            void *arg, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct change_list run = {0};

    CC_TRY(store->ops->load_head(store, head, err));
    do {
        cc_arena_reset(arena);
        CC_TRY(store->ops->changes_after(store, head->chat_id, head->rev, CATCH_UP_ROWS, arena,
                                         &run, err));
        if (run.count > 0 && found != NULL)
            CC_TRY(found(arg, &run, err));
        else
            move_over(head, &run);
    } while (run.count == CATCH_UP_ROWS);
    return CC_OK;
}

enum cc_code heads_read(struct message_store *store, const char *chat_id, struct chat_head *out,
                        struct cc_error *err)
{
    struct chat_head head;

    chat_head_init(&head, chat_id);
    enum cc_code code = heads_catch_up(store, &head, NULL, NULL, err);
    if (code == CC_OK)
        *out = head;
    else
        chat_head_finish(&head);
    return code;
}

static struct head_position parse_position(const redisReply *value)
{
    struct head_position position = {0, 0};
    char *rest;

    if (value->type != REDIS_REPLY_STRING)
        return position;
    position.rev = strtoll(value->str, &rest, 10);
    position.seq = strtoll(rest, NULL, 10);
    return position;
}

void heads_hint(struct cc_redis *redis, const char *const *chat_ids, size_t count,
                struct head_position *out)
{
    char names[HEADS_HINT_MAX][CC_REDIS_NAME_BYTES];
    const char *words[HEADS_HINT_MAX + 1] = {"MGET"};
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    memset(out, 0, count * sizeof *out);
    if (count == 0 || count > HEADS_HINT_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        cc_redis_name_head(chat_ids[i], names[i]);
        words[i + 1] = names[i];
    }
    if (cc_redis_command(redis, count + 1, words, NULL, &reply, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return;
    for (size_t i = 0; i < count; i++)
        out[i] = parse_position(reply->element[i]);
}

static void raise_by_hint(struct receipt *receipt, const redisReply *value)
{
    int64_t read_seq = value->type == REDIS_REPLY_STRING ? strtoll(value->str, NULL, 10) : 0;

    if (read_seq > receipt->read_seq)
        receipt->read_seq = read_seq;
    if (read_seq > receipt->delivered_seq)
        receipt->delivered_seq = read_seq;
}

void heads_hint_reads(struct cc_redis *redis, struct receipt *receipts, size_t count)
{
    char names[HEADS_HINT_MAX][CC_REDIS_READ_NAME_BYTES];
    const char *words[HEADS_HINT_MAX + 1] = {"MGET"};
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    if (count == 0 || count > HEADS_HINT_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        cc_redis_name_read(receipts[i].chat_id, receipts[i].user_id, names[i]);
        words[i + 1] = names[i];
    }
    if (cc_redis_command(redis, count + 1, words, NULL, &reply, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return;
    for (size_t i = 0; i < count; i++)
        raise_by_hint(&receipts[i], reply->element[i]);
}

static int64_t count_counted(const struct message_list *list)
{
    int64_t counted = 0;
    for (size_t i = 0; i < list->count; i++)
        counted += !list->items[i].deleted && strcmp(list->items[i].type, "system") != 0 ? 1 : 0;
    return counted;
}

/* Down to after_seq, for what the head does not tell. */
static enum cc_code count_below(struct message_store *store, const char *chat_id, int64_t top,
                                int64_t after_seq, struct unread *unread, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);

    while (top > after_seq && !unread->capped) {
        struct message_list list;
        int64_t from = top - COUNT_ROWS + 1 > after_seq ? top - COUNT_ROWS + 1 : after_seq + 1;
        CC_TRY(store->ops->messages_by_seq(store, chat_id, from, top, arena, &list, err));
        *unread = unread_add(*unread, count_counted(&list));
        top = from - 1;
    }
    return CC_OK;
}

enum cc_code heads_unread(struct message_store *store, const struct chat_head *head,
                          const char *user_id, int64_t after_seq, struct unread *out,
                          struct cc_error *err)
{
    int64_t top;
    struct unread unread = unread_from_head(head, after_seq, &top);

    CC_TRY(count_below(store, head->chat_id, top, after_seq, &unread, err));
    if (unread.count > 0)
        CC_TRY(store->ops->count_mentions(store, head->chat_id, user_id, after_seq, UNREAD_MAX,
                                          &unread.mentions, err));
    *out = unread;
    return CC_OK;
}
