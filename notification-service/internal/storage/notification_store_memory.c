/* The store in memory, for tests of what uses one; it passes the same contract suite as MongoDB's.
 * Thread-safe by one mutex. Forgets everything when it is destroyed. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "storage/notification_store.h"

struct retraction {
    const char *id; /* of a message or a chat */
    int64_t at_ms;
};
struct memory_store {
    struct notification_store base; /* first */
    pthread_mutex_t mutex;
    struct cc_arena *arena; /* of all texts */
    struct notification *rows;
    size_t count, capacity;
    struct notification_delivery *deliveries;
    size_t delivery_count, delivery_capacity;
    struct retraction *retractions;
    size_t retraction_count, retraction_capacity;
};

static struct memory_store *lock(struct notification_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    pthread_mutex_lock(&store->mutex);
    return store;
}

static struct notification *find(struct memory_store *store, const char *id)
{
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->rows[i].notification_id, id) == 0)
            return &store->rows[i];
    return NULL;
}

static struct notification copy_row(struct cc_arena *arena, const struct notification *row)
{
    struct notification copy = *row;
    copy.notification_id = cc_arena_strdup(arena, row->notification_id);
    copy.user_id = cc_arena_strdup(arena, row->user_id);
    copy.kind = cc_arena_strdup(arena, row->kind);
    copy.chat_id = cc_arena_strdup(arena, row->chat_id);
    copy.message_id = cc_arena_strdup(arena, row->message_id);
    copy.title = cc_arena_strdup(arena, row->title);
    copy.preview = cc_arena_strdup(arena, row->preview);
    return copy;
}

/* Room for one more of `size` bytes each. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    return cc_realloc(items, *capacity * size);
}

static bool is_retracted(const struct memory_store *store, const char *id)
{
    for (size_t i = 0; id != NULL && i < store->retraction_count; i++)
        if (strcmp(store->retractions[i].id, id) == 0)
            return true;
    return false;
}

static bool tells_of_retracted(const struct memory_store *store, const struct notification *row)
{
    return is_retracted(store, row->message_id) || is_retracted(store, row->chat_id);
}

static enum cc_code memory_insert(struct notification_store *base, const struct notification *rows,
                                  size_t count, struct cc_error *err)
{
    (void)err;
    struct memory_store *store = lock(base);
    for (size_t i = 0; i < count; i++) {
        if (find(store, rows[i].notification_id) != NULL || tells_of_retracted(store, &rows[i]))
            continue;
        store->rows = grow(store->rows, store->count, &store->capacity, sizeof *store->rows);
        store->rows[store->count++] = copy_row(store->arena, &rows[i]);
    }
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static bool is_logged(const struct memory_store *store, const struct notification_delivery *row)
{
    for (size_t i = 0; i < store->delivery_count; i++)
        if (strcmp(store->deliveries[i].notification_id, row->notification_id) == 0 &&
            strcmp(store->deliveries[i].channel, row->channel) == 0)
            return true;
    return false;
}

static enum cc_code memory_log_deliveries(struct notification_store *base,
                                          const struct notification_delivery *rows, size_t count,
                                          struct cc_error *err)
{
    (void)err;
    struct memory_store *store = lock(base);
    for (size_t i = 0; i < count; i++) {
        if (is_logged(store, &rows[i]))
            continue;
        store->deliveries = grow(store->deliveries, store->delivery_count,
                                 &store->delivery_capacity, sizeof *store->deliveries);
        store->deliveries[store->delivery_count++] = (struct notification_delivery){
            .notification_id = cc_arena_strdup(store->arena, rows[i].notification_id),
            .user_id = cc_arena_strdup(store->arena, rows[i].user_id),
            .channel = cc_arena_strdup(store->arena, rows[i].channel),
            .outcome = cc_arena_strdup(store->arena, rows[i].outcome),
            .at_ms = rows[i].at_ms,
        };
    }
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static bool is_before(int64_t a_ms, const char *a_id, int64_t b_ms, const char *b_id)
{
    return a_ms != b_ms ? a_ms < b_ms : strcmp(a_id, b_id) < 0;
}

static bool is_wanted(const struct notification *row, const struct notification_query *query)
{
    int64_t week = notification_week(row->created_at_ms), now = notification_week(query->now_ms);
    if (strcmp(row->user_id, query->user_id) != 0 || week > now + 1 ||
        week < now - NOTIFICATION_WEEKS_KEPT)
        return false;
    return query->after == NULL ||
           is_before(row->created_at_ms, row->notification_id, query->after->created_at_ms,
                     query->after->notification_id);
}

static int compare_newest_first(const void *left, const void *right)
{
    const struct notification *a = left, *b = right;
    return is_before(a->created_at_ms, a->notification_id, b->created_at_ms, b->notification_id)
               ? 1
               : -1;
}

static enum cc_code memory_list(struct notification_store *base,
                                const struct notification_query *query, struct cc_arena *arena,
                                struct notification_list *out, struct cc_error *err)
{
    (void)err;
    struct memory_store *store = lock(base);
    out->items = cc_arena_calloc(arena, store->count + 1, sizeof *out->items);
    out->count = 0;
    for (size_t i = 0; i < store->count; i++)
        if (is_wanted(&store->rows[i], query))
            out->items[out->count++] = copy_row(arena, &store->rows[i]);
    pthread_mutex_unlock(&store->mutex);
    qsort(out->items, out->count, sizeof *out->items, compare_newest_first);
    if (out->count > query->limit)
        out->count = query->limit;
    return CC_OK;
}

static enum cc_code memory_mark_read(struct notification_store *base, const char *user_id,
                                     const char *const *ids, size_t count, struct cc_error *err)
{
    (void)err;
    struct memory_store *store = lock(base);
    for (size_t i = 0; i < count; i++) {
        struct notification *row = find(store, ids[i]);
        if (row != NULL && strcmp(row->user_id, user_id) == 0)
            row->read = true;
    }
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static void drop_retracted(struct memory_store *store)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->count; i++)
        if (!tells_of_retracted(store, &store->rows[i]))
            store->rows[kept++] = store->rows[i];
    store->count = kept;
}

/* Of messages or chats: no id is both. */
static enum cc_code memory_retract(struct notification_store *base, const char *const *ids,
                                   size_t count, int64_t now_ms, struct cc_error *err)
{
    (void)err;
    struct memory_store *store = lock(base);
    for (size_t i = 0; i < count; i++) {
        if (is_retracted(store, ids[i]))
            continue;
        store->retractions = grow(store->retractions, store->retraction_count,
                                  &store->retraction_capacity, sizeof *store->retractions);
        store->retractions[store->retraction_count++] =
            (struct retraction){cc_arena_strdup(store->arena, ids[i]), now_ms};
    }
    drop_retracted(store);
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static enum cc_code memory_forget_person(struct notification_store *base, const char *user_id,
                                         int64_t now_ms, struct cc_error *err)
{
    (void)now_ms;
    (void)err;
    struct memory_store *store = lock(base);
    size_t kept = 0;
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->rows[i].user_id, user_id) != 0)
            store->rows[kept++] = store->rows[i];
    store->count = kept;
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static enum cc_code memory_purge_week(struct notification_store *base, int64_t week,
                                      struct cc_error *err)
{
    (void)err;
    struct memory_store *store = lock(base);
    size_t kept = 0, logged = 0, remembered = 0;
    for (size_t i = 0; i < store->count; i++)
        if (notification_week(store->rows[i].created_at_ms) != week)
            store->rows[kept++] = store->rows[i];
    for (size_t i = 0; i < store->delivery_count; i++)
        if (notification_week(store->deliveries[i].at_ms) != week)
            store->deliveries[logged++] = store->deliveries[i];
    for (size_t i = 0; i < store->retraction_count; i++)
        if (notification_week(store->retractions[i].at_ms) != week)
            store->retractions[remembered++] = store->retractions[i];
    store->count = kept;
    store->delivery_count = logged;
    store->retraction_count = remembered;
    pthread_mutex_unlock(&store->mutex);
    return CC_OK;
}

static void memory_destroy(struct notification_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    pthread_mutex_destroy(&store->mutex);
    cc_arena_destroy(store->arena);
    cc_free(store->rows);
    cc_free(store->deliveries);
    cc_free(store->retractions);
    cc_free(store);
}

struct notification_store *notification_store_memory_create(void)
{
    static const struct notification_store_ops ops = {
        .insert = memory_insert,
        .log_deliveries = memory_log_deliveries,
        .list = memory_list,
        .mark_read = memory_mark_read,
        .retract = memory_retract,
        .retract_chats = memory_retract,
        .forget_person = memory_forget_person,
        .purge_week = memory_purge_week,
        .destroy = memory_destroy,
    };
    struct memory_store *store = cc_calloc(1, sizeof *store);
    store->base.ops = &ops;
    store->arena = cc_arena_create(0);
    pthread_mutex_init(&store->mutex, NULL);
    return &store->base;
}
