/* Altering a message: the next version, the tombstone, reactions, the pin. Pure functions, any
 * thread. Judges nothing: decide.c does. */

#include "domain/alter.h"

#include "domain/reactions.h"

/* Body and mentions are said anew; what else the message has stays. */
void alter_edit(const struct question *q, struct change *out)
{
    const struct ev_message_created *ask = q->ask;

    out->message.body = ask->body;
    out->message.mentions = ask->mentions;
    out->message.mention_count = ask->mention_count;
    out->message.mention_all = ask->mention_all;
    out->message.edited_at_ms = ask->received_at_ms;
    out->message.version++;
}

void alter_delete(const struct question *q, struct change *out)
{
    out->message = cc_message_tombstone(q->context->target.message);
    out->message.rev = out->rev;
}

/* True when the operation makes a difference. */
static bool count_reaction(const struct question *q, struct reaction_counts *out, bool *out_fits)
{
    *out_fits = true;
    reactions_read(q->context->target.message->reactions_json, q->context->arena, out);
    if (q->context->target.reacted == q->ask->on)
        return false;
    *out_fits = reactions_change(out, q->ask->emoji, q->ask->on);
    return true;
}

bool alter_has_room_for_reaction(const struct question *q)
{
    struct reaction_counts counts;
    bool fits;

    (void)count_reaction(q, &counts, &fits);
    return fits;
}

void alter_react(const struct question *q, struct change *out)
{
    struct reaction_counts counts;
    bool fits;

    out->reaction = (struct cc_reaction){q->ask->sender_id, q->ask->emoji, q->ask->on};
    if (count_reaction(q, &counts, &fits))
        out->message.reactions_json = reactions_write(&counts, false, q->context->arena);
}

void alter_pin(const struct question *q, struct change *out)
{
    out->message.pinned = q->ask->on;
}
