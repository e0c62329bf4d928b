#ifndef LOOP_QUEUE_H
#define LOOP_QUEUE_H

/*
 * The only way from any other thread to the loop thread. An element carries its own link and what
 * is to be done with it. Elements that have a bound of their own (an answer to something that the
 * loop itself asked for) are always taken; what arrives unasked (pub/sub) is refused when the
 * queue is full, and the loop learns that something was lost.
 */

#include <stdbool.h>
#include <stddef.h>

struct ws_item {
    struct ws_item *next;
    void (*run)(struct ws_item *item);  /* on the loop thread; takes the item */
    void (*drop)(struct ws_item *item); /* when the queue goes before it ran */
};
struct ws_loop_queue;

/* wake runs on the pushing thread when the queue was empty; must not block. */
struct ws_loop_queue *ws_loop_queue_create(size_t limit, void (*wake)(void *arg), void *arg);
void ws_loop_queue_destroy(struct ws_loop_queue *queue); /* accepts NULL; drops what is left */
/* Thread-safe. Takes the item. */
void ws_loop_queue_push(struct ws_loop_queue *queue, struct ws_item *item);
/* Thread-safe. Takes the item unless it returns false. */
bool ws_loop_queue_try_push(struct ws_loop_queue *queue, struct ws_item *item);
/* Loop thread: runs what is there now, in order. True when try_push has refused anything since the
 * last call. */
bool ws_loop_queue_run(struct ws_loop_queue *queue);
size_t ws_loop_queue_depth(struct ws_loop_queue *queue); /* thread-safe */

#endif
