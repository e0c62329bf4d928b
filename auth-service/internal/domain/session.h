#ifndef DOMAIN_SESSION_H
#define DOMAIN_SESSION_H

/*
 * A session is one device that is logged in. Its refresh token is used once and replaced by its
 * successor. A client that never saw the answer asks again with the old token: for ten seconds it
 * gets the same successor. Later use of an old token means that somebody copied it: the session
 * ends (RFC 9700 section 4.14.2).
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/events/session_revoked.h"
#include "common/id.h"

#define SESSION_DEVICE_ID_BYTES   65
#define SESSION_DEVICE_NAME_BYTES 129
#define SESSION_TOKEN_BYTES       44 /* 256 bits as base64url, and NUL */
#define SESSION_TOKEN_HASH_BYTES  65
#define SESSION_ADDRESS_BYTES     46 /* numeric, IPv4 or IPv6 (INET6_ADDRSTRLEN) */
#define SESSION_REPEAT_MS         10000
/* Services allow for clocks that differ; a revocation outlives the last token by this. */
#define SESSION_CLOCK_SKEW_MS 60000

struct session {
    char session_id[CC_UUID_BYTES];
    char user_id[CC_UUID_BYTES];
    char device_id[SESSION_DEVICE_ID_BYTES];
    char device_name[SESSION_DEVICE_NAME_BYTES];
    char rotation_key[SESSION_TOKEN_BYTES]; /* secret: makes successors of refresh tokens */
    char address[SESSION_ADDRESS_BYTES];    /* where it was last seen from; "" = not known */
    int64_t created_at_ms, last_seen_at_ms, expires_at_ms;
    bool revoked;
    bool device_named; /* a refresh has said which device it comes from: all must from then on */
};

struct refresh_token { /* what is stored of one */
    char hash[SESSION_TOKEN_HASH_BYTES];
    int64_t expires_at_ms;
    int64_t rotated_at_ms; /* 0 = not used yet */
};

enum refresh_verdict {
    REFRESH_ROTATE, /* first use */
    REFRESH_REPEAT, /* used a moment ago: the same successor again */
    REFRESH_REUSE,  /* used before: end the session */
    REFRESH_OVER,   /* expired, or its session has ended */
};
enum refresh_verdict refresh_judge(const struct session *session, const struct refresh_token *token,
                                   int64_t now_ms);

/* The token that follows `token`: HMAC-SHA256 keyed with the session's rotation key, so that every
 * replica finds the same one while none is stored. Pure. */
void refresh_successor(const struct session *session, const char *token,
                       char out[SESSION_TOKEN_BYTES]);

/* Why a session ended, as it is told in session.revoked. */
#define SESSION_ENDED_LOGOUT    "logout"
#define SESSION_ENDED_REUSE     "reuse"
#define SESSION_ENDED_PASSWORD  "password_change"
#define SESSION_ENDED_SUSPENDED EV_SESSION_SUSPENDED /* gateways know it by name */
#define SESSION_ENDED_DELETED   "deleted"
#define SESSION_ENDED_ADMIN     "admin" /* the role was taken away */

struct session_revocation {
    char session_id[CC_UUID_BYTES];
    char user_id[CC_UUID_BYTES];
    const char *reason;
    int64_t at_ms, until_ms; /* its access tokens live no longer than until_ms */
};

#endif
