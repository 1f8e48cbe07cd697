/* One query to one output. */
#include "tools/atmctl/rows.h"

#include <inttypes.h>
#include <string.h>

void rows_limit(const struct invocation *invocation, int64_t fallback, int64_t *ret_limit, char ret_text[24])
{
        *ret_limit = invocation_number(invocation, "limit", fallback);
        snprintf(ret_text, 24, "%" PRId64, *ret_limit + 1);
}

static void note_cut(const struct invocation *invocation, const char *cut, int64_t limit)
{
        const char *at = strstr(cut, "%s");

        note("%.*s%" PRId64 "%s", (int)(at - cut), cut, limit, at + strlen("%s"));
        if (invocation_has(invocation, "sort"))
                note("--sort puts these in order, and not those that are left out");
}

static bool write_rows(const struct invocation *invocation, const struct rows_question *q,
                       const PGresult *result)
{
        bool (*write)(struct output *, const PGresult *, int) = q->write ? q->write : output_result;
        bool is_cut = q->limit && PQntuples(result) > q->limit;
        struct output *output;

        if (q->absent && !PQntuples(result)) {
                complain("%s: %s", invocation_name(invocation), q->absent);
                return false;
        }
        output = output_open(invocation, q->shape, q->columns, q->column_count);
        if (!output)
                return false;
        if (!write(output, result, is_cut ? (int)q->limit : PQntuples(result))) {
                output_abandon(output);
                return false;
        }
        if (!output_close(output))
                return false;
        if (is_cut)
                note_cut(invocation, q->cut ? q->cut : "there are more than %s: --limit N shows more of them",
                         q->limit);
        return true;
}

static bool answer(struct database *database, const struct invocation *invocation, void *context)
{
        const struct rows_question *q = context;
        char error[PG_ERROR_MAX];
        PGresult *result =
            q->ask(database->connection, q->question, q->limit ? q->limit + 1 : INT64_MAX, error);
        bool written = result && write_rows(invocation, q, result);

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
