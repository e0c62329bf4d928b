#ifndef GATEWAY_REVOCATIONS_H
#define GATEWAY_REVOCATIONS_H

/* Tells the token verifier which sessions are revoked: from the Redis channel at once, and from
 * auth-service's list, because a channel forgets: at the start, after each reconnect, every
 * revocations_poll_ms, and every 0.5 s while the channel is not heard. */

#include "common/http_client.h"
#include "common/jwt.h"
#include "settings.h"

struct gateway_revocations;
/* client, verifier and clock are borrowed. Never fails because a server is away. */
CC_MUST_CHECK enum cc_code
gateway_revocations_create(const struct gateway_settings *settings, struct cc_http_client *client,
                           struct cc_jwt_verifier *verifier, const struct cc_clock *clock,
                           struct gateway_revocations **out, struct cc_error *err);
/* CC_OK once auth-service's list has been read: before that somebody who was logged out would get
 * in. Any thread; does not block. */
CC_MUST_CHECK enum cc_code gateway_revocations_probe(void *revocations, struct cc_error *err);
void gateway_revocations_destroy(struct gateway_revocations *revocations);

#endif
