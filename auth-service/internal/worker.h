#ifndef WORKER_H
#define WORKER_H

/* A thread that does one kind of work again and again, and can be woken before its time. */

#include <stdint.h>

struct worker;

/* `step` runs on the worker's thread and returns how long to sleep before the next time, ms. */
struct worker *worker_start(const char *name, int64_t (*step)(void *arg), void *arg);
/* Runs `step` again at once, or once more after the running one. Thread-safe. */
void worker_wake(struct worker *worker);
/* Waits for a running step to end. Accepts NULL. */
void worker_stop(struct worker *worker);

#endif
