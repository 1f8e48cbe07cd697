/*
 * CSV: one section, its first row the names. Nothing but rows, so that whoever reads it need not know more: remarks go to standard error, and
 * beside a file that is written into one of the same name and ".remarks" (output.c).
 */
#include <stdlib.h>

#include "lib/base/csv.h"
#include "tools/atmctl/output/form.h"

static bool begin(struct output *output)
{
        bool first = true;

        for (size_t i = 0; i < output->section->count; i++) {
                if (!form_shows(output, &output->section->columns[i]))
                        continue;
                csv_write_cell(output->stream, first, schema_name(&output->section->columns[i]));
                first = false;
        }
        csv_write_end(output->stream);
        return !ferror(output->stream);
}

static bool row(struct output *output, const char *const *values, bool total)
{
        bool first = true;

        (void)total;
        for (size_t i = 0; i < output->section->count; i++) {
                const struct output_column *column = &output->section->columns[i];

                if (!form_shows(output, column))
                        continue;
                if (values[i])
                        csv_write_cell(output->stream, first,
                                       column->type == OUTPUT_BOOL ? form_yes_or_no(values[i]) : values[i]);
                else
                        csv_write_none(output->stream, first);
                first = false;
        }
        csv_write_end(output->stream);
        return !ferror(output->stream);
}

/* Out of memory: one less in the file. */
static void remark(struct output *output, const char *text)
{
        char *remarks;

        form_say(output, text);
        if (asprintf(&remarks, "%s%s\n", output->remarks ? output->remarks : "", text) < 0)
                return;
        free(output->remarks);
        output->remarks = remarks;
}

const struct output_form form_csv = {.name = "csv",
                                     .kind = OUTPUT_AS_ROWS,
                                     .flags = FORM_ONE_SECTION,
                                     .begin = begin,
                                     .row = row,
                                     .remark = remark,
                                     .note = form_say};
