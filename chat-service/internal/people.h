#ifndef CHAT_PEOPLE_H
#define CHAT_PEOPLE_H

/* Asks user-service whether people exist. Blocks for its answer, at most PEOPLE_TIMEOUT_MS. */

#include "common/arena.h"
#include "common/error.h"
#include "common/http_client.h"

/* CC_OK when all of them exist. Errors: CC_NOT_FOUND with `field` when one does not; those of
 * cc_peer_call when user-service can't say. */
CC_MUST_CHECK enum cc_code chat_people_must_exist(struct cc_peer *user_service,
                                                  const char *const *user_ids, size_t count,
                                                  const char *field, const struct cc_trace *trace,
                                                  struct cc_arena *arena, struct cc_error *err);

/* The refusal of somebody who does not exist, or must look so to the asker: CC_NOT_FOUND. */
enum cc_code chat_people_none(const char *field, struct cc_error *err);

#endif
