/* The send queue of one connection. Runs on the loop thread. It does not write to sockets. */

#include "ws/outbox.h"

#include "common/alloc.h"

struct ws_outbox_entry {
    struct ws_outbox_entry *next;
    struct ws_buffer *buffer;
    enum ws_weight weight;
};

static bool fits(const struct ws_outbox *outbox, const struct ws_outbox_limits *limits,
                 const struct ws_buffer *buffer)
{
    return outbox->frames < limits->frames && outbox->bytes + buffer->count <= limits->bytes;
}

static void unlink_after(struct ws_outbox *outbox, struct ws_outbox_entry *before,
                         struct ws_outbox_entry *entry)
{
    if (before == NULL)
        outbox->first = entry->next;
    else
        before->next = entry->next;
    if (outbox->last == entry)
        outbox->last = before;
    outbox->frames--;
    outbox->bytes -= entry->buffer->count;
}

static void drop_what_may_be(struct ws_outbox *outbox)
{
    struct ws_outbox_entry *before = NULL, *next;

    for (struct ws_outbox_entry *entry = outbox->first; entry != NULL; entry = next) {
        next = entry->next;
        if (entry->weight != WS_MAY_BE_DROPPED) {
            before = entry;
            continue;
        }
        unlink_after(outbox, before, entry);
        ws_buffer_unref(entry->buffer);
        cc_free(entry);
    }
}

enum ws_outbox_result ws_outbox_push(struct ws_outbox *outbox,
                                     const struct ws_outbox_limits *limits,
                                     struct ws_buffer *buffer, enum ws_weight weight)
{
    struct ws_outbox_entry *entry;

    if (weight == WS_MAY_BE_DROPPED && outbox->frames >= limits->frames / 2)
        return WS_OUTBOX_DROPPED;
    if (!fits(outbox, limits, buffer))
        drop_what_may_be(outbox);
    if (!fits(outbox, limits, buffer))
        return weight == WS_MAY_BE_DROPPED ? WS_OUTBOX_DROPPED : WS_OUTBOX_FULL;
    entry = cc_alloc(sizeof *entry);
    *entry = (struct ws_outbox_entry){.buffer = ws_buffer_ref(buffer), .weight = weight};
    if (outbox->last == NULL)
        outbox->first = entry;
    else
        outbox->last->next = entry;
    outbox->last = entry;
    outbox->frames++;
    outbox->bytes += buffer->count;
    return WS_OUTBOX_TAKEN;
}

struct ws_buffer *ws_outbox_pop(struct ws_outbox *outbox)
{
    struct ws_outbox_entry *entry = outbox->first;
    struct ws_buffer *buffer;

    if (entry == NULL)
        return NULL;
    unlink_after(outbox, NULL, entry);
    buffer = entry->buffer;
    cc_free(entry);
    return buffer;
}

void ws_outbox_join(struct ws_outbox *to, struct ws_outbox *from)
{
    if (from->first == NULL)
        return;
    if (to->last == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    to->frames += from->frames;
    to->bytes += from->bytes;
    *from = (struct ws_outbox){0};
}

void ws_outbox_clear(struct ws_outbox *outbox)
{
    for (struct ws_buffer *buffer; (buffer = ws_outbox_pop(outbox)) != NULL;)
        ws_buffer_unref(buffer);
}
