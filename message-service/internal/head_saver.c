/* Saving of heads. Its own thread, plus the consumer's for flushes; one of them writes at a time,
 * because a document must have one writer. What can't be saved is put back. */

#include "head_saver.h"

#include <pthread.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/log.h"
#include "common/ticker.h"

#define SAVE_EVERY_MS     2000
#define HEADS_PER_SAVE    64
#define ALL_PARTITIONS    (-1)
#define PENDING_HEADS_MAX 20000 /* beyond it, new ones are dropped: they only save time */

struct pending {
    struct chat_head head;
    int32_t partition;
};
struct head_saver {
    struct message_store *store;
    pthread_mutex_t lock; /* the fields below */
    pthread_mutex_t writing;
    struct cc_hash_map *pending; /* chat_id to struct pending */
    struct cc_ticker *ticker;
};

static void free_pending(struct pending *pending)
{
    chat_head_finish(&pending->head);
    cc_free(pending);
}

static bool is_of(const struct pending *pending, int32_t partition)
{
    return partition == ALL_PARTITIONS || pending->partition == partition;
}

/* Takes up to HEADS_PER_SAVE out of the map. */
static size_t take(struct head_saver *saver, int32_t partition,
                   struct pending *taken[HEADS_PER_SAVE])
{
    size_t count = 0, at = 0;
    void *value;

    pthread_mutex_lock(&saver->lock);
    while (count < HEADS_PER_SAVE && cc_hash_map_next(saver->pending, &at, &value))
        if (is_of(value, partition))
            taken[count++] = value;
    for (size_t i = 0; i < count; i++)
        cc_hash_map_remove(saver->pending, taken[i]->head.chat_id);
    pthread_mutex_unlock(&saver->lock);
    return count;
}

/* Puts back what could not be saved, unless a newer one came meanwhile. */
static void put_back(struct head_saver *saver, struct pending *pending)
{
    pthread_mutex_lock(&saver->lock);
    bool newer = cc_hash_map_get(saver->pending, pending->head.chat_id) != NULL;
    if (!newer)
        cc_hash_map_put(saver->pending, pending->head.chat_id, pending);
    pthread_mutex_unlock(&saver->lock);
    if (newer)
        free_pending(pending);
}

/* False when the store refused. */
static bool save_some(struct head_saver *saver, int32_t partition, size_t *out_count)
{
    struct pending *taken[HEADS_PER_SAVE];
    struct chat_head heads[HEADS_PER_SAVE];
    struct cc_error err = {0};
    size_t count = take(saver, partition, taken);

    for (size_t i = 0; i < count; i++)
        heads[i] = taken[i]->head; /* borrowed for the call */
    enum cc_code code = saver->store->ops->save_heads(saver->store, heads, count, &err);
    for (size_t i = 0; i < count; i++) {
        if (code == CC_OK)
            free_pending(taken[i]);
        else
            put_back(saver, taken[i]);
    }
    if (code != CC_OK)
        cc_log_error(CC_LOG_WARN, "heads were not saved, will be later", &err, NULL);
    *out_count = count;
    return code == CC_OK;
}

static void save_all(struct head_saver *saver, int32_t partition)
{
    size_t count;

    pthread_mutex_lock(&saver->writing);
    while (save_some(saver, partition, &count) && count == HEADS_PER_SAVE)
        continue;
    pthread_mutex_unlock(&saver->writing);
}

static void save_round(void *saver)
{
    save_all(saver, ALL_PARTITIONS);
}

struct head_saver *head_saver_create(struct message_store *store)
{
    struct head_saver *saver = cc_calloc(1, sizeof *saver);

    saver->store = store;
    saver->pending = cc_hash_map_create();
    pthread_mutex_init(&saver->lock, NULL);
    pthread_mutex_init(&saver->writing, NULL);
    saver->ticker = cc_ticker_start(SAVE_EVERY_MS, save_round, saver);
    return saver;
}

void head_saver_destroy(struct head_saver *saver)
{
    size_t at = 0;
    void *value;

    if (saver == NULL)
        return;
    cc_ticker_stop(saver->ticker);
    save_all(saver, ALL_PARTITIONS);
    while (cc_hash_map_next(saver->pending, &at, &value))
        free_pending(value);
    cc_hash_map_destroy(saver->pending);
    pthread_mutex_destroy(&saver->writing);
    pthread_mutex_destroy(&saver->lock);
    cc_free(saver);
}

static struct pending *add_pending(struct head_saver *saver, const char *chat_id)
{
    if (cc_hash_map_count(saver->pending) >= PENDING_HEADS_MAX)
        return NULL;
    struct pending *pending = cc_calloc(1, sizeof *pending);
    chat_head_init(&pending->head, chat_id);
    cc_hash_map_put(saver->pending, pending->head.chat_id, pending);
    return pending;
}

void head_saver_put(struct head_saver *saver, int32_t partition, const struct chat_head *head)
{
    pthread_mutex_lock(&saver->lock);
    struct pending *pending = cc_hash_map_get(saver->pending, head->chat_id);
    if (pending == NULL)
        pending = add_pending(saver, head->chat_id);
    if (pending != NULL && pending->head.rev < head->rev) {
        chat_head_copy(&pending->head, head);
        pending->partition = partition;
    }
    pthread_mutex_unlock(&saver->lock);
}

void head_saver_flush(struct head_saver *saver, int32_t partition)
{
    save_all(saver, partition);
}
