#ifndef GATEWAY_BODY_CHECK_H
#define GATEWAY_BODY_CHECK_H

/* What every body must be before it travels on: JSON by its Content-Type, valid UTF-8, nested no
 * deeper than GATEWAY_JSON_DEPTH_MAX. Whether it is the right JSON is the service's business. */

#include "common/http_route.h"

#define GATEWAY_JSON_DEPTH_MAX 32

/* Errors: CC_UNSUPPORTED_MEDIA, CC_INVALID. A request without a body passes. */
CC_MUST_CHECK enum cc_code gateway_body_check(const struct cc_request *req, struct cc_error *err);
/* The two parts of it; pure. */
bool gateway_content_type_is_json(const char *content_type);
CC_MUST_CHECK enum cc_code gateway_json_shape_check(const char *bytes, size_t count,
                                                    struct cc_error *err);

#endif
