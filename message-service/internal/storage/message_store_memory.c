/* The store in memory, for tests: as strict as the server about uniqueness, order and limits (one
 * contract suite runs against both). Any thread: one lock around everything. Keeps nothing. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/hash_map.h"
#include "storage/message_store.h"

struct stored_message {
    struct cc_message message;
    struct stored_message *next; /* in its chat */
};
struct memory_store {
    struct message_store base;
    pthread_mutex_t lock;
    struct cc_arena *arena;             /* keys and values, but for the lists of heads */
    struct cc_hash_map *changes_by_rev; /* chat/rev */
    struct cc_hash_map *changes_by_op;  /* chat/op */
    struct cc_hash_map *messages;       /* message_id */
    struct cc_hash_map *timelines;      /* chat: list of its messages */
    struct cc_hash_map *reactions;      /* message/user/emoji: the last change of it */
    struct cc_hash_map *hidden;         /* user/message: struct hidden */
    struct cc_hash_map *expiries;       /* message_id: its message */
    struct cc_hash_map *heads, *receipts;
    struct cc_hash_map *erasures; /* chat: struct erasure */
    struct cc_hash_map *plans;    /* chat/bucket or chat/op: struct plan */
    struct cc_hash_map *starts;   /* chat: struct log_start */
};

#define REFUSAL (-1)
struct plan { /* of what may be purged */
    const char *chat_id;
    const char *op_id; /* of a refusal; else NULL */
    int64_t bucket;    /* REFUSAL: none */
    int64_t at_ms;
};
struct log_start {
    int64_t first_rev, since_ms;
};

static struct memory_store *enter(struct message_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    pthread_mutex_lock(&store->lock);
    return store;
}

static enum cc_code leave(struct memory_store *store, enum cc_code code)
{
    pthread_mutex_unlock(&store->lock);
    return code;
}

static const char *key_of(struct memory_store *store, const char *chat_id, const char *rest)
{
    return cc_arena_printf(store->arena, "%s/%s", chat_id, rest);
}

static const char *rev_key(struct memory_store *store, const char *chat_id, int64_t rev)
{
    return cc_arena_printf(store->arena, "%s/%lld", chat_id, (long long)rev);
}

static bool is_taken(struct memory_store *store, const struct change *change)
{
    if (cc_hash_map_get(store->changes_by_op, key_of(store, change->chat_id, change->op_id)))
        return true;
    return change_accepted(change) &&
           cc_hash_map_get(store->changes_by_rev, rev_key(store, change->chat_id, change->rev));
}

static const char *plan_key(struct memory_store *store, const struct plan *plan)
{
    return plan->op_id == NULL ? rev_key(store, plan->chat_id, plan->bucket)
                               : key_of(store, plan->chat_id, plan->op_id);
}

static void put_plan(struct memory_store *store, const struct change *change, int64_t bucket)
{
    struct plan *plan = CC_ARENA_NEW(store->arena, struct plan);

    *plan = (struct plan){
        .chat_id = cc_arena_strdup(store->arena, change->chat_id),
        .op_id = bucket == REFUSAL ? cc_arena_strdup(store->arena, change->op_id) : NULL,
        .bucket = bucket,
        .at_ms = cc_wall_ms(cc_clock_system()),
    };
    if (cc_hash_map_get(store->plans, plan_key(store, plan)) == NULL)
        cc_hash_map_put(store->plans, plan_key(store, plan), plan);
}

static void put_change(struct memory_store *store, const struct change *change)
{
    struct change *copy = change_copy(store->arena, change);

    if (!change_accepted(change))
        put_plan(store, change, REFUSAL);
    cc_hash_map_put(store->changes_by_op, key_of(store, copy->chat_id, copy->op_id), copy);
    if (change_accepted(copy))
        cc_hash_map_put(store->changes_by_rev, rev_key(store, copy->chat_id, copy->rev), copy);
}

static enum cc_code append_changes(struct message_store *base, const struct change *const *changes,
                                   size_t count, size_t *out_stored, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t stored = 0;

    while (stored < count && !is_taken(store, changes[stored]))
        put_change(store, changes[stored++]);
    *out_stored = stored;
    leave(store, CC_OK);
    return stored == count ? CC_OK : cc_fail_detail(err, CC_CONFLICT, "row %zu is taken", stored);
}

static enum cc_code find_operation(struct message_store *base, const char *chat_id,
                                   const char *op_id, struct cc_arena *arena, struct change **out,
                                   struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct change *found = cc_hash_map_get(store->changes_by_op, key_of(store, chat_id, op_id));

    (void)err;
    *out = found == NULL ? NULL : change_copy(arena, found);
    return leave(store, CC_OK);
}

static enum cc_code changes_after(struct message_store *base, const char *chat_id,
                                  int64_t after_rev, size_t limit, struct cc_arena *arena,
                                  struct change_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct change_list list = {cc_arena_calloc(arena, limit, sizeof *list.items), 0};

    (void)err;
    while (list.count < limit) {
        int64_t rev = after_rev + (int64_t)list.count + 1;
        struct change *found = cc_hash_map_get(store->changes_by_rev, rev_key(store, chat_id, rev));
        if (found == NULL)
            break;
        list.items[list.count++] = change_copy(arena, found);
    }
    *out = list;
    return leave(store, CC_OK);
}

/* Listed again when it is materialised again, as by the server. */
static void list_expiry(struct memory_store *store, const struct cc_message *message)
{
    struct cc_message *copy = CC_ARENA_NEW(store->arena, struct cc_message);

    *copy = message_copy(store->arena, message);
    cc_hash_map_put(store->expiries, copy->message_id, copy);
}

static void add_message(struct memory_store *store, const struct cc_message *message)
{
    struct stored_message *stored = CC_ARENA_NEW(store->arena, struct stored_message);

    stored->message = message_copy(store->arena, message);
    stored->next = cc_hash_map_get(store->timelines, stored->message.chat_id);
    cc_hash_map_put(store->timelines, stored->message.chat_id, stored);
    cc_hash_map_put(store->messages, stored->message.message_id, stored);
}

/* Leaves of what the message said only that it was there. */
static void strip_message(struct cc_message *said)
{
    said->deleted = true;
    said->body = "";
    said->attachments_json = said->reply_to = said->reactions_json = NULL;
    said->mention_count = 0;
    said->mention_all = false;
}

static void strip(struct memory_store *store, const struct change *deletion)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(store->changes_by_op, &at, &value)) {
        struct change *change = value;
        struct cc_message *said = &change->message;
        if (!change_accepted(change) || change->rev >= deletion->rev ||
            strcmp(said->message_id, deletion->message.message_id) != 0)
            continue;
        strip_message(said);
    }
}

static void put_reaction(struct memory_store *store, const struct change *change)
{
    const char *key = cc_arena_printf(store->arena, "%s/%s/%s", change->message.message_id,
                                      change->reaction.user_id, change->reaction.emoji);
    const struct change *there = cc_hash_map_get(store->reactions, key);

    if (there == NULL || there->rev < change->rev)
        cc_hash_map_put(store->reactions, key, change_copy(store->arena, change));
}

static void materialise_one(struct memory_store *store, const struct change *change)
{
    struct stored_message *there = cc_hash_map_get(store->messages, change->message.message_id);

    if (there == NULL && change_adds_message(change))
        add_message(store, &change->message);
    else if (there != NULL && there->message.rev < change->rev)
        there->message = message_copy(store->arena, &change->message);
    if (change->rev > 0 && (change->rev & ((1 << BUCKET_BITS) - 1)) == 0)
        put_plan(store, change, (change->rev >> BUCKET_BITS) - 1);
    if (change_adds_message(change) && change->message.expires_at_ms != 0)
        list_expiry(store, &change->message);
    if (change->op == CC_OP_REACT)
        put_reaction(store, change);
    if (change->op == CC_OP_DELETE)
        strip(store, change);
}

static int by_rev(const void *a, const void *b)
{
    const struct change *left = *(struct change *const *)a, *right = *(struct change *const *)b;
    return (left->rev > right->rev) - (left->rev < right->rev);
}

static enum cc_code versions_of(struct message_store *base, const char *chat_id,
                                const char *message_id, struct cc_arena *arena,
                                struct change_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t at = 0, room = cc_hash_map_count(store->changes_by_op);
    struct change_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    (void)err;
    while (cc_hash_map_next(store->changes_by_op, &at, &value)) {
        const struct change *change = value;
        if (change_accepted(change) && change_makes_version(change) &&
            strcmp(change->chat_id, chat_id) == 0 &&
            strcmp(change->message.message_id, message_id) == 0)
            list.items[list.count++] = change_copy(arena, change);
    }
    qsort(list.items, list.count, sizeof list.items[0], by_rev);
    if (list.count > MESSAGE_VERSIONS_MAX) {
        list.items += list.count - MESSAGE_VERSIONS_MAX;
        list.count = MESSAGE_VERSIONS_MAX;
    }
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code materialise(struct message_store *base, const struct change *const *changes,
                                size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        materialise_one(store, changes[i]);
    return leave(store, CC_OK);
}

static int by_seq(const void *a, const void *b)
{
    const struct cc_message *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static int by_seq_descending(const void *a, const void *b)
{
    return by_seq(b, a);
}

static enum cc_code messages_by_seq(struct message_store *base, const char *chat_id,
                                    int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                    struct message_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct message_list list = {cc_arena_calloc(arena, MESSAGE_READ_RANGE_MAX, sizeof *list.items),
                                0};
    struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (; at != NULL && list.count < MESSAGE_READ_RANGE_MAX; at = at->next)
        if (at->message.seq >= from_seq && at->message.seq <= to_seq)
            list.items[list.count++] = message_copy(arena, &at->message);
    qsort(list.items, list.count, sizeof *list.items, by_seq);
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code find_message(struct message_store *base, const char *chat_id,
                                 const char *message_id, struct cc_arena *arena,
                                 struct cc_message **out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct stored_message *found = cc_hash_map_get(store->messages, message_id);

    (void)err;
    *out = NULL;
    if (found != NULL && (chat_id == NULL || strcmp(found->message.chat_id, chat_id) == 0)) {
        *out = CC_ARENA_NEW(arena, struct cc_message);
        **out = message_copy(arena, &found->message);
    }
    return leave(store, CC_OK);
}

static enum cc_code pinned_messages(struct message_store *base, const char *chat_id,
                                    struct cc_arena *arena, struct message_list *out,
                                    struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct message_list list = {cc_arena_calloc(arena, MESSAGE_READ_RANGE_MAX, sizeof *list.items),
                                0};
    struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (; at != NULL && list.count < MESSAGE_READ_RANGE_MAX; at = at->next)
        if (at->message.pinned)
            list.items[list.count++] = message_copy(arena, &at->message);
    qsort(list.items, list.count, sizeof *list.items, by_seq_descending);
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code find_reaction(struct message_store *base, const char *message_id,
                                  const char *user_id, const char *emoji, bool *out,
                                  struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const char *key = cc_arena_printf(store->arena, "%s/%s/%s", message_id, user_id, emoji);
    const struct change *found = cc_hash_map_get(store->reactions, key);

    (void)err;
    *out = found != NULL && found->reaction.on;
    return leave(store, CC_OK);
}

static bool is_own_reaction(const struct change *change, const struct person_range *range)
{
    const struct cc_message *message = &change->message;
    return change->reaction.on && strcmp(change->reaction.user_id, range->user_id) == 0 &&
           strcmp(message->chat_id, range->chat_id) == 0 && message->seq >= range->from_seq &&
           message->seq <= range->to_seq;
}

static enum cc_code reactions_of(struct message_store *base, const struct person_range *range,
                                 struct cc_arena *arena, struct reaction_list *out,
                                 struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t at = 0, room = cc_hash_map_count(store->reactions);
    struct reaction_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    (void)err;
    while (cc_hash_map_next(store->reactions, &at, &value)) {
        const struct change *change = value;
        if (is_own_reaction(change, range))
            list.items[list.count++] = (struct own_reaction){
                .message_id = cc_arena_strdup(arena, change->message.message_id),
                .emoji = cc_arena_strdup(arena, change->reaction.emoji),
            };
    }
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code hide(struct message_store *base, const struct hidden *hidden,
                         struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct hidden *copy = CC_ARENA_NEW(store->arena, struct hidden);

    (void)err;
    copy->user_id = cc_arena_strdup(store->arena, hidden->user_id);
    copy->chat_id = cc_arena_strdup(store->arena, hidden->chat_id);
    copy->message_id = cc_arena_strdup(store->arena, hidden->message_id);
    copy->seq = hidden->seq;
    cc_hash_map_put(store->hidden, key_of(store, copy->user_id, copy->message_id), copy);
    return leave(store, CC_OK);
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static enum cc_code hidden_in(struct message_store *base, const struct person_range *range,
                              struct cc_arena *arena, struct seq_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t at = 0, room = cc_hash_map_count(store->hidden);
    struct seq_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    (void)err;
    while (cc_hash_map_next(store->hidden, &at, &value)) {
        const struct hidden *hidden = value;
        bool inside = hidden->seq >= range->from_seq && hidden->seq <= range->to_seq;
        if (inside && strcmp(hidden->user_id, range->user_id) == 0 &&
            strcmp(hidden->chat_id, range->chat_id) == 0)
            list.items[list.count++] = hidden->seq;
    }
    qsort(list.items, list.count, sizeof *list.items, by_value);
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code hidden_by(struct message_store *base, const char *user_id, size_t limit,
                              struct cc_arena *arena, struct hidden_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t at = 0;
    void *value;

    (void)err;
    *out = (struct hidden_list){.items = cc_arena_calloc(arena, limit + 1, sizeof *out->items)};
    while (out->count < limit && cc_hash_map_next(store->hidden, &at, &value)) {
        const struct hidden *hidden = value;
        if (strcmp(hidden->user_id, user_id) == 0)
            out->items[out->count++] = (struct hidden){
                .chat_id = cc_arena_strdup(arena, hidden->chat_id), .seq = hidden->seq};
    }
    out->more = out->count == limit;
    return leave(store, CC_OK);
}

static enum cc_code expired(struct message_store *base, int64_t now_ms, size_t limit,
                            struct cc_arena *arena, struct expiry_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct expiry_list list = {cc_arena_calloc(arena, limit + 1, sizeof *list.items), 0};
    size_t at = 0;
    void *value;

    (void)err;
    while (list.count < limit && cc_hash_map_next(store->expiries, &at, &value)) {
        const struct cc_message *message = value;
        if (message->expires_at_ms <= now_ms)
            list.items[list.count++] = (struct expiry){
                .message_id = cc_arena_strdup(arena, message->message_id),
                .chat_id = cc_arena_strdup(arena, message->chat_id),
            };
    }
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code forget_expiry(struct message_store *base, const char *message_id,
                                  struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    cc_hash_map_remove(store->expiries, message_id);
    return leave(store, CC_OK);
}

static enum cc_code load_head(struct message_store *base, struct chat_head *out,
                              struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct chat_head *found = cc_hash_map_get(store->heads, out->chat_id);

    (void)err;
    if (found != NULL)
        chat_head_copy(out, found);
    return leave(store, CC_OK);
}

static void save_head(struct memory_store *store, const struct chat_head *head)
{
    struct chat_head *there = cc_hash_map_get(store->heads, head->chat_id);

    if (there == NULL) {
        there = CC_ARENA_NEW(store->arena, struct chat_head);
        chat_head_init(there, head->chat_id);
        cc_hash_map_put(store->heads, there->chat_id, there);
    }
    if (there->rev < head->rev)
        chat_head_copy(there, head);
}

static enum cc_code save_heads(struct message_store *base, const struct chat_head *heads,
                               size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        save_head(store, &heads[i]);
    return leave(store, CC_OK);
}

static enum cc_code get_receipt(struct message_store *base, const char *chat_id,
                                const char *user_id, struct receipt *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct receipt *found = cc_hash_map_get(store->receipts, key_of(store, chat_id, user_id));

    (void)err;
    *out = found == NULL ? (struct receipt){0} : *found;
    return leave(store, CC_OK);
}

static bool mentions(const struct cc_message *message, const char *user_id)
{
    bool named = message->mention_all;

    for (size_t i = 0; i < message->mention_count && !named; i++)
        named = strcmp(message->mentions[i], user_id) == 0;
    return named && !message->deleted;
}

static enum cc_code count_mentions(struct message_store *base, const char *chat_id,
                                   const char *user_id, int64_t after_seq, int64_t limit,
                                   int64_t *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (*out = 0; at != NULL && *out < limit; at = at->next)
        *out += at->message.seq > after_seq && mentions(&at->message, user_id);
    return leave(store, CC_OK);
}

typedef bool (*receipt_choice)(const void *receipt, const char *id);

static enum cc_code list_receipts(struct message_store *base, receipt_choice is_chosen,
                                  const char *id, struct cc_arena *arena, struct receipt_list *out)
{
    struct memory_store *store = enter(base);
    size_t at = 0, room = cc_hash_map_count(store->receipts);
    struct receipt_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    while (cc_hash_map_next(store->receipts, &at, &value))
        if (is_chosen(value, id))
            list.items[list.count++] = *(const struct receipt *)value;
    *out = list;
    return leave(store, CC_OK);
}

static bool is_of_chat(const void *receipt, const char *chat_id)
{
    return strcmp(((const struct receipt *)receipt)->chat_id, chat_id) == 0;
}

static enum cc_code receipts_of(struct message_store *base, const char *chat_id,
                                struct cc_arena *arena, struct receipt_list *out,
                                struct cc_error *err)
{
    (void)err;
    return list_receipts(base, is_of_chat, chat_id, arena, out);
}

static bool reads(const void *receipt, const char *user_id)
{
    return strcmp(((const struct receipt *)receipt)->user_id, user_id) == 0;
}

static enum cc_code receipts_by(struct message_store *base, const char *user_id,
                                struct cc_arena *arena, struct receipt_list *out,
                                struct cc_error *err)
{
    (void)err;
    return list_receipts(base, reads, user_id, arena, out);
}

static void raise_to(int64_t *there, int64_t value)
{
    if (*there < value)
        *there = value;
}

static void raise_receipt(struct memory_store *store, const struct receipt *receipt)
{
    const char *key = key_of(store, receipt->chat_id, receipt->user_id);
    struct receipt *there = cc_hash_map_get(store->receipts, key);

    if (there == NULL) {
        there = CC_ARENA_NEW(store->arena, struct receipt);
        *there = *receipt;
        cc_hash_map_put(store->receipts, key, there);
        return;
    }
    raise_to(&there->read_seq, receipt->read_seq);
    raise_to(&there->delivered_seq, receipt->delivered_seq);
    raise_to(&there->from_seq, receipt->from_seq);
    raise_to(&there->cleared_seq, receipt->cleared_seq);
    raise_to(&there->at_ms, receipt->at_ms);
}

static enum cc_code raise_receipts(struct message_store *base, const struct receipt *receipts,
                                   size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        raise_receipt(store, &receipts[i]);
    return leave(store, CC_OK);
}

/* Keeps the values of which `belongs` is not true. */
static void drop_where(struct cc_hash_map **map, struct memory_store *store,
                       bool (*belongs)(const void *value, const char *user_id),
                       const char *(*key)(struct memory_store *store, const void *value),
                       const char *user_id)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(*map, &at, &value))
        if (!belongs(value, user_id))
            cc_hash_map_put(kept, key(store, value), value);
    cc_hash_map_destroy(*map);
    *map = kept;
}

static const char *receipt_key(struct memory_store *store, const void *value)
{
    const struct receipt *receipt = value;
    return key_of(store, receipt->chat_id, receipt->user_id);
}

static bool hides(const void *hidden, const char *user_id)
{
    return strcmp(((const struct hidden *)hidden)->user_id, user_id) == 0;
}

static const char *hidden_key(struct memory_store *store, const void *value)
{
    const struct hidden *hidden = value;
    return key_of(store, hidden->user_id, hidden->message_id);
}

static bool reacts(const void *change, const char *user_id)
{
    return strcmp(((const struct change *)change)->reaction.user_id, user_id) == 0;
}

static const char *reaction_key(struct memory_store *store, const void *value)
{
    const struct change *change = value;
    return cc_arena_printf(store->arena, "%s/%s/%s", change->message.message_id,
                           change->reaction.user_id, change->reaction.emoji);
}

static enum cc_code forget_person(struct message_store *base, const char *user_id,
                                  struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    drop_where(&store->receipts, store, reads, receipt_key, user_id);
    drop_where(&store->hidden, store, hides, hidden_key, user_id);
    drop_where(&store->reactions, store, reacts, reaction_key, user_id);
    return leave(store, CC_OK);
}

static enum cc_code plan_erasure(struct message_store *base, const char *chat_id, int64_t rev,
                                 struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    if (cc_hash_map_get(store->erasures, chat_id) == NULL) {
        struct erasure *erasure = CC_ARENA_NEW(store->arena, struct erasure);
        *erasure = (struct erasure){cc_arena_strdup(store->arena, chat_id), rev, 0};
        cc_hash_map_put(store->erasures, erasure->chat_id, erasure);
    }
    return leave(store, CC_OK);
}

static enum cc_code erasures(struct message_store *base, size_t limit, struct cc_arena *arena,
                             struct erasure_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct erasure_list list = {cc_arena_calloc(arena, limit + 1, sizeof *list.items), 0};
    size_t at = 0;
    void *value;

    (void)err;
    while (list.count < limit && cc_hash_map_next(store->erasures, &at, &value)) {
        list.items[list.count] = *(struct erasure *)value;
        list.items[list.count].chat_id = cc_arena_strdup(arena, list.items[list.count].chat_id);
        list.count++;
    }
    *out = list;
    return leave(store, CC_OK);
}

static bool is_in_bucket(const struct erasure *erasure, int64_t number)
{
    return number >> BUCKET_BITS == erasure->bucket;
}

static void erase_message(struct cc_message *said)
{
    strip_message(said);
    said->system_json = NULL;
    said->pinned = false;
}

static void erase_log(struct memory_store *store, const struct erasure *erasure)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(store->changes_by_op, &at, &value)) {
        struct change *change = value;
        if (strcmp(change->chat_id, erasure->chat_id) != 0 || !change_accepted(change) ||
            !is_in_bucket(erasure, change->rev))
            continue;
        erase_message(&change->message);
        if (change->op == CC_OP_REACT)
            change->reaction.emoji = "";
    }
}

static bool reacts_to(const void *change, const char *message_id)
{
    return strcmp(((const struct change *)change)->message.message_id, message_id) == 0;
}

static void note_erased(struct memory_store *store, const struct erasure *erasure)
{
    struct erasure *planned = cc_hash_map_get(store->erasures, erasure->chat_id);

    if (erasure->bucket == erasure->rev >> BUCKET_BITS) {
        drop_where(&store->receipts, store, is_of_chat, receipt_key, erasure->chat_id);
        cc_hash_map_remove(store->erasures, erasure->chat_id);
    } else if (planned != NULL && planned->bucket <= erasure->bucket) {
        planned->bucket = erasure->bucket + 1;
    }
}

static enum cc_code erase(struct message_store *base, const struct erasure *erasure,
                          const struct message_list *said, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct stored_message *at = cc_hash_map_get(store->timelines, erasure->chat_id);

    (void)err;
    for (size_t i = 0; i < said->count; i++)
        drop_where(&store->reactions, store, reacts_to, reaction_key, said->items[i].message_id);
    erase_log(store, erasure);
    for (; at != NULL; at = at->next)
        if (is_in_bucket(erasure, at->message.seq))
            erase_message(&at->message);
    note_erased(store, erasure);
    return leave(store, CC_OK);
}

static bool head_is_past(struct memory_store *store, const struct plan *plan)
{
    const struct chat_head *head = cc_hash_map_get(store->heads, plan->chat_id);
    return head != NULL && head->rev >> BUCKET_BITS > plan->bucket;
}

static bool start_is_told(struct memory_store *store, const struct plan *plan, int64_t now_ms)
{
    struct log_start *start = cc_hash_map_get(store->starts, plan->chat_id);
    int64_t first_rev = (plan->bucket + 1) << BUCKET_BITS;

    if (start == NULL) {
        start = CC_ARENA_NEW(store->arena, struct log_start);
        *start = (struct log_start){first_rev, now_ms};
        cc_hash_map_put(store->starts, plan->chat_id, start);
    }
    raise_to(&start->first_rev, first_rev);
    return start->since_ms <= now_ms - PURGE_NOTICE_MS;
}

static void forget_change(struct memory_store *store, const char *chat_id, const char *op_id)
{
    (void)cc_hash_map_remove(store->changes_by_op, key_of(store, chat_id, op_id));
}

static void purge_bucket(struct memory_store *store, const struct plan *plan)
{
    for (int64_t rev = plan->bucket << BUCKET_BITS; rev >> BUCKET_BITS == plan->bucket; rev++) {
        const char *key = rev_key(store, plan->chat_id, rev);
        const struct change *change = cc_hash_map_get(store->changes_by_rev, key);
        if (change == NULL)
            continue;
        forget_change(store, plan->chat_id, change->op_id);
        (void)cc_hash_map_remove(store->changes_by_rev, key);
    }
}

/* False when it has to wait. */
static bool purge_one(struct memory_store *store, const struct plan *plan, int64_t now_ms)
{
    if (plan->bucket == REFUSAL) {
        forget_change(store, plan->chat_id, plan->op_id);
        return true;
    }
    if (!head_is_past(store, plan) || !start_is_told(store, plan, now_ms))
        return false;
    purge_bucket(store, plan);
    return true;
}

static enum cc_code purge_log(struct message_store *base, const struct purge *purge,
                              size_t *out_count, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0, seen = 0;
    void *value;

    (void)err;
    *out_count = 0;
    while (cc_hash_map_next(store->plans, &at, &value)) {
        bool due = ((struct plan *)value)->at_ms <= purge->before_ms && seen < purge->limit;
        seen += due ? 1 : 0;
        if (due && purge_one(store, value, purge->now_ms))
            (*out_count)++;
        else
            cc_hash_map_put(kept, plan_key(store, value), value);
    }
    cc_hash_map_destroy(store->plans);
    store->plans = kept;
    return leave(store, CC_OK);
}

static enum cc_code first_rev(struct message_store *base, const char *chat_id, int64_t *out,
                              struct cc_error *err)
{
    struct memory_store *store = enter(base);
    const struct log_start *start = cc_hash_map_get(store->starts, chat_id);

    (void)err;
    *out = start == NULL ? 1 : start->first_rev;
    return leave(store, CC_OK);
}

static void destroy(struct message_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    void *head;
    size_t at = 0;

    while (cc_hash_map_next(store->heads, &at, &head))
        chat_head_finish(head);
    cc_hash_map_destroy(store->changes_by_rev);
    cc_hash_map_destroy(store->changes_by_op);
    cc_hash_map_destroy(store->messages);
    cc_hash_map_destroy(store->timelines);
    cc_hash_map_destroy(store->reactions);
    cc_hash_map_destroy(store->hidden);
    cc_hash_map_destroy(store->expiries);
    cc_hash_map_destroy(store->heads);
    cc_hash_map_destroy(store->receipts);
    cc_hash_map_destroy(store->erasures);
    cc_hash_map_destroy(store->plans);
    cc_hash_map_destroy(store->starts);
    cc_arena_destroy(store->arena);
    pthread_mutex_destroy(&store->lock);
    cc_free(store);
}

static const struct message_store_ops memory_ops = {
    .append_changes = append_changes,
    .find_operation = find_operation,
    .changes_after = changes_after,
    .versions_of = versions_of,
    .materialise = materialise,
    .messages_by_seq = messages_by_seq,
    .find_message = find_message,
    .pinned_messages = pinned_messages,
    .find_reaction = find_reaction,
    .reactions_of = reactions_of,
    .hide = hide,
    .hidden_in = hidden_in,
    .hidden_by = hidden_by,
    .expired = expired,
    .forget_expiry = forget_expiry,
    .load_head = load_head,
    .save_heads = save_heads,
    .get_receipt = get_receipt,
    .count_mentions = count_mentions,
    .receipts_of = receipts_of,
    .receipts_by = receipts_by,
    .raise_receipts = raise_receipts,
    .forget_person = forget_person,
    .plan_erasure = plan_erasure,
    .erasures = erasures,
    .erase = erase,
    .purge_log = purge_log,
    .first_rev = first_rev,
    .destroy = destroy,
};

struct message_store *message_store_memory_create(void)
{
    struct memory_store *store = cc_calloc(1, sizeof *store);

    store->base.ops = &memory_ops;
    pthread_mutex_init(&store->lock, NULL);
    store->arena = cc_arena_create(0);
    store->changes_by_rev = cc_hash_map_create();
    store->changes_by_op = cc_hash_map_create();
    store->messages = cc_hash_map_create();
    store->timelines = cc_hash_map_create();
    store->reactions = cc_hash_map_create();
    store->hidden = cc_hash_map_create();
    store->expiries = cc_hash_map_create();
    store->heads = cc_hash_map_create();
    store->receipts = cc_hash_map_create();
    store->erasures = cc_hash_map_create();
    store->plans = cc_hash_map_create();
    store->starts = cc_hash_map_create();
    return &store->base;
}
