/*
 * Tables for people. All rows are needed to know the widths, which libsmartcols measures in terminal cells. Sections
 * with a heading are set apart, and left out where they have no rows.
 *
 * What is wider than the terminal, and was not asked for as a table, is first made narrower by the blanks between columns,
 * then stands there a line a value.
 */
#include <stdlib.h>

#include "tools/atmctl/output/form.h"
#include "tools/atmctl/output/terminal.h"

static const char *const wide_gap = "  ", *const narrow_gap = " ";

static bool add_columns(struct output *output)
{
        const struct output_section *section = output->section;

        if (section->shape == OUTPUT_ONE) {
                scols_table_enable_noheadings(output->table, 1);
                return scols_table_new_column(output->table, "name", 0, 0) &&
                       scols_table_new_column(output->table, "value", 0, 0);
        }
        for (size_t i = 0; i < section->count; i++) {
                int flags = schema_is_right(section->columns[i].type) ? SCOLS_FL_RIGHT : 0;

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
        scols_table_set_termforce(output->table, SCOLS_TERMFORCE_NEVER); /* it would cut what does not fit */
        scols_table_set_column_separator(output->table, wide_gap);
        scols_table_enable_maxout(output->table, 0);
        scols_table_enable_nowrap(output->table, 1);
        return add_columns(output);
}

static bool set_cell(const struct output *output, struct libscols_line *line, size_t at, size_t column,
                     const char *value, bool total)
{
        char buffer[FORM_TEXT_MAX];

        const char *colour = form_colour(output, &output->section->columns[column], value);

        return scols_line_set_data(line, at, form_readable(output, column, value, total, buffer)) == 0 &&
               (!colour || scols_cell_set_color(scols_line_get_cell(line, at), colour) == 0);
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
                    !set_cell(output, line, 1, i, values[i], false))
                        return false;
        }
        return true;
}

static bool row(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        struct libscols_line *line;
        size_t shown = 0;

        if (section->shape == OUTPUT_ONE)
                return add_one(output, values);
        line = scols_table_new_line(output->table, NULL);
        for (size_t i = 0; i < section->count && line; i++) {
                if (form_shows(output, &section->columns[i]) &&
                    !set_cell(output, line, shown++, i, values[i], total))
                        return false;
        }
        return line != NULL;
}

static void forget(struct output *output)
{
        scols_unref_table(output->table);
        output->table = NULL;
}

static const char *cell_text(struct libscols_line *line, size_t at)
{
        const char *text = scols_cell_get_data(scols_line_get_cell(line, at));

        return text ? text : "";
}

static void print_record(struct output *output, size_t number)
{
        const struct output_section *section = output->section;
        struct libscols_line *line = scols_table_get_line(output->table, number);
        size_t shown = 0;

        form_print_record(output, number + 1);
        for (size_t i = 0; i < section->count; i++) {
                if (form_shows(output, &section->columns[i]))
                        form_print_value(output, form_name_width(output), i, cell_text(line, shown++));
        }
}

/* The table as text, with these blanks between columns; NULL: out of memory, or too wide. */
static char *table_text(struct output *output, const char *gap, size_t width)
{
        char *text = NULL;

        if (scols_table_set_column_separator(output->table, gap) != 0 ||
            scols_print_table_to_string(output->table, &text) != 0)
                return NULL;
        if (terminal_cells(text) <= width)
                return text;
        free(text);
        return NULL;
}

/* False where nothing but a line a value fits. */
static bool fit_table(struct output *output)
{
        const char *const gaps[] = {wide_gap, narrow_gap};

        for (size_t i = 0; i < 2; i++) {
                char *text = table_text(output, gaps[i], terminal_width());

                free(text);
                if (text)
                        return true;
        }
        scols_table_set_column_separator(output->table, wide_gap);
        return false;
}

static bool print_table(struct output *output)
{
        bool may_expand = output->at_terminal && !output->is_chosen && output->section->shape == OUTPUT_ROWS;

        if (may_expand && !fit_table(output)) {
                for (size_t i = 0; i < scols_table_get_nlines(output->table); i++)
                        print_record(output, i);
                return !ferror(output->stream);
        }
        scols_table_set_stream(output->table, output->stream);
        scols_table_enable_colors(output->table, output->at_terminal && terminal_has_colours());
        return scols_print_table(output->table) == 0;
}

static bool end(struct output *output)
{
        const char *heading = output->section->heading;
        bool written = true;

        if (output->rows) {
                if (heading && *heading)
                        form_print_heading(output);
                form_end_remarks(output);
                written = print_table(output);
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
                                       .remark = form_remark,
                                       .note = form_say,
                                       .free = forget};
