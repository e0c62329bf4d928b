#ifndef USER_PREFERENCES_JSON_H
#define USER_PREFERENCES_JSON_H

/* The settings document as JSON, both ways, and nowhere else. Shape: docs/contracts.md. */

#include "common/json_reader.h"
#include "common/json_writer.h"
#include "domain/preferences.h"

/* The whole document, at the top. */
void user_json_write_preferences(struct cc_json_writer *writer,
                                 const struct user_preferences *preferences);
/* A whole document: what it does not name gets its default. out->version is 0. */
CC_MUST_CHECK enum cc_code user_preferences_from_json(struct cc_json_reader *reader,
                                                      struct user_preferences *out,
                                                      struct cc_error *err);

#endif
