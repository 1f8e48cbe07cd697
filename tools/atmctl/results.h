/*
 * The results of a quarter as figures: the quarters from the first of the year before up to the one asked for,
 * each with every item, and from them the sums, shares and changes that a results page shows.
 *
 *      database --results_load--> base figures a quarter --derive--> every item --results_compose--> columns
 *
 * Amounts are whole yen from end to end; percentages are whole tenths. Nothing is rounded here but what is a
 * quotient. A figure that is not known is missing, and whatever is made of it is missing too.
 */
#ifndef ATMCTL_RESULTS_H
#define ATMCTL_RESULTS_H

#include "tools/atmctl/database.h"
#include "tools/atmctl/result_items.h"

enum { RESULTS_QUARTERS_MAX = 8, RESULTS_COLUMNS_MAX = 16, RESULTS_NAME_MAX = 24 };

enum result_unit { UNIT_YEN, UNIT_WHOLE_YEN, UNIT_PERCENT, UNIT_COUNT };
enum result_kind { KIND_SUM, KIND_END, KIND_OF };
enum result_style { STYLE_PLAIN, STYLE_OF_WHICH, STYLE_TOTAL };

struct result_row {
        const char *name, *english, *japanese;
        enum result_unit unit; /* UNIT_WHOLE_YEN: never in millions */
        enum result_kind kind;
        enum result_style style;
        int indent;
};
extern const struct result_row result_rows[RESULT_ITEM_COUNT];

struct figure {
        int64_t value;
        bool known;
};

/* What a column holds: figures in their items' units, or percentages (points for items in percent). */
enum results_column_kind { COLUMN_FIGURES, COLUMN_PERCENT, COLUMN_DIFFERENCE };

struct results_column {
        char name[RESULTS_NAME_MAX];
        enum results_column_kind kind;
        struct figure figure[RESULT_ITEM_COUNT];
};

struct results_quarter {
        char name[8]; /* "3Q16" */
        int32_t from_day, to_day;
        bool closed, over;
        struct figure figure[RESULT_ITEM_COUNT];
        int64_t atm_days;
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
};

/* quarter: "3Q16", canonical. False after a complaint. today: business today, up to which a quarter that is not over counts. */
ATM_MUST_USE bool results_load(struct database *database, const char *quarter, int32_t today,
                               struct results *ret_results);

/* The whole fiscal year up to the quarter: sums, what is there at its end, and ratios computed anew. */
void results_cumulate(const struct results_quarter *quarters, size_t count, struct figure *ret_figures);

#endif
