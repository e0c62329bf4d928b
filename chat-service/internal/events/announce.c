/* The order in which a change becomes known. Runs on HTTP workers and on the sweeper's thread;
 * blocks. Does not decide whether a change is allowed. */

#include "events/announce.h"

#include <string.h>

#include "common/log.h"
#include "common/metrics.h"
#include "member_cache.h"

/* Of a deletion, for removing all who were in the chat: those of a very large one in several goes.
 */
#define END_BUDGET_MS 2000
#define NOTED_AT_ONCE 500

void chat_announcer_init(struct chat_announcer *announcer, struct chat_store *store,
                         struct personal_store *personals, struct chat_outlet *outlet)
{
    announcer->store = store;
    announcer->personals = personals;
    announcer->outlet = outlet;
    for (size_t i = 0; i < CHAT_STRIPES; i++)
        pthread_mutex_init(&announcer->stripes[i], NULL);
}

void chat_announcer_finish(struct chat_announcer *announcer)
{
    for (size_t i = 0; i < CHAT_STRIPES; i++)
        pthread_mutex_destroy(&announcer->stripes[i]);
}

pthread_mutex_t *chat_announcer_stripe(struct chat_announcer *announcer, const char *chat_id)
{
    size_t hash = 5381;

    for (const char *at = chat_id; *at != '\0'; at++)
        hash = hash * 33 + (unsigned char)*at;
    return &announcer->stripes[hash % CHAT_STRIPES];
}

/* The chat as it is now and, unless it is very large, everybody who is or was in it. */
static enum cc_code load(struct chat_announcer *announcer, const struct chat_change *change,
                         struct cc_arena *arena, struct chat_announcement *out,
                         struct cc_error *err)
{
    struct chat_store *store = announcer->store;
    struct chat_member_list *members = CC_ARENA_NEW(arena, struct chat_member_list);
    struct chat_member_query everybody = {.filter = CHAT_MEMBERS_EVER,
                                          .limit = CHAT_RIGHTS_CACHED_MAX};
    struct chat *chat = NULL;

    CC_TRY(store->ops->find_chat(store, change->after.chat_id, arena, &chat, err));
    *out = (struct chat_announcement){.change = change, .chat = chat};
    if (chat->place_count > CHAT_RIGHTS_CACHED_MAX)
        return CC_OK;
    everybody.chat = chat;
    out->members = members;
    return store->ops->list_members(store, &everybody, arena, members, err);
}

static enum cc_code note_members(struct chat_announcer *announcer, const struct chat_change *change,
                                 struct cc_error *err)
{
    struct chat_outlet *outlet = announcer->outlet;

    return outlet->ops->note_members(outlet, change->members, change->member_count, err);
}

/* For what is announced later: visible in the store at once, and where lists are read from as far
 * as that goes. Announcing does it with the rights, until it is done. */
static enum cc_code materialise(struct chat_announcer *announcer, const struct chat_change *change,
                                struct cc_error *err)
{
    struct cc_error later;

    CC_TRY(announcer->store->ops->materialise(announcer->store, change, err));
    if (note_members(announcer, change, &later) != CC_OK)
        cc_log_error(CC_LOG_DEBUG, "lists of chats hear of a change later", &later, "chat_id",
                     change->after.chat_id, NULL);
    return CC_OK;
}

/* What anybody holds of the rights, and of their own chats. */
static enum cc_code raise_rights(struct chat_announcer *announcer,
                                 const struct chat_announcement *announcement, struct cc_error *err)
{
    struct chat_outlet *outlet = announcer->outlet;

    CC_TRY(note_members(announcer, announcement->change, err));
    return outlet->ops->raise_rights(outlet, announcement, err);
}

/* For the end of a membership the rights change last: the timeline must hold the change first, so
 * that nothing that is shown after it was accepted by its rules. */
static enum cc_code tell(struct chat_announcer *announcer,
                         const struct chat_announcement *announcement, enum chat_reach *out_reach,
                         struct cc_error *err)
{
    struct chat_outlet *outlet = announcer->outlet;
    bool ending = change_ends_memberships(announcement->change);

    if (!ending)
        CC_TRY(raise_rights(announcer, announcement, err));
    CC_TRY(outlet->ops->publish(outlet, announcement, err));
    if (!ending)
        return CC_OK;
    if (outlet->ops->await_persisted(outlet, announcement->change, err) != CC_OK)
        *out_reach = CHAT_REACH_LATER; /* Kafka has it: it will be, and needs no second telling */
    return raise_rights(announcer, announcement, err);
}

static enum cc_code note_everybody(struct chat_announcer *announcer, const struct chat *chat,
                                   struct cc_error *err)
{
    struct chat_store *store = announcer->store;
    struct chat_outlet *outlet = announcer->outlet;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct chat_member_query query = {
        .chat = chat, .filter = CHAT_MEMBERS_EVER, .limit = NOTED_AT_ONCE};
    struct chat_member_list members = {0};

    do {
        cc_arena_reset(arena);
        CC_TRY(store->ops->list_members(store, &query, arena, &members, err));
        CC_TRY(outlet->ops->note_members(outlet, members.items, members.count, err));
        if (members.count > 0)
            query.from_place = members.items[members.count - 1].place + 1;
    } while (members.count == NOTED_AT_ONCE);
    return CC_OK;
}

static enum cc_code end_chat(struct chat_announcer *announcer, const struct chat *chat,
                             struct cc_error *err)
{
    struct chat_store *store = announcer->store;

    CC_TRY(store->ops->end_members(store, chat, END_BUDGET_MS, err));
    CC_TRY(note_everybody(announcer, chat, err));
    return store->ops->erase(store, chat->chat_id, err);
}

static enum cc_code announce(struct chat_announcer *announcer, const struct chat_change *change,
                             enum chat_reach *out_reach, struct cc_error *err)
{
    struct chat_store *store = announcer->store;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct chat_announcement announcement;
    enum cc_code code = store->ops->materialise(store, change, err);

    if (code == CC_OK)
        code = load(announcer, change, arena, &announcement, err);
    if (code == CC_OK)
        code = tell(announcer, &announcement, out_reach, err);
    if (code == CC_OK && change->after.deleted)
        code = end_chat(announcer, &change->after, err);
    if (code == CC_OK)
        code = store->ops->mark_announced(store, change, err);
    if (code == CC_OK)
        cc_counter_add(cc_counter_get("chat_changes_announced_total", "Changes told to everybody.",
                                      "kind", change_kind_names[change->kind], NULL),
                       1);
    return code;
}

/* Caller holds the chat's stripe. */
static enum cc_code announce_pending(struct chat_announcer *announcer, const char *chat_id,
                                     size_t *out_count, enum chat_reach *out_reach,
                                     struct cc_error *err)
{
    struct chat_store *store = announcer->store;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct chat_change_list pending = {0};
    enum cc_code code = store->ops->list_unannounced(store, chat_id, arena, &pending, err);

    for (size_t i = 0; i < pending.count && code == CC_OK; i++) {
        *out_reach = CHAT_REACH_ALL; /* of the last one: that is the caller's */
        code = announce(announcer, pending.items[i], out_reach, err);
        if (code == CC_OK)
            ++*out_count;
    }
    return code;
}

/* Caller holds the chat's stripe; the change is appended. Announcing materialises it; when that
 * does not get far enough (an earlier change is in the way), it must be visible at least. */
static enum cc_code carry_out(struct chat_announcer *announcer, const struct chat_change *change,
                              enum chat_reach *out_reach, struct cc_error *err)
{
    struct cc_error later;
    size_t count = 0;

    *out_reach = CHAT_REACH_ALL;
    if (announce_pending(announcer, change->after.chat_id, &count, out_reach, &later) == CC_OK)
        return CC_OK;
    CC_TRY(materialise(announcer, change, err));
    cc_log_error(CC_LOG_WARN, "a change is announced later", &later, "chat_id",
                 change->after.chat_id, NULL);
    *out_reach = CHAT_REACH_LATER;
    return CC_OK;
}

enum cc_code chat_announcer_commit(struct chat_announcer *announcer,
                                   const struct chat_change *change, enum chat_reach *out_reach,
                                   struct cc_error *err)
{
    struct chat_store *store = announcer->store;
    pthread_mutex_t *stripe = chat_announcer_stripe(announcer, change->after.chat_id);

    pthread_mutex_lock(stripe);
    enum cc_code code = store->ops->append(store, change, err);
    if (code == CC_OK)
        code = carry_out(announcer, change, out_reach, err);
    pthread_mutex_unlock(stripe);
    return code;
}

static enum cc_code announce_chat(struct chat_announcer *announcer, const char *chat_id,
                                  size_t *out_count, struct cc_error *err)
{
    pthread_mutex_t *stripe = chat_announcer_stripe(announcer, chat_id);
    enum chat_reach reach = CHAT_REACH_ALL;

    pthread_mutex_lock(stripe);
    enum cc_code code = announce_pending(announcer, chat_id, out_count, &reach, err);
    pthread_mutex_unlock(stripe);
    return code;
}

enum cc_code chat_announcer_catch_up(struct chat_announcer *announcer, const char *chat_id,
                                     int64_t version, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct chat_store *store = announcer->store;
    struct chat_change *change = NULL;
    size_t count = 0;

    CC_TRY(store->ops->find_change(store, chat_id, version, arena, &change, err));
    CC_TRY(materialise(announcer, change, err));
    return announce_chat(announcer, chat_id, &count, err);
}

enum cc_code chat_announcer_commit_or_catch_up(struct chat_announcer *announcer,
                                               const struct chat_change *change,
                                               bool *out_committed, enum chat_reach *out_reach,
                                               struct cc_error *err)
{
    enum cc_code code = chat_announcer_commit(announcer, change, out_reach, err);

    *out_committed = code == CC_OK;
    if (code != CC_CONFLICT)
        return code;
    return chat_announcer_catch_up(announcer, change->after.chat_id, change->after.version, err);
}

enum cc_code chat_announcer_sweep(struct chat_announcer *announcer, int64_t older_than_ms,
                                  size_t *out_count, struct cc_error *err)
{
    struct chat_store *store = announcer->store;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct chat_change_list pending = {0};
    enum cc_code code = store->ops->list_unannounced(store, NULL, arena, &pending, err);
    const char *done = "";

    *out_count = 0;
    for (size_t i = 0; code != CC_UNAVAILABLE && i < pending.count; i++) {
        const struct chat_change *change = pending.items[i];

        if (change->at_ms >= older_than_ms || strcmp(change->after.chat_id, done) == 0)
            continue;
        done = change->after.chat_id;
        code = announce_chat(announcer, done, out_count, err);
    }
    return code;
}
