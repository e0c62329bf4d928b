/* The owner's batch, step by step. Runs on the message.created consumer's thread alone. Knows no
 * topic, no Redis and no document: ports and store do. */

#include "owner.h"

#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/metrics.h"
#include "domain/decide.h"
#include "heads.h"
#include "owned_chats.h"
#include "targets.h"

#define ROUNDS_WITHOUT_PROGRESS 3
#define START_KNOWN_MS          (PURGE_NOTICE_MS / 2)

struct owner {
    struct message_store *store;
    const struct cc_clock *clock;
    int64_t edit_window_ms;
    struct media_uses media;
    struct owned_chats *chats;
    struct cc_counter *rounds;
};
struct batch { /* one owner_apply */
    struct owner *owner;
    const struct owner_ports *ports;
    struct cc_arena *arena;
    struct operation **pending; /* not settled, in offset order */
    size_t pending_count;
    struct targets *targets; /* NULL: no operation refers to a message */
    struct owned_chat **chats;
    size_t chat_count;
};

struct owner *owner_create(struct message_store *store, const struct cc_clock *clock,
                           int64_t edit_window_ms)
{
    struct owner *owner = cc_calloc(1, sizeof *owner);

    owner->store = store;
    owner->clock = clock;
    owner->edit_window_ms = edit_window_ms;
    owner->chats = owned_chats_create(clock);
    owner->rounds = cc_counter_get("message_owner_conflicts_total",
                                   "Appends that met an operation done before", NULL);
    return owner;
}

void owner_use_media(struct owner *owner, const struct media_uses *media)
{
    owner->media = *media;
}

void owner_destroy(struct owner *owner)
{
    if (owner == NULL)
        return;
    owned_chats_destroy(owner->chats);
    cc_free(owner);
}

void owner_forget_partition(struct owner *owner, int32_t partition)
{
    owned_chats_forget_partition(owner->chats, partition);
}

/* Taking the log over */

struct takeover {
    struct owner *owner;
    struct owned_chat *chat;
};

static enum cc_code plan_erasures(struct owner *owner, const struct change *const *changes,
                                  size_t count, struct cc_error *err)
{
    struct message_store *store = owner->store;

    for (size_t i = 0; i < count; i++)
        if (changes[i]->op == CC_OP_SYSTEM && change_is_event(changes[i], "chat_deleted"))
            CC_TRY(store->ops->plan_erasure(store, changes[i]->chat_id, changes[i]->rev, err));
    return CC_OK;
}

static enum cc_code materialise(struct owner *owner, const struct change *const *changes,
                                size_t count, struct cc_error *err)
{
    CC_TRY(owner->store->ops->materialise(owner->store, changes, count, err));
    return media_uses_follow(&owner->media, changes, count, err);
}

/* What the log holds beyond the saved head may not be materialised: whoever wrote it may have died
 * right after. */
static enum cc_code take_over_run(void *arg, const struct change_list *found, struct cc_error *err)
{
    struct takeover *takeover = arg;

    const struct change *const *changes = (const struct change *const *)found->items;

    CC_TRY(materialise(takeover->owner, changes, found->count, err));
    CC_TRY(plan_erasures(takeover->owner, changes, found->count, err));
    for (size_t i = 0; i < found->count; i++)
        chat_state_advance(&takeover->chat->state, found->items[i]);
    return CC_OK;
}

/* From the store; rights go back to what they were before this batch's own operations. */
static enum cc_code load_chat(struct batch *batch, struct owned_chat *chat, struct cc_error *err)
{
    struct takeover takeover = {batch->owner, chat};
    struct chat_head fresh;

    chat_head_init(&fresh, chat->state.head.chat_id);
    chat_head_copy(&chat->state.head, &fresh);
    chat_state_take_rights(&chat->state, rights_ref(chat->rights_before));
    CC_TRY(heads_catch_up(batch->owner->store, &chat->state.head, take_over_run, &takeover, err));
    chat->materialised_rev = chat->state.head.rev;
    chat->loaded = true;
    return CC_OK;
}

static enum cc_code touch_chat(struct batch *batch, struct operation *operation,
                               struct cc_error *err)
{
    struct owned_chat *chat =
        owned_chats_enter(batch->owner->chats, operation->ask.chat_id, operation->partition);

    operation->chat = chat;
    if (chat->in_batch)
        return CC_OK;
    chat->in_batch = true;
    batch->chats[batch->chat_count++] = chat;
    owned_chat_remember_rights(chat);
    return chat->loaded ? CC_OK : load_chat(batch, chat, err);
}

/* Settling */

static void settle(struct operation *operation, struct change *outcome, bool duplicate)
{
    operation->outcome = outcome;
    operation->duplicate = duplicate;
}

/* Done before: the same answer, unless something else is asked under the same id. That conflict is
 * not stored: the hash decides it again. */
static void settle_found(struct batch *batch, struct operation *operation, struct change *found)
{
    const char *known = found->request_hash, *asked = operation->ask.request_hash;
    bool same = operation->unreadable || known[0] == '\0' || strcmp(known, asked) == 0;

    if (same) {
        settle(operation, found, true);
        return;
    }
    struct change *conflict = CC_ARENA_NEW(batch->arena, struct change);
    decide_refusal(&operation->ask, CC_IDEMPOTENCY_CONFLICT, conflict);
    settle(operation, conflict, false);
}

static void drop_settled(struct batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->pending_count; i++)
        if (batch->pending[i]->outcome == NULL)
            batch->pending[kept++] = batch->pending[i];
    batch->pending_count = kept;
}

static enum cc_code look_up(struct batch *batch, struct operation *operation, struct cc_error *err)
{
    struct message_store *store = batch->owner->store;
    struct change *found;

    CC_TRY(store->ops->find_operation(store, operation->ask.chat_id, operation->ask.op_id,
                                      batch->arena, &found, err));
    operation->looked_up = true;
    if (found != NULL)
        settle_found(batch, operation, found);
    return CC_OK;
}

/* Asked again often enough to be told in time: see PURGE_NOTICE_MS. */
static enum cc_code know_start(struct batch *batch, struct owned_chat *chat, struct cc_error *err)
{
    struct message_store *store = batch->owner->store;
    int64_t now_ms = cc_mono_ms(batch->owner->clock), first_rev;
    bool known = chat->start_asked_ms != 0 && now_ms - chat->start_asked_ms < START_KNOWN_MS;

    if (chat->is_shortened || known || chat->state.head.rev < 1 << BUCKET_BITS)
        return CC_OK;
    CC_TRY(store->ops->first_rev(store, chat->state.head.chat_id, &first_rev, err));
    chat->is_shortened = first_rev > 1;
    chat->start_asked_ms = now_ms;
    return CC_OK;
}

/* The operation as its message tells it, when the log does so no more. */
static struct change *outcome_of(const struct operation *operation,
                                 const struct cc_message *message, struct cc_arena *arena)
{
    struct change *outcome = CC_ARENA_NEW(arena, struct change);

    *outcome = (struct change){
        .chat_id = operation->ask.chat_id,
        .op_id = operation->ask.op_id,
        .op = operation->ask.op,
        .event_id = "",
        .request_hash = "",
        .sender_id = message->sender_id,
        .device_id = "",
        .rev = message->rev,
        .head_seq = message->seq,
        .message = *message,
    };
    return outcome;
}

/* What was done so long ago that the log has forgotten it is still in the timeline: it gets no
 * number again. */
static enum cc_code find_forgotten(struct batch *batch, struct operation *operation,
                                   struct cc_error *err)
{
    struct message_store *store = batch->owner->store;
    const struct ev_message_created *ask = &operation->ask;
    struct cc_message *message;

    if (operation->unreadable || (ask->op != CC_OP_CREATE && ask->op != CC_OP_SYSTEM))
        return CC_OK;
    CC_TRY(know_start(batch, operation->chat, err));
    if (!operation->chat->is_shortened)
        return CC_OK;
    CC_TRY(store->ops->find_message(store, ask->chat_id, ask->op_id, batch->arena, &message, err));
    if (message == NULL || strcmp(message->chat_id, ask->chat_id) != 0)
        return CC_OK;
    CC_TRY(look_up(batch, operation, err));
    if (operation->outcome == NULL)
        settle(operation, outcome_of(operation, message, batch->arena), true);
    return CC_OK;
}

static enum cc_code know_rights(struct batch *batch, const struct operation *operation,
                                struct cc_error *err)
{
    struct owned_chat *chat = operation->chat;
    struct rights *rights;

    if (operation->unreadable || chat->state.rights != NULL ||
        !decide_needs_rights(&operation->ask))
        return CC_OK;
    CC_TRY(batch->ports->load_rights(batch->ports->arg, chat->state.head.chat_id, &rights, err));
    chat_state_take_rights(&chat->state, rights);
    owned_chat_remember_rights(chat);
    return CC_OK;
}

static enum cc_code judge_readable(struct batch *batch, struct operation *operation,
                                   struct cc_error *err)
{
    struct decide_context context = {.edit_window_ms = batch->owner->edit_window_ms,
                                     .arena = batch->arena};

    if (batch->targets != NULL)
        CC_TRY(targets_find(batch->targets, &operation->ask, &context.target, err));
    bool may_attach;
    CC_TRY(media_uses_allow(&batch->owner->media, &operation->ask, batch->arena, &may_attach, err));
    context.may_not_attach = !may_attach;
    decide(&operation->chat->state, &operation->ask, &context, &operation->decided);
    if (batch->targets != NULL && change_accepted(&operation->decided))
        targets_note(batch->targets, &operation->decided);
    return CC_OK;
}

static enum cc_code judge(struct batch *batch, struct operation *operation, struct cc_error *err)
{
    if (operation->unreadable)
        decide_refusal(&operation->ask, CC_UNPROCESSABLE, &operation->decided);
    else
        CC_TRY(judge_readable(batch, operation, err));
    rights_unref(operation->rights);
    operation->rights = rights_ref(operation->chat->state.rights);
    return CC_OK;
}

/* Decides all that is pending, in offset order. Nothing stays refused that the log knows: an
 * operation stored before a crash would be judged by today's state. */
static enum cc_code decide_pending(struct batch *batch, struct cc_error *err)
{
    for (size_t i = 0; i < batch->pending_count; i++) {
        struct operation *operation = batch->pending[i];
        CC_TRY(find_forgotten(batch, operation, err));
        if (operation->outcome != NULL)
            continue;
        CC_TRY(know_rights(batch, operation, err));
        CC_TRY(judge(batch, operation, err));
        if (!change_accepted(&operation->decided) && !operation->looked_up)
            CC_TRY(look_up(batch, operation, err));
    }
    drop_settled(batch);
    return CC_OK;
}

/* Appends what was decided; settles the prefix that is stored. */
static enum cc_code append_pending(struct batch *batch, size_t *out_stored, struct cc_error *err)
{
    struct message_store *store = batch->owner->store;
    size_t count = batch->pending_count;
    const struct change **rows = cc_arena_calloc(batch->arena, count + 1, sizeof *rows);

    *out_stored = 0;
    if (count == 0)
        return CC_OK;
    for (size_t i = 0; i < count; i++)
        rows[i] = &batch->pending[i]->decided;
    enum cc_code code = store->ops->append_changes(store, rows, count, out_stored, err);
    if (code != CC_OK && code != CC_CONFLICT)
        return code;
    for (size_t i = 0; i < *out_stored; i++)
        settle(batch->pending[i], &batch->pending[i]->decided, false);
    drop_settled(batch);
    return code;
}

/* Something of the rest was done before, or another owner wrote: look all of it up, and take the
 * log over again where operations are left. */
static enum cc_code resolve_conflict(struct batch *batch, size_t *out_found, struct cc_error *err)
{
    size_t before = batch->pending_count;

    cc_counter_add(batch->owner->rounds, 1);
    for (size_t i = 0; i < batch->pending_count; i++) {
        batch->pending[i]->chat->loaded = false;
        CC_TRY(look_up(batch, batch->pending[i], err));
    }
    for (size_t i = 0; i < batch->pending_count; i++) {
        struct owned_chat *chat = batch->pending[i]->chat;
        if (!chat->loaded)
            CC_TRY(load_chat(batch, chat, err));
    }
    if (batch->targets != NULL)
        targets_forget(batch->targets);
    drop_settled(batch);
    *out_found = before - batch->pending_count;
    return CC_OK;
}

static enum cc_code settle_all(struct batch *batch, struct cc_error *err)
{
    int idle_rounds = 0;

    while (batch->pending_count > 0) {
        size_t stored = 0, found = 0;
        CC_TRY(decide_pending(batch, err));
        enum cc_code code = append_pending(batch, &stored, err);
        if (code == CC_CONFLICT)
            code = resolve_conflict(batch, &found, err);
        if (code != CC_OK)
            return code;
        idle_rounds = stored + found > 0 ? 0 : idle_rounds + 1;
        if (idle_rounds == ROUNDS_WITHOUT_PROGRESS)
            return cc_fail_detail(err, CC_UNAVAILABLE, "the log moves under this owner");
    }
    return CC_OK;
}

/* The same op_id twice in a batch: the later record has the earlier one's outcome, and an answer
 * of its own. */
static void settle_repeats(struct batch *batch, struct operation *operations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct operation *operation = &operations[i];
        if (operation->first == NULL)
            continue;
        operation->rights = rights_ref(operation->first->rights);
        settle_found(batch, operation, operation->first->outcome);
    }
}

/* After settling */

static void see_what_is_owned(struct batch *batch, struct operation *operations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        operations[i].owned = batch->ports->still_owned(batch->ports->arg, &operations[i]);
}

/* What was found was materialised when its chat was taken over. An erasure comes last: it begins
 * when all that is to be erased is there. A deletion that is told again is planned again: until it
 * is erased itself, it says what it is. */
static enum cc_code materialise_new(struct batch *batch, struct operation *operations, size_t count,
                                    struct cc_error *err)
{
    const struct change **changes = cc_arena_calloc(batch->arena, count + 1, sizeof *changes);
    const struct change **all = cc_arena_calloc(batch->arena, count + 1, sizeof *all);
    size_t chosen = 0, accepted = 0;

    see_what_is_owned(batch, operations, count);
    for (size_t i = 0; i < count; i++) {
        const struct operation *operation = &operations[i];
        if (!operation->owned || operation->first != NULL || !change_accepted(operation->outcome))
            continue;
        all[accepted++] = operation->outcome;
        if (operation->outcome->rev > operation->chat->materialised_rev)
            changes[chosen++] = operation->outcome;
    }
    if (chosen > 0)
        CC_TRY(materialise(batch->owner, changes, chosen, err));
    return plan_erasures(batch->owner, all, accepted, err);
}

static enum cc_code announce_owned(struct batch *batch, struct operation *operations, size_t count,
                                   struct cc_error *err)
{
    struct operation **owned = cc_arena_calloc(batch->arena, count + 1, sizeof *owned);
    size_t chosen = 0;

    see_what_is_owned(batch, operations, count);
    for (size_t i = 0; i < count; i++)
        if (operations[i].owned)
            owned[chosen++] = &operations[i];
    if (chosen == 0)
        return CC_OK;
    return batch->ports->announce(batch->ports->arg, owned, chosen, batch->arena, err);
}

static void finish_chats(struct batch *batch)
{
    for (size_t i = 0; i < batch->chat_count; i++) {
        struct owned_chat *chat = batch->chats[i];
        chat->in_batch = false;
        chat->materialised_rev = chat->state.head.rev;
        owned_chat_remember_rights(chat);
        batch->ports->head_moved(batch->ports->arg, chat->partition, &chat->state.head);
    }
    owned_chats_forget_idle(batch->owner->chats);
}

/* Nothing that was believed about them counts any more: the next attempt reads the log. */
static void forget_chats(struct batch *batch)
{
    for (size_t i = 0; i < batch->chat_count; i++)
        owned_chats_forget(batch->owner->chats, batch->chats[i]);
}

static bool all_owned(const struct operation *operations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!operations[i].owned)
            return false;
    return true;
}

/* Links repeats, and makes the list of what is to be judged. */
static void line_up(struct batch *batch, struct operation *operations, size_t count)
{
    struct cc_hash_map *seen = cc_hash_map_create();

    for (size_t i = 0; i < count; i++) {
        struct operation *operation = &operations[i];
        struct operation *earlier = cc_hash_map_get(seen, operation->ask.op_id);
        if (earlier != NULL && strcmp(earlier->ask.chat_id, operation->ask.chat_id) == 0) {
            operation->first = earlier;
            continue;
        }
        cc_hash_map_put(seen, operation->ask.op_id, operation);
        batch->pending[batch->pending_count++] = operation;
    }
    cc_hash_map_destroy(seen);
}

static bool any_refers(const struct operation *operations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!operations[i].unreadable && decide_target_id(&operations[i].ask) != NULL)
            return true;
    return false;
}

static enum cc_code run_steps(struct batch *batch, struct operation *operations, size_t count,
                              struct cc_error *err)
{
    for (size_t i = 0; i < count; i++)
        CC_TRY(touch_chat(batch, &operations[i], err));
    CC_TRY(settle_all(batch, err));
    settle_repeats(batch, operations, count);
    CC_TRY(materialise_new(batch, operations, count, err));
    return announce_owned(batch, operations, count, err);
}

enum cc_code owner_apply(struct owner *owner, const struct owner_ports *ports,
                         struct operation *operations, size_t count, struct cc_arena *arena,
                         struct cc_error *err)
{
    struct batch batch = {
        .owner = owner,
        .ports = ports,
        .arena = arena,
        .pending = cc_arena_calloc(arena, count + 1, sizeof *batch.pending),
        .chats = cc_arena_calloc(arena, count + 1, sizeof *batch.chats),
    };

    line_up(&batch, operations, count);
    if (any_refers(operations, count))
        batch.targets = targets_create(owner->store, arena);
    enum cc_code code = run_steps(&batch, operations, count, err);
    if (code == CC_OK && all_owned(operations, count))
        finish_chats(&batch);
    else
        forget_chats(&batch);
    targets_destroy(batch.targets);
    for (size_t i = 0; i < count; i++) {
        rights_unref(operations[i].rights);
        operations[i].rights = NULL;
        operations[i].chat = NULL;
    }
    return code;
}
