/* Signing keys in memory, for tests: trusted because it passes the contract suite that PostgreSQL
 * passes. One mutex, any thread. */

#include "storage/key_store.h"

#include <pthread.h>

#include "common/alloc.h"

struct memory_keys {
    struct key_store store; /* first: the interface points here */
    pthread_mutex_t lock;
    struct stored_key keys[KEYS_MAX]; /* the last to sign first; their texts are ours */
    size_t count;
};

static struct memory_keys *lock(struct key_store *store)
{
    struct memory_keys *self = (struct memory_keys *)store;
    pthread_mutex_lock(&self->lock);
    return self;
}

static enum cc_code unlock(struct memory_keys *self, enum cc_code code)
{
    pthread_mutex_unlock(&self->lock);
    return code;
}

static enum cc_code add(struct memory_keys *self, const struct stored_key *key,
                        struct cc_error *err)
{
    size_t at = self->count;
    if (at == KEYS_MAX)
        return key_store_refuse(err);
    for (; at > 0 && self->keys[at - 1].signs_from_ms < key->signs_from_ms; at--)
        self->keys[at] = self->keys[at - 1];
    self->keys[at] = *key;
    self->keys[at].sealed = cc_strdup(key->sealed);
    self->count++;
    return CC_OK;
}

static enum cc_code add_first(struct key_store *store, const struct stored_key *key,
                              struct cc_error *err)
{
    struct memory_keys *self = lock(store);
    return unlock(self, self->count == 0 ? add(self, key, err) : CC_OK);
}

static bool is_over(const struct stored_key *key, int64_t now_ms)
{
    return key->verifies_until_ms != 0 && key->verifies_until_ms <= now_ms;
}

static int64_t end_of(const struct stored_key *key, int64_t others_until_ms)
{
    bool ends_later = key->verifies_until_ms == 0 || key->verifies_until_ms > others_until_ms;
    return ends_later ? others_until_ms : key->verifies_until_ms;
}

static size_t count_kept(const struct memory_keys *self, int64_t now_ms, int64_t others_until_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++)
        kept += end_of(&self->keys[i], others_until_ms) > now_ms;
    return kept;
}

static enum cc_code rotate(struct key_store *store, const struct stored_key *key, int64_t now_ms,
                           int64_t others_until_ms, struct cc_error *err)
{
    struct memory_keys *self = lock(store);
    size_t kept = 0;
    if (count_kept(self, now_ms, others_until_ms) == KEYS_MAX)
        return unlock(self, key_store_refuse(err));
    for (size_t i = 0; i < self->count; i++) {
        struct stored_key *other = &self->keys[i];
        other->verifies_until_ms = end_of(other, others_until_ms);
        if (other->verifies_until_ms > now_ms)
            self->keys[kept++] = *other;
        else
            cc_free((char *)other->sealed);
    }
    self->count = kept;
    return unlock(self, add(self, key, err));
}

static enum cc_code list(struct key_store *store, int64_t now_ms, struct cc_arena *arena,
                         struct stored_key_list *out, struct cc_error *err)
{
    struct memory_keys *self = lock(store);
    struct stored_key *items = cc_arena_calloc(arena, KEYS_MAX, sizeof *items);
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < self->count; i++) {
        if (is_over(&self->keys[i], now_ms))
            continue;
        items[count] = self->keys[i];
        items[count++].sealed = cc_arena_strdup(arena, self->keys[i].sealed);
    }
    *out = (struct stored_key_list){items, count};
    return unlock(self, CC_OK);
}

static void destroy(struct key_store *store)
{
    struct memory_keys *self = (struct memory_keys *)store;
    for (size_t i = 0; i < self->count; i++)
        cc_free((char *)self->keys[i].sealed);
    pthread_mutex_destroy(&self->lock);
    cc_free(self);
}

static const struct key_store_ops ops = {
    .add_first = add_first, .rotate = rotate, .list = list, .destroy = destroy};

struct key_store *key_store_memory_create(void)
{
    struct memory_keys *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    pthread_mutex_init(&self->lock, NULL);
    return &self->store;
}
