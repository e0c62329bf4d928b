#ifndef COMMON_S3_SIGN_H
#define COMMON_S3_SIGN_H

/*
 * Pre-signed URLs: AWS Signature Version 4 in the query string, as S3 and what speaks its protocol
 * check it. Whoever has the URL may make exactly that request until it expires: method, path, query
 * and every signed header with its value are bound. Pure function; thread-safe.
 * Source: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

#define CC_S3_PAIRS_MAX     8      /* of a request's query, and of its signed headers */
#define CC_S3_EXPIRES_MAX_S 604800 /* what the protocol allows */

struct cc_s3_keys {
    const char *access_key, *secret_key;
    const char *session_token; /* of temporary keys; NULL or "" = none */
};
struct cc_s3_pair {
    const char *name, *value; /* as they are, not encoded */
};
struct cc_s3_request {
    const char *method;
    const char *base_url; /* scheme://host[:port]; without a path */
    const char *path;     /* begins with '/', not encoded */
    const struct cc_s3_pair *query;
    size_t query_count;
    /* Beside host: whoever uses the URL must send them so. Lower-case names, values without
     * superfluous spaces. */
    const struct cc_s3_pair *headers;
    size_t header_count;
    const char *payload_sha256; /* hex; NULL = the body is not part of the signature */
    const char *region;
    const char *service; /* NULL = "s3" */
    int64_t at_ms;       /* epoch */
    int expires_s;       /* 1..CC_S3_EXPIRES_MAX_S, from at_ms on */
};
/* The URL, in the arena. It is a secret as long as it lives: it belongs into no log. */
const char *cc_s3_presign(const struct cc_s3_keys *keys, const struct cc_s3_request *request,
                          struct cc_arena *arena);
/* Percent-encoding (RFC 3986): all but unreserved characters, and those in `kept`. In the arena. */
const char *cc_s3_encode(const char *text, const char *kept, struct cc_arena *arena);

#endif
