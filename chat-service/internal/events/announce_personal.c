/* From a person's state of a chat to that person's devices. Runs on HTTP workers and on the
 * sweeper's thread; blocks. The state is its own outbox: what is stored and not yet announced is
 * told by the sweep. */

#include "common/log.h"
#include "events/announce.h"

/* Caller holds the chat's stripe. */
static enum cc_code tell(struct chat_announcer *announcer, const struct personal *personal,
                         struct cc_error *err)
{
    struct chat_outlet *outlet = announcer->outlet;

    CC_TRY(outlet->ops->publish_personal(outlet, personal, err));
    return announcer->personals->ops->mark_announced(announcer->personals, personal, err);
}

enum cc_code chat_announcer_commit_personal(struct chat_announcer *announcer,
                                            const struct personal *next, struct cc_error *err)
{
    pthread_mutex_t *stripe = chat_announcer_stripe(announcer, next->chat_id);
    struct cc_error later;

    pthread_mutex_lock(stripe);
    enum cc_code code = announcer->personals->ops->put(announcer->personals, next, err);
    if (code == CC_OK && tell(announcer, next, &later) != CC_OK)
        cc_log_error(CC_LOG_WARN, "a person's state of a chat is announced later", &later,
                     "chat_id", next->chat_id, NULL);
    pthread_mutex_unlock(stripe);
    return code;
}

/* As it is now: what the sweep read may be older by now. */
static enum cc_code tell_again(struct chat_announcer *announcer, const struct personal *seen,
                               struct cc_arena *arena, struct cc_error *err)
{
    pthread_mutex_t *stripe = chat_announcer_stripe(announcer, seen->chat_id);
    struct personal *now = NULL;

    pthread_mutex_lock(stripe);
    enum cc_code code = announcer->personals->ops->find(announcer->personals, seen->chat_id,
                                                        seen->user_id, arena, &now, err);
    if (code == CC_OK && now != NULL && !now->announced)
        code = tell(announcer, now, err);
    pthread_mutex_unlock(stripe);
    return code;
}

enum cc_code chat_announcer_sweep_personal(struct chat_announcer *announcer, int64_t older_than_ms,
                                           size_t *out_count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct personal_list pending = {0};
    enum cc_code code =
        announcer->personals->ops->list_unannounced(announcer->personals, arena, &pending, err);

    *out_count = 0;
    for (size_t i = 0; code == CC_OK && i < pending.count; i++) {
        if (pending.items[i].at_ms >= older_than_ms)
            continue;
        code = tell_again(announcer, &pending.items[i], arena, err);
        *out_count += code == CC_OK;
    }
    return code;
}
