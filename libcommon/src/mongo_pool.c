/*
 * MongoDB client pool, error translation and readers of flat documents; see common/mongo_pool.h.
 * Runs on the borrowers' threads; the driver monitors its servers on a thread of its own.
 */

#include "common/mongo_pool.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client_metrics.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"

#define CLIENTS_MAX           8
#define SERVER_SELECTION_MS   2000
#define CONNECT_MS            1000
#define SOCKET_MS             5000
#define WRITE_CONCERN_WAIT_MS 5000
#define PATIENCE_MS           1000 /* a server that is away for longer is not waited for */
#define AWAY_RETRY_MS         1000

struct cc_mongo {
    mongoc_client_pool_t *clients;
    char *database;
    struct cc_histogram *durations;
    atomic_bool was_here;       /* a server has been known */
    atomic_llong away_since_ms; /* monotonic; 0 = it is still known, or none has been yet */
};

CC_DEFINE_AUTO(uri, mongoc_uri_t, mongoc_uri_destroy);

/* The driver writes to stderr unless it is told otherwise. What matters to us comes back as an
 * error too, so that only its real faults are of interest. */
static void log_driver(mongoc_log_level_t level, const char *domain, const char *message, void *arg)
{
    (void)arg;
    bool fault = level == MONGOC_LOG_LEVEL_ERROR || level == MONGOC_LOG_LEVEL_CRITICAL;
    cc_log(fault ? CC_LOG_WARN : CC_LOG_DEBUG, "mongo driver", "domain", domain, "reason", message,
           NULL);
}

/* Called by the driver on the borrower's thread, after each command. */
static void command_succeeded(const mongoc_apm_command_succeeded_t *event)
{
    const struct cc_mongo *mongo = mongoc_apm_command_succeeded_get_context(event);
    cc_histogram_observe_us(mongo->durations, mongoc_apm_command_succeeded_get_duration(event));
}

static void command_failed(const mongoc_apm_command_failed_t *event)
{
    const struct cc_mongo *mongo = mongoc_apm_command_failed_get_context(event);
    cc_histogram_observe_us(mongo->durations, mongoc_apm_command_failed_get_duration(event));
}

static void note_here(struct cc_mongo *mongo)
{
    atomic_store(&mongo->was_here, true);
    atomic_store(&mongo->away_since_ms, 0);
}

static void note_away(struct cc_mongo *mongo)
{
    long long none = 0;
    if (atomic_load(&mongo->was_here))
        atomic_compare_exchange_strong(&mongo->away_since_ms, &none, cc_mono_ms(cc_clock_system()));
}

/* Called by the driver on whichever thread found it out: its monitor's, or a borrower's. */
static void topology_changed(const mongoc_apm_topology_changed_t *event)
{
    struct cc_mongo *mongo = mongoc_apm_topology_changed_get_context(event);

    if (mongoc_topology_description_has_writable_server(
            mongoc_apm_topology_changed_get_new_description(event)))
        note_here(mongo);
    else
        note_away(mongo);
}

static void watch_driver(struct cc_mongo *mongo)
{
    mongoc_apm_callbacks_t *callbacks = mongoc_apm_callbacks_new();
    mongo->durations = cc_client_durations("mongodb");
    mongoc_apm_set_topology_changed_cb(callbacks, topology_changed);
    mongoc_apm_set_command_succeeded_cb(callbacks, command_succeeded);
    mongoc_apm_set_command_failed_cb(callbacks, command_failed);
    mongoc_client_pool_set_apm_callbacks(mongo->clients, callbacks, mongo);
    mongoc_apm_callbacks_destroy(callbacks);
}

/* What the URI says itself wins. */
static void default_int(mongoc_uri_t *uri, const char *option, int32_t value)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, value);
}

static void set_defaults(mongoc_uri_t *uri, const char *appname)
{
    default_int(uri, MONGOC_URI_MAXPOOLSIZE, CLIENTS_MAX);
    default_int(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SERVER_SELECTION_MS);
    default_int(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
    default_int(uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_MS);
    if (mongoc_uri_get_appname(uri) == NULL)
        mongoc_uri_set_appname(uri, appname);
}

/* In production an acknowledged write has reached a majority: said in the URI, or said here when it
 * says nothing. A number can't be checked against the size of the replica set. */
static enum cc_code require_majority(mongoc_uri_t *uri, struct cc_error *err)
{
    const mongoc_write_concern_t *given = mongoc_uri_get_write_concern(uri);
    if (mongoc_write_concern_get_wmajority(given))
        return CC_OK;
    if (mongoc_write_concern_get_w(given) != MONGOC_WRITE_CONCERN_W_DEFAULT ||
        mongoc_write_concern_get_wtag(given) != NULL)
        return cc_fail(err, CC_INVALID, "mongo_uri", "production needs w=majority");
    mongoc_write_concern_t *majority = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(majority, WRITE_CONCERN_WAIT_MS);
    mongoc_uri_set_write_concern(uri, majority);
    mongoc_write_concern_destroy(majority);
    return CC_OK;
}

/* In production everybody reads what was acknowledged: a secondary may be behind, and who takes a
 * log over from one would give a rev again. */
static enum cc_code require_primary(const mongoc_uri_t *uri, struct cc_error *err)
{
    const mongoc_read_prefs_t *given = mongoc_uri_get_read_prefs_t(uri);

    if (mongoc_read_prefs_get_mode(given) != MONGOC_READ_PRIMARY)
        return cc_fail(err, CC_INVALID, "mongo_uri", "production needs readPreference=primary");
    return CC_OK;
}

static enum cc_code require_safety(mongoc_uri_t *uri, struct cc_error *err)
{
    CC_TRY(require_majority(uri, err));
    return require_primary(uri, err);
}

enum cc_code cc_mongo_create(const char *uri_text, const char *database, bool production,
                             struct cc_mongo **out, struct cc_error *err)
{
    bson_error_t error;
    mongoc_init();
    mongoc_log_set_handler(log_driver, NULL);
    CC_AUTO(uri) mongoc_uri_t *uri = mongoc_uri_new_with_error(uri_text, &error);
    if (uri == NULL)
        return cc_fail(err, CC_INVALID, "mongo_uri", "%s", error.message);
    if (mongoc_uri_has_option(uri, MONGOC_URI_WAITQUEUETIMEOUTMS))
        return cc_fail(err, CC_INVALID, "mongo_uri", "waitQueueTimeoutMS is not supported");
    set_defaults(uri, database);
    if (production)
        CC_TRY(require_safety(uri, err));
    mongoc_client_pool_t *clients = mongoc_client_pool_new_with_error(uri, &error);
    if (clients == NULL)
        return cc_fail(err, CC_INVALID, "mongo_uri", "%s", error.message);
    mongoc_client_pool_set_error_api(clients, MONGOC_ERROR_API_VERSION_2);
    struct cc_mongo *mongo = cc_calloc(1, sizeof *mongo);
    mongo->clients = clients;
    mongo->database = cc_strdup(database);
    watch_driver(mongo);
    *out = mongo;
    return CC_OK;
}

void cc_mongo_destroy(struct cc_mongo *mongo)
{
    if (mongo == NULL)
        return;
    mongoc_client_pool_destroy(mongo->clients);
    cc_free(mongo->database);
    cc_free(mongo);
}

enum cc_code cc_mongo_probe(void *mongo_pointer, struct cc_error *err)
{
    struct cc_mongo *mongo = mongo_pointer;
    CC_AUTO(bson) bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
    bson_error_t error;
    mongoc_client_t *client = cc_mongo_borrow(mongo);
    bool alive = mongoc_client_command_simple(client, mongo->database, ping, NULL, NULL, &error);
    cc_mongo_return(mongo, client);
    if (alive) {
        note_here(mongo);
        return CC_OK;
    }
    enum cc_code code = cc_mongo_fail(&error, err);
    if (code == CC_UNAVAILABLE) /* the driver doesn't tell all that it finds out */
        note_away(mongo);
    return code;
}

enum cc_code cc_mongo_admit(struct cc_mongo *mongo, struct cc_error *err)
{
    int64_t since_ms = atomic_load(&mongo->away_since_ms);
    int64_t away_ms = since_ms == 0 ? 0 : cc_mono_ms(cc_clock_system()) - since_ms;

    if (away_ms <= PATIENCE_MS)
        return CC_OK;
    cc_fail_detail(err, CC_UNAVAILABLE, "mongo: no server for %lld ms", (long long)away_ms);
    return cc_fail_retry_after(err, AWAY_RETRY_MS);
}

mongoc_client_t *cc_mongo_borrow(struct cc_mongo *mongo)
{
    return mongoc_client_pool_pop(mongo->clients);
}

void cc_mongo_return(struct cc_mongo *mongo, mongoc_client_t *client)
{
    mongoc_client_pool_push(mongo->clients, client);
}

const char *cc_mongo_database(const struct cc_mongo *mongo)
{
    return mongo->database;
}

struct cc_mongo_loan cc_mongo_loan(struct cc_mongo *mongo, const char *collection)
{
    mongoc_client_t *client = cc_mongo_borrow(mongo);
    return (struct cc_mongo_loan){
        mongo, client, mongoc_client_get_collection(client, mongo->database, collection)};
}

void cc_mongo_loan_end(struct cc_mongo_loan *loan)
{
    if (loan->client == NULL)
        return;
    mongoc_collection_destroy(loan->collection);
    cc_mongo_return(loan->mongo, loan->client);
    *loan = (struct cc_mongo_loan){0};
}

/* The one table of server codes. Source: src/mongo/base/error_codes.yml of the server. */
static enum cc_code code_of_server(uint32_t number)
{
    switch (number) {
    case 11000: /* DuplicateKey, and its older forms */
    case 11001:
    case 12582:
        return CC_CONFLICT;
    case 50: /* MaxTimeMSExpired */
        return CC_TIMEOUT;
    case 112:   /* WriteConflict */
    case 10107: /* NotWritablePrimary */
    case 13435: /* NotPrimaryNoSecondaryOk */
    case 13436: /* NotPrimaryOrSecondary */
        return CC_UNAVAILABLE;
    case 1:     /* InternalError: FerretDB's when its own store is away */
    case 64:    /* WriteConcernFailed */
    case 91:    /* ShutdownInProgress */
    case 189:   /* PrimarySteppedDown */
    case 11600: /* InterruptedAtShutdown */
    case 11602: /* InterruptedDueToReplStateChange */
        return CC_OUTCOME_UNKNOWN;
    default:
        return CC_INTERNAL;
    }
}

static enum cc_code code_of_stream(uint32_t number)
{
    switch (number) {
    case MONGOC_ERROR_STREAM_NAME_RESOLUTION:
    case MONGOC_ERROR_STREAM_CONNECT:
    case MONGOC_ERROR_STREAM_NOT_ESTABLISHED:
        return CC_UNAVAILABLE;
    default:
        return CC_OUTCOME_UNKNOWN;
    }
}

static enum cc_code code_of(const bson_error_t *error)
{
    switch (error->domain) {
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_COMMAND:
    case MONGOC_ERROR_QUERY:
    case MONGOC_ERROR_COLLECTION:
        return code_of_server(error->code);
    case MONGOC_ERROR_STREAM:
        return code_of_stream(error->code);
    case MONGOC_ERROR_SERVER_SELECTION:
        return CC_UNAVAILABLE;
    case MONGOC_ERROR_WRITE_CONCERN:
        return CC_OUTCOME_UNKNOWN;
    default:
        return CC_INTERNAL;
    }
}

enum cc_code cc_mongo_fail(const bson_error_t *error, struct cc_error *err)
{
    return cc_fail_detail(err, code_of(error), "mongo %u/%u: %s", error->domain, error->code,
                          error->message);
}

int64_t cc_mongo_failed_index(const bson_t *reply)
{
    bson_iter_t at, index;
    if (bson_iter_init(&at, reply) && bson_iter_find_descendant(&at, "writeErrors.0.index", &index))
        return bson_iter_as_int64(&index);
    return -1;
}

const char *cc_bson_text(const bson_t *doc, const char *key)
{
    bson_iter_t at;
    bool found = bson_iter_init_find(&at, doc, key) && BSON_ITER_HOLDS_UTF8(&at);
    return found ? bson_iter_utf8(&at, NULL) : "";
}

int64_t cc_bson_int(const bson_t *doc, const char *key, int64_t fallback)
{
    bson_iter_t at;
    bool found = bson_iter_init_find(&at, doc, key) && BSON_ITER_HOLDS_NUMBER(&at);
    return found ? bson_iter_as_int64(&at) : fallback;
}

bool cc_bson_bool(const bson_t *doc, const char *key, bool fallback)
{
    bson_iter_t at;
    bool found = bson_iter_init_find(&at, doc, key) && BSON_ITER_HOLDS_BOOL(&at);
    return found ? bson_iter_bool(&at) : fallback;
}
