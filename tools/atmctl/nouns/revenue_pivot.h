/* A pivot of commission (backoffice/books/pivot.h) as rows, for people. */
#ifndef ATMCTL_NOUNS_REVENUE_PIVOT_H
#define ATMCTL_NOUNS_REVENUE_PIVOT_H

#include "backoffice/books/pivot.h"
#include "backoffice/pages/period_text.h"
#include "tools/atmctl/output/output.h"

/* Key, name, the pivot's, the sum of the row, and what it is compared with. */
enum { PIVOT_SHOWN_MAX = PIVOT_COLUMNS_MAX + 5 };

struct pivot_shown {
        struct output_column column[PIVOT_SHOWN_MAX];
        const char *word[PIVOT_SHOWN_MAX];
        char span[PIVOT_COLUMNS_MAX][PERIOD_TEXT_MAX]; /* as its reader writes it */
        size_t count;
};

/* The section with its rows; its columns are in `shown`, which must live as long as pivot and output. */
ATM_MUST_USE bool revenue_pivot_rows(struct output *output, const struct revenue_question *question,
                                     const struct pivot *pivot, struct pivot_shown *shown);

#endif
