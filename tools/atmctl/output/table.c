/*
 * Tables for people. All rows are needed to know the widths, which libsmartcols measures in terminal cells. Sections
 * with a heading are set apart, and left out where they have no rows.
 */
#include "tools/atmctl/output/form.h"

static bool add_columns(struct output *output)
{
        const struct output_section *section = output->section;

        if (section->shape == OUTPUT_ONE) {
                scols_table_enable_noheadings(output->table, 1);
                return scols_table_new_column(output->table, "name", 0, 0) &&
                       scols_table_new_column(output->table, "value", 0, 0);
        }
        for (size_t i = 0; i < section->count; i++) {
                int flags = form_is_right(section->columns[i].type) ? SCOLS_FL_RIGHT : 0;

                if (form_shows(output, &section->columns[i]) &&
                    !scols_table_new_column(output->table, form_heading(output, i), 0, flags))
                        return false;
        }
        return true;
}

static bool begin(struct output *output)
{
        output->table = scols_new_table();
        if (!output->table)
                return false;
        scols_table_set_stream(output->table, output->stream);
        scols_table_set_column_separator(output->table, "  ");
        scols_table_enable_maxout(output->table, 0);
        scols_table_enable_nowrap(output->table, 1);
        return add_columns(output);
}

static bool set_cell(struct libscols_line *line, size_t at, const struct output_column *column,
                     const char *value)
{
        char buffer[64];

        return scols_line_set_data(line, at, form_readable(column, value, buffer)) == 0;
}

/* A line a value. */
static bool add_one(struct output *output, const char *const *values)
{
        const struct output_section *section = output->section;

        for (size_t i = 0; i < section->count; i++) {
                struct libscols_line *line;

                if (!form_shows(output, &section->columns[i]))
                        continue;
                line = scols_table_new_line(output->table, NULL);
                if (!line || scols_line_set_data(line, 0, form_heading(output, i)) != 0 ||
                    !set_cell(line, 1, &section->columns[i], values[i]))
                        return false;
        }
        return true;
}

static bool row(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        struct libscols_line *line;
        size_t shown = 0;

        (void)total;
        if (section->shape == OUTPUT_ONE)
                return add_one(output, values);
        line = scols_table_new_line(output->table, NULL);
        for (size_t i = 0; i < section->count && line; i++) {
                if (form_shows(output, &section->columns[i]) &&
                    !set_cell(line, shown++, &section->columns[i], values[i]))
                        return false;
        }
        return line != NULL;
}

static void forget(struct output *output)
{
        scols_unref_table(output->table);
        output->table = NULL;
}

static bool end(struct output *output)
{
        const char *heading = output->section->heading;
        bool written = true;

        if (output->rows) {
                if (heading && *heading)
                        form_print_heading(output);
                written = scols_print_table(output->table) == 0;
                if (heading)
                        fputc('\n', output->stream);
        }
        forget(output);
        return written;
}

const struct output_form form_table = {.name = "table",
                                       .kind = OUTPUT_FOR_PEOPLE,
                                       .begin = begin,
                                       .row = row,
                                       .end = end,
                                       .note = form_say,
                                       .free = forget};
