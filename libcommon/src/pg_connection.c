/*
 * One PostgreSQL connection; see pg_connection.h. Runs on the thread that has it on loan and blocks
 * at most for the server's statement_timeout and a margin. It does not reconnect: a broken
 * connection is only marked.
 */

#include "pg_connection.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_metrics.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/hash_map.h"
#include "common/log.h"

/* A server that can't even keep its own statement_timeout is lost. Together with that it has to
 * stay below the 2.5 s within which callers are refused. */
#define ANSWER_MARGIN_MS 200
#define STATEMENTS_MAX   256 /* prepared on one connection; more are sent unprepared */

struct statement {
    char *sql;
    char name[16];
};

static void log_notice(void *arg, const char *message)
{
    (void)arg;
    cc_log(CC_LOG_DEBUG, "postgres notice", "notice", message, NULL);
}

struct cc_pg *cc_pg_open(const char *uri, const char *search_path, int statement_timeout_ms,
                         struct cc_error *err)
{
    char options[256];
    snprintf(options, sizeof options, "-c search_path=%s -c statement_timeout=%d", search_path,
             statement_timeout_ms);
    const char *const names[] = {"dbname",           "connect_timeout",  "options",
                                 "client_encoding",  "keepalives_idle",  "keepalives_interval",
                                 "keepalives_count", "tcp_user_timeout", NULL};
    const char *const values[] = {uri, "2", options, "UTF8", "10", "3", "3", "5000", NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);
    if (PQstatus(conn) != CONNECTION_OK) {
        cc_fail_detail(err, CC_UNAVAILABLE, "postgres: %s", PQerrorMessage(conn));
        PQfinish(conn);
        return NULL;
    }
    PQsetNoticeProcessor(conn, log_notice, NULL);
    struct cc_pg *pg = cc_calloc(1, sizeof *pg);
    pg->conn = conn;
    pg->statements = cc_hash_map_create();
    pg->durations = cc_client_durations("postgres");
    pg->answer_timeout_ms =
        statement_timeout_ms == 0 ? -1 : statement_timeout_ms + ANSWER_MARGIN_MS;
    return pg;
}

void cc_pg_close(struct cc_pg *pg)
{
    size_t at = 0;
    void *value;
    while (cc_hash_map_next(pg->statements, &at, &value)) {
        struct statement *statement = value;
        cc_free(statement->sql);
        cc_free(statement);
    }
    cc_hash_map_destroy(pg->statements);
    PQfinish(pg->conn);
    cc_free(pg);
}

bool cc_pg_alive(struct cc_pg *pg)
{
    struct pollfd readable = {.fd = PQsocket(pg->conn), .events = POLLIN};
    if (poll(&readable, 1, 0) == 0)
        return true;
    /* An idle server has something to say: a notice, or that it is leaving. */
    return PQconsumeInput(pg->conn) == 1 && PQstatus(pg->conn) == CONNECTION_OK;
}

/* The one table of SQLSTATEs; a prefix of two characters stands for its class. Each of these was
 * rolled back by the server, so "nothing was done" is true. */
static const struct translation {
    const char *sqlstate;
    enum cc_code code;
    bool reconnect;
} translations[] = {
    {"23505", CC_CONFLICT, false},    /* unique_violation */
    {"57014", CC_TIMEOUT, false},     /* query_canceled: statement_timeout */
    {"40001", CC_UNAVAILABLE, false}, /* serialization_failure */
    {"40P01", CC_UNAVAILABLE, false}, /* deadlock_detected */
    {"55P03", CC_UNAVAILABLE, false}, /* lock_not_available */
    {"53", CC_UNAVAILABLE, false},    /* too many connections, disk full, out of memory */
    {"57P", CC_UNAVAILABLE, true},    /* the server shuts down, crashes or starts */
    {"25006", CC_UNAVAILABLE, true},  /* read-only: a former primary after a fail-over */
    {"26000", CC_UNAVAILABLE, true},  /* a prepared statement that something else dropped */
    {"0A000", CC_UNAVAILABLE, true},  /* a cached plan whose result a migration changed */
};

static const struct translation *translate(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++) {
        const char *wanted = translations[i].sqlstate;
        if (strncmp(sqlstate, wanted, strlen(wanted)) == 0)
            return &translations[i];
    }
    return NULL;
}

/* The connection is of no use any more, and whether the server did what was asked can't be told. */
static enum cc_code fail_lost(struct cc_pg *pg, const char *why, struct cc_error *err)
{
    pg->broken = true;
    return cc_fail_detail(err, pg->harmless ? CC_UNAVAILABLE : CC_OUTCOME_UNKNOWN, "postgres: %s",
                          why);
}

static enum cc_code fail_result(struct cc_pg *pg, const PGresult *result, struct cc_error *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL) /* made by libpq itself: the connection is gone */
        return fail_lost(pg, PQresultErrorMessage(result), err);
    const struct translation *known = translate(sqlstate);
    if (known == NULL)
        return cc_fail_detail(err, CC_INTERNAL, "postgres %s: %s", sqlstate, message);
    if (known->reconnect)
        pg->broken = true;
    cc_fail_detail(err, known->code, "postgres %s: %s", sqlstate, message);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    if (err != NULL && known->code == CC_CONFLICT && constraint != NULL)
        snprintf(err->field, sizeof err->field, "%s", constraint);
    return known->code;
}

/* Waits until libpq can give the whole answer without blocking. */
static enum cc_code await_answer(struct cc_pg *pg, struct cc_error *err)
{
    int64_t deadline = pg->asked_at_mono_ms + pg->answer_timeout_ms;
    while (PQisBusy(pg->conn)) {
        int64_t left = pg->answer_timeout_ms < 0 ? -1 : deadline - cc_mono_ms(cc_clock_system());
        struct pollfd readable = {.fd = PQsocket(pg->conn), .events = POLLIN};
        if (pg->answer_timeout_ms >= 0 && left <= 0) {
            pg->unanswered = true;
            return fail_lost(pg, "no answer in time", err);
        }
        if (poll(&readable, 1, (int)left) > 0 && PQconsumeInput(pg->conn) == 0)
            return fail_lost(pg, PQerrorMessage(pg->conn), err);
    }
    return CC_OK;
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

/* Takes all results of what was just sent; gives back the last one, or the first failure. `sent`:
 * what the PQsend function returned. */
static enum cc_code finish(struct cc_pg *pg, int sent, PGresult **out, struct cc_error *err)
{
    if (sent == 0) {
        pg->broken = true;
        return cc_fail_detail(err, CC_UNAVAILABLE, "postgres: %s", PQerrorMessage(pg->conn));
    }
    enum cc_code code = CC_OK;
    PGresult *last = NULL;
    for (;;) {
        enum cc_code waited = await_answer(pg, code == CC_OK ? err : NULL);
        PGresult *next = waited == CC_OK ? PQgetResult(pg->conn) : NULL;
        if (code == CC_OK)
            code = waited;
        if (next == NULL)
            break;
        if (code == CC_OK && !succeeded(next))
            code = fail_result(pg, next, err);
        PQclear(last);
        last = next;
    }
    if (PQstatus(pg->conn) != CONNECTION_OK)
        pg->broken = true;
    if (code == CC_OK && out != NULL)
        *out = last;
    else
        PQclear(last);
    return code;
}

static void ask(struct cc_pg *pg, bool harmless)
{
    pg->harmless = harmless;
    pg->asked_at_mono_ms = cc_mono_ms(cc_clock_system());
}

static enum cc_code prepare(struct cc_pg *pg, const char *sql, int count,
                            const struct statement **out, struct cc_error *err)
{
    struct statement *statement = cc_calloc(1, sizeof *statement);
    snprintf(statement->name, sizeof statement->name, "s%zu", cc_hash_map_count(pg->statements));
    enum cc_code code =
        finish(pg, PQsendPrepare(pg->conn, statement->name, sql, count, NULL), NULL, err);
    if (code != CC_OK) {
        cc_free(statement);
        return code;
    }
    statement->sql = cc_strdup(sql);
    cc_hash_map_put(pg->statements, statement->sql, statement);
    *out = statement;
    return CC_OK;
}

static bool only_reads(const char *sql)
{
    return strncmp(sql, "SELECT ", strlen("SELECT ")) == 0;
}

enum cc_code cc_pg_exec(struct cc_pg *pg, const char *sql, const char *const *params, int count,
                        PGresult **out, struct cc_error *err)
{
    if (pg->broken)
        return cc_fail_detail(err, CC_UNAVAILABLE, "postgres: the connection was lost before");
    const struct statement *statement = cc_hash_map_get(pg->statements, sql);
    ask(pg, true); /* preparing does nothing */
    if (statement == NULL && cc_hash_map_count(pg->statements) < STATEMENTS_MAX)
        CC_TRY(prepare(pg, sql, count, &statement, err));
    pg->harmless = pg->in_transaction || only_reads(sql);
    int64_t began_us = cc_mono_us(cc_clock_system());
    int sent = statement != NULL
                   ? PQsendQueryPrepared(pg->conn, statement->name, count, params, NULL, NULL, 0)
                   : PQsendQueryParams(pg->conn, sql, count, NULL, params, NULL, NULL, 0);
    enum cc_code code = finish(pg, sent, out, err);
    cc_histogram_observe_us(pg->durations, cc_mono_us(cc_clock_system()) - began_us);
    return code;
}

static enum cc_code run(struct cc_pg *pg, const char *sql, bool harmless, PGresult **out,
                        struct cc_error *err)
{
    if (pg->broken)
        return cc_fail_detail(err, CC_UNAVAILABLE, "postgres: the connection was lost before");
    ask(pg, harmless);
    return finish(pg, PQsendQuery(pg->conn, sql), out, err);
}

enum cc_code cc_pg_run(struct cc_pg *pg, const char *sql, struct cc_error *err)
{
    return run(pg, sql, false, NULL, err);
}

enum cc_code cc_pg_begin(struct cc_pg *pg, struct cc_error *err)
{
    CC_TRY(run(pg, "BEGIN", true, NULL, err));
    pg->in_transaction = true;
    return CC_OK;
}

enum cc_code cc_pg_commit(struct cc_pg *pg, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    pg->in_transaction = false;
    CC_TRY(run(pg, "COMMIT", false, &result, err));
    /* COMMIT of a failed transaction succeeds, but says that it rolled back. */
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return cc_fail_detail(err, CC_INTERNAL, "postgres: the transaction had failed before");
    return CC_OK;
}

void cc_pg_settle(struct cc_pg *pg)
{
    PGTransactionStatusType status = PQtransactionStatus(pg->conn);
    if (status == PQTRANS_ACTIVE || status == PQTRANS_UNKNOWN)
        pg->broken = true;
    pg->in_transaction = false;
    if (pg->broken || status == PQTRANS_IDLE)
        return;
    if (run(pg, "ROLLBACK", true, NULL, NULL) != CC_OK)
        pg->broken = true;
}

static int column_of(const PGresult *result, const char *column)
{
    int number = PQfnumber(result, column);
    assert(number >= 0 && "no such column in this result");
    return number;
}

const char *cc_pg_text(const PGresult *result, int row, const char *column)
{
    return PQgetvalue(result, row, column_of(result, column));
}

int64_t cc_pg_int(const PGresult *result, int row, const char *column)
{
    const char *text = cc_pg_text(result, row, column);
    return text[0] == 't' ? 1 : strtoll(text, NULL, 10);
}

bool cc_pg_is_null(const PGresult *result, int row, const char *column)
{
    return PQgetisnull(result, row, column_of(result, column)) == 1;
}
