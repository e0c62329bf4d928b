/* The fence of a chat's creation, as handlers use it. Runs on HTTP workers. */

#include "http/founding.h"

enum cc_code chat_founding_find(struct cc_request *req, const char *chat_id,
                                struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct chat_change *found = NULL;

    enum cc_code code =
        app->store->ops->find_change(app->store, chat_id, 1, cc_request_arena(req), &found, err);
    *out = NULL;
    if (code == CC_NOT_FOUND)
        return CC_OK;
    if (code != CC_OK)
        return code;
    if (!found->announced)
        CC_TRY(chat_announcer_catch_up(&app->announcer, chat_id, found->after.version, err));
    *out = found;
    return CC_OK;
}

enum cc_code chat_founding_commit(struct cc_request *req, const struct chat_change *change,
                                  struct chat_change **out_found, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    enum chat_reach reach = CHAT_REACH_ALL;
    enum cc_code code = chat_announcer_commit(&app->announcer, change, &reach, err);

    *out_found = NULL;
    if (code != CC_CONFLICT)
        return code;
    return chat_founding_find(req, change->after.chat_id, out_found, err);
}
