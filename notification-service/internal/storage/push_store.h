#ifndef PUSH_STORE_H
#define PUSH_STORE_H

/*
 * Where people's devices can be pushed to, and what was pushed. A push can't be taken back or
 * recognised by its receiver, so it is claimed before it is sent: whoever finds the claim there
 * leaves it alone. Any thread; calls block up to the driver's timeouts. Errors of every call:
 * CC_UNAVAILABLE, CC_OUTCOME_UNKNOWN, CC_TIMEOUT; repeating one is harmless, but for push_store
 * claim. Two implementations pass one contract suite.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

#define PUSH_DEVICES_MAX 20 /* of a person that are pushed to */

struct push_token {
    const char *user_id, *device_id;
    const char *session_id; /* the token goes with it */
    const char *token;      /* the provider's name of the device */
    int64_t at_ms;
};
struct push_token_list {
    struct push_token *items; /* in the arena */
    size_t count;
};
/* One push: a notification and a device. */
struct push_claim {
    const char *notification_id, *user_id, *device_id;
    int64_t at_ms;
};

struct push_store;
struct push_store_ops {
    /* In place of what the device had. A token names one device: of whoever had it before, it goes.
     */
    enum cc_code (*put_token)(struct push_store *store, const struct push_token *token,
                              struct cc_error *err);
    enum cc_code (*drop_device)(struct push_store *store, const char *user_id,
                                const char *device_id, struct cc_error *err);
    enum cc_code (*drop_session)(struct push_store *store, const char *session_id,
                                 struct cc_error *err);
    enum cc_code (*drop_token)(struct push_store *store, const char *token, struct cc_error *err);
    enum cc_code (*drop_person)(struct push_store *store, const char *user_id,
                                struct cc_error *err);
    /* In no order, at most PUSH_DEVICES_MAX. */
    enum cc_code (*tokens_of)(struct push_store *store, const char *user_id, struct cc_arena *arena,
                              struct push_token_list *out, struct cc_error *err);
    /* out_first: nobody claimed it before. Of CC_OUTCOME_UNKNOWN nobody knows: it counts as
     * claimed.
     */
    enum cc_code (*claim)(struct push_store *store, const struct push_claim *claim, bool *out_first,
                          struct cc_error *err);
    /* What became of what was claimed; outcome NULL: nothing, it may be claimed again. */
    enum cc_code (*settle)(struct push_store *store, const struct push_claim *claim,
                           const char *outcome, struct cc_error *err);
    void (*destroy)(struct push_store *store);
};
struct push_store {
    const struct push_store_ops *ops;
};

struct cc_mongo;
struct push_store *push_store_mongo_create(struct cc_mongo *mongo); /* borrowed */
struct push_store *push_store_memory_create(void);
static inline void push_store_destroy(struct push_store *store) /* accepts NULL */
{
    if (store != NULL)
        store->ops->destroy(store);
}

#endif
