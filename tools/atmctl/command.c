/* What a command takes, put together from its rows, and what an invocation was given: see command.h. */
#include "tools/atmctl/command.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"
#include "rules/calendar.h"
#include "tools/atmctl/days.h"

const struct verb_alias verb_aliases[] = {{"ls", "list"}, {"get", "show"}, {"rm", "remove"}, {NULL, NULL}};

static const struct field output_fields[] = {
    {.name = "format", .kind = VALUE_FORMAT, .text = "how rows are written; table unless given"},
    {.name = "output",
     .kind = VALUE_FILE,
     .text = "write there instead of standard output, which is '-': all of it or nothing; the name's suffix "
             "says the format "
             "unless --format does"},
    {.name = NULL},
};
static const struct field list_fields[] = {
    {.name = "columns",
     .kind = VALUE_COLUMNS,
     .text = "show these alone, in this order; CSV and JSON have more of them than a table"},
    {.name = "sort",
     .kind = VALUE_SORT,
     .text = "sort by them, with a '-' downwards; --limit takes the first of what is sorted"},
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
#define LANGUAGE_FIELD                                                                                       \
        {                                                                                                    \
                .name = "lang", .kind = VALUE_LANGUAGE,                                                      \
                .text = "the language of headings, items, remarks and totals: en unless given, or ja"        \
        }
static const struct field language_fields[] = {
    LANGUAGE_FIELD,
    {.name = NULL},
};
static const struct field document_fields[] = {
    {.name = "format", .kind = VALUE_DOCUMENT_FORMAT, .text = "how it is written; table unless given"},
    LANGUAGE_FIELD,
    {.name = "output",
     .kind = VALUE_FILE,
     .text = "write there instead of standard output, which is '-': all of it or nothing; the name's suffix "
             "says the format "
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

bool command_is_span(const struct field *field)
{
        return field == &span_fields[0];
}

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

size_t command_find(const struct command_options *options, const char *name)
{
        size_t i = 0;

        while (i < options->count && !option_same_name(options->use[i].field->name, name))
                i++;
        return i;
}

static bool asks_for_days(const struct command_options *options, const char *name)
{
        size_t i = command_find(options, name);
        const struct field *field = i < options->count ? options->use[i].field : NULL;

        return field && (field->kind == VALUE_DATE || field->kind == VALUE_MOMENT) &&
               !(field->flags & FIELD_ONE_DAY);
}

static void add_span(struct command_options *options)
{
        if (asks_for_days(options, "from") && asks_for_days(options, "to") &&
            command_find(options, "fy") == options->count)
                add_group(options, span_fields);
}

/* Of what has a note among its own columns, that one is the reason. */
static void add_note(const struct command *command, struct command_options *options)
{
        bool demanded =
            command->flags & COMMAND_NOTE_DEMANDED || (command->entity && command->entity->is_noted);

        if (command->flags & (COMMAND_NOTE | COMMAND_NOTE_DEMANDED) &&
            command_find(options, note_field.name) == options->count)
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
                if (command->shape == SHAPE_LIST && command->entity->filters)
                        add_group(ret_options, command->entity->filters);
        }
        if (command->flags & COMMAND_CARD)
                add_group(ret_options, card_fields);
        if (command->fields)
                add_group(ret_options, command->fields);
        add_span(ret_options);
        add_note(command, ret_options);
        if (command->flags & COMMAND_CHANGES && !command->no_dry_run &&
            command_find(ret_options, dry_run_field.name) == ret_options->count)
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
        if (command->flags & COMMAND_LANGUAGE)
                add_group(ret_options, language_fields);
        if (command->flags & COMMAND_DATABASE)
                add_group(ret_options, database_fields);
        if (command->flags & COMMAND_REPLICA)
                add_group(ret_options, replica_fields);
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
        size_t i = command_find(&invocation->options, name);

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
        size_t i = command_find(&invocation->options, name);

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

/* values -------------------------------------------------------------------------------------------- */

#define A_DAY    "a date as 2016-12-31 or 2016/12/31, today, yesterday, tomorrow, -7d or +7d"
#define A_MOMENT "a moment as 2016-12-31T18:00 (Japan time unless it ends in Z or an offset), "
#define A_SPAN   ", or a month, quarter or year as 2016-12, 3Q16 or FY2016"

/* Whether several days may be given, of which one counts. */
static bool takes_span(const struct field *field)
{
        return (!strcmp(field->name, "from") || !strcmp(field->name, "to")) &&
               !(field->flags & FIELD_ONE_DAY);
}

static const char *expected_of(const struct field *field)
{
        if (field->kind == VALUE_MOMENT)
                return takes_span(field) ? A_MOMENT A_DAY A_SPAN : A_MOMENT A_DAY;
        if (field->kind == VALUE_DATE)
                return takes_span(field) ? A_DAY A_SPAN : A_DAY;
        return value_row(field->kind)->expected;
}

bool command_days(const struct field *field, const char *text, int32_t today, struct days *ret_days,
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

        return command_days(field, text, 0, &days, ret_canonical) ||
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
                const char *meant = value_meant(field->kind, value->text, canonical);

                value_show(field->kind, value->text, shown, sizeof(shown));
                snprintf(error, OPTIONS_ERROR_MAX, "%.600s: expected %s%s%s%s", shown, expected_of(field),
                         meant ? ": did you mean " : "", meant ? meant : "", meant ? "?" : "");
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
