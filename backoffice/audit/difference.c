#include "backoffice/audit/difference.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"

/* A withdrawal has one line, and that the first of these that holds: that a side has nothing of it, then cash, then a bank's money, then
 * prices, then what moves no money. */
static const char *const reasons[] = {"only-in-journal", "only-in-database", "state", "dispensed",
                                      "only-at-bank", "not-at-bank", "bank-refused", "bank-held",
                                      "bank-untold", "bank-dispensed", "unfinished", "bank-exception", "fee",
                                      "bank-charge", "amount", "bank-amount", "card", "bank-card", "de39",
                                      "bank-de39", "approval", "bank-approval", "bank-rrn",
                                      /* no differences */
                                      "explained", "settled"};

_Static_assert(LENGTH(reasons) <= DIFFERENCE_REASONS_MAX, "a bit each");

int difference_place(const char *what)
{
        int place = 0;

        while (place < (int)LENGTH(reasons) && strcmp(reasons[place], what))
                place++;
        assert(place < (int)LENGTH(reasons));
        return place;
}

const char *difference_reason(int place)
{
        return place < (int)LENGTH(reasons) ? reasons[place] : NULL;
}

/* lines -------------------------------------------------------------------------------------------- */

struct difference_line {
        struct merge_difference difference;
        enum fact_kind kind;
        char *values;
        struct database_row row;
};

void difference_lines_add(struct difference_lines *lines, const struct merge_difference *d)
{
        struct difference_line *grown =
            array_with_room(lines->line, &lines->room, lines->count, sizeof(*grown));
        char *values = grown ? strdup(d->fact->values) : NULL;

        if (grown)
                lines->line = grown;
        if (!values) {
                lines->failed = true;
                return;
        }
        grown = &lines->line[lines->count++];
        *grown = (struct difference_line){.difference = *d, .kind = d->fact->kind, .values = values};
        if (d->row)
                grown->row = *d->row;
}

void difference_lines_tell(struct difference_lines *lines, difference_tell *tell, void *context)
{
        for (size_t i = 0; i < lines->count; i++) {
                struct difference_line *line = &lines->line[i];
                struct fact fact;

                fact_begin(&fact, line->kind);
                strcpy(fact.values, line->values); /* as long as a fact's at most */
                line->difference.fact = &fact;
                if (line->difference.row)
                        line->difference.row = &line->row;
                tell(&line->difference, context);
                free(line->values);
        }
        lines->count = 0;
}

void difference_lines_free(struct difference_lines *lines)
{
        for (size_t i = 0; i < lines->count; i++)
                free(lines->line[i].values);
        free(lines->line);
        *lines = (struct difference_lines){.count = 0};
}
