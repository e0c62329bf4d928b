/* Who may read a file. Worker threads. What a person sees of a chat is message_access.c's. */

#include "http/media_access.h"

#include <string.h>

#include "http/message_access.h"

static enum cc_code no_such_file(struct cc_error *err)
{
    return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such file");
}

static bool is_caller(const struct cc_request *req, const char *user_id)
{
    return strcmp(cc_request_caller(req)->user_id, user_id) == 0;
}

static enum cc_code find(struct cc_request *req, struct media **out, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    const char *media_id;
    struct media *found;

    if (cc_request_uuid(req, "media_id", &media_id, err) != CC_OK)
        return no_such_file(err);
    CC_TRY(app->media->ops->find(app->media, media_id, cc_request_arena(req), &found, err));
    if (found == NULL)
        return no_such_file(err);
    *out = found;
    return CC_OK;
}

enum cc_code media_of_caller(struct cc_request *req, struct media **out, struct cc_error *err)
{
    struct media *found;

    CC_TRY(find(req, &found, err));
    if (!is_caller(req, found->owner_id))
        return no_such_file(err);
    *out = found;
    return CC_OK;
}

/* The uses to look at: all of them, or the one that the query names. */
static enum cc_code list_uses(struct cc_request *req, const struct media *media,
                              struct media_use_list *out, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *message_id = cc_request_query(req, "message_id");
    struct media_use_list found;

    if (message_id == NULL)
        return app->media->ops->uses_of(app->media, media->media_id, arena, out, err);
    CC_TRY(app->media->ops->shown_by(app->media, message_id, arena, &found, err));
    *out = (struct media_use_list){found.items, 0};
    for (size_t i = 0; i < found.count; i++)
        if (strcmp(found.items[i].media_id, media->media_id) == 0)
            out->items[out->count++] = found.items[i];
    return CC_OK;
}

/* CC_NOT_FOUND when the caller sees none of the messages that show it. */
static enum cc_code require_visible_use(struct cc_request *req, const struct media *media,
                                        struct cc_error *err)
{
    struct media_use_list uses;
    enum cc_code code = CC_NOT_FOUND;

    CC_TRY(list_uses(req, media, &uses, err));
    for (size_t i = 0; i < uses.count && code == CC_NOT_FOUND; i++) {
        struct cc_message *message;
        code = message_access_one(req, uses.items[i].message_id, &message, err);
        if (code == CC_OK && message->deleted)
            code = CC_NOT_FOUND;
    }
    return code == CC_NOT_FOUND ? no_such_file(err) : code;
}

static enum cc_code require_complete(const struct cc_request *req, const struct media *media,
                                     struct cc_error *err)
{
    if (media->completed_at_ms != 0)
        return CC_OK;
    if (!is_caller(req, media->owner_id))
        return no_such_file(err);
    return cc_fail(err, CC_CONFLICT, NULL, "the upload is not complete");
}

enum cc_code media_readable(struct cc_request *req, struct media **out, struct cc_error *err)
{
    struct media *found;

    CC_TRY(find(req, &found, err));
    CC_TRY(require_complete(req, found, err));
    if (!is_caller(req, found->owner_id) && !media_is_public(found))
        CC_TRY(require_visible_use(req, found, err));
    *out = found;
    return CC_OK;
}

enum cc_code media_require_objects(struct message_app *app, struct cc_error *err)
{
    if (app->objects == NULL)
        return cc_fail(err, CC_UNAVAILABLE, NULL, "this installation keeps no files");
    return app->objects->ops->ready(app->objects, err);
}
