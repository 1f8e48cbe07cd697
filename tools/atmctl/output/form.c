/* What several forms share: which columns they show, and values as people read them. */
#include "tools/atmctl/output/form.h"

#include <stdlib.h>
#include <string.h>

#include "backoffice/pages/period_text.h"
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

        if (!output->reader && !(output->form->flags & FORM_DOCUMENT))
                return name;
        return word_of(section->words && section->words[column] ? section->words[column] : name,
                       output->reader);
}

const char *form_yes_or_no(const char *value)
{
        return *value == 't' || *value == 'y' ? "yes" : "no";
}

/* "band day" has a row of its own beside "day". */
static const char *word_for(const struct output *output, size_t column, const char *value,
                            char buffer[FORM_TEXT_MAX])
{
        const struct output_section *section = output->section;
        const char *of =
            section->words && section->words[column] ? section->words[column] : section->columns[column].name;
        const char *word;

        snprintf(buffer, FORM_TEXT_MAX, "%s %s", of, value);
        word = word_of(buffer, output->reader);
        return word == buffer ? word_of(value, output->reader) : word;
}

/* A Japanese reader's negatives have a triangle. */
static const char *print_number(const struct output *output, const char *value, char buffer[FORM_TEXT_MAX])
{
        bool turned = output->reader && *value == '-';
        char grouped[64];

        digits_group(value + turned, grouped, sizeof(grouped));
        snprintf(buffer, FORM_TEXT_MAX, "%s%s", turned ? "△" : "", grouped);
        return buffer;
}

const char *form_readable(const struct output *output, size_t column, const char *value, bool total,
                          char buffer[FORM_TEXT_MAX])
{
        bool in_words = output->reader || output->form->flags & FORM_DOCUMENT;
        const struct output_column *of = &output->section->columns[column];

        if (!value || !*value)
                return of->type == OUTPUT_DECIMAL || of->flags & OUTPUT_DASH ? "-" : "";
        switch (of->type) {
        case OUTPUT_BOOL:
                return form_yes_or_no(value);
        case OUTPUT_YEN:
        case OUTPUT_DECIMAL:
                return print_number(output, value, buffer);
        case OUTPUT_DAYS:
                return total && in_words ? word_of(value, output->reader)
                                         : period_text(value, output->reader, buffer);
        case OUTPUT_WORD:
                return in_words ? word_for(output, column, value, buffer) : value;
        case OUTPUT_TEXT:
                return in_words && total ? word_of(value, output->reader) : value;
        case OUTPUT_NUMBER:
        case OUTPUT_PERIOD:
        case OUTPUT_FIGURE:
        case OUTPUT_QUANTITY:
        case OUTPUT_VALUE:
                break;
        }
        return value;
}

const char *form_mark(const struct output *output)
{
        return output->reader ? "【未確定】" : "PROVISIONAL";
}

void form_print_foot(const struct output *output, const struct output_head *head, char foot[FORM_FOOT_MAX])
{
        const char *between = output->reader ? "　" : ", ";
        char day[PERIOD_TEXT_MAX];

        period_text(head->issued, output->reader, day);
        snprintf(foot, FORM_FOOT_MAX, output->reader ? "%.300s%s%s発行%s%s" : "%.300s%sissued %s%s%s",
                 head->publisher, *head->publisher ? between : "", day, head->is_provisional ? between : "",
                 head->is_provisional ? form_mark(output) : "");
}

void form_remark(struct output *output, const char *text)
{
        form_print(output, text);
        fputc('\n', output->stream);
        output->is_remarked = true;
}

void form_end_remarks(struct output *output)
{
        if (output->is_remarked)
                fputc('\n', output->stream);
        output->is_remarked = false;
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
        output->is_remarked = false;
        fputc('\n', output->stream);
        form_print(output, output->section->heading);
        fputc('\n', output->stream);
}

void form_say(struct output *output, const char *text)
{
        (void)output;
        note("%s", text);
}
