/* The public keys, from the verifier's cache. */

#include "http/key_set.h"

#include <string.h>

#include "app.h"
#include "proxy/forward.h"

/* With the minute that the verifier's copy may be old, below the time that a new key waits before
 * it signs. */
#define CACHE_CONTROL "public, max-age=15"

static void answer(void *req)
{
    cc_request_complete(req, CC_OK, NULL);
}

enum cc_code gateway_http_key_set(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    const struct gateway_app *app = cc_request_app(req);
    const char *keys = cc_jwt_verifier_key_set(app->verifier, cc_request_arena(req));

    if (keys == NULL)
        return cc_fail_detail(err, CC_UNAVAILABLE, "no key set yet");
    cc_response_body(res, "application/json", keys, strlen(keys));
    cc_response_header(res, "Cache-Control", CACHE_CONTROL);
    gateway_admit(req, res, GATEWAY_RATE_ADDRESS, answer, req);
    return CC_OK;
}
