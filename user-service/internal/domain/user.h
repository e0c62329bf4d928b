#ifndef USER_USER_H
#define USER_USER_H

/*
 * A person's profile: what it is, what may be in it, what a change makes of it. No storage, no
 * HTTP. Texts are borrowed: they live as long as the arena that they were read into. Thread-safe.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/handle.h"

#define USER_DISPLAY_NAME_CHARS 64
#define USER_BIO_CHARS          500
#define USER_EMAIL_BYTES        254
#define USER_LOCALE_BYTES       35 /* RFC 5646 section 4.4.1 */
#define USER_TIME_ZONE_BYTES    64
#define USER_METADATA_BYTES     4096

struct user {
    const char *user_id, *handle, *display_name, *email;
    const char *bio, *locale, *time_zone; /* "" = not given */
    const char *avatar_media_id;          /* "" = none */
    const char *metadata;                 /* JSON object as text */
    int64_t version;                      /* 1 when made, one more with each change */
    int64_t created_at_ms;
    int64_t handle_changed_at_ms; /* by its owner; 0 = never */
    int64_t deleted_at_ms;        /* 0 = lives; else nothing but ids and times is left */
};

/* What is told when something of a person's account comes to be or changes (topic user.updated). */
struct user_fact {
    const char *event_id, *user_id;
    const char *change; /* registered, profile, settings, blocks, deleted */
    const char *handle, *display_name;
    int64_t occurred_at_ms;
    int64_t change_version; /* of what changed; 0 = it has none */
};

/* A change of one's own profile: NULL leaves a member as it is. */
struct user_patch {
    const char *handle; /* as typed */
    const char *display_name, *bio, *locale, *time_zone;
    const char *avatar_media_id; /* "" = none */
    const char *metadata;        /* the whole new object, merged already */
};

/* Rule of a display name: 1 to 64 characters, not all blank, no control characters. */
CC_MUST_CHECK enum cc_code user_check_display_name(const char *text, struct cc_error *err);
/* Rules of everything a patch holds but its handle. Errors: CC_INVALID with the member as field. */
CC_MUST_CHECK enum cc_code user_check_patch(const struct user_patch *patch, struct cc_error *err);

/* When the owner may choose another handle; 0 = now. cooldown_ms: between two choices. */
int64_t user_handle_free_at_ms(const struct user *user, int64_t now_ms, int64_t cooldown_ms);
/* The profile after the patch, its version unchanged. folded_handle: storage for the new handle, as
 * long-lived as *out. Errors: CC_INVALID; CC_UNPROCESSABLE with field "/handle" for another handle
 * within cooldown_ms after the last. */
CC_MUST_CHECK enum cc_code user_apply(const struct user *before, const struct user_patch *patch,
                                      int64_t now_ms, int64_t cooldown_ms,
                                      char folded_handle[CC_HANDLE_BYTES], struct user *out,
                                      struct cc_error *err);
bool user_same(const struct user *a, const struct user *b);
/* True when what others see is the same. */
bool user_same_public(const struct user *a, const struct user *b);

/* What stands in the place of a deleted person. */
#define USER_TOMBSTONE_NAME "Deleted account"
/* Its handle, which nobody else can have: cc_handle_read refuses such ones. */
void user_tombstone_handle(const char *user_id, char out[CC_HANDLE_BYTES]);

#endif
