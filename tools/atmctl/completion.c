/* Rows as words of a shell's script: see completion.h. Both shells ask in the same order: noun, verb, the value of an option, an
 * option. What a noun or verb is also called (plurals, `ls`) is understood and not offered: it would be two words for one thing. */
#include "tools/atmctl/completion.h"

#include <string.h>

#include "lib/base/plural.h"
#include "tools/atmctl/nouns/entity_commands.h"

typedef void write_command(FILE *stream, const struct command *command);

static void each_command(FILE *stream, const struct command_group *const *groups, write_command *write)
{
        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++)
                        write(stream, &(*groups)->commands[i]);
        }
}

/* The commands of a noun stand together. */
static bool begins_noun(const struct command_group *group, size_t i)
{
        return !i || strcmp(group->commands[i - 1].noun, group->commands[i].noun) != 0;
}

/* Between '...' of a shell. */
static void write_quoted(FILE *stream, const char *text)
{
        fputc('\'', stream);
        for (; *text; text++) {
                if (*text == '\'')
                        fputs("'\\''", stream);
                else
                        fputc(*text, stream);
        }
        fputc('\'', stream);
}

static void write_words(FILE *stream, const char *choices)
{
        for (; *choices; choices++)
                fputc(*choices == '|' ? ' ' : *choices, stream);
}

/* The names of a list's columns. */
static void write_columns(FILE *stream, const struct command *command)
{
        struct output_column made[OUTPUT_COLUMNS_MAX];
        const struct output_column *columns = command->columns;
        size_t count = command->column_count;

        if (command->entity && !columns) {
                columns = made;
                count = entity_columns(command->entity, made);
        }
        for (size_t i = 0; i < count; i++)
                fprintf(stream, "%s%s", i ? " " : "", schema_name(&columns[i]));
}

static bool names_columns(const struct field *field)
{
        return field->kind == VALUE_COLUMNS || field->kind == VALUE_SORT;
}

/* 'hall list --columns' | 'hall list --sort') ... */
static void write_column_choices(FILE *stream, const struct command *command, const char *opening,
                                 const char *closing)
{
        if (!(command->flags & COMMAND_LIST))
                return;
        fprintf(stream, "                '%s --columns' | '%s --sort'%s", command_name(command),
                command_name(command), opening);
        write_columns(stream, command);
        fputs(closing, stream);
}

/* 'hall list --format'|'hall list -o') ... */
static void write_choices(FILE *stream, const struct command *command, const char *opening,
                          const char *closing)
{
        struct command_options options;
        char name[OPTION_NAME_MAX];

        command_options(command, &options);
        for (size_t i = 0; i < options.count; i++) {
                const struct value_row *kind = value_row(options.use[i].field->kind);

                if (options.use[i].positional || !kind->choices)
                        continue;
                option_write_name(options.use[i].field->name, name);
                fprintf(stream, "                '%s --%s'", command_name(command), name);
                if (kind->letter)
                        fprintf(stream, " | '%s -%c'", command_name(command), kind->letter);
                fputs(opening, stream);
                write_words(stream, kind->choices);
                fputs(closing, stream);
        }
        write_column_choices(stream, command, opening, closing);
}

/* Other names become those of the rows: in the variables noun and verb. */
static void write_names(FILE *stream, const struct command_group *const *groups)
{
        char many[PLURAL_MAX];

        fputs("        case $noun in\n", stream);
        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++) {
                        const char *noun = (*groups)->commands[i].noun;

                        if (begins_noun(*groups, i) && strcmp(plural_of(noun, many), noun) != 0)
                                fprintf(stream, "        %s) noun=%s ;;\n", many, noun);
                }
        }
        fputs("        esac\n        case $verb in\n", stream);
        for (const struct verb_alias *alias = verb_aliases; alias->word; alias++)
                fprintf(stream, "        %s) verb=%s ;;\n", alias->word, alias->verb);
        fputs("        esac\n", stream);
}

/* bash -------------------------------------------------------------------------------------------------- */

static void bash_choices(FILE *stream, const struct command *command)
{
        write_choices(stream, command, ") words='", "' ;;\n");
}

static bool names_file(const struct field *field)
{
        return field->kind == VALUE_FILE || field->kind == VALUE_DIRECTORY;
}

/* Options whose value is no file's name, and of no few words: nothing is offered. */
static void bash_values(FILE *stream, const struct command *command)
{
        struct command_options options;
        char name[OPTION_NAME_MAX];

        command_options(command, &options);
        for (size_t i = 0; i < options.count; i++) {
                const struct field *field = options.use[i].field;

                if (options.use[i].positional || field->kind == VALUE_NONE || names_file(field) ||
                    names_columns(field) || value_row(field->kind)->choices)
                        continue;
                option_write_name(field->name, name);
                fprintf(stream, "                '%s --%s') files= ;;\n", command_name(command), name);
        }
}

/* After a command that takes files by themselves options are offered only where one was begun. */
static bool takes_files(const struct command *command)
{
        struct command_options options;

        command_options(command, &options);
        for (size_t i = 0; i < options.count; i++) {
                if (options.use[i].positional && names_file(options.use[i].field))
                        return true;
        }
        return false;
}

static void bash_options(FILE *stream, const struct command *command)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);
        char name[OPTION_NAME_MAX];

        fprintf(stream, "                '%s') %swords='", command_name(command),
                takes_files(command) ? "[[ $word != -* ]] || " : "");
        for (size_t i = 0; i < count; i++) {
                if (rows[i].flags & OPTION_POSITIONAL)
                        continue;
                option_write_name(rows[i].name, name);
                fprintf(stream, "--%s ", name);
        }
        fputs("--help' ;;\n", stream);
}

static void bash_nouns(FILE *stream, const struct command_group *const *groups)
{
        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++) {
                        if (begins_noun(*groups, i))
                                fprintf(stream, "%s ", (*groups)->commands[i].noun);
                }
        }
}

static void bash_verbs(FILE *stream, const struct command_group *const *groups)
{
        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++) {
                        const struct command *command = &(*groups)->commands[i];
                        bool ends_noun = i + 1 == (*groups)->count || begins_noun(*groups, i + 1);

                        if (!command->verb)
                                continue;
                        if (begins_noun(*groups, i))
                                fprintf(stream, "                %s) words='", command->noun);
                        fprintf(stream, "%s%s", command->verb, ends_noun ? "' ;;\n" : " ");
                }
        }
}

/* Commands without a verb. */
static void write_wholes(FILE *stream, const struct command_group *const *groups, const char *between)
{
        bool first = true;

        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++) {
                        if ((*groups)->commands[i].verb)
                                continue;
                        fprintf(stream, "%s%s", first ? "" : between, (*groups)->commands[i].noun);
                        first = false;
                }
        }
}

void completion_bash(FILE *stream, const struct command_group *const *groups)
{
        fputs("# Completion of atmctl for bash, made by 'atmctl completion bash': source it, or put it into\n"
              "# /usr/share/bash-completion/completions/atmctl.\n"
              "_atmctl() {\n"
              "        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} "
              "noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]-} files=yes\n"
              "        # bash takes --format=csv for three words\n"
              "        if [[ $word == = ]]; then\n"
              "                word=\n"
              "        elif [[ $before == = ]]; then\n"
              "                before=${COMP_WORDS[COMP_CWORD - 2]}\n"
              "        fi\n",
              stream);
        write_names(stream, groups);
        fputs("        local key=\"$noun $verb\" words=\n"
              "        case $noun in ",
              stream);
        write_wholes(stream, groups, " | ");
        fputs(") key=$noun ;; esac\n"
              "        if ((COMP_CWORD == 1)); then\n"
              "                words='",
              stream);
        bash_nouns(stream, groups);
        fputs("help'\n"
              "                [[ $word != -* ]] || words='--help --version'\n"
              "        elif ((COMP_CWORD == 2)) && [[ $key != \"$noun\" ]]; then\n"
              "                case $noun in\n"
              "                help) words='",
              stream);
        bash_nouns(stream, groups);
        fputs("' ;;\n", stream);
        bash_verbs(stream, groups);
        fputs("                esac\n"
              "        else\n"
              "                case \"$key $before\" in\n",
              stream);
        each_command(stream, groups, bash_choices);
        each_command(stream, groups, bash_values);
        fputs(
            "                esac\n"
            "                # names to sort by, downwards\n"
            "                [[ $before != --sort || ${word##*,} != -* || -z $words ]] || words=\"-${words// "
            "/ -}\"\n"
            "                # of several with commas between them the last\n"
            "                [[ $word != *,* || -z $words ]] || words=\"${word%,*},${words// / "
            "${word%,*},}\"\n"
            "                if [[ -z $words && ($word == -* || $before != -*) ]]; then\n"
            "                        case $key in\n",
            stream);
        each_command(stream, groups, bash_options);
        fputs("                        esac\n"
              "                fi\n"
              "        fi\n"
              "        [[ -n $files ]] || compopt +o default 2>/dev/null\n"
              "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
              "}\n"
              "complete -o default -F _atmctl atmctl\n",
              stream);
}

/* zsh --------------------------------------------------------------------------------------------------- */

/* "name:text", a name's own colons aside: there are none. */
static void write_described(FILE *stream, const char *before, const char *name, const char *text)
{
        char described[1024];

        snprintf(described, sizeof(described), "%s%s:%s", before, name, text ? text : "");
        fputc(' ', stream);
        write_quoted(stream, described);
}

static void zsh_nouns(FILE *stream, const struct command_group *const *groups)
{
        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++) {
                        if (begins_noun(*groups, i))
                                write_described(stream, "", (*groups)->commands[i].noun, (*groups)->text);
                }
        }
}

static void zsh_verbs(FILE *stream, const struct command_group *const *groups)
{
        for (; *groups; groups++) {
                for (size_t i = 0; i < (*groups)->count; i++) {
                        const struct command *command = &(*groups)->commands[i];
                        bool ends_noun = i + 1 == (*groups)->count || begins_noun(*groups, i + 1);

                        if (!command->verb)
                                continue;
                        if (begins_noun(*groups, i))
                                fprintf(stream, "                %s) items=(", command->noun);
                        write_described(stream, "", command->verb, command->text);
                        fputs(ends_noun ? " ) ;;\n" : "", stream);
                }
        }
}

static void zsh_choices(FILE *stream, const struct command *command)
{
        write_choices(stream, command, ") items=( ", " ) ;;\n");
}

static void zsh_options(FILE *stream, const struct command *command)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);
        char name[OPTION_NAME_MAX];

        fprintf(stream, "                '%s') items=(", command_name(command));
        for (size_t i = 0; i < count; i++) {
                if (rows[i].flags & OPTION_POSITIONAL)
                        continue;
                option_write_name(rows[i].name, name);
                write_described(stream, "--", name, rows[i].text);
        }
        fputs(" ) ;;\n", stream);
}

void completion_zsh(FILE *stream, const struct command_group *const *groups)
{
        fputs("#compdef atmctl\n"
              "# Completion of atmctl for zsh, made by 'atmctl completion zsh': put it into a folder of "
              "$fpath as _atmctl.\n"
              "_atmctl() {\n"
              "        local -a items\n"
              "        local noun=$words[2] verb=$words[3] before=$words[CURRENT-1]\n",
              stream);
        write_names(stream, groups);
        fputs("        local key=\"$noun $verb\"\n"
              "        case $noun in ",
              stream);
        write_wholes(stream, groups, "|");
        fputs(") key=$noun ;; esac\n"
              "        if (( CURRENT == 2 )) || [[ $CURRENT == 3 && $noun == help ]]; then\n"
              "                items=(",
              stream);
        zsh_nouns(stream, groups);
        fputs(" 'help:how it is used' )\n"
              "        elif (( CURRENT == 3 )) && [[ $key != $noun ]]; then\n"
              "                case $noun in\n",
              stream);
        zsh_verbs(stream, groups);
        fputs("                esac\n"
              "        else\n"
              "                case \"$key $before\" in\n",
              stream);
        each_command(stream, groups, zsh_choices);
        fputs(
            "                esac\n"
            "                # names with commas between them: of the last; of those to sort by, downwards\n"
            "                if [[ -n $items && ( $before == --columns || $before == --sort ) ]]; then\n"
            "                        compset -P '*,'\n"
            "                        [[ $before != --sort ]] || compset -P -\n"
            "                fi\n"
            "                if [[ -z $items && ( $PREFIX == -* || $before != -* ) ]]; then\n"
            "                        case $key in\n",
            stream);
        each_command(stream, groups, zsh_options);
        fputs("                        esac\n"
              "                fi\n"
              "        fi\n"
              "        [[ -n $items ]] && _describe atmctl items || _files\n"
              "}\n"
              "compdef _atmctl atmctl\n",
              stream);
}
