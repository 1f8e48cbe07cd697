#include "lib/db/pg_query.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/number.h"

#define PG_INSUFFICIENT_PRIVILEGE "42501"
#define PG_SERIALIZATION_FAILURE  "40001"
#define PG_DEADLOCK_DETECTED      "40P01"
#define PG_LOCK_NOT_AVAILABLE     "55P03"

enum { ATTEMPTS_MAX = 20, PAUSE_US = 20000 };

/* What stands in the buffer as one line, without the line end that libpq brings. */
static void flatten(char *buffer)
{
        for (size_t length = strlen(buffer); length && strchr("\r\n ", buffer[length - 1]); length--)
                buffer[length - 1] = '\0';
        for (char *at = buffer; *at; at++) {
                if (*at == '\n')
                        *at = ' ';
        }
}

static void add_advice(char error[PG_ERROR_MAX], const char *before, const char *text, const char *after)
{
        size_t length = strlen(error);

        snprintf(error + length, PG_ERROR_MAX - length, "\n%s%s%s", before, text, after);
}

/* What our own functions say, of what they were given and not of the database. */
static bool is_raised(const PGresult *result)
{
        const char *raiser = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

        return raiser && !strcmp(raiser, "exec_stmt_raise");
}

void pg_error(const PGconn *connection, const PGresult *result, char error[PG_ERROR_MAX])
{
        const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
        const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        /* no message of the server: the connection was lost, and libpq says how */
        if (is_raised(result))
                snprintf(error, PG_ERROR_MAX, "%s", primary);
        else
                snprintf(error, PG_ERROR_MAX, "database '%s': %s%s%s", PQdb(connection),
                         primary ? primary : PQerrorMessage(connection), detail ? ": " : "",
                         detail ? detail : "");
        flatten(error);
        if (hint)
                add_advice(error, "", hint, "");
        if (state && !strcmp(state, PG_INSUFFICIENT_PRIVILEGE))
                add_advice(error, PG_CONNECTED_AS "'", PQuser(connection), "'");
        if (state && !strcmp(state, PG_LOCK_NOT_AVAILABLE))
                add_advice(error, PG_LOCKED, "", "");
}

PGresult *pg_query(PGconn *connection, const char *sql, int count, const char *const *parameters,
                   char error[PG_ERROR_MAX])
{
        PGresult *result = count ? PQexecParams(connection, sql, count, NULL, parameters, NULL, NULL, 0)
                                 : PQexec(connection, sql);
        ExecStatusType status = PQresultStatus(result);

        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_IN ||
            status == PGRES_COPY_OUT)
                return result;
        pg_error(connection, result, error);
        PQclear(result);
        return NULL;
}

static bool is_collision(const PGresult *result)
{
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        return state && (!strcmp(state, PG_SERIALIZATION_FAILURE) || !strcmp(state, PG_DEADLOCK_DETECTED));
}

PGresult *pg_query_repeated(PGconn *connection, const char *sql, int count, const char *const *parameters,
                            char error[PG_ERROR_MAX])
{
        PGresult *result = PQexecParams(connection, sql, count, NULL, parameters, NULL, NULL, 0);

        /* within a transaction of the caller's nothing can be repeated: the whole of it has failed */
        for (int attempt = 1; is_collision(result) && PQtransactionStatus(connection) == PQTRANS_IDLE &&
                              attempt < ATTEMPTS_MAX;
             attempt++) {
                PQclear(result);
                usleep(PAUSE_US);
                result = PQexecParams(connection, sql, count, NULL, parameters, NULL, NULL, 0);
        }
        if (PQresultStatus(result) == PGRES_TUPLES_OK)
                return result;
        pg_error(connection, result, error);
        PQclear(result);
        return NULL;
}

bool pg_execute(PGconn *connection, const char *sql, int count, const char *const *parameters,
                char error[PG_ERROR_MAX])
{
        PGresult *result = pg_query(connection, sql, count, parameters, error);

        PQclear(result);
        return result != NULL;
}

const char *pg_text(const PGresult *result, int row, int column)
{
        return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

int64_t pg_number(const PGresult *result, int row, int column)
{
        const char *text = pg_text(result, row, column);

        return text ? number_known(text) : 0;
}

int64_t pg_rows_written(PGresult *result)
{
        const char *text = PQcmdTuples(result); /* "" of a statement that writes none */

        return *text ? number_known(text) : 0;
}
