/*
 * The results of a quarter as figures: the quarters from the first of the year before up to the one asked for,
 * each with every item, and from them the sums, shares and changes that a results page shows.
 *
 *      results_begin --> the quarters' names and days
 *      base figures of each quarter --results_derive--> every item of it
 *      all of them, targets, what was published --results_compose--> columns
 *
 * results_load does all of it from the database. Amounts are whole yen from end to end; percentages are whole tenths.
 * Nothing is rounded here but what is a quotient. A figure that is not known is missing, and whatever is made of it is
 * missing too.
 */
#ifndef BACKOFFICE_BOOKS_RESULTS_H
#define BACKOFFICE_BOOKS_RESULTS_H

#include "backoffice/books/figure.h"
#include "backoffice/books/result_items.h"
#include "backoffice/books/standing.h"
#include "lib/db/pg_query.h"

enum { RESULTS_QUARTERS_MAX = 8, RESULTS_COLUMNS_MAX = 16, RESULTS_NAME_MAX = 24 };

enum result_unit { UNIT_YEN, UNIT_WHOLE_YEN, UNIT_PERCENT, UNIT_COUNT };
enum result_kind { KIND_SUM, KIND_END, KIND_OF };

struct result_row {
        const char *name;
        enum result_unit unit; /* UNIT_WHOLE_YEN: never in millions */
        enum result_kind kind;
};
extern const struct result_row result_rows[RESULT_ITEM_COUNT];

/* What a column is: figures in their items' units, or percentages (points for items in percent). */
enum results_column_kind {
        COLUMN_PERIOD,
        COLUMN_YEAR_ON_YEAR,       /* in percent */
        COLUMN_QUARTER_ON_QUARTER, /* in percent */
        COLUMN_TARGET,
        COLUMN_PROGRESS, /* in percent */
        COLUMN_PUBLISHED,
        COLUMN_DIFFERENCE,
        COLUMN_KINDS
};

struct results_column {
        enum results_column_kind kind;
        char of[RESULTS_NAME_MAX]; /* "3Q16", "1Q-3Q16", "FY16"; "": of the period as a whole */
        struct figure figure[RESULT_ITEM_COUNT];
};

struct results_quarter {
        char name[8]; /* "3Q16" */
        int32_t from_day, to_day;
        bool is_part; /* the books have not all of it */
        struct figure figure[RESULT_ITEM_COUNT];
        int64_t atm_days;
        int64_t without_contract; /* ATMs that earned where they had none, though others had */
};

struct results {
        struct results_quarter quarter[RESULTS_QUARTERS_MAX]; /* the last is the one asked for */
        size_t quarters;
        size_t of_year; /* how many of them, at the end, are of its fiscal year: 1 to 4 */
        struct results_column column[RESULTS_COLUMNS_MAX];
        size_t columns;
        char period[RESULTS_NAME_MAX]; /* "1Q-3Q16" */
        int fiscal_year;
        bool base_fees_missing; /* there are no contracts */
        bool is_cut; /* quarters that the books have not all of would be compared with: they are missing */
        bool
            is_unpublished; /* what was published is of a whole fleet, and the books are of a part: it is missing */
};

/* What finance entered to compare with. */
struct results_entered {
        struct figure target[RESULT_ITEM_COUNT];               /* of the fiscal year */
        struct figure published[RESULT_ITEM_COUNT];            /* for the period as a whole */
        struct figure published_quarter[4][RESULT_ITEM_COUNT]; /* for its quarters, from the first */
};

/* Whether it holds percentages; whether figures as they are, neither those nor differences. */
static inline bool results_is_percent(const struct results_column *column)
{
        return column->kind == COLUMN_YEAR_ON_YEAR || column->kind == COLUMN_QUARTER_ON_QUARTER ||
               column->kind == COLUMN_PROGRESS;
}

static inline bool results_is_figures(const struct results_column *column)
{
        return !results_is_percent(column) && column->kind != COLUMN_DIFFERENCE;
}

/* quarter: "3Q16", canonical. */
void results_begin(const char *quarter, struct results *ret_results);
/* Take out what the ledger does not have, and what would be no measure: quarters that were over when it began, those before the year that it has not
 * all of, and, where the books are of a part of the
 * fleet, what was published of the whole. Before results_compose. */
void results_restrict(struct results *results, const struct standing *standing,
                      struct results_entered *entered);
/* Every item of a quarter that follows from those that the books know. A sum of which a part is missing is
 * missing. */
void results_derive(struct results_quarter *quarter, struct figure income_tax_bp,
                    struct figure non_controlling_bp);
/* The columns: the quarters of the year, all of them together, the same a year before, what changed, target and progress,
 * what was published and the difference. */
void results_compose(struct results *results, const struct results_entered *entered);

/* today: business today, up to which a quarter that is not over counts. False with an error. */
ATM_MUST_USE bool results_load(PGconn *connection, const char *quarter, int32_t today,
                               const struct standing *standing, struct results *ret_results,
                               char error[PG_ERROR_MAX]);

/* What parts of the period's business are: commission of each area, the most first; withdrawals of each hour. */
enum { RESULTS_PARTS_MAX = 60 };
struct results_part {
        const char *key, *name; /* name: of an area */
        int64_t amount;
};
struct results_parts {
        struct results_part area[RESULTS_PARTS_MAX], hour[RESULTS_PARTS_MAX];
        size_t areas, hours;
        PGresult *held[2]; /* the texts */
};
/* False with an error. results_parts_free in any case. */
ATM_MUST_USE bool results_parts_load(PGconn *connection, const struct results *results,
                                     struct results_parts *ret_parts, char error[PG_ERROR_MAX]);
void results_parts_free(struct results_parts *parts);

#endif
