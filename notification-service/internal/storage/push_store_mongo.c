/* Push in MongoDB: collections push_tokens and delivery_log. Any thread: each call borrows a
 * client. Every filter is an equality on _id, user_id, session_id or token. Relies on the
 * uniqueness of _id and nothing else. */

#include <inttypes.h>
#include <stdio.h>

#include "common/alloc.h"
#include "common/mongo_bulk.h"
#include "storage/notification_store.h"
#include "storage/push_store.h"

#define TOKENS       "push_tokens"
#define DELIVERIES   "delivery_log"
#define ROW_ID_BYTES 256
#define WEEK_BYTES   24

struct mongo_push {
    struct push_store base; /* first */
    struct cc_mongo *mongo; /* borrowed */
};

static struct cc_mongo_loan borrow(struct push_store *base, const char *collection)
{
    return cc_mongo_loan(((struct mongo_push *)base)->mongo, collection);
}

static enum cc_code drop_where(struct push_store *base, const char *collection,
                               const bson_t *filter, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, collection);
    bson_error_t fault;

    return mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static void device_name(const char *user_id, const char *device_id, char out[ROW_ID_BYTES])
{
    snprintf(out, ROW_ID_BYTES, "%s/%s", user_id, device_id);
}

static enum cc_code drop_token(struct push_store *base, const char *token, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("token", BCON_UTF8(token));
    return drop_where(base, TOKENS, filter, err);
}

static enum cc_code drop_device(struct push_store *base, const char *user_id, const char *device_id,
                                struct cc_error *err)
{
    char id[ROW_ID_BYTES];

    device_name(user_id, device_id, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    return drop_where(base, TOKENS, filter, err);
}

static enum cc_code drop_session(struct push_store *base, const char *session_id,
                                 struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("session_id", BCON_UTF8(session_id));
    return drop_where(base, TOKENS, filter, err);
}

static enum cc_code drop_person(struct push_store *base, const char *user_id, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));
    return drop_where(base, TOKENS, filter, err);
}

static enum cc_code put_token(struct push_store *base, const struct push_token *token,
                              struct cc_error *err)
{
    CC_TRY(drop_token(base, token->token, err));
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, TOKENS);
    char id[ROW_ID_BYTES];
    bson_error_t fault;

    device_name(token->user_id, token->device_id, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_AUTO(bson)
    bson_t *update =
        BCON_NEW("$set", "{", "user_id", BCON_UTF8(token->user_id), "device_id",
                 BCON_UTF8(token->device_id), "session_id", BCON_UTF8(token->session_id), "token",
                 BCON_UTF8(token->token), "at_ms", BCON_INT64(token->at_ms), "}");
    CC_AUTO(bson) bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    return mongoc_collection_update_one(loan.collection, filter, update, upsert, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static struct push_token read_token(const bson_t *row, struct cc_arena *arena)
{
    return (struct push_token){
        .user_id = cc_arena_strdup(arena, cc_bson_text(row, "user_id")),
        .device_id = cc_arena_strdup(arena, cc_bson_text(row, "device_id")),
        .session_id = cc_arena_strdup(arena, cc_bson_text(row, "session_id")),
        .token = cc_arena_strdup(arena, cc_bson_text(row, "token")),
        .at_ms = cc_bson_int(row, "at_ms", 0),
    };
}

static enum cc_code tokens_of(struct push_store *base, const char *user_id, struct cc_arena *arena,
                              struct push_token_list *out, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, TOKENS);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));
    CC_AUTO(bson) bson_t *options = BCON_NEW("limit", BCON_INT64(PUSH_DEVICES_MAX));
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(loan.collection, filter, options, NULL);
    struct push_token_list list = {cc_arena_calloc(arena, PUSH_DEVICES_MAX, sizeof *list.items), 0};
    const bson_t *row;
    bson_error_t fault;

    while (list.count < PUSH_DEVICES_MAX && mongoc_cursor_next(cursor, &row))
        list.items[list.count++] = read_token(row, arena);
    if (mongoc_cursor_error(cursor, &fault))
        return cc_mongo_fail(&fault, err);
    *out = list;
    return CC_OK;
}

static void claim_name(const struct push_claim *claim, char out[ROW_ID_BYTES])
{
    snprintf(out, ROW_ID_BYTES, "%s/push/%s", claim->notification_id, claim->device_id);
}

static enum cc_code claim(struct push_store *base, const struct push_claim *claim, bool *out_first,
                          struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, DELIVERIES);
    char id[ROW_ID_BYTES], week[WEEK_BYTES];
    bson_error_t fault;

    claim_name(claim, id);
    snprintf(week, sizeof week, "%" PRId64, notification_week(claim->at_ms));
    CC_AUTO(bson)
    bson_t *row = BCON_NEW("_id", BCON_UTF8(id), "notification_id",
                           BCON_UTF8(claim->notification_id), "user_id", BCON_UTF8(claim->user_id),
                           "week", BCON_UTF8(week), "channel", BCON_UTF8("push"), "outcome",
                           BCON_UTF8("claimed"), "at_ms", BCON_INT64(claim->at_ms));
    *out_first = mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &fault);
    if (*out_first)
        return CC_OK;
    enum cc_code code = cc_mongo_fail(&fault, err);
    return code == CC_CONFLICT ? CC_OK : code;
}

static enum cc_code settle(struct push_store *base, const struct push_claim *claim,
                           const char *outcome, struct cc_error *err)
{
    char id[ROW_ID_BYTES];

    claim_name(claim, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    if (outcome == NULL)
        return drop_where(base, DELIVERIES, filter, err);
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, DELIVERIES);
    CC_AUTO(bson) bson_t *update = BCON_NEW("$set", "{", "outcome", BCON_UTF8(outcome), "}");
    bson_error_t fault;
    return mongoc_collection_update_one(loan.collection, filter, update, NULL, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static void destroy(struct push_store *base)
{
    cc_free(base);
}

struct push_store *push_store_mongo_create(struct cc_mongo *mongo)
{
    static const struct push_store_ops ops = {
        .put_token = put_token,
        .drop_device = drop_device,
        .drop_session = drop_session,
        .drop_token = drop_token,
        .drop_person = drop_person,
        .tokens_of = tokens_of,
        .claim = claim,
        .settle = settle,
        .destroy = destroy,
    };
    struct mongo_push *store = cc_calloc(1, sizeof *store);

    store->base.ops = &ops;
    store->mongo = mongo;
    return &store->base;
}
