/* Read positions that follow from operations. Pure functions, any thread. A replay gives the same
 * marks, which then move nothing. */

#include "events/read_marks.h"

#include <string.h>

#include "common/hash_map.h"

struct collector {
    struct read_marks marks;
    struct cc_hash_map *by_person; /* "<chat>/<user>" to struct read_mark */
    struct cc_arena *arena;
};

static void add_mark(struct collector *collector, const struct read_mark *mark)
{
    const char *key = cc_arena_printf(collector->arena, "%s/%s", mark->chat_id, mark->user_id);
    struct read_mark *there = cc_hash_map_get(collector->by_person, key);

    if (there == NULL) {
        there = &collector->marks.items[collector->marks.count++];
        *there = *mark;
        cc_hash_map_put(collector->by_person, key, there);
        return;
    }
    if (there->read_seq < mark->read_seq) {
        there->read_seq = mark->read_seq;
        there->at_ms = mark->at_ms;
        there->device_id = mark->device_id;
    }
    if (there->from_seq < mark->from_seq)
        there->from_seq = mark->from_seq;
}

static void add_sender(struct collector *collector, const struct operation *operation)
{
    const struct change *outcome = operation->outcome;
    struct read_mark mark = {
        .chat_id = outcome->chat_id,
        .user_id = outcome->sender_id,
        .device_id = operation->ask.device_id,
        .read_seq = outcome->message.seq,
        .from_seq = -1,
        .at_ms = outcome->message.created_at_ms,
    };
    add_mark(collector, &mark);
}

static void add_joiners(struct collector *collector, const struct operation *operation)
{
    const struct change *outcome = operation->outcome;

    for (size_t i = 0; i < outcome->member_count; i++) {
        struct read_mark mark = {
            .chat_id = outcome->chat_id,
            .user_id = outcome->members[i].user_id,
            .device_id = "",
            .read_seq = outcome->head_seq,
            .from_seq = outcome->head_seq,
            .at_ms = outcome->message.created_at_ms,
        };
        if (strcmp(outcome->members[i].state, "active") == 0)
            add_mark(collector, &mark);
    }
}

/* At most this many marks come of the operations. */
static size_t count_marks(struct operation *const *operations, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += 1 + operations[i]->outcome->member_count;
    return most;
}

struct read_marks read_marks_of(struct operation *const *operations, size_t count,
                                struct cc_arena *arena)
{
    struct collector collector = {
        .marks.items =
            cc_arena_calloc(arena, count_marks(operations, count) + 1, sizeof(struct read_mark)),
        .by_person = cc_hash_map_create(),
        .arena = arena,
    };

    for (size_t i = 0; i < count; i++) {
        const struct change *outcome = operations[i]->outcome;
        if (!change_accepted(outcome))
            continue;
        if (outcome->op == CC_OP_CREATE)
            add_sender(&collector, operations[i]);
        else if (outcome->op == CC_OP_SYSTEM && change_is_event(outcome, "member_added"))
            add_joiners(&collector, operations[i]);
    }
    cc_hash_map_destroy(collector.by_person);
    return collector.marks;
}
