/* Fails the n-th call of a kind, before or after its effect. Any thread. For tests only: it is
 * built with the service so that the interface can't drift away from it. */

#include "storage/message_store_failing.h"

#include <stdatomic.h>

#include "common/alloc.h"

struct failing_store {
    struct message_store base;
    struct message_store *inner; /* owned */
    enum store_call call;
    enum store_failure when;
    enum cc_code code;
    atomic_int remaining; /* calls until the failure; 0 = none planned or done */
};

static struct failing_store *self(struct message_store *store)
{
    return (struct failing_store *)store;
}

static bool is_due(struct message_store *store, enum store_call call)
{
    struct failing_store *failing = self(store);
    int remaining = atomic_load(&failing->remaining);

    if (failing->call != call || remaining == 0)
        return false;
    return atomic_fetch_sub(&failing->remaining, 1) == 1;
}

static enum cc_code fail(struct message_store *store, struct cc_error *err)
{
    return cc_fail_detail(err, self(store)->code, "planned failure");
}

/* Runs `effect` (an expression over `inner`) unless the failure comes before it. */
#define THROUGH(store, kind, effect)                                                               \
    do {                                                                                           \
        struct message_store *inner = self(store)->inner;                                          \
        bool due = is_due((store), (kind));                                                        \
        if (due && self(store)->when == STORE_FAILS_BEFORE)                                        \
            return fail((store), err);                                                             \
        enum cc_code code = (effect);                                                              \
        return due ? fail((store), err) : code;                                                    \
    } while (0)

static enum cc_code append_changes(struct message_store *store, const struct change *const *changes,
                                   size_t count, size_t *out_stored, struct cc_error *err)
{
    THROUGH(store, STORE_APPEND_CHANGES,
            inner->ops->append_changes(inner, changes, count, out_stored, err));
}

static enum cc_code find_operation(struct message_store *store, const char *chat_id,
                                   const char *op_id, struct cc_arena *arena, struct change **out,
                                   struct cc_error *err)
{
    THROUGH(store, STORE_FIND_OPERATION,
            inner->ops->find_operation(inner, chat_id, op_id, arena, out, err));
}

static enum cc_code changes_after(struct message_store *store, const char *chat_id,
                                  int64_t after_rev, size_t limit, struct cc_arena *arena,
                                  struct change_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_CHANGES_AFTER,
            inner->ops->changes_after(inner, chat_id, after_rev, limit, arena, out, err));
}

static enum cc_code versions_of(struct message_store *store, const char *chat_id,
                                const char *message_id, struct cc_arena *arena,
                                struct change_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_VERSIONS_OF,
            inner->ops->versions_of(inner, chat_id, message_id, arena, out, err));
}

static enum cc_code materialise(struct message_store *store, const struct change *const *changes,
                                size_t count, struct cc_error *err)
{
    THROUGH(store, STORE_MATERIALISE, inner->ops->materialise(inner, changes, count, err));
}

static enum cc_code messages_by_seq(struct message_store *store, const char *chat_id,
                                    int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                    struct message_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_MESSAGES_BY_SEQ,
            inner->ops->messages_by_seq(inner, chat_id, from_seq, to_seq, arena, out, err));
}

static enum cc_code find_message(struct message_store *store, const char *chat_id,
                                 const char *message_id, struct cc_arena *arena,
                                 struct cc_message **out, struct cc_error *err)
{
    THROUGH(store, STORE_FIND_MESSAGE,
            inner->ops->find_message(inner, chat_id, message_id, arena, out, err));
}

static enum cc_code pinned_messages(struct message_store *store, const char *chat_id,
                                    struct cc_arena *arena, struct message_list *out,
                                    struct cc_error *err)
{
    THROUGH(store, STORE_PINNED_MESSAGES,
            inner->ops->pinned_messages(inner, chat_id, arena, out, err));
}

static enum cc_code find_reaction(struct message_store *store, const char *message_id,
                                  const char *user_id, const char *emoji, bool *out,
                                  struct cc_error *err)
{
    THROUGH(store, STORE_FIND_REACTION,
            inner->ops->find_reaction(inner, message_id, user_id, emoji, out, err));
}

static enum cc_code reactions_of(struct message_store *store, const struct person_range *range,
                                 struct cc_arena *arena, struct reaction_list *out,
                                 struct cc_error *err)
{
    THROUGH(store, STORE_REACTIONS_OF, inner->ops->reactions_of(inner, range, arena, out, err));
}

static enum cc_code hide(struct message_store *store, const struct hidden *hidden,
                         struct cc_error *err)
{
    THROUGH(store, STORE_HIDE, inner->ops->hide(inner, hidden, err));
}

static enum cc_code hidden_in(struct message_store *store, const struct person_range *range,
                              struct cc_arena *arena, struct seq_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_HIDDEN_IN, inner->ops->hidden_in(inner, range, arena, out, err));
}

static enum cc_code hidden_by(struct message_store *store, const char *user_id, size_t limit,
                              struct cc_arena *arena, struct hidden_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_HIDDEN_BY, inner->ops->hidden_by(inner, user_id, limit, arena, out, err));
}

static enum cc_code expired(struct message_store *store, int64_t now_ms, size_t limit,
                            struct cc_arena *arena, struct expiry_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_EXPIRED, inner->ops->expired(inner, now_ms, limit, arena, out, err));
}

static enum cc_code forget_expiry(struct message_store *store, const char *message_id,
                                  struct cc_error *err)
{
    THROUGH(store, STORE_FORGET_EXPIRY, inner->ops->forget_expiry(inner, message_id, err));
}

static enum cc_code load_head(struct message_store *store, struct chat_head *out,
                              struct cc_error *err)
{
    THROUGH(store, STORE_LOAD_HEAD, inner->ops->load_head(inner, out, err));
}

static enum cc_code save_heads(struct message_store *store, const struct chat_head *heads,
                               size_t count, struct cc_error *err)
{
    THROUGH(store, STORE_SAVE_HEADS, inner->ops->save_heads(inner, heads, count, err));
}

static enum cc_code get_receipt(struct message_store *store, const char *chat_id,
                                const char *user_id, struct receipt *out, struct cc_error *err)
{
    THROUGH(store, STORE_GET_RECEIPT, inner->ops->get_receipt(inner, chat_id, user_id, out, err));
}

static enum cc_code count_mentions(struct message_store *store, const char *chat_id,
                                   const char *user_id, int64_t after_seq, int64_t limit,
                                   int64_t *out, struct cc_error *err)
{
    THROUGH(store, STORE_COUNT_MENTIONS,
            inner->ops->count_mentions(inner, chat_id, user_id, after_seq, limit, out, err));
}

static enum cc_code receipts_of(struct message_store *store, const char *chat_id,
                                struct cc_arena *arena, struct receipt_list *out,
                                struct cc_error *err)
{
    THROUGH(store, STORE_RECEIPTS_OF, inner->ops->receipts_of(inner, chat_id, arena, out, err));
}

static enum cc_code receipts_by(struct message_store *store, const char *user_id,
                                struct cc_arena *arena, struct receipt_list *out,
                                struct cc_error *err)
{
    THROUGH(store, STORE_RECEIPTS_BY, inner->ops->receipts_by(inner, user_id, arena, out, err));
}

static enum cc_code raise_receipts(struct message_store *store, const struct receipt *receipts,
                                   size_t count, struct cc_error *err)
{
    THROUGH(store, STORE_RAISE_RECEIPTS, inner->ops->raise_receipts(inner, receipts, count, err));
}

static enum cc_code forget_person(struct message_store *store, const char *user_id,
                                  struct cc_error *err)
{
    THROUGH(store, STORE_FORGET_PERSON, inner->ops->forget_person(inner, user_id, err));
}

static enum cc_code plan_erasure(struct message_store *store, const char *chat_id, int64_t rev,
                                 struct cc_error *err)
{
    THROUGH(store, STORE_PLAN_ERASURE, inner->ops->plan_erasure(inner, chat_id, rev, err));
}

static enum cc_code erasures(struct message_store *store, size_t limit, struct cc_arena *arena,
                             struct erasure_list *out, struct cc_error *err)
{
    THROUGH(store, STORE_ERASURES, inner->ops->erasures(inner, limit, arena, out, err));
}

static enum cc_code erase(struct message_store *store, const struct erasure *erasure,
                          const struct message_list *said, struct cc_error *err)
{
    THROUGH(store, STORE_ERASE, inner->ops->erase(inner, erasure, said, err));
}

static enum cc_code purge_log(struct message_store *store, const struct purge *purge,
                              size_t *out_count, struct cc_error *err)
{
    THROUGH(store, STORE_PURGE_LOG, inner->ops->purge_log(inner, purge, out_count, err));
}

static enum cc_code first_rev(struct message_store *store, const char *chat_id, int64_t *out,
                              struct cc_error *err)
{
    THROUGH(store, STORE_FIRST_REV, inner->ops->first_rev(inner, chat_id, out, err));
}

static void destroy(struct message_store *store)
{
    message_store_destroy(self(store)->inner);
    cc_free(store);
}

static const struct message_store_ops failing_ops = {
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

struct message_store *message_store_failing_create(struct message_store *inner)
{
    struct failing_store *failing = cc_calloc(1, sizeof *failing);

    failing->base.ops = &failing_ops;
    failing->inner = inner;
    return &failing->base;
}

void message_store_failing_plan(struct message_store *store, enum store_call call, int nth,
                                enum store_failure when, enum cc_code code)
{
    struct failing_store *failing = self(store);

    failing->call = call;
    failing->when = when;
    failing->code = code;
    atomic_store(&failing->remaining, nth);
}

bool message_store_failing_done(struct message_store *store)
{
    return atomic_load(&self(store)->remaining) == 0;
}
