/* What most commands do: connect, run one query or ask one question, write its rows. */
#ifndef ATMCTL_ROWS_H
#define ATMCTL_ROWS_H

#include "lib/base/array.h"
#include "lib/db/pg_query.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/output/output.h"

enum { LIST_LIMIT = 1000 };

/* What the back office answers, with at most so many rows. NULL with an error. */
typedef PGresult *rows_ask(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX]);

struct rows_question {
        rows_ask *ask;
        const void *question;
        enum output_shape shape;
        const struct output_column *columns;
        size_t column_count;
        const char *absent; /* the complaint where there are no rows; NULL: none is fine */
        bool (*write)(struct output *output, const PGresult *result,
                      int rows); /* NULL: the rows as they are */
        int64_t
            limit; /* of what is shown, after --sort; one more is asked for, so that a cut is noticed. 0: all */
        const char *cut; /* what is then said, with %s for the limit; NULL: that there are more */
};

/* The exit code. */
int rows_answer(const struct invocation *invocation, const struct rows_question *question);

/* The same of a query of the command's own. */
struct rows_query {
        const char *sql;
        int count;
        const char *const *parameters;
        enum output_shape shape;
        const struct output_column *columns;
        size_t column_count;
        const char *absent; /* as above */
        int64_t limit;      /* of rows_limit, which the query is cut by; 0: nothing */
};

/* The exit code. */
int rows_print(const struct invocation *invocation, const struct rows_query *query);

/* --limit as a parameter of a query: one more than is shown, so that a cut is noticed; with --sort as many as are put in order, and one. */
void rows_limit(const struct invocation *invocation, int64_t fallback, int64_t *ret_limit, char ret_text[24]);

#endif
