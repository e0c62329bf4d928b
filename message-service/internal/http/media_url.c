/* GET /v1/media/{media_id}/url: where a member may fetch a file for the next minutes. Worker
 * threads. */

#include "http/media_access.h"
#include "http/media_json.h"
#include "http/routes.h"

enum cc_code message_http_media_url(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct media *media;
    struct object_download download;

    CC_TRY(media_readable(req, &media, err));
    CC_TRY(media_require_objects(app, err));
    app->objects->ops->download(app->objects, media, cc_request_arena(req), &download);
    media_json_put_download(cc_response_json(res), media, &download);
    return CC_OK;
}
