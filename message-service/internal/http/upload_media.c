/* POST /v1/media/uploads, POST /v1/media/uploads/{media_id}/complete: a client announces a file,
 * uploads it by itself, and says when it is done. Worker threads. */

#include <string.h>

#include "http/media_access.h"
#include "http/media_json.h"
#include "http/routes.h"
#include "http/submit.h"
#include "media_owners.h"

#define KEY_SCOPE "media" /* an Idempotency-Key means one thing here, another elsewhere */

/* The same key of the same person gives the same id. */
static enum cc_code choose_id(struct cc_request *req, const char **out, struct cc_error *err)
{
    char *id = cc_arena_alloc(cc_request_arena(req), CC_UUID_BYTES);
    const char *key;

    CC_TRY(submit_key_or_new(req, &key, err));
    cc_uuid_hash((const char *[]){KEY_SCOPE, cc_request_caller(req)->user_id, key}, 3, id);
    *out = id;
    return CC_OK;
}

static enum cc_code read_announcement(struct cc_request *req, struct media *out,
                                      struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_json_reader *reader;
    const char *media_id;

    CC_TRY(choose_id(req, &media_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    *out = (struct media){.media_id = media_id,
                          .owner_id = cc_request_caller(req)->user_id,
                          .created_at_ms = cc_wall_ms(app->clock)};
    const struct media_sizes sizes = {app->settings->media_max_bytes,
                                      app->settings->media_avatar_max_bytes};
    return media_json_read(reader, &sizes, out) ? CC_OK : cc_json_reader_error(reader, err);
}

/* Announced before under this key: the same file, or another one? */
static enum cc_code find_announced(struct cc_request *req, const struct media *asked,
                                   struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct media *known;

    CC_TRY(app->media->ops->find(app->media, asked->media_id, cc_request_arena(req), &known, err));
    if (known != NULL && media_same(known, asked))
        return CC_OK;
    return cc_fail(err, CC_IDEMPOTENCY_CONFLICT, NULL,
                   "another file was announced under this Idempotency-Key");
}

/* The sweep's look is planned first: what is announced never lacks one. */
static enum cc_code store_announced(struct cc_request *req, const struct media *media,
                                    bool *out_repeated, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    int64_t look_at_ms = media_look_at_ms(media, &app->media_limits, media->created_at_ms);

    CC_TRY(app->media->ops->plan_look(app->media, media->media_id, look_at_ms, err));
    enum cc_code code = app->media->ops->add(app->media, media, err);
    *out_repeated = code == CC_CONFLICT;
    return *out_repeated ? find_announced(req, media, err) : code;
}

enum cc_code message_http_begin_upload(struct cc_request *req, struct cc_response *res,
                                       struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct media media;
    struct object_upload upload;
    bool repeated;

    CC_TRY(read_announcement(req, &media, err));
    CC_TRY(media_require_objects(app, err));
    CC_TRY(store_announced(req, &media, &repeated, err));
    app->objects->ops->upload(app->objects, &media, cc_request_arena(req), &upload);
    cc_response_status(res, repeated ? 200 : 201);
    if (repeated)
        cc_response_header(res, "Idempotent-Replayed", "true");
    media_json_put_upload(cc_response_json(res), &media, &upload);
    return CC_OK;
}

/* The object store refuses what differs already; one that doesn't is no reason to believe it. */
static enum cc_code compare(const struct media *media, const struct object_facts *facts,
                            struct cc_error *err)
{
    bool same_hash = facts->sha256 == NULL || strcmp(facts->sha256, media->sha256) == 0;
    bool same = facts->size_bytes == media->size_bytes && same_hash &&
                strcmp(facts->content_type, media->content_type) == 0;

    return same ? CC_OK
                : cc_fail(err, CC_UNPROCESSABLE, NULL,
                          "what was uploaded is not what was announced");
}

static enum cc_code verify(struct message_app *app, const struct media *media,
                           struct cc_arena *arena, struct cc_error *err)
{
    struct object_facts facts;
    bool found;

    CC_TRY(app->objects->ops->look(app->objects, media, arena, &found, &facts, err));
    if (!found)
        return cc_fail(err, CC_CONFLICT, NULL, "nothing was uploaded yet");
    return compare(media, &facts, err);
}

static enum cc_code keep_avatars(struct message_app *app, const char *owner_id,
                                 struct cc_error *err)
{
    const struct media_uses media = {app->media, app->media_limits, app->clock};
    return media_keep_avatars(&media, owner_id, (size_t)app->settings->media_avatars_max, err);
}

static enum cc_code complete(struct message_app *app, struct media *media, struct cc_arena *arena,
                             struct cc_error *err)
{
    int64_t now_ms = cc_wall_ms(app->clock);

    CC_TRY(media_require_objects(app, err));
    CC_TRY(verify(app, media, arena, err));
    media->completed_at_ms = now_ms;
    CC_TRY(app->media->ops->plan_look(app->media, media->media_id,
                                      media_look_at_ms(media, &app->media_limits, now_ms), err));
    CC_TRY(app->media->ops->complete(app->media, media->media_id, now_ms, err));
    return media->purpose == MEDIA_AVATAR ? keep_avatars(app, media->owner_id, err) : CC_OK;
}

enum cc_code message_http_complete_upload(struct cc_request *req, struct cc_response *res,
                                          struct cc_error *err)
{
    struct media *media;

    CC_TRY(media_of_caller(req, &media, err));
    if (media->completed_at_ms == 0)
        CC_TRY(complete(cc_request_app(req), media, cc_request_arena(req), err));
    media_json_put(cc_response_json(res), media);
    return CC_OK;
}
