#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "common/http_route.h"

/* Where the request came from, canonical, in the request's arena: the last entry of X-Forwarded-For
 * when the TCP peer is one of `trusted_proxies` (the edge writes that header itself), otherwise the
 * peer. Never NULL. */
const char *auth_client_address(struct cc_request *req);

#endif
