/* PATCH /v1/users/me: a merge patch (RFC 7396) under If-Match. Runs on a worker thread. */

#include "app.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/user_json.h"

#define MERGE_PATCH "application/merge-patch+json"

static enum cc_code read_patch(struct cc_request *req, const struct user *me,
                               struct user_patch *out, struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, MERGE_PATCH, &reader, err));
    CC_TRY(user_patch_from_json(reader, out, err));
    if (out->metadata == NULL)
        return CC_OK;
    return user_merge_objects(me->metadata, out->metadata, USER_METADATA_BYTES,
                              cc_request_arena(req), &out->metadata, err);
}

/* Stores the change together with the news of it, if others can see it. */
static enum cc_code save(struct user_app *app, const struct user *before, const struct user *after,
                         struct cc_error *err)
{
    char event_id[CC_UUID_BYTES];
    struct user_fact fact = user_app_fact(app, after->user_id, "profile", event_id);
    struct user_hold hold = user_app_hold(app);
    bool is_news = !user_same_public(before, after);
    CC_TRY(user_store_update(app->store, after, is_news ? &fact : NULL, &hold, err));
    if (is_news)
        user_publisher_wake(app->publisher);
    return CC_OK;
}

enum cc_code user_http_patch_me(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    char folded_handle[CC_HANDLE_BYTES];
    struct user_patch patch;
    struct user before, after;
    int64_t now_ms = cc_wall_ms(app->clock), cooldown_ms = user_app_cooldown_ms(app);

    CC_TRY(user_app_find_living(app, cc_request_caller(req)->user_id, cc_request_arena(req),
                                &before, err));
    CC_TRY(user_etag_check(req, before.version, err));
    CC_TRY(read_patch(req, &before, &patch, err));
    CC_TRY(user_apply(&before, &patch, now_ms, cooldown_ms, folded_handle, &after, err));
    if (!user_same(&before, &after)) {
        CC_TRY(save(app, &before, &after, err));
        after.version++;
    }
    user_etag_put(res, after.version);
    user_json_write_me(cc_response_json(res), &after,
                       user_handle_free_at_ms(&after, now_ms, cooldown_ms));
    return CC_OK;
}
