#ifndef GATEWAY_HTTP_ROUTES_H
#define GATEWAY_HTTP_ROUTES_H

/* The whole public surface of the platform. */

#include "common/http_route.h"

extern const struct cc_route gateway_routes[];

#endif
