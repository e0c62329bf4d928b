/* Old rows of the log that are to go, in memory. Any thread: under the store's lock. */

#include "common/clock.h"
#include "storage/memory_private.h"

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

static const char *plan_key(struct memory_store *store, const struct plan *plan)
{
    return plan->op_id == NULL ? message_memory_rev_key(store, plan->chat_id, plan->bucket)
                               : message_memory_key(store, plan->chat_id, plan->op_id);
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

void message_memory_plan_refusal(struct memory_store *store, const struct change *refusal)
{
    put_plan(store, refusal, REFUSAL);
}

void message_memory_plan_bucket(struct memory_store *store, const struct change *change)
{
    if (change->rev > 0 && (change->rev & ((1 << BUCKET_BITS) - 1)) == 0)
        put_plan(store, change, (change->rev >> BUCKET_BITS) - 1);
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
    message_memory_raise(&start->first_rev, first_rev);
    return start->since_ms <= now_ms - PURGE_NOTICE_MS;
}

static void forget_change(struct memory_store *store, const char *chat_id, const char *op_id)
{
    (void)cc_hash_map_remove(store->changes_by_op, message_memory_key(store, chat_id, op_id));
}

static void purge_bucket(struct memory_store *store, const struct plan *plan)
{
    for (int64_t rev = plan->bucket << BUCKET_BITS; rev >> BUCKET_BITS == plan->bucket; rev++) {
        const char *key = message_memory_rev_key(store, plan->chat_id, rev);
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

enum cc_code message_memory_purge_log(struct message_store *base, const struct purge *purge,
                                      size_t *out_count, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
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
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_first_rev(struct message_store *base, const char *chat_id, int64_t *out,
                                      struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    const struct log_start *start = cc_hash_map_get(store->starts, chat_id);

    (void)err;
    *out = start == NULL ? 1 : start->first_rev;
    return message_memory_leave(store, CC_OK);
}
