/* Names to columns, and rows in order: see arrange.h. */
#include "tools/atmctl/output/arrange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/period.h"
#include "lib/base/array.h"
#include "lib/base/digits.h"
#include "lib/base/nearest.h"

enum { NAMES_MAX = 2048 };

/* names ------------------------------------------------------------------------------------------------- */

static size_t find_column(const struct output_column *columns, size_t count, const char *name)
{
        size_t i = 0;

        while (i < count && !option_same_name(schema_name(&columns[i]), name))
                i++;
        return i;
}

static void complain_of(const struct invocation *invocation, const char *option, const char *name,
                        const struct output_column *columns, size_t count)
{
        char names[NAMES_MAX], shown[OPTION_NAME_MAX];
        struct nearest nearest;
        size_t length = 0;

        nearest_begin(&nearest, name, strlen(name));
        for (size_t i = 0; i < count && length < sizeof(names); i++) {
                length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s", i ? ", " : "",
                                           schema_name(&columns[i]));
                nearest_try(&nearest, schema_name(&columns[i]));
        }
        snprintf(shown, sizeof(shown), "%s", name);
        digits_mask(shown);
        complain("%s: --%s: there is no column '%s'%s%s%s", invocation_name(invocation), option, shown,
                 nearest.found ? ": did you mean " : "", nearest.found ? nearest.found : "",
                 nearest.found ? "?" : "");
        note("the columns are %s", names);
}

/* The name up to the next comma; what is behind it, or NULL. */
static const char *cut_name(const char *list, char ret_name[OPTION_NAME_MAX])
{
        size_t length = strcspn(list, ",");

        snprintf(ret_name, OPTION_NAME_MAX, "%.*s", (int)length, list);
        return list[length] ? list + length + 1 : NULL;
}

static void show_column(struct arrangement *arrangement, const struct output_column *columns, size_t i)
{
        arrangement->columns[arrangement->count] = columns[i];
        arrangement->from[arrangement->count++] = i;
}

/* What is asked for is shown, whomever it is for else. */
static bool read_columns(const struct invocation *invocation, const struct output_column *columns,
                         size_t count, struct arrangement *arrangement)
{
        char name[OPTION_NAME_MAX];

        for (const char *at = invocation_value(invocation, "columns"); at;) {
                size_t i;

                at = cut_name(at, name);
                i = find_column(columns, count, name);
                if (i == count) {
                        complain_of(invocation, "columns", name, columns, count);
                        return false;
                }
                if (arrangement->count == OUTPUT_COLUMNS_MAX) {
                        complain("%s: --columns: expected at most %d columns", invocation_name(invocation),
                                 OUTPUT_COLUMNS_MAX);
                        return false;
                }
                show_column(arrangement, columns, i);
                arrangement->columns[arrangement->count - 1].flags &=
                    ~(unsigned)(OUTPUT_ONLY_TABLE | OUTPUT_NOT_TABLE);
        }
        return true;
}

/* Of words the column that has the same as a number. */
static size_t find_in_figures(const struct output_column *columns, size_t count, const char *name)
{
        size_t i = 0, length = strlen(name);

        while (i < count && (strncmp(columns[i].name, name, length) || columns[i].name[length] != '_'))
                i++;
        assert(i < count);
        return i;
}

static bool read_sort(const struct invocation *invocation, const struct output_column *columns, size_t count,
                      struct arrangement *arrangement)
{
        char name[OPTION_NAME_MAX];

        for (const char *at = invocation_value(invocation, "sort"); at;) {
                bool descends = *at == '-';
                size_t i;

                at = cut_name(at + descends, name);
                i = find_column(columns, count, name);
                if (i == count) {
                        complain_of(invocation, "sort", name, columns, count);
                        return false;
                }
                if (columns[i].flags & OUTPUT_IN_WORDS)
                        i = find_in_figures(columns, count, columns[i].name);
                if (arrangement->key_count == SORT_KEYS_MAX) {
                        complain("%s: --sort: expected at most %d columns", invocation_name(invocation),
                                 SORT_KEYS_MAX);
                        return false;
                }
                arrangement->keys[arrangement->key_count].column = i;
                arrangement->keys[arrangement->key_count].type = columns[i].type;
                arrangement->keys[arrangement->key_count++].descends = descends;
        }
        return true;
}

bool arrangement_read(const struct invocation *invocation, const struct output_column *columns, size_t count,
                      struct arrangement *ret_arrangement)
{
        *ret_arrangement = (struct arrangement){.given = count};
        if (!read_columns(invocation, columns, count, ret_arrangement) ||
            !read_sort(invocation, columns, count, ret_arrangement))
                return false;
        for (size_t i = 0; i < count && !invocation_has(invocation, "columns"); i++)
                show_column(ret_arrangement, columns, i);
        return true;
}

/* rows -------------------------------------------------------------------------------------------------- */

struct kept_row {
        size_t number;  /* as they came: equals stay in that order */
        char *values[]; /* their texts stand behind them */
};

bool arrangement_keep(struct arrangement *arrangement, const char *const *values)
{
        size_t size = sizeof(struct kept_row) + arrangement->given * sizeof(char *);
        struct kept_row **rows = array_with_room(arrangement->rows, &arrangement->room,
                                                 arrangement->row_count, sizeof(struct kept_row *));
        struct kept_row *row;
        char *at;

        if (!rows)
                return false;
        arrangement->rows = rows;
        for (size_t i = 0; i < arrangement->given; i++)
                size += values[i] ? strlen(values[i]) + 1 : 0;
        row = malloc(size);
        if (!row)
                return false;
        at = (char *)&row->values[arrangement->given];
        for (size_t i = 0; i < arrangement->given; i++) {
                row->values[i] = values[i] ? at : NULL;
                if (values[i])
                        at = stpcpy(at, values[i]) + 1;
        }
        row->number = arrangement->row_count;
        rows[arrangement->row_count++] = row;
        return true;
}

/* Of two figures without a sign, "0012.5". */
static int compare_magnitudes(const char *a, const char *b)
{
        size_t a_whole, b_whole;

        a += strspn(a, "0");
        b += strspn(b, "0");
        a_whole = strcspn(a, ".");
        b_whole = strcspn(b, ".");
        if (a_whole != b_whole)
                return a_whole < b_whole ? -1 : 1;
        return strcmp(a, b);
}

static int compare_figures(const char *a, const char *b)
{
        bool a_negative = *a == '-', b_negative = *b == '-';

        if (a_negative != b_negative)
                return a_negative ? -1 : 1;
        return a_negative ? compare_magnitudes(b + 1, a + 1) : compare_magnitudes(a, b);
}

static int compare_values(enum output_type type, const char *a, const char *b)
{
        if (schema_is_right(type))
                return compare_figures(a, b);
        return type == OUTPUT_DAYS || type == OUTPUT_PERIOD ? period_compare(a, b) : strcmp(a, b);
}

/* What is missing comes last, up or down. */
static int compare_rows(const void *left, const void *right, void *context)
{
        const struct arrangement *arrangement = context;
        const struct kept_row *a = *(struct kept_row *const *)left, *b = *(struct kept_row *const *)right;

        for (size_t i = 0; i < arrangement->key_count; i++) {
                const char *x = a->values[arrangement->keys[i].column];
                const char *y = b->values[arrangement->keys[i].column];
                int order = x && y ? compare_values(arrangement->keys[i].type, x, y) : 0;

                if (!x != !y)
                        return x ? -1 : 1;
                if (order)
                        return arrangement->keys[i].descends ? -order : order;
        }
        return a->number < b->number ? -1 : 1;
}

void arrangement_sort(struct arrangement *arrangement)
{
        if (arrangement->row_count)
                qsort_r(arrangement->rows, arrangement->row_count, sizeof(struct kept_row *), compare_rows,
                        arrangement);
}

const char *const *arrangement_row(const struct arrangement *arrangement, size_t i)
{
        return (const char *const *)arrangement->rows[i]->values;
}

void arrangement_pick(const struct arrangement *arrangement, const char *const *values,
                      const char *ret_values[OUTPUT_COLUMNS_MAX])
{
        for (size_t i = 0; i < arrangement->count; i++)
                ret_values[i] = values[arrangement->from[i]];
}

void arrangement_forget(struct arrangement *arrangement)
{
        for (size_t i = 0; i < arrangement->row_count; i++)
                free(arrangement->rows[i]);
        free(arrangement->rows);
        arrangement->rows = NULL;
        arrangement->row_count = arrangement->room = 0;
}
