/* Bounded hand-over to the loop thread: many producers, one consumer, one short lock. Runs on every
 * thread of the process. It neither blocks a producer nor runs anything on its thread. */

#include "loop_queue.h"

#include <pthread.h>

#include "common/alloc.h"

struct ws_loop_queue {
    pthread_mutex_t lock;
    struct ws_item *first, **last;
    size_t depth, limit;
    bool refused;
    void (*wake)(void *arg);
    void *arg;
};

struct ws_loop_queue *ws_loop_queue_create(size_t limit, void (*wake)(void *arg), void *arg)
{
    struct ws_loop_queue *queue = cc_calloc(1, sizeof *queue);

    pthread_mutex_init(&queue->lock, NULL);
    queue->last = &queue->first;
    queue->limit = limit;
    queue->wake = wake;
    queue->arg = arg;
    return queue;
}

void ws_loop_queue_destroy(struct ws_loop_queue *queue)
{
    if (queue == NULL)
        return;
    for (struct ws_item *item = queue->first, *next; item != NULL; item = next) {
        next = item->next;
        item->drop(item);
    }
    pthread_mutex_destroy(&queue->lock);
    cc_free(queue);
}

static bool put(struct ws_loop_queue *queue, struct ws_item *item, size_t limit)
{
    bool taken, was_empty;

    item->next = NULL;
    pthread_mutex_lock(&queue->lock);
    was_empty = queue->first == NULL;
    taken = limit == 0 || queue->depth < limit;
    if (taken) {
        *queue->last = item;
        queue->last = &item->next;
        queue->depth++;
    } else {
        queue->refused = true;
    }
    pthread_mutex_unlock(&queue->lock);
    if (taken && was_empty)
        queue->wake(queue->arg);
    return taken;
}

void ws_loop_queue_push(struct ws_loop_queue *queue, struct ws_item *item)
{
    (void)put(queue, item, 0); /* without a limit it is always taken */
}

bool ws_loop_queue_try_push(struct ws_loop_queue *queue, struct ws_item *item)
{
    return put(queue, item, queue->limit);
}

bool ws_loop_queue_run(struct ws_loop_queue *queue)
{
    struct ws_item *first;
    bool refused;

    pthread_mutex_lock(&queue->lock);
    first = queue->first;
    refused = queue->refused;
    queue->first = NULL;
    queue->last = &queue->first;
    queue->depth = 0;
    queue->refused = false;
    pthread_mutex_unlock(&queue->lock);
    for (struct ws_item *item = first, *next; item != NULL; item = next) {
        next = item->next;
        item->run(item);
    }
    return refused;
}

size_t ws_loop_queue_depth(struct ws_loop_queue *queue)
{
    size_t depth;

    pthread_mutex_lock(&queue->lock);
    depth = queue->depth;
    pthread_mutex_unlock(&queue->lock);
    return depth;
}
