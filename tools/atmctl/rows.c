/* One query to one output. */
#include "tools/atmctl/rows.h"

#include <inttypes.h>
#include <string.h>

void rows_limit(const struct invocation *invocation, int64_t fallback, int64_t *ret_limit, char ret_text[24])
{
        *ret_limit = invocation_number(invocation, "limit", fallback);
        snprintf(ret_text, 24, "%" PRId64, *ret_limit + 1);
}

static void note_cut(const char *cut, int64_t limit)
{
        const char *at = strstr(cut, "%s");

        note("%.*s%" PRId64 "%s", (int)(at - cut), cut, limit, at + strlen("%s"));
}

bool rows_print_found(const struct invocation *invocation, const struct output_column *columns, size_t count,
                      const PGresult *result, int64_t limit, const char *cut)
{
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, count);
        bool is_cut = PQntuples(result) > limit;

        if (!output)
                return false;
        if (!output_result(output, result, is_cut ? (int)limit : PQntuples(result))) {
                output_abandon(output);
                return false;
        }
        if (!output_close(output))
                return false;
        if (is_cut)
                note_cut(cut, limit);
        return true;
}

int rows_print(const struct invocation *invocation, const struct rows_query *query)
{
        struct database database;
        struct output *output;
        PGresult *result;
        bool cut;
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        result = database_query(&database, query->sql, query->count, query->parameters);
        if (result && query->absent && !PQntuples(result)) {
                complain("%s: %s", invocation_name(invocation), query->absent);
                goto clear;
        }
        output = result ? output_open(invocation, query->shape, query->columns, query->column_count) : NULL;
        if (!output)
                goto clear;
        cut = query->limit && PQntuples(result) > query->limit;
        if (!output_result(output, result, cut ? (int)query->limit : PQntuples(result))) {
                output_abandon(output);
        } else if (output_close(output)) {
                exit_code = EXIT_DONE;
                if (cut)
                        note("there are more than %" PRId64 ": --limit N shows more of them", query->limit);
        }
clear:
        PQclear(result);
        database_close(&database);
        return exit_code;
}
