/* Rows under each other, a line a value: for rows that are wider than a terminal. */
#include <string.h>

#include "tools/atmctl/output/form.h"

/* Names are ASCII, so that their bytes are their width. */
static int name_width(const struct output *output)
{
        const struct output_section *section = output->section;
        size_t width = 0;

        for (size_t i = 0; i < section->count; i++) {
                size_t length = strlen(section->columns[i].name);

                if (form_shows(output, &section->columns[i]) && length > width)
                        width = length;
        }
        return (int)width;
}

static bool row(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        int width = name_width(output);
        char buffer[64];

        (void)total;
        if (!output->rows && section->heading && *section->heading)
                form_print_heading(output);
        if (section->shape == OUTPUT_ROWS)
                fprintf(output->stream, "-[ %zu ]-\n", output->rows + 1);
        for (size_t i = 0; i < section->count; i++) {
                if (form_shows(output, &section->columns[i]))
                        fprintf(output->stream, "%-*s  %s\n", width, section->columns[i].name,
                                form_readable(&section->columns[i], values[i], buffer));
        }
        return !ferror(output->stream);
}

static bool end(struct output *output)
{
        if (output->rows && output->section->heading)
                fputc('\n', output->stream);
        return !ferror(output->stream);
}

const struct output_form form_expanded = {
    .name = "expanded", .kind = OUTPUT_FOR_PEOPLE, .row = row, .end = end, .note = form_say};
