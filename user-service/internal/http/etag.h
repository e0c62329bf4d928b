#ifndef USER_ETAG_H
#define USER_ETAG_H

/* Versions of a profile, or of settings, as entity tags. Source: RFC 9110 sections 8.8.3
 * and 13.1.1. */

#include "common/http_route.h"

void user_etag_put(struct cc_response *res, int64_t version);
/* May the request change this version? Errors: CC_PRECONDITION_REQUIRED without If-Match,
 * CC_VERSION_MISMATCH when it names other versions only. */
CC_MUST_CHECK enum cc_code user_etag_check(const struct cc_request *req, int64_t version,
                                           struct cc_error *err);
/* The rule of If-Match by itself: "*", or a list that holds the (strong) tag of the version. */
bool user_etag_matches(const char *if_match, int64_t version);

#endif
