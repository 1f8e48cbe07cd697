/* One query to one output. */
#include "tools/atmctl/rows.h"

#include <inttypes.h>
#include <string.h>

#include "tools/atmctl/filters.h"

/* Of these --sort takes the first ones; how many rows of a list of all withdrawals there are nobody knows. */
enum { SORTED_MAX = 100000 };

/* How many rows are asked for where so many are shown: what is sorted is cut after that. */
static int64_t rows_wanted(const struct invocation *invocation, int64_t limit)
{
        return invocation_has(invocation, "sort") && limit < SORTED_MAX ? SORTED_MAX : limit;
}

void rows_limit(const struct invocation *invocation, int64_t fallback, int64_t *ret_limit, char ret_text[24])
{
        *ret_limit = invocation_number(invocation, "limit", fallback);
        snprintf(ret_text, 24, "%" PRId64, rows_wanted(invocation, *ret_limit) + 1);
}

static void note_cut(const char *cut, int64_t limit)
{
        const char *at = strstr(cut, "%s");

        note("%.*s%" PRId64 "%s", (int)(at - cut), cut, limit, at + strlen("%s"));
}

static void note_cut_of_sorted(int64_t rows, int64_t wanted, int64_t limit)
{
        if (rows > wanted)
                note("the first %" PRId64 " by --sort among %" PRId64
                     " rows, and there are more: expected options that leave some out",
                     limit, wanted);
        else
                note("the first %" PRId64 " of %" PRId64 " by --sort: --limit N shows more of them", limit,
                     rows);
}

static bool write_rows(const struct invocation *invocation, const struct rows_question *q,
                       const PGresult *result)
{
        bool (*write)(struct output *, const PGresult *, int) = q->write ? q->write : output_result;
        int64_t rows = PQntuples(result), wanted = q->limit ? rows_wanted(invocation, q->limit) : rows;
        bool sorts = invocation_has(invocation, "sort");
        struct output *output;

        if (q->absent && !rows) {
                complain("%s: %s", invocation_name(invocation), q->absent);
                return false;
        }
        output = output_open(invocation, q->shape, q->columns, q->column_count);
        if (!output)
                return false;
        if (sorts && q->limit)
                output_show_first(output, (size_t)q->limit);
        if (!write(output, result, (int)(rows < wanted ? rows : wanted))) {
                output_abandon(output);
                return false;
        }
        if (!output_close(output))
                return false;
        if (!q->limit || rows <= q->limit)
                return true;
        if (sorts)
                note_cut_of_sorted(rows, wanted, q->limit);
        else
                note_cut(q->cut ? q->cut : "there are more than %s: --limit N shows more of them", q->limit);
        return true;
}

static bool answer(struct database *database, const struct invocation *invocation, void *context)
{
        const struct rows_question *q = context;
        char error[PG_ERROR_MAX];
        PGresult *result = q->ask(database->connection, q->question,
                                  q->limit ? rows_wanted(invocation, q->limit) + 1 : INT64_MAX, error);
        /* who misspells a name is told so, and not that there is none */
        bool written = result &&
                       (PQntuples(result) || q->absent || filters_are_known(database, invocation)) &&
                       write_rows(invocation, q, result);

        if (!result)
                database_complain_of(error);
        PQclear(result);
        return written;
}

int rows_answer(const struct invocation *invocation, const struct rows_question *question)
{
        struct rows_question asked = *question;

        if (!output_arranges(invocation, question->columns, question->column_count))
                return EXIT_USAGE;
        return database_run(invocation, answer, &asked);
}

/* The limit is one of its parameters. */
static PGresult *run_query(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        const struct rows_query *query = question;

        (void)limit;
        return pg_query(connection, query->sql, query->count, query->parameters, error);
}

int rows_print(const struct invocation *invocation, const struct rows_query *query)
{
        return rows_answer(invocation, &(struct rows_question){.ask = run_query,
                                                               .question = query,
                                                               .shape = query->shape,
                                                               .columns = query->columns,
                                                               .column_count = query->column_count,
                                                               .absent = query->absent,
                                                               .limit = query->limit});
}
