/* Rows until there are enough; each is checked, since a wrong one would be an ATM that no certificate fits. */
#include "tools/atmsim/terminal_file.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/csv.h"

static bool load_row(struct terminals *t, struct csv *csv)
{
        const char *name = csv_value(csv, 0), *hall = csv_value(csv, 1);

        if (strlen(name) != 8)
                return csv_refuse(csv, csv->line, "terminal", "expected 8 characters");
        if (strlen(hall) > 15)
                return csv_refuse(csv, csv->line, "hall", "expected at most 15 characters");
        if (terminals_find(t, name) >= 0)
                return csv_refuse(csv, csv->line, "terminal", "%s is there twice", name);
        return terminals_add(t, name, hall) >= 0 || csv_refuse(csv, 0, NULL, "out of memory");
}

/* The first `limit` rows, all where it is 0; there must be as many. */
static bool load_rows(struct terminals *t, size_t limit, struct csv *csv)
{
        enum csv_result result = CSV_ROW;

        while ((limit == 0 || t->count < limit) && (result = csv_next(csv)) == CSV_ROW)
                if (!load_row(t, csv))
                        return false;
        if (result == CSV_BAD)
                return false;
        return (t->count > 0 && t->count >= limit) ||
               csv_refuse(csv, 0, NULL, "%zu terminals are in it, %zu are wanted", t->count,
                          limit ? limit : 1);
}

bool terminals_load(const char *path, size_t limit, struct terminals *ret_terminals,
                    char error[TERMINALS_ERROR_MAX])
{
        static const char *const columns[] = {"terminal", "hall", NULL};
        struct terminals terminals = {0};
        struct csv csv;
        bool good =
            csv_open(&csv, path, false) && csv_header(&csv, columns) && load_rows(&terminals, limit, &csv);

        if (good) {
                *ret_terminals = terminals;
        } else {
                snprintf(error, TERMINALS_ERROR_MAX, "%s", csv.error);
                terminals_free(&terminals);
        }
        csv_close(&csv);
        return good;
}
