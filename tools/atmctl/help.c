/* Help in three depths and the man page (scdoc), all from the command rows. */
#include "tools/atmctl/help.h"

#include <ctype.h>
#include <string.h>

static const char *const what_it_is =
    "The operators' command line of the ATM network: sets up areas, halls, ATMs, issuers, cards and tariffs, "
    "looks up withdrawals and what banks must still be told, resolves what has no end, reports revenue, "
    "recomputes "
    "every sum from the history, and reconciles it with the ATMs and the banks.";

#define NO_DRY_RUN "There is no --dry-run: "

static void print_use(FILE *stream, const struct option_row *row)
{
        bool required = row->flags & OPTION_REQUIRED;
        char name[OPTION_NAME_MAX];

        option_write_name(row->name, name);
        fputs(required ? " " : " [", stream);
        if (!(row->flags & OPTION_POSITIONAL))
                fprintf(stream, "--%s%s", name, row->value ? " " : "");
        fprintf(stream, row->flags & OPTION_MAYBE ? "[%s]%s%s" : "%s%s%s", row->value ? row->value : "",
                row->flags & OPTION_SEVERAL ? "..." : "", required ? "" : "]");
}

static bool is_common(const char *name)
{
        static const char *const names[] = {
            "format",    "output", "columns", "sort", "watch", "conninfo", "read-only-conninfo",
            "token-key", "config"};

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                if (!strcmp(names[i], name))
                        return true;
        }
        return false;
}

/* "atmctl hall add HALL --name TEXT ... [options]" */
static void print_usage(FILE *stream, const struct command *command, bool whole)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);

        fprintf(stream, "atmctl %s", command_name(command));
        for (size_t i = 0; i < count; i++) {
                if (whole || !is_common(rows[i].name))
                        print_use(stream, &rows[i]);
        }
}

static void print_columns(FILE *stream, const struct field *field)
{
        for (; field->name; field++) {
                char text[512];
                const char *fallback = field->fallback;

                bool like = fallback && *fallback == '=';

                snprintf(text, sizeof(text), "%s: %s%s%s%s%s", field->text, value_row(field->kind)->expected,
                         field->flags & FIELD_NULLABLE ? ", or empty" : "",
                         fallback ? "; where the column is missing, a new row: " : "", like ? "as " : "",
                         fallback ? (*fallback ? fallback + like : "empty") : "");
                fprintf(stream, "  %-20s  ", field->name);
                help_wrapped(stream, text, 24);
        }
}

void help_command(FILE *stream, const struct command *command)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);

        print_usage(stream, command, true);
        fputs("\n\n", stream);
        help_wrapped(stream, command->text, 0);
        if (command->more) {
                fputc('\n', stream);
                help_wrapped(stream, command->more, 0);
        }
        if (command->no_dry_run) {
                char text[256];

                snprintf(text, sizeof(text), NO_DRY_RUN "%s.", command->no_dry_run);
                fputc('\n', stream);
                help_wrapped(stream, text, 0);
        }
        if (count)
                fputs("\n", stream);
        help_rows(stream, rows, count);
        if (command->shape == SHAPE_IMPORT && command->entity) {
                fputs("\nColumns of the file:\n", stream);
                print_columns(stream, command->entity->fields);
                fputs("\nWhat a column that is missing would say of a row that is there stays as it is; an "
                      "empty "
                      "cell says that it is nothing.\n"
                      "All of the file is imported or nothing: a bad line is named with its column and what "
                      "was expected.\n",
                      stream);
        }
}

void help_noun(FILE *stream, const struct command_group *const *groups, const char *noun)
{
        for (const struct command_group *const *group = groups; *group; group++) {
                for (size_t i = 0; i < (*group)->count; i++) {
                        const struct command *command = &(*group)->commands[i];

                        if (strcmp(command->noun, noun))
                                continue;
                        fputs("  ", stream);
                        print_usage(stream, command, false);
                        fputs("\n      ", stream);
                        help_wrapped(stream, command->text, 6);
                }
        }
        fputs("\n'atmctl NOUN VERB --help' explains a command and each of its options.\n", stream);
}

void help_all(FILE *stream, const struct command_group *const *groups)
{
        fputs("atmctl NOUN VERB [ARGUMENTS] [OPTIONS]\n\n", stream);
        help_wrapped(stream, what_it_is, 0);
        for (const struct command_group *const *group = groups; *group; group++) {
                fprintf(stream, "\n%s\n", (*group)->text);
                for (size_t i = 0; i < (*group)->count; i++) {
                        const struct command *command = &(*group)->commands[i];

                        fprintf(stream, "  %-22s ", command_name(command));
                        help_wrapped(stream, command->text, 25);
                }
        }
        fputs(
            "\n'atmctl NOUN --help' shows what a noun's commands take, 'atmctl NOUN VERB --help' explains "
            "one.\n"
            "Commands that show rows take -o, --format table|expanded|csv|json|xlsx and --output FILE, lists "
            "--columns\n"
            "and --sort, those whose rows move --watch; commands that need the\n"
            "database take --conninfo, or PGHOST, PGPORT, PGDATABASE and PGUSER from the environment.\n"
            "Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
            stream);
}

/* the man page ---------------------------------------------------------------------------------------- */

static void manual_heading(FILE *stream, const char *text)
{
        fputs("# ", stream);
        for (; *text; text++)
                fputc(toupper((unsigned char)*text), stream);
        fputs("\n\n", stream);
}

static void manual_usage(FILE *stream, const struct command *command)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);

        fputs("*atmctl ", stream);
        manual_text(stream, command_name(command));
        fputc('*', stream);
        for (size_t i = 0; i < count; i++) {
                char name[OPTION_NAME_MAX];

                if (is_common(rows[i].name))
                        continue;
                option_write_name(rows[i].name, name);
                fputs(rows[i].flags & OPTION_REQUIRED ? " " : " \\[", stream);
                if (!(rows[i].flags & OPTION_POSITIONAL)) {
                        fputs("--", stream);
                        manual_text(stream, name);
                        fputs(rows[i].value ? " " : "", stream);
                }
                manual_text(stream, rows[i].value ? rows[i].value : "");
                fputs(rows[i].flags & OPTION_SEVERAL ? "\\.\\.\\." : "", stream);
                fputs(rows[i].flags & OPTION_REQUIRED ? "" : "]", stream);
        }
        fputs("\n", stream);
}

static void manual_command(FILE *stream, const struct command *command)
{
        manual_usage(stream, command);
        fputc('\t', stream);
        manual_text(stream, command->text);
        fputc('\n', stream);
        if (command->no_dry_run) {
                fputs("\n\t" NO_DRY_RUN, stream);
                manual_text(stream, command->no_dry_run);
                fputs(".\n", stream);
        }
        if (!command->more) {
                fputc('\n', stream);
                return;
        }
        fputs("\n\t", stream);
        for (const char *line = command->more; *line;) {
                char part[1024];
                size_t length = strcspn(line, "\n");

                snprintf(part, sizeof(part), "%.*s", (int)length, line);
                manual_text(stream, part);
                line += length + (line[length] == '\n');
                fputs(*line ? "\n\t" : "\n\n", stream);
        }
}

static void manual_files(FILE *stream, const struct command_group *const *groups)
{
        fputs(
            "# FILES FOR IMPORT\n\n"
            "CSV as RFC 4180 has it, in UTF-8; the first row names the columns, in any order. All of a "
            "file is\n"
            "imported or nothing; a bad line is named with its column and what was expected.\n\n"
            "What is not in the file is left alone: rows that it does not name, and, of rows that it names, "
            "the "
            "columns\n"
            "that it lacks. Some columns may be lacking; a new row then gets what *--help* of the import "
            "says. An "
            "empty\n"
            "cell is not a lacking column: it says that there is nothing (no link, no end, no hall).\n\n"
            "Control characters and marks that turn the direction of writing are refused. A spreadsheet "
            "takes a\n"
            "cell that begins with =, +, -, @ or their full-width forms for a formula: --format csv writes "
            "one\n"
            "that is no number with an apostrophe before it, and import takes that apostrophe off again.\n\n",
            stream);
        for (const struct command_group *const *group = groups; *group; group++) {
                for (size_t i = 0; i < (*group)->count; i++) {
                        const struct command *command = &(*group)->commands[i];

                        if (command->shape != SHAPE_IMPORT || !command->entity)
                                continue;
                        fprintf(stream, "*%s*: ", command->noun);
                        for (const struct field *field = command->entity->fields; field->name; field++) {
                                fputs(field == command->entity->fields ? "" : ", ", stream);
                                manual_text(stream, field->name);
                        }
                        fputs("\n\n", stream);
                }
        }
}

void help_manual(FILE *stream, const struct command_group *const *groups)
{
        fputs(
            "atmctl(1)\n\n# NAME\n\natmctl - the operators' command line of the ATM network\n\n# SYNOPSIS\n\n"
            "*atmctl* _NOUN_ _VERB_ \\[_ARGUMENTS_] \\[_OPTIONS_]\n\n*atmctl* \\[_NOUN_ \\[_VERB_]] "
            "*--help*\n\n"
            "# DESCRIPTION\n\n",
            stream);
        manual_text(stream, what_it_is);
        fputs("\n\nThis page is made by *atmctl --man* from the rows that the program itself works with.\n\n",
              stream);
        for (const struct command_group *const *group = groups; *group; group++) {
                manual_heading(stream, (*group)->text);
                for (size_t i = 0; i < (*group)->count; i++)
                        manual_command(stream, &(*group)->commands[i]);
        }
        manual_files(stream, groups);
        fputs(
            "# COMMON OPTIONS\n\n"
            "*-o*, *--format* table|expanded|csv|json|xlsx\n\tHow rows are written\\. Expanded: a line a "
            "value\\. "
            "JSON: an array of objects, or one object "
            "where "
            "one thing is shown; amounts are integers\\. XLSX: a workbook, a sheet for each table, whose "
            "numbers are numbers\\. "
            "Unless given, the suffix of --output's file says it; table without one\\.\n\n"
            "*--output* _FILE_\n\tWrite there: under a temporary name that is renamed once all is "
            "written\\.\n\n"
            "*--columns* _COLUMN,\\.\\.\\._\n\tOf lists: show these alone, in this order; they are called as "
            "in "
            "CSV\\.\n\n"
            "*--sort* _COLUMN,\\.\\.\\._\n\tOf lists: sort by them, with a '-' downwards; --limit takes the "
            "first of what is sorted\\.\n\n"
            "*--watch* \\[_SECONDS_]\n\tOf lists whose rows move: show them again so often (2), until it is "
            "ended\\.\n\n"
            "*--conninfo* _CONNINFO_\n\tWhere the database is\\.\n\n"
            "*--read-only-conninfo* _CONNINFO_\n\tOf reports and lists: ask a replica, there, instead; a "
            "remark says of when its data are\\. "
            "*ATM\\_READ\\_ONLY\\_CONNINFO* unless this or --conninfo is given\\.\n\n"
            "*--token-key* _FILE_\n\tThe key that makes tokens of card numbers\\.\n\n"
            "*--config* _FILE_\n\tatmd's configuration, for its business clock\\.\n\n"
            "# TERMINALS\n\n"
            "At a terminal, a table that is too wide stands there a line a value, unless *--format table* "
            "asks "
            "for it\\. What does not fit the screen goes through *PAGER*, as in *psql*(1): *less*(1) unless "
            "it "
            "is set, with *LESS* as SRFX unless that is set; nothing where it is set and empty\\. Words for "
            "states have colours, unless *NO\\_COLOR* is set\\.\n\n"
            "# ENVIRONMENT\n\n"
            "PGHOST, PGPORT, PGDATABASE, PGUSER: the database, as *psql*(1) takes it\\. "
            "ATM\\_TOKEN\\_KEY\\_FILE: "
            "the token key\\.\nATM\\_CLOCK\\_START\\_MS, ATM\\_CLOCK\\_ANCHOR\\_MS, ATM\\_CLOCK\\_SPEED: the "
            "business clock of a laboratory\\.\n"
            "ATM\\_PUBLISHER: who publishes reports, at the foot of each page of documents and in JSON\\.\n"
            "ATM\\_QUARTERS: how Japanese readers have quarters, _fiscal_, 2017年3月期第3四半期, which is so "
            "unless given, or "
            "_short_, 3Q16\\.\n"
            "SOURCE\\_DATE\\_EPOCH: the moment, in seconds since 1970, that documents are made and reports "
            "are issued at; now, "
            "and today by business, unless given\\.\n\n"
            "# EXIT STATUS\n\n0 done, 1 failed, 2 wrong usage\\.\n",
            stream);
}
