/* POST /v1/chats: a group. With an Idempotency-Key a repeat finds the first one. */

#include <string.h>

#include "blocks.h"
#include "http/chat_json.h"
#include "http/founding.h"
#include "http/routes.h"
#include "people.h"

#define KEY_MAX_BYTES 128

/* The id that the key gives the chat; a new one without a key. */
static enum cc_code choose_id(struct cc_request *req, const char *key, char out[CC_UUID_BYTES],
                              struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    if (key == NULL) {
        cc_ids_next(app->ids, out);
        return CC_OK;
    }
    if (key[0] == '\0' || strlen(key) > KEY_MAX_BYTES)
        return cc_fail(err, CC_INVALID, "Idempotency-Key", "must have 1 to %d bytes",
                       KEY_MAX_BYTES);
    chat_keyed_id(cc_request_caller(req)->user_id, key, out);
    return CC_OK;
}

/* The creator is in it anyway: naming oneself is not a mistake, but does not count twice. */
static const struct chat_change *wanted(struct cc_request *req, const char *chat_id,
                                        const struct chat_group_input *in)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *creator_id = cc_request_caller(req)->user_id;
    const char **others = cc_arena_calloc(arena, in->member_count + 1, sizeof(*others));
    struct chat_founding founding = {.chat_id = chat_id,
                                     .type = CHAT_GROUP,
                                     .title = in->title,
                                     .creator_id = creator_id,
                                     .other_ids = others,
                                     .at_ms = cc_wall_ms(app->clock)};

    for (size_t i = 0; i < in->member_count; i++)
        if (strcmp(in->member_ids[i], creator_id) != 0)
            others[founding.other_count++] = in->member_ids[i];
    return change_found(arena, &founding);
}

static enum cc_code find_or_make(struct cc_request *req, const struct chat_change *change,
                                 const struct chat_group_input *in, const char *key,
                                 struct chat_change **out_found, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    if (key != NULL)
        CC_TRY(chat_founding_find(req, change->after.chat_id, out_found, err));
    if (*out_found != NULL)
        return CC_OK;
    CC_TRY(chat_people_must_exist(app->user_service, in->member_ids, in->member_count,
                                  "/member_ids", cc_request_trace(req), cc_request_arena(req),
                                  err));
    CC_TRY(chat_blocks_must_allow(app->user_service, cc_request_caller(req)->user_id,
                                  in->member_ids, in->member_count, "/member_ids",
                                  cc_request_trace(req), cc_request_arena(req), err));
    return chat_founding_commit(req, change, out_found, err);
}

enum cc_code chat_http_create(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    const char *key = cc_request_header(req, "Idempotency-Key");
    struct cc_json_reader *reader = NULL;
    struct chat_group_input in;
    struct chat_change *found = NULL;
    char chat_id[CC_UUID_BYTES];

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!chat_json_read_group(reader, &in))
        return cc_json_reader_error(reader, err);
    CC_TRY(choose_id(req, key, chat_id, err));
    const struct chat_change *change = wanted(req, chat_id, &in);
    CC_TRY(find_or_make(req, change, &in, key, &found, err));
    if (found != NULL && !change_same_founding(found, change))
        return cc_fail(err, CC_IDEMPOTENCY_CONFLICT, NULL,
                       "this Idempotency-Key has made another chat");
    if (found != NULL)
        cc_response_header(res, "Idempotent-Replayed", "true");
    cc_response_status(res, found == NULL ? 201 : 200);
    return chat_respond(req, res, chat_id, err);
}
