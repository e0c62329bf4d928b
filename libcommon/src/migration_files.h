#ifndef COMMON_SRC_MIGRATION_FILES_H
#define COMMON_SRC_MIGRATION_FILES_H

/* The numbered files of a migrations folder, read at start-up by the runners for PostgreSQL and
 * MongoDB, and what both do while the server is still starting. */

#include "common/arena.h"
#include "common/error.h"

struct cc_migration_file {
    const char *name; /* 0001_users.sql */
    const char *text; /* NUL-terminated */
    size_t length;
    char sha256[65];
};

/* All <directory>/NNNN_*<extension>, by number; other files are left alone. Errors: CC_INVALID no
 * such folder, two files with one number, a file that can't be read. */
CC_MUST_CHECK enum cc_code cc_migration_files_read(const char *directory, const char *extension,
                                                   struct cc_arena *arena,
                                                   const struct cc_migration_file **out,
                                                   size_t *out_count, struct cc_error *err);
/* The error of a file that was changed after it had been applied. */
enum cc_code cc_migration_changed(const struct cc_migration_file *file, struct cc_error *err);

/* Calls attempt(arg) with back-off (100 ms to 2 s) until it does not answer CC_UNAVAILABLE, for up
 * to 60 s. */
enum cc_code cc_migration_wait(enum cc_code (*attempt)(void *arg, struct cc_error *err), void *arg,
                               struct cc_error *err);

#endif
