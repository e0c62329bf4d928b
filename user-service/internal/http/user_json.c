/* Profiles as JSON; see user_json.h. Runs on worker threads. Rules are in domain/user.c. */

#include "http/user_json.h"

#include <jansson.h>
#include <string.h>

#define CHARACTER_BYTES 4 /* of UTF-8, at most: readers bound bytes, the domain characters */

static void write_public_members(struct cc_json_writer *writer, const struct user *user)
{
    bool has_avatar = user->avatar_media_id[0] != '\0';
    cc_json_put_text(writer, "user_id", user->user_id);
    cc_json_put_text(writer, "handle", user->handle);
    cc_json_put_text(writer, "display_name", user->display_name);
    cc_json_put_text(writer, "bio", user->bio);
    cc_json_put_text(writer, "avatar_media_id", has_avatar ? user->avatar_media_id : NULL);
    cc_json_put_time(writer, "created_at", user->created_at_ms);
    if (user->deleted_at_ms != 0)
        cc_json_put_bool(writer, "deleted", true);
}

void user_json_write_public(struct cc_json_writer *writer, const char *key, const struct user *user)
{
    cc_json_open_object(writer, key);
    write_public_members(writer, user);
    cc_json_close_object(writer);
}

void user_json_write_me(struct cc_json_writer *writer, const struct user *user,
                        int64_t handle_free_at_ms)
{
    cc_json_open_object(writer, NULL);
    write_public_members(writer, user);
    cc_json_put_text(writer, "email", user->email);
    cc_json_put_text(writer, "locale", user->locale);
    cc_json_put_text(writer, "time_zone", user->time_zone);
    cc_json_put_raw(writer, "metadata", user->metadata, strlen(user->metadata));
    cc_json_put_time(writer, "handle_changeable_at", handle_free_at_ms);
    cc_json_put_int(writer, "version", user->version);
    cc_json_close_object(writer);
}

void user_json_write_page(struct cc_json_writer *writer, const struct user *const *users,
                          size_t count, const char *next_cursor)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++)
        user_json_write_public(writer, NULL, users[i]);
    cc_json_close_array(writer);
    cc_json_put_text(writer, "next_cursor", next_cursor);
    cc_json_close_object(writer);
}

/* The member's new value, `cleared` when it is null. */
static const char *read_member(struct cc_json_reader *reader, const char *key, const char *cleared,
                               size_t max_bytes)
{
    if (cc_json_has(reader, key))
        return cc_json_text(reader, key, CC_REQUIRED, 0, max_bytes);
    if (cleared == NULL)
        cc_json_reject(reader, key, "can't be removed");
    return cleared;
}

static void read_patch_member(struct cc_json_reader *reader, const char *key,
                              struct user_patch *patch)
{
    if (strcmp(key, "handle") == 0)
        patch->handle = read_member(reader, key, NULL, CC_HANDLE_TYPED_BYTES);
    else if (strcmp(key, "display_name") == 0)
        patch->display_name =
            read_member(reader, key, NULL, USER_DISPLAY_NAME_CHARS * CHARACTER_BYTES);
    else if (strcmp(key, "bio") == 0)
        patch->bio = read_member(reader, key, "", USER_BIO_CHARS * CHARACTER_BYTES);
    else if (strcmp(key, "avatar_media_id") == 0)
        patch->avatar_media_id =
            cc_json_has(reader, key) ? cc_json_uuid(reader, key, CC_REQUIRED) : "";
    else if (strcmp(key, "locale") == 0)
        patch->locale = read_member(reader, key, "", USER_LOCALE_BYTES);
    else if (strcmp(key, "time_zone") == 0)
        patch->time_zone = read_member(reader, key, "", USER_TIME_ZONE_BYTES);
    else if (strcmp(key, "metadata") != 0)
        cc_json_reject(reader, key, "is not a member that can be changed");
    else if (!cc_json_has(reader, key))
        patch->metadata = "null";
    else
        patch->metadata = cc_json_raw(reader, key, CC_REQUIRED, USER_METADATA_BYTES);
}

enum cc_code user_patch_from_json(struct cc_json_reader *reader, struct user_patch *out,
                                  struct cc_error *err)
{
    size_t count;
    const char *const *keys = cc_json_keys(reader, 16, &count);
    struct user_patch patch = {0};
    for (size_t i = 0; i < count; i++)
        read_patch_member(reader, keys[i], &patch);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    if (patch.metadata != NULL && patch.metadata[0] == '[')
        return cc_fail(err, CC_INVALID, "/metadata", "must be an object");
    *out = patch;
    return CC_OK;
}

enum cc_code user_enrolment_from_json(struct cc_json_reader *reader, struct user *out,
                                      struct cc_error *err)
{
    struct user user = {.metadata = "{}"};
    user.handle = cc_json_text(reader, "handle", CC_REQUIRED, 1, CC_HANDLE_TYPED_BYTES);
    user.display_name = cc_json_text(reader, "display_name", CC_REQUIRED, 1,
                                     USER_DISPLAY_NAME_CHARS * CHARACTER_BYTES);
    user.email = cc_json_text(reader, "email", CC_REQUIRED, 3, USER_EMAIL_BYTES);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    *out = user;
    return CC_OK;
}

/* RFC 7396 section 2, for a patch that is an object. Depth is bounded by the reader. */
static void merge(json_t *target, json_t *patch)
{
    const char *key;
    json_t *value;
    json_object_foreach(patch, key, value)
    {
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (!json_is_object(value)) {
            json_object_set(target, key, value);
        } else {
            if (!json_is_object(json_object_get(target, key)))
                json_object_set_new(target, key, json_object());
            merge(json_object_get(target, key), value);
        }
    }
}

enum cc_code user_merge_objects(const char *target_text, const char *patch_text, size_t max_bytes,
                                struct cc_arena *arena, const char **out, struct cc_error *err)
{
    json_auto_t *target = json_loads(target_text, 0, NULL);
    json_auto_t *patch = json_loads(patch_text, JSON_DECODE_ANY, NULL);
    if (!json_is_object(patch)) { /* null */
        *out = "{}";
        return CC_OK;
    }
    if (!json_is_object(target))
        return cc_fail_detail(err, CC_INTERNAL, "stored metadata is no object");
    merge(target, patch);
    size_t length = json_dumpb(target, NULL, 0, JSON_COMPACT);
    if (length > max_bytes)
        return cc_fail(err, CC_INVALID, "/metadata", "longer than %zu bytes", max_bytes);
    char *text = cc_arena_alloc(arena, length + 1);
    json_dumpb(target, text, length, JSON_COMPACT);
    text[length] = '\0';
    *out = text;
    return CC_OK;
}
