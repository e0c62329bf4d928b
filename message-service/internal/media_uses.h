#ifndef MEDIA_USES_H
#define MEDIA_USES_H

/* Media and messages: what a sender may attach, and which messages show what. For the owner and
 * for whoever erases. Thread-safe. */

#include "domain/change.h"
#include "storage/media_store.h"

struct media_uses { /* borrowed parts; store NULL: attachments are not looked at */
    struct media_store *store;
    struct media_limits limits;
    const struct cc_clock *clock;
};

/* Whether the sender may attach what the operation attaches; true when it attaches nothing. */
CC_MUST_CHECK enum cc_code media_uses_allow(const struct media_uses *uses,
                                            const struct ev_message_created *ask,
                                            struct cc_arena *arena, bool *out,
                                            struct cc_error *err);
/* What these accepted changes say: new messages show their attachments, deleted ones nothing any
 * more. Repeatable, in the log's order. */
CC_MUST_CHECK enum cc_code media_uses_follow(const struct media_uses *uses,
                                             const struct change *const *changes, size_t count,
                                             struct cc_error *err);
/* A message shows nothing any more, and a sweep is to look at what it showed. Repeatable. */
CC_MUST_CHECK enum cc_code media_uses_drop(const struct media_uses *uses, const char *message_id,
                                           struct cc_arena *arena, struct cc_error *err);

#endif
