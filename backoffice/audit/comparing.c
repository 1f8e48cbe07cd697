#include "backoffice/audit/comparing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/calendar.h"

struct bounds comparing_quarter(const struct comparing *comparing)
{
        struct bounds bounds = {"-infinity", "infinity"};

        if (comparing->from_day != INT32_MIN)
                calendar_print_day(comparing->from_day, bounds.from);
        if (comparing->to_day != INT32_MAX)
                calendar_print_day(comparing->to_day, bounds.to);
        return bounds;
}

void comparing_add(struct comparing *comparing, struct tally *tally, const void *key, const int64_t *values)
{
        if (tally_add(tally, key, values) || comparing->failed)
                return;
        comparing->failed = true;
        copy_source_fail(comparing->source, "out of memory, or a sum over 2^63 yen");
}

bool comparing_begin(struct comparing *comparing, struct copy_out *copy, const char *format, ...)
{
        va_list arguments;
        char *query;
        int length;
        bool begun;

        va_start(arguments, format);
        length = vasprintf(&query, format, arguments);
        va_end(arguments);
        if (length < 0) {
                copy_source_fail(comparing->source, "out of memory");
                return false;
        }
        begun = copy_out_begin(copy, comparing->source, query);
        free(query);
        return begun;
}

bool comparing_end(struct comparing *comparing, struct copy_out *copy, enum verify_check check,
                   struct tally *tally, tally_told *on_difference, void *context)
{
        if (!copy_out_end(copy))
                return false;
        if (tally)
                comparing->findings->checked[check] += tally_compare_rest(tally, on_difference, context);
        return !comparing->failed;
}

bool comparing_read_days(struct comparing *comparing, struct tally *set, const char *query)
{
        struct copy_out copy;

        if (!comparing_begin(comparing, &copy, "%s", query))
                return false;
        while (copy_out_row(&copy)) {
                int32_t day = copy_day(&copy);

                if (!tally_at(set, &day)) {
                        copy_source_fail(comparing->source, "out of memory");
                        copy.failed = true;
                }
        }
        return copy_out_end(&copy);
}

void comparing_add_month(struct fact *fact, int32_t month)
{
        char day[11], text[8];

        snprintf(text, sizeof(text), "%.7s", copy_print_day(month, day));
        fact_text(fact, text);
}
