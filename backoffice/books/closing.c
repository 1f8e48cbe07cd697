/* Closing the books; see closing.h. */
#include "backoffice/books/closing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/books/period.h"
#include "backoffice/books/summary.h"
#include "lib/base/array.h"
#include "lib/db/selection.h"

enum { ATTEMPTS_MAX = 5 };

#define PERIOD_CLOSE "SELECT r_refusal, r_without_end FROM period_close($1, $2::boolean)"

/* Batches wait for the close while it adds the quarter up, so it takes sums alone. */
static bool sum_up(PGconn *connection, const char *quarter, char error[PG_ERROR_MAX])
{
        struct period period;
        char why[PG_ERROR_MAX];

        period_of_name(quarter, &period);
        if (summary_extend(connection, period.last_day, NULL, NULL, why))
                return true;
        snprintf(error, PG_ERROR_MAX, "not all days of %s are summed up, try again: %.*s", quarter,
                 PG_ERROR_MAX / 2, why);
        return false;
}

/* Sums are made before: they are nobody's change, and must not be waited for in a transaction that lets all batches wait. */
static PGresult *close_dry(PGconn *connection, const char *const parameters[2], char error[PG_ERROR_MAX])
{
        char second[PG_ERROR_MAX];
        PGresult *result;

        if (!pg_execute(connection, "BEGIN", 0, NULL, error))
                return NULL;
        result = pg_query(connection, PERIOD_CLOSE, 2, parameters, error);
        if (pg_execute(connection, "ROLLBACK", 0, NULL, result ? error : second) || !result)
                return result;
        PQclear(result);
        return NULL;
}

/* The answer of period_close; NULL with the error. A hall that moves meanwhile takes sums away: then they are made once more. */
static PGresult *ask(PGconn *connection, const struct closing_question *question, char error[PG_ERROR_MAX])
{
        const char *parameters[] = {question->quarter, question->anyway ? "true" : "false"};

        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
                PGresult *result;

                if (!sum_up(connection, question->quarter, error))
                        return NULL;
                result = question->dry ? close_dry(connection, parameters, error)
                                       : pg_query_repeated(connection, PERIOD_CLOSE, LENGTH(parameters),
                                                           parameters, error);
                if (!result || strcmp(PQgetvalue(result, 0, 0), "not summed") != 0)
                        return result;
                PQclear(result);
        }
        snprintf(error, PG_ERROR_MAX, "not all days of %s are summed up, try again: halls move meanwhile",
                 question->quarter);
        return NULL;
}

enum closing closing_close(PGconn *connection, const struct closing_question *question,
                           int64_t *ret_without_end, char error[PG_ERROR_MAX])
{
        static const struct {
                const char *name; /* of period_close */
                enum closing closing;
        } refusals[] = {
            {"closed", CLOSING_BEFORE}, {"without end", CLOSING_WITHOUT_END}, {"missing", CLOSING_MISSING}};
        enum closing closing = CLOSING_DONE;
        PGresult *result = ask(connection, question, error);

        if (!result)
                return CLOSING_FAILED;
        for (size_t i = 0; i < LENGTH(refusals) && !PQgetisnull(result, 0, 0); i++)
                if (!strcmp(PQgetvalue(result, 0, 0), refusals[i].name))
                        closing = refusals[i].closing;
        *ret_without_end = pg_number(result, 0, 1);
        PQclear(result);
        return closing;
}

PGresult *closing_quarters(PGconn *connection, const char *quarter, char error[PG_ERROR_MAX])
{
        const char *parameters[] = {quarter};

        if (!sum_up(connection, quarter, error))
                return NULL;
        return pg_query(connection,
                        "SELECT r_quarter, r_from, r_to, r_withdrawals, r_cash_yen, r_commission_yen, "
                        "r_base_fee_yen, r_missing "
                        "FROM closing_quarters($1)",
                        LENGTH(parameters), parameters, error);
}

PGresult *closing_without_end(PGconn *connection, const char *quarter, int64_t limit,
                              char error[PG_ERROR_MAX])
{
        char limit_text[24];
        const char *parameters[] = {quarter, limit_text};

        snprintf(limit_text, sizeof(limit_text), "%" PRId64, limit);
        return pg_query(
            connection,
            "SELECT " MOMENT(
                "transmitted_at") ", terminal, lpad(stan::text, 6, '0'), issuer, amount_yen, state "
                                  "FROM v_without_end WHERE business_date <= quarter_last_day($1) ORDER BY "
                                  "transmitted_at, terminal "
                                  "LIMIT $2::bigint",
            LENGTH(parameters), parameters, error);
}

PGresult *closing_list(PGconn *connection, char error[PG_ERROR_MAX])
{
        return pg_query(connection,
                        "SELECT quarter, from_on, to_on, " REAL_MOMENT(
                            "closed_ms") ", who, without_end, withdrawals, "
                                         "cash_yen, commission_yen, base_fee_yen, cost_missing(quarter), "
                                         "period_note(quarter) FROM period ORDER BY to_on",
                        0, NULL, error);
}
