#ifndef STORAGE_OUTBOX_STORE_H
#define STORAGE_OUTBOX_STORE_H

/*
 * What still has to leave the service: mails and events, written before or with the
 * fact they tell of, so that a mail server or broker that is away loses nothing. A claim lends rows
 * for a while (other replicas skip them); rows that are not finished by then come again: delivery
 * is at least once. Implementations: outbox_store_pg.c, outbox_store_memory.c; one contract suite.
 * Errors as in account_store.h. Thread-safe; may block up to 2 s.
 */

#include <stdbool.h>

#include "common/arena.h"
#include "common/error.h"
#include "domain/session.h"

/* What other services must hear. */
struct outbox_event {
    const char *topic;             /* session.revoked, or user.updated: the account is deleted */
    char event_key[CC_UUID_BYTES]; /* the session's id, or the deletion's: an event has one */
    char user_id[CC_UUID_BYTES];
    const char *reason;      /* of session.revoked, else "" */
    int64_t at_ms, until_ms; /* until_ms: of session.revoked */
};
struct outbox_mail {
    const char *mail_id; /* UUID: becomes the Message-ID, so that a repeat is recognised */
    const char *recipient, *subject, *text, *html;
    int64_t created_at_ms;
    int64_t expires_at_ms; /* not worth sending after that; 0 = never */
    int tries;             /* failed ones */
};
struct outbox_mail_list { /* in an arena */
    const struct outbox_mail *items;
    size_t count;
};
struct outbox_claim {
    int64_t now_ms;
    int64_t lease_ms; /* the rows are ours for so long */
    int limit;
};

struct outbox_store;
struct outbox_store_ops {
    enum cc_code (*add_mail)(struct outbox_store *, const struct outbox_mail *, struct cc_error *);
    enum cc_code (*claim_mails)(struct outbox_store *, const struct outbox_claim *,
                                struct cc_arena *, struct outbox_mail_list *out, struct cc_error *);
    enum cc_code (*finish_mail)(struct outbox_store *, const char *mail_id, struct cc_error *);
    enum cc_code (*delay_mail)(struct outbox_store *, const char *mail_id, int64_t next_try_ms,
                               struct cc_error *);
    enum cc_code (*claim_events)(struct outbox_store *, const struct outbox_claim *,
                                 struct cc_arena *, const struct outbox_event **out,
                                 size_t *out_count, struct cc_error *);
    enum cc_code (*finish_event)(struct outbox_store *, const char *event_key, struct cc_error *);
    enum cc_code (*count)(struct outbox_store *, int64_t *out_mails, int64_t *out_events,
                          struct cc_error *);
    void (*destroy)(struct outbox_store *);
};
struct outbox_store {
    const struct outbox_store_ops *ops;
};

CC_MUST_CHECK static inline enum cc_code
outbox_add_mail(struct outbox_store *store, const struct outbox_mail *mail, struct cc_error *err)
{
    return store->ops->add_mail(store, mail, err);
}
/* Oldest first. */
CC_MUST_CHECK static inline enum cc_code
outbox_claim_mails(struct outbox_store *store, const struct outbox_claim *claim,
                   struct cc_arena *arena, struct outbox_mail_list *out, struct cc_error *err)
{
    return store->ops->claim_mails(store, claim, arena, out, err);
}
CC_MUST_CHECK static inline enum cc_code
outbox_finish_mail(struct outbox_store *store, const char *mail_id, struct cc_error *err)
{
    return store->ops->finish_mail(store, mail_id, err);
}
/* Counts a failed try; the mail can be claimed again from next_try_ms on. */
CC_MUST_CHECK static inline enum cc_code outbox_delay_mail(struct outbox_store *store,
                                                           const char *mail_id, int64_t next_try_ms,
                                                           struct cc_error *err)
{
    return store->ops->delay_mail(store, mail_id, next_try_ms, err);
}
/* Oldest first; `topic` and `reason` live in the arena. */
CC_MUST_CHECK static inline enum cc_code
outbox_claim_events(struct outbox_store *store, const struct outbox_claim *claim,
                    struct cc_arena *arena, const struct outbox_event **out, size_t *out_count,
                    struct cc_error *err)
{
    return store->ops->claim_events(store, claim, arena, out, out_count, err);
}
CC_MUST_CHECK static inline enum cc_code
outbox_finish_event(struct outbox_store *store, const char *event_key, struct cc_error *err)
{
    return store->ops->finish_event(store, event_key, err);
}
/* How many wait, claimed or not. */
CC_MUST_CHECK static inline enum cc_code outbox_count(struct outbox_store *store,
                                                      int64_t *out_mails, int64_t *out_events,
                                                      struct cc_error *err)
{
    return store->ops->count(store, out_mails, out_events, err);
}
static inline void outbox_store_destroy(struct outbox_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

struct cc_pg_pool;
struct outbox_store *outbox_store_pg_create(struct cc_pg_pool *pool); /* borrows the pool */
struct outbox_store *outbox_store_memory_create(void);
/* For account_store_memory.c. */
void outbox_store_memory_add_event(struct outbox_store *store, const struct outbox_event *event);
bool outbox_store_memory_has_event(struct outbox_store *store, const char *event_key);

#endif
