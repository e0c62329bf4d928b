#ifndef ERASER_H
#define ERASER_H

/*
 * Takes out what was said in chats that are deleted for everybody: of the log and the timeline only
 * ids, numbers and hashes stay, for the deduplication; files lose their uses, so that the sweep of
 * media takes them. In portions, each noted when it is done; any number of processes may erase.
 */

#include "media_uses.h"
#include "storage/message_store.h"

#define ERASE_CHATS_MAX   8  /* of one sweep */
#define ERASE_BUCKETS_MAX 64 /* of one sweep, over all chats: 4096 revs */

struct eraser { /* borrowed parts */
    struct message_store *store;
    struct media_uses media;
};

/* One sweep. out_count: buckets erased. Errors: those of the stores; the next sweep goes on. */
CC_MUST_CHECK enum cc_code eraser_sweep(const struct eraser *eraser, size_t *out_count,
                                        struct cc_error *err);

#endif
