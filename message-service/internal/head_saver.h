#ifndef HEAD_SAVER_H
#define HEAD_SAVER_H

/*
 * Saves the heads of chats behind the owner's back: at most every 500 ms, many in one round trip,
 * on a thread of its own. A saved head only shortens the way of whoever reads the log forward;
 * losing one loses nothing. What is put must be materialised.
 */

#include "storage/message_store.h"

struct head_saver;

struct head_saver *head_saver_create(struct message_store *store); /* borrowed; starts the thread */
/* Saves what is left, and joins. Accepts NULL. */
void head_saver_destroy(struct head_saver *saver);
/* Copies the head. Thread-safe, does not block on I/O. */
void head_saver_put(struct head_saver *saver, int32_t partition, const struct chat_head *head);
/* Saves the heads of one partition now, as far as the store can: before it is given up. */
void head_saver_flush(struct head_saver *saver, int32_t partition);

#endif
