/*
 * Migrations of one PostgreSQL schema; see cc_pg_migrate. Runs on the main thread of `--migrate`.
 * Only forwards: there are no "down" files.
 */

#include "common/pg_pool.h"

#include <string.h>

#include "common/log.h"
#include "migration_files.h"
#include "pg_connection.h"

CC_DEFINE_AUTO(connection, struct cc_pg, cc_pg_close);

struct target {
    const char *uri, *schema;
    struct cc_pg *pg;
};

static enum cc_code connect_once(void *arg, struct cc_error *err)
{
    struct target *target = arg;
    target->pg = cc_pg_open(target->uri, target->schema, 0, err);
    return target->pg == NULL ? CC_UNAVAILABLE : CC_OK;
}

/* One migrating process at a time for each schema; the lock ends with the connection. */
static enum cc_code lock_schema(struct cc_pg *pg, const char *schema, struct cc_error *err)
{
    return cc_pg_exec(pg,
                      "SELECT pg_advisory_lock(hashtextextended('schema_migrations:' || $1, 0))",
                      &schema, 1, NULL, err);
}

static enum cc_code prepare_schema(struct cc_pg *pg, const char *schema, struct cc_arena *arena,
                                   struct cc_error *err)
{
    char *quoted = PQescapeIdentifier(pg->conn, schema, strlen(schema));
    if (quoted == NULL)
        return cc_fail_detail(err, CC_INTERNAL, "%s is no name for a schema", schema);
    const char *sql = cc_arena_printf(arena, "CREATE SCHEMA IF NOT EXISTS %s", quoted);
    PQfreemem(quoted);
    CC_TRY(cc_pg_run(pg, sql, err));
    return cc_pg_run(pg,
                     "CREATE TABLE IF NOT EXISTS schema_migrations ("
                     " name text PRIMARY KEY,"
                     " sha256 text NOT NULL,"
                     " applied_at timestamptz NOT NULL DEFAULT now())",
                     err);
}

static enum cc_code apply(struct cc_pg *pg, const struct cc_migration_file *file,
                          struct cc_error *err)
{
    const char *params[] = {file->name, file->sha256};
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(cc_pg_run(pg, file->text, err));
    CC_TRY(cc_pg_exec(pg, "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", params, 2,
                      NULL, err));
    CC_TRY(cc_pg_commit(pg, err));
    cc_log(CC_LOG_INFO, "migration applied", "file", file->name, NULL);
    return CC_OK;
}

static enum cc_code apply_once(struct cc_pg *pg, const struct cc_migration_file *file,
                               struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *applied = NULL;
    CC_TRY(cc_pg_exec(pg, "SELECT sha256 FROM schema_migrations WHERE name = $1", &file->name, 1,
                      &applied, err));
    if (PQntuples(applied) == 0)
        return apply(pg, file, err);
    if (strcmp(cc_pg_text(applied, 0, "sha256"), file->sha256) != 0)
        return cc_migration_changed(file, err);
    return CC_OK;
}

enum cc_code cc_pg_migrate(const char *uri, const char *schema, const char *directory,
                           struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    const struct cc_migration_file *files;
    size_t count;
    CC_TRY(cc_migration_files_read(directory, ".sql", arena, &files, &count, err));
    struct target target = {uri, schema, NULL};
    CC_TRY(cc_migration_wait(connect_once, &target, err));
    CC_AUTO(connection) struct cc_pg *pg = target.pg;
    CC_TRY(lock_schema(pg, schema, err));
    CC_TRY(prepare_schema(pg, schema, arena, err));
    for (size_t i = 0; i < count; i++)
        CC_TRY(apply_once(pg, &files[i], err));
    return CC_OK;
}
