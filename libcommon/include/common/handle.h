#ifndef COMMON_HANDLE_H
#define COMMON_HANDLE_H

/*
 * A handle is the name by which people find each other: 3 to 30 of a-z, 0-9 and _. What is typed is
 * folded first (NFKC, case), so that no two handles differ only in how they are written. Checked
 * where somebody registers (auth-service) and where a profile is changed (user-service).
 * Thread-safe. Source: Unicode Standard Annex 15; Unicode 3.13, default case folding.
 */

#include <stdbool.h>

#include "common/error.h"

#define CC_HANDLE_MIN         3
#define CC_HANDLE_MAX         30
#define CC_HANDLE_BYTES       (CC_HANDLE_MAX + 1)
#define CC_HANDLE_DELETED     "deleted_" /* so begin the handles of tombstones alone */
#define CC_HANDLE_TYPED_BYTES 256        /* of UTF-8, before folding */

/* The folded handle. Errors: CC_INVALID with field "/handle". */
CC_MUST_CHECK enum cc_code cc_handle_read(const char *typed, char out[CC_HANDLE_BYTES],
                                          struct cc_error *err);
/* The folded beginning of handles, a leading "@" removed; false when no handle begins like this. */
bool cc_handle_prefix(const char *typed, char out[CC_HANDLE_BYTES]);

#endif
