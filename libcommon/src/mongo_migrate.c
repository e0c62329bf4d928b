/*
 * Collections and indexes of one MongoDB database; see cc_mongo_migrate. Runs on the main thread of
 * `--migrate`. There is no lock: every step (create, createIndexes with the same definition, the
 * record of a file) may be repeated and run by two processes at once, and ends in the same state.
 */

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mongo_pool.h"
#include "migration_files.h"

#define NAMESPACE_EXISTS 48
#define REPEATS_MAX      5 /* FerretDB answers one of two who create the same thing "internal" */

CC_DEFINE_AUTO(mongo, struct cc_mongo, cc_mongo_destroy);

struct step {
    struct cc_mongo *mongo;
    const struct cc_migration_file *file;
};

static enum cc_code command(struct cc_mongo *mongo, const bson_t *document, struct cc_error *err)
{
    enum cc_code code = CC_OK;
    for (int i = 0; i < REPEATS_MAX; i++) {
        bson_error_t error = {0};
        mongoc_client_t *client = cc_mongo_borrow(mongo);
        bool done = mongoc_client_write_command_with_opts(client, cc_mongo_database(mongo),
                                                          document, NULL, NULL, &error);
        cc_mongo_return(mongo, client);
        if (done || error.code == NAMESPACE_EXISTS)
            return CC_OK;
        code = cc_mongo_fail(&error, err);
        if (code != CC_OUTCOME_UNKNOWN && code != CC_UNAVAILABLE)
            return code;
    }
    return code;
}

static enum cc_code faulty(const struct step *step, const char *what, struct cc_error *err)
{
    return cc_fail(err, CC_INVALID, NULL, "migration %s: %s", step->file->name, what);
}

/* A document or array below `at`, as a bson_t that borrows. */
static bool borrow_child(const bson_iter_t *at, bson_t *out)
{
    const uint8_t *bytes = NULL;
    uint32_t length = 0;
    if (BSON_ITER_HOLDS_DOCUMENT(at))
        bson_iter_document(at, &length, &bytes);
    else if (BSON_ITER_HOLDS_ARRAY(at))
        bson_iter_array(at, &length, &bytes);
    return bytes != NULL && bson_init_static(out, bytes, length);
}

/* {"name","keys","unique"} to {"name","key","unique"}; a word that is not known is a fault. */
static enum cc_code translate_index(const struct step *step, const bson_t *declared, bson_t *out,
                                    struct cc_error *err)
{
    bson_iter_t at;
    bson_t keys;
    bool named = false, keyed = false;
    bson_iter_init(&at, declared);
    while (bson_iter_next(&at)) {
        const char *word = bson_iter_key(&at);
        if (strcmp(word, "name") == 0 && BSON_ITER_HOLDS_UTF8(&at))
            named = BSON_APPEND_UTF8(out, "name", bson_iter_utf8(&at, NULL));
        else if (strcmp(word, "keys") == 0 && borrow_child(&at, &keys))
            keyed = BSON_APPEND_DOCUMENT(out, "key", &keys);
        else if (strcmp(word, "unique") == 0 && BSON_ITER_HOLDS_BOOL(&at))
            BSON_APPEND_BOOL(out, "unique", bson_iter_bool(&at));
        else
            return faulty(step, "an index has name, keys and unique", err);
    }
    return named && keyed ? CC_OK : faulty(step, "an index needs a name and keys", err);
}

/* One command for each index: FerretDB 1.24 panics when it is told several that exist already. */
static enum cc_code create_index(const struct step *step, const char *collection,
                                 const bson_t *declared, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *create = BCON_NEW("createIndexes", BCON_UTF8(collection));
    bson_t indexes, index;
    BSON_APPEND_ARRAY_BEGIN(create, "indexes", &indexes);
    BSON_APPEND_DOCUMENT_BEGIN(&indexes, "0", &index);
    enum cc_code code = translate_index(step, declared, &index, err);
    bson_append_document_end(&indexes, &index);
    bson_append_array_end(create, &indexes);
    CC_TRY(code);
    return command(step->mongo, create, err);
}

static enum cc_code create_indexes(const struct step *step, const char *collection,
                                   const bson_t *declared, struct cc_error *err)
{
    bson_iter_t at;
    bson_t one;
    bson_iter_init(&at, declared);
    while (bson_iter_next(&at)) {
        if (!borrow_child(&at, &one))
            return faulty(step, "an index is an object", err);
        CC_TRY(create_index(step, collection, &one, err));
    }
    return CC_OK;
}

static enum cc_code apply_collection(const struct step *step, const bson_t *declared,
                                     struct cc_error *err)
{
    bson_iter_t at;
    bson_t indexes;
    const char *name = cc_bson_text(declared, "name");
    if (name[0] == '\0')
        return faulty(step, "a collection needs a name", err);
    CC_AUTO(bson) bson_t *create = BCON_NEW("create", BCON_UTF8(name));
    CC_TRY(command(step->mongo, create, err));
    if (bson_iter_init_find(&at, declared, "indexes") && borrow_child(&at, &indexes))
        return create_indexes(step, name, &indexes, err);
    return CC_OK;
}

static enum cc_code apply_document(const struct step *step, const bson_t *document,
                                   struct cc_error *err)
{
    bson_iter_t at, each;
    if (!bson_iter_init_find(&at, document, "collections") || !BSON_ITER_HOLDS_ARRAY(&at) ||
        !bson_iter_recurse(&at, &each))
        return faulty(step, "there is no array \"collections\"", err);
    while (bson_iter_next(&each)) {
        bson_t collection;
        if (!borrow_child(&each, &collection))
            return faulty(step, "a collection is an object", err);
        CC_TRY(apply_collection(step, &collection, err));
    }
    return CC_OK;
}

/* out_applied: recorded with the same checksum. Errors: CC_CONFLICT recorded with another one. */
static enum cc_code find_record(const struct step *step, bool *out_applied, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(step->mongo, "schema_migrations");
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(step->file->name));
    CC_AUTO(cursor)
    mongoc_cursor_t *found = mongoc_collection_find_with_opts(loan.collection, filter, NULL, NULL);
    const bson_t *record;
    bson_error_t error;
    bool applied = mongoc_cursor_next(found, &record);
    if (!applied && mongoc_cursor_error(found, &error))
        return cc_mongo_fail(&error, err);
    if (applied && strcmp(cc_bson_text(record, "sha256"), step->file->sha256) != 0)
        return cc_migration_changed(step->file, err);
    *out_applied = applied;
    return CC_OK;
}

/* Another process that recorded the same file first has done the same work. */
static enum cc_code record(const struct step *step, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(step->mongo, "schema_migrations");
    CC_AUTO(bson)
    bson_t *row =
        BCON_NEW("_id", BCON_UTF8(step->file->name), "sha256", BCON_UTF8(step->file->sha256),
                 "applied_at", BCON_DATE_TIME(cc_wall_ms(cc_clock_system())));
    bson_error_t error;
    enum cc_code code = CC_OK;
    for (int i = 0; i < REPEATS_MAX; i++) {
        bool done = mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &error);
        code = done ? CC_OK : cc_mongo_fail(&error, err);
        if (code != CC_OUTCOME_UNKNOWN && code != CC_UNAVAILABLE)
            break;
    }
    return code == CC_CONFLICT ? CC_OK : code;
}

static enum cc_code apply_once(const struct step *step, struct cc_error *err)
{
    bool applied = false;
    bson_error_t error;
    CC_TRY(find_record(step, &applied, err));
    if (applied)
        return CC_OK;
    CC_AUTO(bson)
    bson_t *document =
        bson_new_from_json((const uint8_t *)step->file->text, (ssize_t)step->file->length, &error);
    if (document == NULL)
        return faulty(step, error.message, err);
    CC_TRY(apply_document(step, document, err));
    CC_TRY(record(step, err));
    cc_log(CC_LOG_INFO, "migration applied", "file", step->file->name, NULL);
    return CC_OK;
}

enum cc_code cc_mongo_migrate(const char *uri, const char *database, const char *directory,
                              struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    CC_AUTO(mongo) struct cc_mongo *mongo = NULL;
    const struct cc_migration_file *files;
    size_t count;
    CC_TRY(cc_migration_files_read(directory, ".json", arena, &files, &count, err));
    CC_TRY(cc_mongo_create(uri, database, false, &mongo, err));
    CC_TRY(cc_migration_wait(cc_mongo_probe, mongo, err));
    for (size_t i = 0; i < count; i++) {
        struct step step = {mongo, &files[i]};
        CC_TRY(apply_once(&step, err));
    }
    return CC_OK;
}
