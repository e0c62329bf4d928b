#ifndef HEADS_H
#define HEADS_H

/*
 * Where logs stand, exactly: the saved head, moved forward over the log that has grown since.
 * Thread-safe; blocks as long as the store does.
 */

#include "common/redis_pool.h"
#include "domain/unread.h"
#include "storage/message_store.h"

/* Called with each run of changes found behind the saved head, in order; they live until it
 * returns. */
typedef enum cc_code (*heads_found)(void *arg, const struct change_list *found,
                                    struct cc_error *err);

/* Moves *head (initialised, with its chat_id) from its saved position to the end of the log. found:
 * NULL, or it moves the head itself. */
CC_MUST_CHECK enum cc_code heads_catch_up(struct message_store *store, struct chat_head *head,
                                          heads_found found, void *arg, struct cc_error *err);
/* The head as everybody may see it. Finish *out. */
CC_MUST_CHECK enum cc_code heads_read(struct message_store *store, const char *chat_id,
                                      struct chat_head *out, struct cc_error *err);

struct head_position {
    int64_t rev, seq;
};
/* What head:{chat} says, 0, 0 where it says nothing or Redis is away. At most HEADS_HINT_MAX. */
#define HEADS_HINT_MAX 512
void heads_hint(struct cc_redis *redis, const char *const *chat_ids, size_t count,
                struct head_position *out);

/* Raises each by what is not stored yet: own sends of the last seconds. Redis away: they stay. At
 * most HEADS_HINT_MAX. */
void heads_hint_reads(struct cc_redis *redis, struct receipt *receipts, size_t count);

/* Messages after after_seq that somebody else wrote and that still exist. */
CC_MUST_CHECK enum cc_code heads_unread(struct message_store *store, const struct chat_head *head,
                                        const char *user_id, int64_t after_seq, struct unread *out,
                                        struct cc_error *err);

#endif
