/*
 * From the words behind noun and verb to what the command did: see invocation.h.
 *
 *      words --parse--> invocation (every value checked by its kind) --resolve--> (days, spans, form) --run--> exit code
 */
#include "tools/atmctl/invocation.h"

#include <stdlib.h>
#include <string.h>

#include "backoffice/books/period.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/days.h"
#include "tools/atmctl/output/suffix.h"
#include "tools/atmctl/watch.h"

/* A moment in Japan time; a day is its first moment, or its last. */
static bool read_moment(const char *text, bool last, int64_t *ret_ms)
{
        int32_t day;

        if (!calendar_parse_day(text, &day))
                return calendar_parse_moment(text, ret_ms);
        *ret_ms = calendar_day_start_ms(day + last) - last;
        return true;
}

/* Whatever has a beginning and an end. */
static int check_span(const struct invocation *invocation)
{
        const char *from = invocation_value(invocation, "from"), *to = invocation_value(invocation, "to");
        int64_t from_ms, to_ms;

        if (from && to && read_moment(from, false, &from_ms) && read_moment(to, true, &to_ms) &&
            from_ms > to_ms)
                return usage_error(invocation->command, "--to %s: expected --from %s or later", to, from);
        return EXIT_DONE;
}

/* As if it had been given. */
static void give_value(struct invocation *invocation, size_t option, const char *text)
{
        struct option_values *values = &invocation->values[option];

        values->text = reallocarray(NULL, 1, sizeof(*values->text));
        if (!values->text)
                abort();
        values->text[values->count++] = text;
        snprintf(values->canonical, sizeof(values->canonical), "%s", text);
}

/* A file's suffix is its format, and no other is said beside it. */
static int settle_format(struct invocation *invocation)
{
        const struct command *command = invocation->command;
        size_t option = command_find(&invocation->options, "format");
        const char *path = command->flags & COMMAND_OUTPUT ? invocation_value(invocation, "output") : NULL;
        const char *suffix = path ? suffix_of(path) : NULL, *asked = suffix ? suffix_format(suffix) : NULL;
        const char *format = asked ? invocation_value(invocation, "format") : NULL;
        const struct value_row *kind;
        char canonical[VALUE_MAX];

        if (!suffix || (!asked && invocation_has(invocation, "format")))
                return EXIT_DONE;
        kind = value_row(invocation->options.use[option].field->kind);
        if (!asked)
                return usage_error(
                    command,
                    "--output %.200s: no format's file ends with .%.40s: expected --format too, "
                    "or the suffix of one of %s",
                    path, suffix, kind->expected);
        if (format && !suffix_suits(suffix, format))
                return usage_error(
                    command,
                    "--output %.200s: that is %s, but --format says %s: expected the same, or a "
                    "file that ends with .%s",
                    path, asked, format, suffix_for(format));
        if (!format && !value_check(invocation->options.use[option].field->kind, asked, canonical))
                return usage_error(
                    command, "--output %.200s: it can't be written as %s: expected the suffix of one of %s",
                    path, asked, kind->expected);
        if (!format)
                give_value(invocation, option, asked);
        return EXIT_DONE;
}

/* What was counted from today, now that it is known whose today. */
static int resolve_days(struct invocation *invocation)
{
        int32_t today = 0;
        bool is_known = false;

        for (size_t i = 0; i < invocation->options.count; i++) {
                struct option_values *values = &invocation->values[i];
                const struct field *field = invocation->options.use[i].field;
                struct days days;

                if (!values->count ||
                    !command_days(field, values->text[0], today, &days, values->canonical) ||
                    !days.is_relative)
                        continue;
                if (!is_known && !business_today(invocation, &today))
                        return EXIT_FAILED;
                is_known = true;
                if (!command_days(field, values->text[0], today, &days, values->canonical))
                        abort(); /* it was one before */
        }
        return EXIT_DONE;
}

static void give(struct invocation *invocation, const char *name, const char *canonical)
{
        struct option_values *values = &invocation->values[command_find(&invocation->options, name)];

        values->count = values->count ? values->count : 1;
        snprintf(values->canonical, sizeof(values->canonical), "%s", canonical);
}

/* "--quarter 3Q16" is "--fy 2016 --quarter 3". */
static int split_quarter(struct invocation *invocation)
{
        const char *quarter = invocation_value(invocation, "quarter");
        char number[2], fiscal_year[5];

        if (!quarter || invocation->options.use[command_find(&invocation->options, "quarter")].field->kind !=
                            VALUE_QUARTER_NUMBER)
                return EXIT_DONE;
        if (!quarter[1])
                return invocation_has(invocation, "fy")
                           ? EXIT_DONE
                           : usage_error(invocation->command,
                                         "--quarter %s: of which year? expected --fy, or a "
                                         "quarter as 3Q16",
                                         quarter);
        if (invocation_has(invocation, "fy"))
                return usage_error(invocation->command,
                                   "--quarter %s has a year of its own: expected no --fy", quarter);
        snprintf(number, sizeof(number), "%.1s", quarter);
        snprintf(fiscal_year, sizeof(fiscal_year), "20%.2s", quarter + 2);
        give(invocation, "fy", fiscal_year);
        give(invocation, "quarter", number);
        return EXIT_DONE;
}

/* --fy and --quarter to --from and --to, where they are no report's own. */
static int resolve_span(struct invocation *invocation)
{
        size_t i = command_find(&invocation->options, "fy");
        struct period period;
        int quarter;

        if (i == invocation->options.count || !command_is_span(invocation->options.use[i].field) ||
            !invocation->values[i].count)
                return EXIT_DONE;
        if (invocation_has(invocation, "from") || invocation_has(invocation, "to"))
                return usage_error(invocation->command, "expected --fy, or --from and --to, not both");
        /* others' quarters have other forms: a close's is 3Q16 */
        quarter = (int)invocation_number(invocation, "quarter", 0);
        period_of_quarters((int)invocation_number(invocation, "fy", 0), quarter ? quarter : 1,
                           quarter ? quarter : 4, &period);
        give(invocation, "from", period.first);
        give(invocation, "to", period.last);
        return EXIT_DONE;
}

static int resolve(struct invocation *invocation)
{
        int exit_code = resolve_days(invocation);

        if (exit_code == EXIT_DONE)
                exit_code = split_quarter(invocation);
        if (exit_code == EXIT_DONE)
                exit_code = resolve_span(invocation);
        return exit_code == EXIT_DONE ? check_span(invocation) : exit_code;
}

static int parse(struct invocation *invocation, int argc, char **argv)
{
        struct option_row rows[OPTIONS_MAX];
        char error[OPTIONS_ERROR_MAX];
        size_t count = command_rows(invocation->command, rows);
        int exit_code;

        for (size_t i = 0; i < count; i++)
                rows[i].target = &invocation->values[i];
        if (options_parse(rows, count, invocation, argc, argv, error) != OPTIONS_GOOD)
                return usage_error(invocation->command, "%s", error);
        exit_code = resolve(invocation);
        return exit_code == EXIT_DONE ? settle_format(invocation) : exit_code;
}

int invocation_run(const struct command *command, int argc, char **argv)
{
        struct invocation invocation = {.command = command};
        int exit_code;

        command_options(command, &invocation.options);
        exit_code = parse(&invocation, argc, argv);
        if (exit_code == EXIT_DONE)
                exit_code =
                    invocation_has(&invocation, "watch") ? watch(&invocation) : command->run(&invocation);
        for (size_t i = 0; i < invocation.options.count; i++)
                free(invocation.values[i].text);
        return exit_code;
}
