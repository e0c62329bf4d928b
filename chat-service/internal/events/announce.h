#ifndef CHAT_EVENTS_ANNOUNCE_H
#define CHAT_EVENTS_ANNOUNCE_H

/*
 * From a change in the log to everybody who must know, in the order of versions: materialise,
 * rights, events, and only then `announced`. A crash anywhere in between leaves the change
 * unannounced, and whoever touches the chat next, or the sweep, does the whole of it again; every
 * step may be repeated. Thread-safe: one thread at a time works on a chat (within this process;
 * between processes the guards of the store hold).
 * Source: docs/contracts.md "Making a chat".
 */

#include <pthread.h>

#include "events/outlet.h"
#include "storage/chat_store.h"
#include "storage/personal_store.h"

#define CHAT_STRIPES 64

struct chat_announcer {
    struct chat_store *store;         /* borrowed */
    struct personal_store *personals; /* borrowed */
    struct chat_outlet *outlet;       /* borrowed */
    pthread_mutex_t stripes[CHAT_STRIPES];
};
void chat_announcer_init(struct chat_announcer *announcer, struct chat_store *store,
                         struct personal_store *personals, struct chat_outlet *outlet);
void chat_announcer_finish(struct chat_announcer *announcer);
/* Whoever works on a chat holds this. */
pthread_mutex_t *chat_announcer_stripe(struct chat_announcer *announcer, const char *chat_id);

enum chat_reach {
    CHAT_REACH_ALL,   /* announced; for the end of a membership also persisted */
    CHAT_REACH_LATER, /* it has happened, but not everybody has been told yet */
};
/* Appends the change and announces it, after everything of that chat that waits. Once it is
 * appended and materialised it has happened: what goes wrong after that is logged, and the sweep's.
 * Errors: CC_CONFLICT the chat has this version already: look again and decide again. */
CC_MUST_CHECK enum cc_code chat_announcer_commit(struct chat_announcer *announcer,
                                                 const struct chat_change *change,
                                                 enum chat_reach *out_reach, struct cc_error *err);
/* Somebody else appended this version: makes it visible here, and announces what waits. */
CC_MUST_CHECK enum cc_code chat_announcer_catch_up(struct chat_announcer *announcer,
                                                   const char *chat_id, int64_t version,
                                                   struct cc_error *err);
/* The one, or the other when the chat has this version already: then out_committed is false, and it
 * is to be decided again. */
CC_MUST_CHECK enum cc_code chat_announcer_commit_or_catch_up(struct chat_announcer *announcer,
                                                             const struct chat_change *change,
                                                             bool *out_committed,
                                                             enum chat_reach *out_reach,
                                                             struct cc_error *err);
/* Announces what waits and is older than this moment (younger ones are somebody's running work),
 * of all chats. One chat's failure does not keep the others waiting. Returns how many changes are
 * announced now. */
CC_MUST_CHECK enum cc_code chat_announcer_sweep(struct chat_announcer *announcer,
                                                int64_t older_than_ms, size_t *out_count,
                                                struct cc_error *err);

/* Stores a person's next state of a chat and tells that person's devices. Once it is stored it has
 * happened: what goes wrong after that is logged, and the sweep's. Errors: CC_CONFLICT another
 * version is there: look again. */
CC_MUST_CHECK enum cc_code chat_announcer_commit_personal(struct chat_announcer *announcer,
                                                          const struct personal *next,
                                                          struct cc_error *err);
/* As chat_announcer_sweep, for states. */
CC_MUST_CHECK enum cc_code chat_announcer_sweep_personal(struct chat_announcer *announcer,
                                                         int64_t older_than_ms, size_t *out_count,
                                                         struct cc_error *err);

#endif
