/* Signing keys in PostgreSQL (migrations/0003_signing_keys.sql); see key_store.h. Runs on the
 * callers' threads. */

#include "storage/key_store.h"

#include <stdio.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "storage/pg_number.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct pg_keys {
    struct key_store store; /* first: the interface points here */
    struct cc_pg_pool *pool;
};

static struct cc_pg_pool *pool_of(struct key_store *store)
{
    return ((struct pg_keys *)store)->pool;
}

/* Until the transaction ends, nobody else adds a key. */
static enum cc_code begin_alone(struct cc_pg *pg, struct cc_error *err)
{
    CC_TRY(cc_pg_begin(pg, err));
    return cc_pg_exec(pg, "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE", NULL, 0, NULL,
                      err);
}

static enum cc_code add_first(struct key_store *store, const struct stored_key *key,
                              struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    struct pg_number from = pg_number(key->signs_from_ms);
    const char *params[] = {key->kid, key->sealed, from.text};
    CC_TRY(cc_pg_borrow(pool_of(store), &pg, err));
    CC_TRY(begin_alone(pg, err));
    CC_TRY(cc_pg_exec(pg,
                      "INSERT INTO signing_keys (kid, sealed, signs_from_ms) SELECT $1, $2, $3 "
                      "WHERE NOT EXISTS (SELECT FROM signing_keys)",
                      params, COUNT(params), NULL, err));
    return cc_pg_commit(pg, err);
}

static enum cc_code rotate(struct key_store *store, const struct stored_key *key, int64_t now_ms,
                           int64_t others_until_ms, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    CC_AUTO(pg_result) PGresult *added = NULL;
    struct pg_number from = pg_number(key->signs_from_ms), now = pg_number(now_ms),
                     until = pg_number(others_until_ms), most = pg_number(KEYS_MAX);
    const char *now_param[] = {now.text}, *until_param[] = {until.text};
    const char *params[] = {key->kid, key->sealed, from.text, most.text};
    CC_TRY(cc_pg_borrow(pool_of(store), &pg, err));
    CC_TRY(begin_alone(pg, err));
    CC_TRY(cc_pg_exec(pg,
                      "UPDATE signing_keys SET verifies_until_ms = "
                      "least(coalesce(verifies_until_ms, $1::bigint), $1::bigint)",
                      until_param, 1, NULL, err));
    CC_TRY(cc_pg_exec(pg, "DELETE FROM signing_keys WHERE verifies_until_ms <= $1", now_param, 1,
                      NULL, err));
    CC_TRY(cc_pg_exec(pg,
                      "INSERT INTO signing_keys (kid, sealed, signs_from_ms) SELECT $1, $2, $3 "
                      "WHERE (SELECT count(*) FROM signing_keys) < $4 RETURNING kid",
                      params, COUNT(params), &added, err));
    return PQntuples(added) == 1 ? cc_pg_commit(pg, err) : key_store_refuse(err);
}

static enum cc_code list(struct key_store *store, int64_t now_ms, struct cc_arena *arena,
                         struct stored_key_list *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {now.text};
    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT kid, sealed, signs_from_ms, verifies_until_ms FROM signing_keys "
                       "WHERE verifies_until_ms IS NULL OR verifies_until_ms > $1 "
                       "ORDER BY signs_from_ms DESC, kid",
                       params, COUNT(params), &result, err));
    size_t count = (size_t)PQntuples(result);
    struct stored_key *items = cc_arena_calloc(arena, count, sizeof *items);
    for (int i = 0; i < (int)count; i++) {
        (void)snprintf(items[i].kid, KEY_ID_BYTES, "%s", cc_pg_text(result, i, "kid"));
        items[i].sealed = cc_arena_strdup(arena, cc_pg_text(result, i, "sealed"));
        items[i].signs_from_ms = cc_pg_int(result, i, "signs_from_ms");
        items[i].verifies_until_ms = cc_pg_int(result, i, "verifies_until_ms");
    }
    *out = (struct stored_key_list){items, count};
    return CC_OK;
}

static void destroy(struct key_store *store)
{
    cc_free(store);
}

static const struct key_store_ops ops = {
    .add_first = add_first, .rotate = rotate, .list = list, .destroy = destroy};

struct key_store *key_store_pg_create(struct cc_pg_pool *pool)
{
    struct pg_keys *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    self->pool = pool;
    return &self->store;
}
