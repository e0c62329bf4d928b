/* The head of a chat's log and its movement over changes. Pure functions, any thread (each state
 * one). Reads no store: owner.c and heads.c do. */

#include "domain/chat_state.h"

#include <string.h>

#include "common/alloc.h"

#define FIRST_CAPACITY 8

void chat_head_init(struct chat_head *head, const char *chat_id)
{
    *head = (struct chat_head){0};
    memcpy(head->chat_id, chat_id, strnlen(chat_id, CC_UUID_BYTES - 1));
}

void chat_head_finish(struct chat_head *head)
{
    cc_free(head->uncounted.seqs);
    head->uncounted = (struct uncounted){0};
}

void chat_head_copy(struct chat_head *to, const struct chat_head *from)
{
    struct uncounted copy = {0};

    for (size_t i = 0; i < from->uncounted.count; i++)
        uncounted_add(&copy, from->uncounted.seqs[i]);
    chat_head_finish(to);
    *to = *from;
    to->uncounted = copy;
}

static void make_room(struct uncounted *uncounted)
{
    if (uncounted->count == UNCOUNTED_MAX) {
        uncounted->count--;
        memmove(uncounted->seqs, uncounted->seqs + 1, uncounted->count * sizeof(int64_t));
    }
    if (uncounted->count < uncounted->capacity)
        return;
    uncounted->capacity = uncounted->capacity == 0 ? FIRST_CAPACITY : uncounted->capacity * 2;
    uncounted->seqs = cc_realloc(uncounted->seqs, uncounted->capacity * sizeof(int64_t));
}

void uncounted_add(struct uncounted *uncounted, int64_t seq)
{
    size_t at = uncounted->count;
    while (at > 0 && uncounted->seqs[at - 1] >= seq)
        at--;
    bool known = at < uncounted->count && uncounted->seqs[at] == seq;
    bool too_low = at == 0 && uncounted->count == UNCOUNTED_MAX;
    if (known || too_low)
        return;
    if (uncounted->count == UNCOUNTED_MAX)
        at--;
    make_room(uncounted);
    memmove(uncounted->seqs + at + 1, uncounted->seqs + at,
            (uncounted->count - at) * sizeof(int64_t));
    uncounted->seqs[at] = seq;
    uncounted->count++;
}

void chat_head_advance(struct chat_head *head, const struct change *change)
{
    bool system = change->op == CC_OP_SYSTEM;

    head->rev = change->rev;
    head->seq = change->head_seq;
    if (change->message.seq > 0 && (system || change->op == CC_OP_DELETE))
        uncounted_add(&head->uncounted, change->message.seq);
}

void chat_state_init(struct chat_state *state, const char *chat_id)
{
    chat_head_init(&state->head, chat_id);
    state->rights = NULL;
}

void chat_state_finish(struct chat_state *state)
{
    chat_head_finish(&state->head);
    chat_state_take_rights(state, NULL);
}

void chat_state_take_rights(struct chat_state *state, struct rights *rights)
{
    rights_unref(state->rights);
    state->rights = rights;
}

void chat_state_advance(struct chat_state *state, const struct change *change)
{
    bool first = state->head.rev == 0;

    chat_head_advance(&state->head, change);
    if (change->op != CC_OP_SYSTEM)
        return;
    bool founding = first && change_is_event(change, "chat_created");
    if (state->rights == NULL && !founding)
        return;
    if (change_is_event(change, "settings_changed")) {
        chat_state_take_rights(state, rights_after_settings(state->rights, change->member_version,
                                                            change->message.system_json));
        return;
    }
    bool deleted = change_is_event(change, "chat_deleted");
    chat_state_take_rights(state, rights_after(state->rights, change->member_version,
                                               change->members, change->member_count, deleted));
}
