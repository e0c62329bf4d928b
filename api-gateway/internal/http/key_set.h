#ifndef GATEWAY_KEY_SET_H
#define GATEWAY_KEY_SET_H

/* GET /.well-known/jwks.json from what the verifier fetched last, at most a minute ago: no service
 * is asked. CC_UNAVAILABLE while there is none. On listener threads. */

#include "common/http_route.h"

enum cc_code gateway_http_key_set(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err);

#endif
