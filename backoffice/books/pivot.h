/*
 * Revenue's rows by a key and a span of time, turned: a row a key, a column a span, and a subtotal behind the spans that make up a
 * longer one (months a quarter, quarters a fiscal year) where there are several of those.
 */
#ifndef BACKOFFICE_BOOKS_PIVOT_H
#define BACKOFFICE_BOOKS_PIVOT_H

#include "backoffice/books/revenue.h"

enum { PIVOT_COLUMNS_MAX = 24, PIVOT_NAME_MAX = 16 };

struct pivot_column {
        char name[PIVOT_NAME_MAX]; /* "3Q16", and of a subtotal "FY2016" */
        bool subtotal;
};

struct pivot_row {
        const char *key, *name; /* of the question's first key; "total"; "others" */
        int64_t cell_yen[PIVOT_COLUMNS_MAX];
        int64_t total_yen;
        struct figure before_yen, change_tenths;
};

struct pivot {
        struct pivot_column column[PIVOT_COLUMNS_MAX];
        size_t columns;
        struct pivot_row *row; /* in the order of the rows that it was made of */
        size_t rows, more;     /* shown, and summed up in `others` */
        struct pivot_row others, total;
};

/* Whether the question asks for it: its second key is a span of time, and its first is none. */
bool pivot_suits(const struct revenue_question *question);
/* Of all rows of a question that suits; `limit` rows at most, NULL: all. False: more columns than it can have, or out of memory. The texts
 * stay the revenue's. pivot_free in any case. */
ATM_MUST_USE bool pivot_make(const struct revenue *revenue, const int64_t *limit, struct pivot *ret_pivot);
void pivot_free(struct pivot *pivot);

#endif
