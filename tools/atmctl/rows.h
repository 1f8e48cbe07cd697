/* What most commands do: connect, run one query, write its rows. */
#ifndef ATMCTL_ROWS_H
#define ATMCTL_ROWS_H

#include "lib/base/array.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/output/output.h"

enum { LIST_LIMIT = 1000 };

struct rows_query {
        const char *sql;
        int count;
        const char *const *parameters;
        enum output_shape shape;
        const struct output_column *columns;
        size_t column_count;
        const char *absent; /* the complaint where there are no rows; NULL: none is fine */
        int64_t limit;      /* what the query was cut at; 0: nothing */
};

/* The exit code. */
int rows_print(const struct invocation *invocation, const struct rows_query *query);

/* Rows of which one more than `limit` was asked for, so that a cut is noticed: `cut`, with %s for the limit, is then said. False
 * after a complaint. */
ATM_MUST_USE bool rows_print_found(const struct invocation *invocation, const struct output_column *columns,
                                   size_t count, const PGresult *result, int64_t limit, const char *cut);

/* --limit as a parameter of a query: one more than is shown, so that a cut is noticed. */
void rows_limit(const struct invocation *invocation, int64_t fallback, int64_t *ret_limit, char ret_text[24]);

#endif
