#ifndef MESSAGE_HTTP_MEDIA_ACCESS_H
#define MESSAGE_HTTP_MEDIA_ACCESS_H

/* From {media_id} to its file, for those who may have it. Everybody else is told what he would be
 * told of one that isn't there. Worker threads. */

#include "app.h"

/* The caller's own, complete or not. */
CC_MUST_CHECK enum cc_code media_of_caller(struct cc_request *req, struct media **out,
                                           struct cc_error *err);
/* One that the caller may read: his own, an avatar, or shown by a message that he sees (the query's
 * message_id, else any of the first MEDIA_USES_MAX). */
CC_MUST_CHECK enum cc_code media_readable(struct cc_request *req, struct media **out,
                                          struct cc_error *err);
/* CC_UNAVAILABLE: the object store is away, or there is none. */
CC_MUST_CHECK enum cc_code media_require_objects(struct message_app *app, struct cc_error *err);

#endif
