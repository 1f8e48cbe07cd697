/*
 * From the words behind noun and verb to an invocation.
 *
 *      words --parse--> invocation (every value checked by its kind) --run--> exit code
 */
#include "tools/atmctl/command.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"
#include "backoffice/books/period.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/days.h"
#include "tools/atmctl/output/suffix.h"
#include "tools/atmctl/watch.h"

static const struct field output_fields[] = {
    {.name = "format", .kind = VALUE_FORMAT, .text = "how rows are written; table unless given"},
    {.name = "output",
     .kind = VALUE_FILE,
     .text =
         "write there instead of standard output: all of it or nothing; the name's suffix says the format "
         "unless --format does"},
    {.name = NULL},
};
static const struct field list_fields[] = {
    {.name = "columns",
     .kind = VALUE_COLUMNS,
     .text = "show these alone, in this order; CSV and JSON have more of them than a table"},
    {.name = "sort", .kind = VALUE_SORT, .text = "sort what is shown by them, with a '-' downwards"},
    {.name = NULL},
};
static const struct field watch_fields[] = {
    {.name = "watch",
     .kind = VALUE_SECONDS,
     .flags = FIELD_MAYBE,
     .fallback = "2",
     .text = "show it again so often, until it is ended"},
    {.name = NULL},
};
static const struct field document_fields[] = {
    {.name = "format", .kind = VALUE_DOCUMENT_FORMAT, .text = "how it is written; table unless given"},
    {.name = "lang",
     .kind = VALUE_LANGUAGE,
     .text = "the language of headings, items, remarks and totals: en unless given, or ja"},
    {.name = "output",
     .kind = VALUE_FILE,
     .text =
         "write there instead of standard output: all of it or nothing; the name's suffix says the format "
         "unless --format does"},
    {.name = NULL},
};
static const struct field database_fields[] = {
    {.name = "conninfo",
     .kind = VALUE_CONNINFO,
     .text = "where the database is; PGHOST, PGPORT, PGDATABASE, PGUSER unless given"},
    {.name = NULL},
};
static const struct field replica_fields[] = {
    {.name = "read-only-conninfo",
     .kind = VALUE_CONNINFO,
     .text = "ask a replica, there, instead; a remark says of when its data are; ATM_READ_ONLY_CONNINFO "
             "unless this "
             "or --conninfo is given"},
    {.name = NULL},
};
static const struct field card_fields[] = {
    {.name = "card",
     .kind = VALUE_PAN_STDIN,
     .text = "the card whose number is the first line of standard input"},
    {.name = "token", .kind = VALUE_TOKEN, .text = "the card by its token instead"},
    {.name = NULL},
};
static const struct field token_key_fields[] = {
    {.name = "token-key",
     .kind = VALUE_FILE,
     .text =
         "the key that makes tokens of card numbers; the file that ATM_TOKEN_KEY_FILE names unless given"},
    {.name = NULL},
};
static const struct field clock_fields[] = {
    {.name = "config",
     .kind = VALUE_FILE,
     .text = "take the business clock from atmd's configuration; ATM_CLOCK_START_MS, ATM_CLOCK_ANCHOR_MS and "
             "ATM_CLOCK_SPEED, or else real time, unless given"},
    {.name = NULL},
};
static const struct field from_fields[] = {
    {.name = "from",
     .kind = VALUE_DATE,
     .text =
         "the business day, today or later, from which on it holds where a hall is and what share it has; "
         "today unless given"},
    {.name = NULL},
};
static const struct field import_fields[] = {
    {.name = "file",
     .kind = VALUE_FILE,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "CSV in UTF-8 whose first row names the columns, in any order; '-' is standard input"},
    {.name = NULL},
};

static const struct field dry_run_field = {.name = "dry-run",
                                           .kind = VALUE_NONE,
                                           .text =
                                               "change nothing: show what would change, or what refuses it"};

static const struct field note_field = {
    .name = "note", .kind = VALUE_TEXT, .text = "why; kept in the trail with who did it and when"};

/* Instead of --from and --to, wherever those ask for a span. */
static const struct field span_fields[] = {
    {.name = "fy", .kind = VALUE_FISCAL_YEAR, .text = "instead of --from and --to: a fiscal year"},
    {.name = "quarter", .kind = VALUE_QUARTER_NUMBER, .text = "likewise: one quarter"},
    {.name = NULL},
};

static void add_use(struct command_options *options, const struct field *field, bool positional,
                    bool required)
{
        assert(options->count < OPTIONS_MAX);
        options->use[options->count++] = (struct option_use){field, positional, required};
}

static void add_group(struct command_options *options, const struct field *field)
{
        for (; field->name; field++)
                add_use(options, field, field->flags & FIELD_POSITIONAL, field->flags & FIELD_REQUIRED);
}

static void add_entity_field(struct command_options *options, enum command_shape shape,
                             const struct field *field)
{
        bool key = field->flags & FIELD_KEY;

        switch (shape) {
        case SHAPE_ADD:
                add_use(options, field, key && !field->add_fallback,
                        (field->flags & FIELD_REQUIRED) ||
                            (!field->fallback && !field->add_fallback && !(field->flags & FIELD_NULLABLE)));
                break;
        case SHAPE_SET:
                if (key || !(field->flags & FIELD_FIXED))
                        add_use(options, field, key && !field->add_fallback, key && !field->add_fallback);
                break;
        case SHAPE_KEY:
                if (key)
                        add_use(options, field, !field->add_fallback, !field->add_fallback);
                break;
        case SHAPE_LIST:
                if (field->flags & FIELD_FILTER)
                        add_use(options, field, false, false);
                break;
        case SHAPE_OWN:
        case SHAPE_IMPORT:
                break;
        }
}

static size_t find_use(const struct command_options *options, const char *name)
{
        size_t i = 0;

        while (i < options->count && !option_same_name(options->use[i].field->name, name))
                i++;
        return i;
}

static bool asks_for_days(const struct command_options *options, const char *name)
{
        size_t i = find_use(options, name);
        const struct field *field = i < options->count ? options->use[i].field : NULL;

        return field && (field->kind == VALUE_DATE || field->kind == VALUE_MOMENT) &&
               !(field->flags & FIELD_ONE_DAY);
}

static void add_span(struct command_options *options)
{
        if (asks_for_days(options, "from") && asks_for_days(options, "to") &&
            find_use(options, "fy") == options->count)
                add_group(options, span_fields);
}

/* Of what has a note among its own columns, that one is the reason. */
static void add_note(const struct command *command, struct command_options *options)
{
        bool demanded =
            command->flags & COMMAND_NOTE_DEMANDED || (command->entity && command->entity->is_noted);

        if (command->flags & (COMMAND_NOTE | COMMAND_NOTE_DEMANDED) &&
            find_use(options, note_field.name) == options->count)
                add_use(options, &note_field, false, demanded);
}

void command_options(const struct command *command, struct command_options *ret_options)
{
        ret_options->count = 0;
        if (command->shape == SHAPE_IMPORT)
                add_group(ret_options, import_fields);
        if (command->entity) {
                for (const struct field *field = command->entity->fields; field->name; field++)
                        add_entity_field(ret_options, command->shape, field);
        }
        if (command->flags & COMMAND_CARD)
                add_group(ret_options, card_fields);
        if (command->fields)
                add_group(ret_options, command->fields);
        add_span(ret_options);
        add_note(command, ret_options);
        if (command->flags & COMMAND_CHANGES && !command->no_dry_run &&
            find_use(ret_options, dry_run_field.name) == ret_options->count)
                add_use(ret_options, &dry_run_field, false, false);
        if (command->flags & COMMAND_TOKEN_KEY)
                add_group(ret_options, token_key_fields);
        if (command->flags & COMMAND_FROM)
                add_group(ret_options, from_fields);
        if (command->flags & COMMAND_CLOCK)
                add_group(ret_options, clock_fields);
        if (command->flags & COMMAND_LIST)
                add_group(ret_options, list_fields);
        if (command->flags & COMMAND_WATCH)
                add_group(ret_options, watch_fields);
        if (command->flags & COMMAND_OUTPUT)
                add_group(ret_options, command->flags & COMMAND_DOCUMENT ? document_fields : output_fields);
        if (command->flags & COMMAND_DATABASE)
                add_group(ret_options, database_fields);
        if (command->flags & COMMAND_REPLICA)
                add_group(ret_options, replica_fields);
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
        size_t i = find_use(&invocation->options, name);

        return i < invocation->options.count && invocation->values[i].count ? invocation->values[i].canonical
                                                                            : NULL;
}

const char *invocation_field(const struct invocation *invocation, const struct field *field)
{
        return invocation_value(invocation, field->name);
}

size_t invocation_values(const struct invocation *invocation, const char *name,
                         const char *const **ret_values)
{
        size_t i = find_use(&invocation->options, name);

        if (i == invocation->options.count)
                return 0;
        *ret_values = invocation->values[i].text;
        return invocation->values[i].count;
}

int64_t invocation_number(const struct invocation *invocation, const char *name, int64_t fallback)
{
        const char *value = invocation_value(invocation, name);

        return value ? number_known(value) : fallback;
}

bool invocation_has(const struct invocation *invocation, const char *name)
{
        return invocation_value(invocation, name) != NULL;
}

const char *invocation_name(const struct invocation *invocation)
{
        return command_name(invocation->command);
}

const char *command_name(const struct command *command)
{
        static char name[64];

        snprintf(name, sizeof(name), "%s%s%s", command->noun, command->verb ? " " : "",
                 command->verb ? command->verb : "");
        return name;
}

int usage_error(const struct command *command, const char *format, ...)
{
        char text[OPTIONS_ERROR_MAX];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        return program_usage(command_name(command), text);
}

/* parsing ------------------------------------------------------------------------------------------- */

static const char days_expected[] = "a date as 2016-12-31 or 2016/12/31, today, yesterday or -7d";
static const char span_expected[] =
    "a date as 2016-12-31 or 2016/12/31, today, yesterday or -7d, or a month, "
    "quarter or year as 2016-12, 3Q16 or FY2016";
static const char moment_expected[] =
    "a moment as 2016-12-31T18:00 (Japan time unless it ends in Z or an offset), "
    "a date as 2016-12-31 or 2016/12/31, today, yesterday or -7d, or a month, "
    "quarter or year as 2016-12, 3Q16 or FY2016";

/* Whether several days may be given, of which one counts. */
static bool takes_span(const struct field *field)
{
        return (!strcmp(field->name, "from") || !strcmp(field->name, "to")) &&
               !(field->flags & FIELD_ONE_DAY);
}

static const char *expected_of(const struct field *field)
{
        if (field->kind == VALUE_MOMENT)
                return moment_expected;
        if (field->kind == VALUE_DATE)
                return takes_span(field) ? span_expected : days_expected;
        return value_row(field->kind)->expected;
}

/* A day, or of several the first or, of --to, the last. */
static bool days_chosen(const struct field *field, const char *text, int32_t today, struct days *ret_days,
                        char ret_day[11])
{
        if ((field->kind != VALUE_DATE && field->kind != VALUE_MOMENT) ||
            !days_parse(text, today, ret_days) || (ret_days->first != ret_days->last && !takes_span(field)))
                return false;
        calendar_print_day(strcmp(field->name, "to") ? ret_days->first : ret_days->last, ret_day);
        return true;
}

static bool check_value(const struct field *field, const char *text, char ret_canonical[VALUE_MAX])
{
        struct days days;

        return days_chosen(field, text, 0, &days, ret_canonical) ||
               value_check(field->kind, text, ret_canonical);
}

static bool take_value(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct invocation *invocation = value->context;
        struct option_values *values = value->row->target;
        const struct field *field = invocation->options.use[values - invocation->values].field;
        bool nullable = (field->flags & FIELD_NULLABLE) && !*value->text;
        char canonical[VALUE_MAX] = "", shown[2 * VALUE_MAX];

        if (!nullable && !check_value(field, value->text, canonical)) {
                value_show(field->kind, value->text, shown, sizeof(shown));
                snprintf(error, OPTIONS_ERROR_MAX, "%.600s: expected %s", shown, expected_of(field));
                return false;
        }
        if (!values->count)
                strcpy(values->canonical, canonical);
        values->text = reallocarray(values->text, values->count + 1, sizeof(*values->text));
        if (!values->text)
                abort();
        values->text[values->count++] = value->text;
        return true;
}

static struct option_row make_row(const struct option_use *use)
{
        const struct value_row *kind = value_row(use->field->kind);
        bool flag = use->field->kind == VALUE_NONE, maybe = use->field->flags & FIELD_MAYBE;

        return (struct option_row){.name = use->field->name,
                                   .value = flag ? NULL : kind->name,
                                   .expected = flag ? NULL : expected_of(use->field),
                                   .text = use->field->text,
                                   .take = take_value,
                                   .letter = kind->letter,
                                   .fallback = maybe ? use->field->fallback : NULL,
                                   .flags =
                                       (maybe ? OPTION_MAYBE : 0) | (use->required ? OPTION_REQUIRED : 0) |
                                       (use->positional ? OPTION_POSITIONAL : 0) |
                                       (use->field->flags & FIELD_REPEAT ? OPTION_SEVERAL : OPTION_ONCE)};
}

size_t command_rows(const struct command *command, struct option_row ret_rows[OPTIONS_MAX])
{
        struct command_options options;

        command_options(command, &options);
        for (size_t i = 0; i < options.count; i++)
                ret_rows[i] = make_row(&options.use[i]);
        return options.count;
}

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
        size_t option = find_use(&invocation->options, "format");
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

                if (!values->count || !days_chosen(field, values->text[0], today, &days, values->canonical) ||
                    !days.is_relative)
                        continue;
                if (!is_known && !business_today(invocation, &today))
                        return EXIT_FAILED;
                is_known = true;
                if (!days_chosen(field, values->text[0], today, &days, values->canonical))
                        abort(); /* it was one before */
        }
        return EXIT_DONE;
}

static void give(struct invocation *invocation, const char *name, const char *canonical)
{
        struct option_values *values = &invocation->values[find_use(&invocation->options, name)];

        values->count = values->count ? values->count : 1;
        snprintf(values->canonical, sizeof(values->canonical), "%s", canonical);
}

/* "--quarter 3Q16" is "--fy 2016 --quarter 3". */
static int split_quarter(struct invocation *invocation)
{
        const char *quarter = invocation_value(invocation, "quarter");
        char number[2], fiscal_year[5];

        if (!quarter || invocation->options.use[find_use(&invocation->options, "quarter")].field->kind !=
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
        size_t i = find_use(&invocation->options, "fy");
        struct period period;
        int quarter;

        if (i == invocation->options.count || invocation->options.use[i].field != &span_fields[0] ||
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

int command_run(const struct command *command, int argc, char **argv)
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
