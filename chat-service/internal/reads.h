#ifndef CHAT_READS_H
#define CHAT_READS_H

/* How far a person has read their chats, which message-service knows. Blocks for its answer, at
 * most READS_TIMEOUT_MS. */

#include "common/arena.h"
#include "common/error.h"
#include "common/http_client.h"

struct chat_read {
    const char *chat_id;
    int64_t read_seq; /* 0 = nothing */
};
struct chat_read_list {
    struct chat_read *items; /* in no order; also of chats that the person has left */
    size_t count;
};
/* At most CHAT_READS_MAX; in the arena. Errors: those of cc_peer_call; CC_BAD_GATEWAY. */
#define CHAT_READS_MAX 20000
CC_MUST_CHECK enum cc_code chat_reads_load(struct cc_peer *message_service, const char *user_id,
                                           const struct cc_trace *trace, struct cc_arena *arena,
                                           struct chat_read_list *out, struct cc_error *err);

#endif
