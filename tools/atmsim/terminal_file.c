/* Rows until there are enough; each is checked, since a wrong one would be an ATM that no certificate fits. */
#include "tools/atmsim/terminal_file.h"

#include <stdio.h>
#include <string.h>

#include "tools/atmsim/csv.h"

static bool load_row(struct terminals *t, const struct csv *csv, char error[TERMINALS_ERROR_MAX])
{
        const char *name = csv_value(csv, 0), *hall = csv_value(csv, 1);

        if (strlen(name) != 8) {
                snprintf(error, TERMINALS_ERROR_MAX, "%s:%zu: column terminal: 8 characters are expected",
                         csv->path, csv->line);
                return false;
        }
        if (strlen(hall) > 15) {
                snprintf(error, TERMINALS_ERROR_MAX,
                         "%s:%zu: column hall: at most 15 characters are expected", csv->path, csv->line);
                return false;
        }
        if (terminals_find(t, name) >= 0) {
                snprintf(error, TERMINALS_ERROR_MAX, "%s:%zu: column terminal: %s is there twice", csv->path,
                         csv->line, name);
                return false;
        }
        if (terminals_add(t, name, hall) < 0) {
                snprintf(error, TERMINALS_ERROR_MAX, "%s: out of memory", csv->path);
                return false;
        }
        return true;
}

bool terminals_load(const char *path, size_t limit, struct terminals *ret_terminals,
                    char error[TERMINALS_ERROR_MAX])
{
        static const char *const wanted[] = {"terminal", "hall", NULL};
        struct terminals terminals = {0};
        char csv_error[CSV_ERROR_MAX] = "";
        struct csv csv;
        int result = 1;

        if (!csv_open(&csv, path, wanted, csv_error)) {
                snprintf(error, TERMINALS_ERROR_MAX, "%s", csv_error);
                return false;
        }
        while ((limit == 0 || terminals.count < limit) && (result = csv_next(&csv, csv_error)) == 1)
                if (!load_row(&terminals, &csv, error))
                        goto fail;
        if (result < 0)
                snprintf(error, TERMINALS_ERROR_MAX, "%s", csv_error);
        else if (terminals.count == 0 || terminals.count < limit)
                snprintf(error, TERMINALS_ERROR_MAX, "%s: %zu terminals are in it, %zu are wanted", path,
                         terminals.count, limit ? limit : 1);
        else {
                csv_close(&csv);
                *ret_terminals = terminals;
                return true;
        }
fail:
        csv_close(&csv);
        terminals_free(&terminals);
        return false;
}
