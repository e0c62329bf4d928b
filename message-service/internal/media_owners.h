#ifndef MEDIA_OWNERS_H
#define MEDIA_OWNERS_H

/* What one person holds: all of it goes with the account, and of avatars only so many are kept.
 * Files that a message shows stay as long as it does, without their name. Thread-safe; may block on
 * the store. Source: docs/contracts.md "Deleting an account". */

#include "media_uses.h"

/* The account is deleted: its avatars and what was never sent go. Repeatable. */
CC_MUST_CHECK enum cc_code media_forget_owner(const struct media_uses *media, const char *owner_id,
                                              struct cc_error *err);
/* Of more complete avatars than `most` those go that were completed first. */
CC_MUST_CHECK enum cc_code media_keep_avatars(const struct media_uses *media, const char *owner_id,
                                              size_t most, struct cc_error *err);

#endif
