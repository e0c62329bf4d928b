#ifndef CHAT_BLOCKS_H
#define CHAT_BLOCKS_H

/* Asks user-service whether people want nothing from somebody. Blocks for its answer, at most
 * BLOCKS_TIMEOUT_MS. */

#include "common/arena.h"
#include "common/error.h"
#include "common/http_client.h"

#define BLOCKS_TIMEOUT_MS 3000

/* CC_OK when none of these people (who exist) has blocked `asker_id`. Errors: CC_NOT_FOUND with
 * `field`, word for word as for somebody who does not exist; those of cc_relations_ask when
 * user-service can't say: without it nobody is invited. */
CC_MUST_CHECK enum cc_code chat_blocks_must_allow(struct cc_peer *user_service,
                                                  const char *asker_id, const char *const *user_ids,
                                                  size_t count, const char *field,
                                                  const struct cc_trace *trace,
                                                  struct cc_arena *arena, struct cc_error *err);

#endif
