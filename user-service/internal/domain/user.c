/* Rules of profiles; see user.h. Runs on the caller's thread. It neither reads nor writes anything.
 */

#include "domain/user.h"

#include <string.h>

#include "common/clock.h"

/* Code points of valid UTF-8: every byte that continues none. */
static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* C0 controls and DEL; `allowed` may name some. */
static bool has_control(const char *text, const char *allowed)
{
    for (; *text != '\0'; text++) {
        bool control = (unsigned char)*text < 0x20 || *text == 0x7f;
        if (control && strchr(allowed, *text) == NULL)
            return true;
    }
    return false;
}

enum cc_code user_check_display_name(const char *text, struct cc_error *err)
{
    size_t count = characters(text);
    if (count > USER_DISPLAY_NAME_CHARS || text[strspn(text, " ")] == '\0' || has_control(text, ""))
        return cc_fail(err, CC_INVALID, "/display_name",
                       "a display name has 1 to %d characters on one line",
                       USER_DISPLAY_NAME_CHARS);
    return CC_OK;
}

static enum cc_code check_bio(const char *text, struct cc_error *err)
{
    if (characters(text) > USER_BIO_CHARS || has_control(text, "\n\t"))
        return cc_fail(err, CC_INVALID, "/bio", "a bio has up to %d characters", USER_BIO_CHARS);
    return CC_OK;
}

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The form of RFC 5646 without its registry: parts of 1 to 8, the first one at least 2. */
static bool is_language_tag(const char *text)
{
    size_t part = strspn(text, ALPHANUMERIC);
    if (part < 2 || strlen(text) > USER_LOCALE_BYTES)
        return false;
    for (; part >= 1 && part <= 8; part = strspn(text, ALPHANUMERIC)) {
        text += part;
        if (*text == '\0')
            return true;
        if (*text++ != '-')
            return false;
    }
    return false;
}

/* The form of a name in the IANA time zone database, such as Europe/Vienna or Etc/GMT+3. */
static bool is_time_zone(const char *text)
{
    size_t length = strlen(text);
    return length <= USER_TIME_ZONE_BYTES && strspn(text, ALPHANUMERIC "/_+-") == length &&
           text[0] != '/' && text[length - 1] != '/' && strstr(text, "//") == NULL;
}

enum cc_code user_check_patch(const struct user_patch *patch, struct cc_error *err)
{
    if (patch->display_name != NULL)
        CC_TRY(user_check_display_name(patch->display_name, err));
    if (patch->bio != NULL)
        CC_TRY(check_bio(patch->bio, err));
    if (patch->locale != NULL && patch->locale[0] != '\0' && !is_language_tag(patch->locale))
        return cc_fail(err, CC_INVALID, "/locale", "not a language tag such as en-GB");
    if (patch->time_zone != NULL && patch->time_zone[0] != '\0' && !is_time_zone(patch->time_zone))
        return cc_fail(err, CC_INVALID, "/time_zone", "not a time zone such as Europe/Vienna");
    if (patch->metadata != NULL && strlen(patch->metadata) > USER_METADATA_BYTES)
        return cc_fail(err, CC_INVALID, "/metadata", "longer than %d bytes", USER_METADATA_BYTES);
    return CC_OK;
}

static void replace(const char **member, const char *value)
{
    if (value != NULL)
        *member = value;
}

int64_t user_handle_free_at_ms(const struct user *user, int64_t now_ms, int64_t cooldown_ms)
{
    int64_t free_at_ms = user->handle_changed_at_ms + cooldown_ms;
    return user->handle_changed_at_ms == 0 || now_ms >= free_at_ms ? 0 : free_at_ms;
}

/* What folds to the handle that one has is no change. */
static enum cc_code apply_handle(const char *typed, int64_t now_ms, int64_t cooldown_ms,
                                 char folded_handle[CC_HANDLE_BYTES], struct user *user,
                                 struct cc_error *err)
{
    CC_TRY(cc_handle_read(typed, folded_handle, err));
    if (strcmp(folded_handle, user->handle) == 0)
        return CC_OK;
    int64_t free_at_ms = user_handle_free_at_ms(user, now_ms, cooldown_ms);
    if (free_at_ms != 0) {
        char free_at[CC_RFC3339_BYTES];
        cc_time_format(free_at_ms, free_at);
        return cc_fail(err, CC_UNPROCESSABLE, "/handle", "can be changed again at %s", free_at);
    }
    user->handle = folded_handle;
    user->handle_changed_at_ms = now_ms;
    return CC_OK;
}

enum cc_code user_apply(const struct user *before, const struct user_patch *patch, int64_t now_ms,
                        int64_t cooldown_ms, char folded_handle[CC_HANDLE_BYTES], struct user *out,
                        struct cc_error *err)
{
    struct user after = *before;
    CC_TRY(user_check_patch(patch, err));
    if (patch->handle != NULL)
        CC_TRY(apply_handle(patch->handle, now_ms, cooldown_ms, folded_handle, &after, err));
    replace(&after.display_name, patch->display_name);
    replace(&after.bio, patch->bio);
    replace(&after.avatar_media_id, patch->avatar_media_id);
    replace(&after.locale, patch->locale);
    replace(&after.time_zone, patch->time_zone);
    replace(&after.metadata, patch->metadata);
    *out = after;
    return CC_OK;
}

/* The end of the id, which is its random part. */
void user_tombstone_handle(const char *user_id, char out[CC_HANDLE_BYTES])
{
    size_t at = strlen(CC_HANDLE_DELETED);
    memcpy(out, CC_HANDLE_DELETED, at);
    for (const char *from = user_id + strlen(user_id); from > user_id && at < CC_HANDLE_MAX;) {
        if (*--from != '-')
            out[at++] = *from;
    }
    out[at] = '\0';
}

bool user_same_public(const struct user *a, const struct user *b)
{
    return strcmp(a->handle, b->handle) == 0 && strcmp(a->display_name, b->display_name) == 0 &&
           strcmp(a->bio, b->bio) == 0 && strcmp(a->avatar_media_id, b->avatar_media_id) == 0;
}

bool user_same(const struct user *a, const struct user *b)
{
    return user_same_public(a, b) && strcmp(a->locale, b->locale) == 0 &&
           strcmp(a->time_zone, b->time_zone) == 0 && strcmp(a->metadata, b->metadata) == 0;
}
