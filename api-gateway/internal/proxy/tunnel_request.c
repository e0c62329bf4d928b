/* GET /v1/ws up to the tunnel: checks the upgrade, the origin and a token that came with it,
 * chooses the order of websocket-gateways, writes the request that they get. On listener threads.
 */

#include <string.h>
#include <strings.h>

#include "app.h"
#include "http/browser.h"
#include "proxy/forward.h"
#include "proxy/tunnel.h"

/* Fields of the handshake that travel on, and the caller's token. */
static const char *const passed_headers[] = {
    "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Origin",
    "Authorization",
};

/* True when a comma separated list holds the token. */
static bool list_holds(const char *list, const char *token)
{
    size_t wanted = strlen(token);

    while (list != NULL && *list != '\0') {
        size_t length;

        list += strspn(list, ", \t");
        length = strcspn(list, ", \t");
        if (length == wanted && strncasecmp(list, token, length) == 0)
            return true;
        list += length;
    }
    return false;
}

static enum cc_code check_upgrade(const struct cc_request *req, struct cc_error *err)
{
    const char *key = cc_request_header(req, "Sec-WebSocket-Key");
    const char *version = cc_request_header(req, "Sec-WebSocket-Version");

    if (!list_holds(cc_request_header(req, "Upgrade"), "websocket") ||
        !list_holds(cc_request_header(req, "Connection"), "upgrade"))
        return cc_fail(err, CC_INVALID, "Upgrade", "This resource speaks WebSocket only");
    if (key == NULL || strlen(key) != 24)
        return cc_fail(err, CC_INVALID, "Sec-WebSocket-Key", "The key must have 24 characters");
    if (version == NULL || strcmp(version, "13") != 0)
        return cc_fail(err, CC_INVALID, "Sec-WebSocket-Version", "The version must be 13");
    return CC_OK;
}

static enum cc_code check_origin(const struct cc_request *req, struct cc_error *err)
{
    const struct gateway_app *app = cc_request_app(req);
    const struct cc_setting_list *allowed = &app->settings->allowed_origins;
    const char *origin = cc_request_header(req, "Origin");

    if (allowed->count == 0 || origin == NULL) /* only browsers send one, and they always do */
        return CC_OK;
    if (gateway_origin_is_allowed(allowed, origin))
        return CC_OK;
    return cc_fail(err, CC_FORBIDDEN, "Origin", "This origin may not connect");
}

/* The token may also come in the first frame; one that is here must be good. */
static enum cc_code read_caller(const struct cc_request *req, struct cc_caller *out,
                                struct cc_error *err)
{
    const struct gateway_app *app = cc_request_app(req);
    const char *header = cc_request_header(req, "Authorization");

    if (header == NULL)
        return CC_OK;
    if (strncasecmp(header, "Bearer ", 7) != 0)
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "A bearer token is needed");
    return cc_jwt_verify(app->verifier, header + 7, strlen(header + 7), out, err);
}

static const char *write_rest(struct cc_request *req)
{
    struct cc_arena *arena = cc_request_arena(req);
    char traceparent[CC_TRACEPARENT_BYTES];
    const char *text = "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

    for (size_t i = 0; i < sizeof(passed_headers) / sizeof(passed_headers[0]); i++) {
        const char *value = cc_request_header(req, passed_headers[i]);

        if (value != NULL)
            text = cc_arena_printf(arena, "%s%s: %s\r\n", text, passed_headers[i], value);
    }
    cc_trace_format(cc_request_trace(req), traceparent);
    return cc_arena_printf(arena,
                           "%sX-Forwarded-For: %s\r\nX-Request-Id: %s\r\ntraceparent: %s\r\n\r\n",
                           text, cc_request_peer(req), cc_request_id(req), traceparent);
}

static void open_tunnel(void *arg)
{
    const struct gateway_tunnel_request *request = arg;
    const struct gateway_app *app = cc_request_app(request->req);
    struct cc_request *req = request->req;
    struct cc_error err = {0};
    enum cc_code code = gateway_tunnels_open(app->tunnels, request, &err);

    if (code != CC_OK)
        cc_request_complete(req, code, &err);
}

enum cc_code gateway_http_open_tunnel(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    struct gateway_tunnel_request *request =
        CC_ARENA_NEW(cc_request_arena(req), struct gateway_tunnel_request);
    struct cc_caller caller = {0};

    CC_TRY(check_upgrade(req, err));
    CC_TRY(check_origin(req, err));
    CC_TRY(read_caller(req, &caller, err));
    request->req = req;
    request->res = res;
    request->head_start = "GET /v1/ws HTTP/1.1\r\nHost: ";
    request->head_rest = write_rest(req);
    if (caller.user_id[0] != '\0')
        request->key = cc_arena_strdup(cc_request_arena(req), caller.user_id);
    gateway_admit(req, res, GATEWAY_RATE_ADDRESS, open_tunnel, request);
    return CC_OK;
}
