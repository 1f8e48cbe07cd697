/*
 * How a list is arranged: which of its columns are shown and in which order (--columns), and what its rows are sorted by
 * (--sort), before --limit cuts. Columns have the names that CSV has for them. Rows that are sorted are kept until the last one has come.
 */
#ifndef ATMCTL_OUTPUT_ARRANGE_H
#define ATMCTL_OUTPUT_ARRANGE_H

#include "tools/atmctl/command.h"
#include "tools/atmctl/output/schema.h"

enum { SORT_KEYS_MAX = 8 };

struct kept_row;

struct arrangement {
        size_t given;                                     /* columns of the list */
        struct output_column columns[OUTPUT_COLUMNS_MAX]; /* those shown */
        size_t count, from[OUTPUT_COLUMNS_MAX];           /* from[i]: which of the list's */
        struct {
                size_t column; /* of the list's */
                enum output_type type;
                bool descends;
        } keys[SORT_KEYS_MAX];
        size_t key_count;
        struct kept_row **rows;
        size_t row_count, room;
};

/* False with a complaint that names what is no column, and the columns that there are. */
ATM_MUST_USE bool arrangement_read(const struct invocation *invocation, const struct output_column *columns,
                                   size_t count, struct arrangement *ret_arrangement);
/* A row for later; false: out of memory. */
ATM_MUST_USE bool arrangement_keep(struct arrangement *arrangement, const char *const *values);
void arrangement_sort(struct arrangement *arrangement);
/* Of those kept. */
const char *const *arrangement_row(const struct arrangement *arrangement, size_t i);
/* The values of what is shown, in its order. */
void arrangement_pick(const struct arrangement *arrangement, const char *const *values,
                      const char *ret_values[OUTPUT_COLUMNS_MAX]);
/* Of kept rows; there are none then. */
void arrangement_forget(struct arrangement *arrangement);

#endif
