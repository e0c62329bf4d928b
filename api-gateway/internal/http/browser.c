/* CORS and security headers. On listener threads; reads only settings. */

#include "http/browser.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app.h"

#define ALLOWED_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
#define ALLOWED_HEADERS                                                                            \
    "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, Idempotency-Key, "     \
    "X-Request-Id, traceparent"
#define EXPOSED_HEADERS                                                                            \
    "ETag, Location, Link, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, "        \
    "X-Request-Id"
#define PREFLIGHT_MAX_AGE_S "600"

bool gateway_origin_is_allowed(const struct cc_setting_list *allowed, const char *origin)
{
    for (size_t i = 0; i < allowed->count; i++)
        if (strcasecmp(allowed->items[i], origin) == 0)
            return true;
    return false;
}

bool gateway_answer_preflight(void *memory, struct cc_request *req, struct cc_response *res)
{
    const struct gateway_app *app = memory;
    const char *origin = cc_request_header(req, "Origin");

    if (strcmp(cc_request_method(req), "OPTIONS") != 0 || origin == NULL ||
        cc_request_header(req, "Access-Control-Request-Method") == NULL)
        return false;
    if (!gateway_origin_is_allowed(&app->settings->allowed_origins, origin)) {
        cc_response_status(res, cc_code_http_status(CC_FORBIDDEN));
        return true;
    }
    cc_response_header(res, "Access-Control-Allow-Methods", ALLOWED_METHODS);
    cc_response_header(res, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
    cc_response_header(res, "Access-Control-Max-Age", PREFLIGHT_MAX_AGE_S);
    return true;
}

static void add_cors(const struct gateway_app *app, const char *origin, struct cc_response *res)
{
    cc_response_header(res, "Vary", "Origin");
    if (origin == NULL || !gateway_origin_is_allowed(&app->settings->allowed_origins, origin))
        return;
    cc_response_header(res, "Access-Control-Allow-Origin", origin);
    cc_response_header(res, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
}

void gateway_add_browser_headers(void *memory, const struct cc_request *req,
                                 struct cc_response *res)
{
    const struct gateway_app *app = memory;
    char text[64];

    if (app->settings->allowed_origins.count > 0)
        add_cors(app, cc_request_header(req, "Origin"), res);
    cc_response_header(res, "Content-Security-Policy",
                       "default-src 'none'; frame-ancestors 'none'");
    cc_response_header(res, "Referrer-Policy", "no-referrer");
    cc_response_header(res, "X-Frame-Options", "DENY");
    if (app->settings->hsts_max_age_s > 0) {
        snprintf(text, sizeof(text), "max-age=%lld; includeSubDomains",
                 (long long)app->settings->hsts_max_age_s);
        cc_response_header(res, "Strict-Transport-Security", text);
    }
}
