/* The snapshot before a change and after it; see reference_guard.h. */
#include "tools/atmctl/reference_guard.h"

#include <stdlib.h>
#include <string.h>

#include "config/reference_load.h"

static void on_lack(void *context, const char *text)
{
        fprintf(context, "%s\n", text);
}

/* What the snapshot that atmd would take after this transaction lacks, a line each; one that can't be built is one line. NULL: no memory. */
static char *read_lacking(struct database *database)
{
        char *text = NULL, error[PG_ERROR_MAX];
        size_t length;
        struct reference *reference;
        FILE *stream = open_memstream(&text, &length);

        if (!stream)
                return NULL;
        if (reference_read_copy(database->connection, &reference, error)) {
                (void)reference_check(reference, on_lack, stream);
                reference_free(reference);
        } else {
                on_lack(stream, error);
        }
        if (fclose(stream) == 0)
                return text;
        free(text);
        return NULL;
}

bool reference_guard_begin(struct reference_guard *ret_guard, struct database *database)
{
        ret_guard->lacking = NULL;
        if (!database_execute(database,
                              "LOCK TABLE issuer, card_prefix, tariff, tax_rate IN SHARE ROW EXCLUSIVE MODE",
                              0, NULL))
                return false;
        ret_guard->lacking = read_lacking(database);
        if (!ret_guard->lacking)
                complain("out of memory");
        return ret_guard->lacking != NULL;
}

/* Is it one of the lines? */
static bool has_line(const char *lines, const char *line, size_t length)
{
        for (; *lines; lines += strcspn(lines, "\n") + 1)
                if (strcspn(lines, "\n") == length && memcmp(lines, line, length) == 0)
                        return true;
        return false;
}

/* Complains of each line of after that is not in before. */
static bool compare(const char *before, const char *after)
{
        bool good = true;

        for (; *after; after += strcspn(after, "\n") + 1) {
                size_t length = strcspn(after, "\n");

                if (has_line(before, after, length))
                        continue;
                complain("%.*s", (int)length, after);
                good = false;
        }
        if (!good)
                note("first what a price is made of (tariffs of both bands from one day on, a tax rate), "
                     "then the card "
                     "prefix that leads to it");
        return good;
}

bool reference_guard_end(struct reference_guard *guard, struct database *database, bool go_on)
{
        char *after = go_on ? read_lacking(database) : NULL;
        bool good = after && compare(guard->lacking, after);

        if (go_on && !after)
                complain("out of memory");
        free(after);
        free(guard->lacking);
        guard->lacking = NULL;
        return good;
}
