/* Pivots; see pivot.h. */
#include "backoffice/books/pivot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/period.h"

/* spans of time ----------------------------------------------------------------------------------------- */

/* The longer span that one belongs to, by how it is written; "": none. */
static void span_around(const char *span, char around[PIVOT_NAME_MAX])
{
        int year, month, quarter;

        if (sscanf(span, "%4d-%2d-%*2d", &year, &month) == 2 && strlen(span) == strlen("2016-12-29"))
                snprintf(around, PIVOT_NAME_MAX, "%.7s", span);
        else if (sscanf(span, "%4d-%2d", &year, &month) == 2)
                snprintf(around, PIVOT_NAME_MAX, "%dQ%02d", (month + 8) % 12 / 3 + 1,
                         (year - (month < 4)) % 100);
        else if (sscanf(span, "%1dQ%2d", &quarter, &year) == 2)
                snprintf(around, PIVOT_NAME_MAX, "FY20%02d", year);
        else
                around[0] = '\0';
}

static int compare_spans(const void *a, const void *b)
{
        return period_compare(a, b);
}

/* Each span once, in its order; 0: too many. */
static size_t collect_spans(const struct revenue *revenue, char spans[PIVOT_COLUMNS_MAX][PIVOT_NAME_MAX])
{
        size_t count = 0;

        for (size_t i = 0; i < revenue->rows; i++) {
                const char *span = revenue->row[i].key[1];
                size_t at = 0;

                while (at < count && strcmp(spans[at], span))
                        at++;
                if (at < count)
                        continue;
                if (count == PIVOT_COLUMNS_MAX)
                        return 0;
                snprintf(spans[count++], PIVOT_NAME_MAX, "%s", span);
        }
        qsort(spans, count, PIVOT_NAME_MAX, compare_spans);
        return count;
}

static bool add_column(struct pivot *pivot, const char *name, bool subtotal)
{
        struct pivot_column *column = &pivot->column[pivot->columns];

        if (pivot->columns == PIVOT_COLUMNS_MAX)
                return false;
        memcpy(column->name, name, PIVOT_NAME_MAX);
        column->subtotal = subtotal;
        pivot->columns++;
        return true;
}

/* With subtotals unless one of them would have everything. */
static bool lay_out(const struct revenue *revenue, struct pivot *pivot)
{
        char spans[PIVOT_COLUMNS_MAX][PIVOT_NAME_MAX], around[PIVOT_COLUMNS_MAX + 1][PIVOT_NAME_MAX] = {""};
        size_t count = collect_spans(revenue, spans);
        bool several;

        for (size_t i = 0; i < count; i++)
                span_around(spans[i], around[i]);
        several = count && *around[0] && strcmp(around[0], around[count - 1]) != 0;
        for (size_t i = 0; i < count; i++) {
                if (!add_column(pivot, spans[i], false) ||
                    (several && strcmp(around[i], around[i + 1]) != 0 && !add_column(pivot, around[i], true)))
                        return false;
        }
        return count || !revenue->rows;
}

/* rows -------------------------------------------------------------------------------------------------- */

/* The column of a span, then that of its subtotal: the next one behind it. */
static void add_amount(const struct pivot *pivot, struct pivot_row *row, const char *span, int64_t yen)
{
        size_t at = 0;

        while (pivot->column[at].subtotal || strcmp(pivot->column[at].name, span))
                at++;
        row->cell_yen[at] += yen;
        while (at < pivot->columns && !pivot->column[at].subtotal)
                at++;
        if (at < pivot->columns)
                row->cell_yen[at] += yen;
        row->total_yen += yen;
}

/* What is missing of a sum is nothing of it. */
static struct figure add_known(struct figure a, struct figure b)
{
        return a.known && b.known ? figure_add(a, b) : a.known ? a : b;
}

static void add_row(const struct pivot *pivot, struct pivot_row *row, const struct revenue_row *from)
{
        add_amount(pivot, row, from->key[1], from->commission_yen);
        row->before_yen = add_known(row->before_yen, from->before_yen);
}

/* Where the books have not all of before, a row has some spans of it at most: no measure of all of its own. */
static void compare(const struct revenue *revenue, struct pivot_row *row)
{
        if (!revenue->total.before_yen.known)
                row->before_yen = figure_missing;
        row->change_tenths = figure_change(figure_known(row->total_yen), row->before_yen);
}

bool pivot_suits(const struct revenue_question *question)
{
        return question->key[1] && revenue_key_is_span(question->key[1]) &&
               !revenue_key_is_span(question->key[0]);
}

bool pivot_make(const struct revenue *revenue, const int64_t *limit, struct pivot *ret_pivot)
{
        struct pivot *pivot = ret_pivot;
        const char *last = NULL;
        struct pivot_row *row = NULL;

        *pivot = (struct pivot){.others = {.key = "others"}, .total = {.key = "total"}};
        pivot->row = calloc(revenue->rows + 1, sizeof(*pivot->row));
        if (!pivot->row || !lay_out(revenue, pivot))
                return false;
        for (size_t i = 0; i < revenue->rows; i++) {
                const struct revenue_row *from = &revenue->row[i];

                if (!last || strcmp(last, from->key[0])) { /* rows of a key stand together */
                        bool beyond = limit && (int64_t)pivot->rows >= *limit;

                        row = beyond ? &pivot->others : &pivot->row[pivot->rows++];
                        pivot->more += beyond;
                        if (!beyond)
                                *row = (struct pivot_row){.key = from->key[0], .name = from->name[0]};
                        last = from->key[0];
                }
                add_row(pivot, row, from);
                add_row(pivot, &pivot->total, from);
        }
        pivot->total.before_yen = revenue->total.before_yen;
        for (size_t i = 0; i < pivot->rows; i++)
                compare(revenue, &pivot->row[i]);
        compare(revenue, &pivot->others);
        compare(revenue, &pivot->total);
        return true;
}

void pivot_free(struct pivot *pivot)
{
        free(pivot->row);
}
