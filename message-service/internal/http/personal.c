/* What is one person's own in a page of messages. Worker threads. What he hid costs one small query
 * a bucket; whose reactions they are is asked only where somebody reacted. */

#include "http/personal.h"

#include <stdlib.h>
#include <string.h>

#include "domain/reactions.h"

/* Widens the range, which is empty while from_seq is 0, to the seq. */
static void take_in(struct person_range *range, int64_t seq)
{
    if (range->from_seq == 0 || seq < range->from_seq)
        range->from_seq = seq;
    if (seq > range->to_seq)
        range->to_seq = seq;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static bool holds(const struct seq_list *list, int64_t seq)
{
    return list->count > 0 &&
           bsearch(&seq, list->items, list->count, sizeof *list->items, by_value) != NULL;
}

static enum cc_code take_hidden_out(struct message_store *store, const char *user_id,
                                    struct message_list *messages, struct cc_arena *arena,
                                    struct cc_error *err)
{
    struct person_range range = {.user_id = user_id, .chat_id = messages->items[0].chat_id};
    struct seq_list hidden;
    size_t kept = 0;

    for (size_t i = 0; i < messages->count; i++)
        take_in(&range, messages->items[i].seq);
    CC_TRY(store->ops->hidden_in(store, &range, arena, &hidden, err));
    for (size_t i = 0; i < messages->count; i++)
        if (!holds(&hidden, messages->items[i].seq))
            messages->items[kept++] = messages->items[i];
    messages->count = kept;
    return CC_OK;
}

static void mark_own(struct cc_message *message, const struct reaction_list *own,
                     struct cc_arena *arena)
{
    struct reaction_counts counts;

    reactions_read(message->reactions_json, arena, &counts);
    for (size_t i = 0; i < own->count; i++) {
        if (strcmp(own->items[i].message_id, message->message_id) != 0)
            continue;
        struct reaction_count *found = reactions_find(&counts, own->items[i].emoji);
        if (found != NULL)
            found->mine = true;
    }
    message->reactions_json = reactions_write(&counts, true, arena);
}

/* Bucket by bucket, and only those in which somebody reacted: what is pinned may be far apart. */
static enum cc_code mark_all_own(struct message_store *store, const char *user_id,
                                 struct message_list *messages, struct cc_arena *arena,
                                 struct cc_error *err)
{
    int64_t known = -1; /* the bucket that `own` is of */
    struct reaction_list own = {0};

    for (size_t i = 0; i < messages->count; i++) {
        struct cc_message *message = &messages->items[i];
        int64_t bucket = message->seq >> BUCKET_BITS;
        struct person_range range = {user_id, message->chat_id, bucket << BUCKET_BITS,
                                     ((bucket + 1) << BUCKET_BITS) - 1};
        if (message->reactions_json == NULL)
            continue;
        if (bucket != known)
            CC_TRY(store->ops->reactions_of(store, &range, arena, &own, err));
        known = bucket;
        mark_own(message, &own, arena);
    }
    return CC_OK;
}

enum cc_code personal_view(struct message_store *store, const char *user_id,
                           struct message_list *messages, struct cc_arena *arena,
                           struct cc_error *err)
{
    if (messages->count == 0)
        return CC_OK;
    CC_TRY(take_hidden_out(store, user_id, messages, arena, err));
    return mark_all_own(store, user_id, messages, arena, err);
}

enum cc_code personal_sees(struct message_store *store, const char *user_id, int64_t floor_seq,
                           const struct cc_message *message, struct cc_arena *arena, bool *out,
                           struct cc_error *err)
{
    const struct person_range range = {user_id, message->chat_id, message->seq, message->seq};
    struct seq_list hidden;

    CC_TRY(store->ops->hidden_in(store, &range, arena, &hidden, err));
    *out = hidden.count == 0 && message->seq > floor_seq;
    return CC_OK;
}

/* What takes a rev only is about no message. */
static bool is_below(const struct change *change, int64_t floor_seq)
{
    return change->message.seq > 0 && change->message.seq <= floor_seq;
}

enum cc_code personal_changes(struct message_store *store, const char *user_id, int64_t floor_seq,
                              const struct change_list *changes, struct cc_arena *arena,
                              bool *out_hidden, struct cc_error *err)
{
    struct person_range range = {.user_id = user_id};
    struct seq_list hidden;

    for (size_t i = 0; i < changes->count; i++)
        if (changes->items[i]->message.seq > 0)
            take_in(&range, changes->items[i]->message.seq);
    if (range.from_seq == 0)
        return CC_OK;
    range.chat_id = changes->items[0]->chat_id;
    CC_TRY(store->ops->hidden_in(store, &range, arena, &hidden, err));
    for (size_t i = 0; i < changes->count; i++)
        out_hidden[i] = is_below(changes->items[i], floor_seq) ||
                        holds(&hidden, changes->items[i]->message.seq);
    return CC_OK;
}
