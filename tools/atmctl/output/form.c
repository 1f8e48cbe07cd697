/* What several forms share: which columns they show, and values as people read them. */
#include "tools/atmctl/output/form.h"

#include <stdlib.h>
#include <string.h>

#include "backoffice/pages/words.h"
#include "lib/base/digits.h"
#include "lib/base/utf8.h"
#include "lib/cli/say.h"
#include "tools/atmctl/output/state.h"
#include "tools/atmctl/output/terminal.h"

const char *form_place(const struct output *output)
{
        return output->path ? output->path : "standard output";
}

bool form_complain_unwritten(const struct output *output)
{
        complain("%s: can't be written", form_place(output));
        return false;
}

bool form_shows(const struct output *output, const struct output_column *column)
{
        return !(column->flags &
                 (output->form->kind == OUTPUT_FOR_PEOPLE ? OUTPUT_NOT_TABLE : OUTPUT_ONLY_TABLE));
}

const char *form_heading(const struct output *output, size_t column)
{
        const struct output_section *section = output->section;
        const char *name = section->columns[column].name;

        if (!output->japanese && !(output->form->flags & FORM_DOCUMENT))
                return name;
        return word_of(section->words && section->words[column] ? section->words[column] : name,
                       output->japanese);
}

bool form_is_right(enum output_type type)
{
        return type != OUTPUT_TEXT && type != OUTPUT_VALUE && type != OUTPUT_BOOL;
}

const char *form_yes_or_no(const char *value)
{
        return *value == 't' || *value == 'y' ? "yes" : "no";
}

const char *form_readable(const struct output_column *column, const char *value, char buffer[64])
{
        enum output_type type = column->type;

        if (!value || !*value)
                return type == OUTPUT_DECIMAL || column->flags & OUTPUT_DASH ? "-" : "";
        if (type == OUTPUT_BOOL)
                return form_yes_or_no(value);
        if (type != OUTPUT_YEN && type != OUTPUT_DECIMAL)
                return value;
        digits_group(value, buffer, 64);
        return buffer;
}

const char *form_colour(const struct output *output, const struct output_column *column, const char *value)
{
        return output->at_terminal && column->flags & OUTPUT_STATE && value && terminal_has_colours()
                   ? state_colour(value)
                   : NULL;
}

/* Out of memory: a sentence less. */
void form_print(struct output *output, const char *text)
{
        size_t size = strlen(text) * UTF8_GROWTH + 1;
        char *shown = malloc(size);

        if (!shown)
                return;
        utf8_show(text, "\n", shown, size);
        fputs(shown, output->stream);
        free(shown);
}

void form_print_heading(struct output *output)
{
        fputc('\n', output->stream);
        form_print(output, output->section->heading);
        fputc('\n', output->stream);
}

const char *form_name(const struct output_column *column)
{
        return column->flags & OUTPUT_MEMBER ? strchr(column->name, '.') + 1 : column->name;
}

void form_say(struct output *output, const char *text)
{
        (void)output;
        note("%s", text);
}
