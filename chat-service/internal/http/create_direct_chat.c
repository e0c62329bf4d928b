/* POST /v1/chats/direct: the chat with one person, made when it isn't there. */

#include <string.h>

#include "blocks.h"
#include "http/chat_json.h"
#include "http/founding.h"
#include "http/routes.h"
#include "people.h"

static enum cc_code make(struct cc_request *req, const char *chat_id, const char *other_id,
                         struct chat_change **out_found, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    struct chat_founding founding = {.chat_id = chat_id,
                                     .type = CHAT_DIRECT,
                                     .title = "",
                                     .creator_id = cc_request_caller(req)->user_id,
                                     .other_ids = &other_id,
                                     .other_count = 1,
                                     .at_ms = cc_wall_ms(app->clock)};

    CC_TRY(chat_people_must_exist(app->user_service, &other_id, 1, "/user_id",
                                  cc_request_trace(req), arena, err));
    CC_TRY(chat_blocks_must_allow(app->user_service, founding.creator_id, &other_id, 1, "/user_id",
                                  cc_request_trace(req), arena, err));
    return chat_founding_commit(req, change_found(arena, &founding), out_found, err);
}

enum cc_code chat_http_create_direct(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    const char *caller_id = cc_request_caller(req)->user_id, *other_id = NULL;
    struct cc_json_reader *reader = NULL;
    struct chat_change *found = NULL;
    char chat_id[CC_UUID_BYTES];

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!chat_json_read_person(reader, &other_id))
        return cc_json_reader_error(reader, err);
    if (strcmp(caller_id, other_id) == 0)
        return cc_fail(err, CC_INVALID, "/user_id", "a direct chat needs another person");
    chat_direct_id(caller_id, other_id, chat_id);
    CC_TRY(chat_founding_find(req, chat_id, &found, err));
    if (found == NULL) {
        CC_TRY(make(req, chat_id, other_id, &found, err));
        cc_response_status(res, found == NULL ? 201 : 200);
    }
    return chat_respond(req, res, chat_id, err);
}
