/* Rows under each other, a line a value: for rows that are wider than a terminal. Tables that do not fit one have it too. */
#include <string.h>

#include "lib/base/utf8.h"
#include "tools/atmctl/output/form.h"
#include "tools/atmctl/output/state.h"

/* In cells of a terminal. What heads a row is ASCII or Japanese, whose characters are two wide. */
static int heading_width(const char *heading)
{
        const unsigned char *at = (const unsigned char *)heading;
        size_t left = strlen(heading), length;
        int width = 0;

        for (; left; at += length, left -= length) {
                length = utf8_length(at, left);
                width += length > 1 ? 2 : 1;
                length += !length;
        }
        return width;
}

int form_name_width(const struct output *output)
{
        const struct output_section *section = output->section;
        int width = 0;

        for (size_t i = 0; i < section->count; i++) {
                int own = heading_width(form_heading(output, i));

                if (form_shows(output, &section->columns[i]) && own > width)
                        width = own;
        }
        return width;
}

void form_print_record(struct output *output, size_t number)
{
        fprintf(output->stream, "-[ %zu ]-\n", number);
}

void form_print_value(struct output *output, int width, size_t column, const char *text)
{
        const char *heading = form_heading(output, column);
        const char *colour = form_colour(output, &output->section->columns[column], text);

        fprintf(output->stream, "%s%*s  %s%s%s\n", heading, width - heading_width(heading), "",
                colour ? colour : "", text, colour ? state_colour_end : "");
}

static bool row(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        int width = form_name_width(output);
        char buffer[FORM_TEXT_MAX];

        if (!output->rows && section->heading && *section->heading)
                form_print_heading(output);
        form_end_remarks(output);
        if (section->shape == OUTPUT_ROWS)
                form_print_record(output, output->rows + 1);
        for (size_t i = 0; i < section->count; i++) {
                if (form_shows(output, &section->columns[i]))
                        form_print_value(output, width, i,
                                         form_readable(output, i, values[i], total, buffer));
        }
        return !ferror(output->stream);
}

static bool end(struct output *output)
{
        if (output->rows && output->section->heading)
                fputc('\n', output->stream);
        return !ferror(output->stream);
}

const struct output_form form_expanded = {.name = "expanded",
                                          .kind = OUTPUT_FOR_PEOPLE,
                                          .row = row,
                                          .end = end,
                                          .remark = form_remark,
                                          .note = form_say};
