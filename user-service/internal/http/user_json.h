#ifndef USER_USER_JSON_H
#define USER_USER_JSON_H

/* Profiles as JSON, both ways, and nowhere else. Shapes: docs/contracts.md. */

#include "common/json_reader.h"
#include "common/json_writer.h"
#include "domain/user.h"

/* An object for everybody; key NULL at the top and in arrays. */
void user_json_write_public(struct cc_json_writer *writer, const char *key,
                            const struct user *user);
/* The object for its owner, at the top. handle_free_at_ms: when the handle may be changed again; 0
 * = now. */
void user_json_write_me(struct cc_json_writer *writer, const struct user *user,
                        int64_t handle_free_at_ms);
/* {"items":[...],"next_cursor":...} ; next_cursor NULL = the last page. */
void user_json_write_page(struct cc_json_writer *writer, const struct user *const *users,
                          size_t count, const char *next_cursor);

/* A merge patch (RFC 7396) of one's own profile: null gives the member back its empty value, only
 * handle and display_name have none. out->metadata is still the patch of that member. */
CC_MUST_CHECK enum cc_code user_patch_from_json(struct cc_json_reader *reader,
                                                struct user_patch *out, struct cc_error *err);

/* user_id is not set. */
CC_MUST_CHECK enum cc_code user_enrolment_from_json(struct cc_json_reader *reader, struct user *out,
                                                    struct cc_error *err);

/* RFC 7396 on JSON objects given as texts; the result lives in the arena. Errors: CC_INVALID with
 * field "/metadata" when it is longer than max_bytes. */
CC_MUST_CHECK enum cc_code user_merge_objects(const char *target, const char *patch,
                                              size_t max_bytes, struct cc_arena *arena,
                                              const char **out, struct cc_error *err);

#endif
