#ifndef USER_ROUTES_H
#define USER_ROUTES_H

#include "common/http_route.h"

extern const struct cc_route user_routes[];          /* service listener */
extern const struct cc_route user_internal_routes[]; /* ops listener */

#endif
