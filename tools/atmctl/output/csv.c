/* CSV: one section, its first row the names. */
#include <string.h>

#include "tools/atmctl/output/form.h"

static void write_cell(FILE *stream, const char *value)
{
        if (!strpbrk(value, ",\"\r\n")) {
                fputs(value, stream);
                return;
        }
        fputc('"', stream);
        for (; *value; value++) {
                if (*value == '"')
                        fputc('"', stream);
                fputc(*value, stream);
        }
        fputc('"', stream);
}

static bool begin(struct output *output)
{
        const char *separator = "";

        for (size_t i = 0; i < output->section->count; i++) {
                if (!form_shows(output, &output->section->columns[i]))
                        continue;
                fprintf(output->stream, "%s%s", separator, form_name(&output->section->columns[i]));
                separator = ",";
        }
        fputc('\n', output->stream);
        return !ferror(output->stream);
}

static bool row(struct output *output, const char *const *values, bool total)
{
        const char *separator = "";

        (void)total;
        for (size_t i = 0; i < output->section->count; i++) {
                const struct output_column *column = &output->section->columns[i];

                if (!form_shows(output, column))
                        continue;
                fputs(separator, output->stream);
                separator = ",";
                if (values[i])
                        write_cell(output->stream,
                                   column->type == OUTPUT_BOOL ? form_yes_or_no(values[i]) : values[i]);
        }
        fputc('\n', output->stream);
        return !ferror(output->stream);
}

const struct output_form form_csv = {.name = "csv",
                                     .kind = OUTPUT_AS_ROWS,
                                     .flags = FORM_ONE_SECTION,
                                     .begin = begin,
                                     .row = row,
                                     .note = form_say};
