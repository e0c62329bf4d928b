#ifndef GATEWAY_REVOCATIONS_H
#define GATEWAY_REVOCATIONS_H

/* Tells the token verifier which sessions are revoked: from the Redis channel at once, and from
 * auth-service's list at start and after each reconnect, because a channel forgets. */

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
 * in. Asks for the list when it is due and was not to be had. Any thread; does not block. */
CC_MUST_CHECK enum cc_code gateway_revocations_probe(void *revocations, struct cc_error *err);
void gateway_revocations_destroy(struct gateway_revocations *revocations);

#endif
