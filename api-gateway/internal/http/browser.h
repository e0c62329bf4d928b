#ifndef GATEWAY_HTTP_BROWSER_H
#define GATEWAY_HTTP_BROWSER_H

/*
 * What browsers are told: CORS for the origins of the allow-list, and headers that keep an API from
 * being taken for a page. Credentials are bearer tokens, never cookies, so no answer allows them.
 * Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
 */

#include "common/config.h"
#include "common/http_route.h"

/* True when the origin is in the list, compared without case. */
bool gateway_origin_is_allowed(const struct cc_setting_list *allowed, const char *origin);
/* cc_http_hooks.intercept: answers CORS preflights. */
bool gateway_answer_preflight(void *app, struct cc_request *req, struct cc_response *res);
/* cc_http_hooks.decorate. */
void gateway_add_browser_headers(void *app, const struct cc_request *req, struct cc_response *res);

#endif
