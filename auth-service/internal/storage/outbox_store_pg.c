/*
 * Outboxes in PostgreSQL (migrations/0001_accounts.sql); see outbox_store.h. Runs on the callers'
 * threads. A claim moves next_try_ms forward, under FOR UPDATE SKIP LOCKED, and holds no lock after
 * that: sending takes seconds.
 */

#include <stdio.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "storage/outbox_store.h"
#include "storage/pg_mail.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct pg_outbox {
    struct outbox_store store; /* first: the interface points here */
    struct cc_pg_pool *pool;
};

static struct cc_pg_pool *pool_of(struct outbox_store *store)
{
    return ((struct pg_outbox *)store)->pool;
}

static enum cc_code add_mail(struct outbox_store *store, const struct outbox_mail *mail,
                             struct cc_error *err)
{
    struct pg_mail row;
    pg_mail_init(&row, mail);
    return cc_pg_query(pool_of(store), PG_MAIL_INSERT, row.params, COUNT(row.params), NULL, err);
}

static enum cc_code claim(struct outbox_store *store, const char *sql,
                          const struct outbox_claim *claim, PGresult **out, struct cc_error *err)
{
    struct pg_number now = pg_number(claim->now_ms),
                     until = pg_number(claim->now_ms + claim->lease_ms),
                     limit = pg_number(claim->limit);
    const char *params[] = {now.text, until.text, limit.text};
    return cc_pg_query(pool_of(store), sql, params, COUNT(params), out, err);
}

static enum cc_code claim_mails(struct outbox_store *store, const struct outbox_claim *wanted,
                                struct cc_arena *arena, struct outbox_mail_list *out,
                                struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(claim(store,
                 "WITH due AS (SELECT mail_id FROM mail_outbox WHERE next_try_ms <= $1 "
                 "ORDER BY created_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED), "
                 "mine AS (UPDATE mail_outbox m SET next_try_ms = $2 FROM due "
                 "WHERE m.mail_id = due.mail_id RETURNING m.*) "
                 "SELECT * FROM mine ORDER BY created_at_ms",
                 wanted, &result, err));
    size_t count = (size_t)PQntuples(result);
    struct outbox_mail *items = cc_arena_calloc(arena, count, sizeof *items);
    for (int i = 0; i < (int)count; i++)
        items[i] = (struct outbox_mail){
            .mail_id = cc_arena_strdup(arena, cc_pg_text(result, i, "mail_id")),
            .recipient = cc_arena_strdup(arena, cc_pg_text(result, i, "recipient")),
            .subject = cc_arena_strdup(arena, cc_pg_text(result, i, "subject")),
            .text = cc_arena_strdup(arena, cc_pg_text(result, i, "text_body")),
            .html = cc_arena_strdup(arena, cc_pg_text(result, i, "html_body")),
            .created_at_ms = cc_pg_int(result, i, "created_at_ms"),
            .expires_at_ms = cc_pg_int(result, i, "expires_at_ms"),
            .tries = (int)cc_pg_int(result, i, "tries"),
        };
    *out = (struct outbox_mail_list){items, count};
    return CC_OK;
}

static enum cc_code finish_mail(struct outbox_store *store, const char *mail_id,
                                struct cc_error *err)
{
    return cc_pg_query(pool_of(store), "DELETE FROM mail_outbox WHERE mail_id = $1", &mail_id, 1,
                       NULL, err);
}

static enum cc_code delay_mail(struct outbox_store *store, const char *mail_id, int64_t next_try_ms,
                               struct cc_error *err)
{
    struct pg_number next = pg_number(next_try_ms);
    const char *params[] = {mail_id, next.text};
    return cc_pg_query(pool_of(store),
                       "UPDATE mail_outbox SET next_try_ms = $2, tries = tries + 1 "
                       "WHERE mail_id = $1",
                       params, COUNT(params), NULL, err);
}

static enum cc_code claim_events(struct outbox_store *store, const struct outbox_claim *wanted,
                                 struct cc_arena *arena, const struct outbox_event **out,
                                 size_t *out_count, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(claim(store,
                 "WITH due AS (SELECT session_id FROM event_outbox WHERE next_try_ms <= $1 "
                 "ORDER BY at_ms LIMIT $3 FOR UPDATE SKIP LOCKED), "
                 "mine AS (UPDATE event_outbox e SET next_try_ms = $2 FROM due "
                 "WHERE e.session_id = due.session_id RETURNING e.*) "
                 "SELECT * FROM mine ORDER BY at_ms",
                 wanted, &result, err));
    size_t count = (size_t)PQntuples(result);
    struct outbox_event *items = cc_arena_calloc(arena, count, sizeof *items);
    for (int i = 0; i < (int)count; i++) {
        items[i].topic = cc_arena_strdup(arena, cc_pg_text(result, i, "topic"));
        items[i].reason = cc_arena_strdup(arena, cc_pg_text(result, i, "reason"));
        items[i].at_ms = cc_pg_int(result, i, "at_ms");
        items[i].until_ms = cc_pg_int(result, i, "until_ms");
        (void)snprintf(items[i].event_key, CC_UUID_BYTES, "%s",
                       cc_pg_text(result, i, "session_id"));
        (void)snprintf(items[i].user_id, CC_UUID_BYTES, "%s", cc_pg_text(result, i, "user_id"));
    }
    *out = items;
    *out_count = count;
    return CC_OK;
}

static enum cc_code finish_event(struct outbox_store *store, const char *event_key,
                                 struct cc_error *err)
{
    return cc_pg_query(pool_of(store), "DELETE FROM event_outbox WHERE session_id = $1", &event_key,
                       1, NULL, err);
}

static enum cc_code count(struct outbox_store *store, int64_t *out_mails, int64_t *out_events,
                          struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT (SELECT count(*) FROM mail_outbox) AS mails, "
                       "(SELECT count(*) FROM event_outbox) AS events",
                       NULL, 0, &result, err));
    *out_mails = cc_pg_int(result, 0, "mails");
    *out_events = cc_pg_int(result, 0, "events");
    return CC_OK;
}

static void destroy(struct outbox_store *store)
{
    cc_free(store);
}

static const struct outbox_store_ops ops = {
    .add_mail = add_mail,
    .claim_mails = claim_mails,
    .finish_mail = finish_mail,
    .delay_mail = delay_mail,
    .claim_events = claim_events,
    .finish_event = finish_event,
    .count = count,
    .destroy = destroy,
};

struct outbox_store *outbox_store_pg_create(struct cc_pg_pool *pool)
{
    struct pg_outbox *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    self->pool = pool;
    return &self->store;
}
