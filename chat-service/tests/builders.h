#ifndef CHAT_TESTS_BUILDERS_H
#define CHAT_TESTS_BUILDERS_H

/* What tests of chat-service build: people, chats, changes. Everything lives in the given arena. */

#include <stdio.h>

#include "common/arena.h"
#include "domain/change.h"
#include "testing.h"

#define T0 FAKE_T0_MS

/* A new id; no two tests, and no two runs, share one. */
static inline const char *an_id(struct cc_arena *arena)
{
    char bytes[16], hex[65], *id = cc_arena_alloc(arena, CC_UUID_BYTES);

    cc_random_system()->fill(cc_random_system(), bytes, sizeof(bytes));
    cc_sha256_hex(bytes, sizeof(bytes), hex);
    snprintf(id, CC_UUID_BYTES, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15,
             hex + 18);
    return id;
}

static inline const char **some_ids(struct cc_arena *arena, size_t count)
{
    const char **ids = cc_arena_calloc(arena, count + 1, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = an_id(arena);
    return ids;
}

/* The founding of a group "Engines" by owner_id, with `count` others. */
static inline struct chat_change *a_group_of(struct cc_arena *arena, const char *owner_id,
                                             const char *const *others, size_t count)
{
    struct chat_founding founding = {.chat_id = an_id(arena),
                                     .type = CHAT_GROUP,
                                     .title = "Engines",
                                     .creator_id = owner_id,
                                     .other_ids = others,
                                     .other_count = count,
                                     .at_ms = T0};

    return change_found(arena, &founding);
}

/* People who never were in it. */
static inline struct chat_change *an_addition(struct cc_arena *arena, const struct chat *before,
                                              const char *const *ids, size_t count,
                                              int64_t joined_seq)
{
    struct chat_newcomer *newcomers = cc_arena_calloc(arena, count + 1, sizeof(*newcomers));

    for (size_t i = 0; i < count; i++)
        newcomers[i].user_id = ids[i];
    return change_add(arena, before, before->created_by, newcomers, count, joined_seq, T0 + 1);
}

static inline struct chat_change *a_rename(struct cc_arena *arena, const struct chat *before,
                                           const char *actor_id, const char *title, int64_t at_ms)
{
    const struct chat_edit edit = {.title = title};

    return change_edit(arena, before, actor_id, &edit, at_ms);
}

static inline struct chat_change *a_group(struct cc_arena *arena)
{
    return a_group_of(arena, an_id(arena), some_ids(arena, 2), 2);
}

#endif
