/* Figures stay on one line and are never cut. Labels, headings and columns of text may wrap, down to the
 * widths below; only a table that is too wide even so gets smaller letters. */
#include "lib/documents/grid.h"

#include <math.h>

#define TEXT_SIZE    8.5 /* points at unit 1 */
#define HEADING_SIZE 7.8
#define PAD_X        5.0 /* at each side of a cell */
#define PAD_Y        1.0
#define APART        10.0 /* before a column that begins a group */
#define INDENT       11.0
#define LABEL_LEAST  96.0 /* labels and columns of text wrap below their natural width, down to this */
#define LABEL_MOST   250.0
#define TEXT_LEAST   70.0
#define HEADING_MOST 58.0 /* headings wrap at this or at the column's figures, whichever is wider */

struct widths {
        double least, natural;
};

static struct pen_style cell_style(const struct table_row *row, double unit)
{
        return (struct pen_style){.size = TEXT_SIZE * unit,
                                  .bold = row->style == DOCUMENT_TOTAL || row->style == DOCUMENT_SECTION,
                                  .colour = row->style == DOCUMENT_DETAIL ? PEN_GREY : PEN_INK};
}

static double indent_of(const struct table_row *row, double unit)
{
        return row->style == DOCUMENT_DETAIL ? INDENT * unit : 0;
}

static struct pen_style heading_style(double unit)
{
        return (struct pen_style){.size = HEADING_SIZE * unit, .bold = true, .colour = PEN_INK};
}

static struct widths label_widths(struct pen *pen, const struct table *t)
{
        struct pen_style heading = heading_style(1);
        double natural = pen_measure(pen, &heading, t->label_heading).width;

        for (size_t i = 0; i < t->row_count; i++) {
                struct pen_style style = cell_style(&t->rows[i], 1);
                double width = pen_measure(pen, &style, t->rows[i].label).width + indent_of(&t->rows[i], 1);

                if (t->rows[i].style != DOCUMENT_SECTION)
                        natural = fmax(natural, width);
        }
        natural = fmin(natural, LABEL_MOST) + 2 * PAD_X;
        return (struct widths){.least = fmin(natural, LABEL_LEAST), .natural = natural};
}

static struct widths column_widths(struct pen *pen, const struct document *d, const struct table *t, size_t c)
{
        struct pen_style heading = heading_style(1);
        const struct document_column *column = &t->columns[c];
        double headed = fmin(pen_measure(pen, &heading, column->heading).width, HEADING_MOST),
               natural = headed;
        double extra = 2 * PAD_X + (column->apart ? APART : 0);

        for (size_t i = 0; i < t->row_count; i++) {
                struct pen_style style = cell_style(&t->rows[i], 1);

                if (t->rows[i].cells)
                        natural =
                            fmax(natural, pen_measure(pen, &style, document_cell(d, &t->rows[i], c)).width);
        }
        if (column->align == DOCUMENT_RIGHT)
                return (struct widths){.least = natural + extra, .natural = natural + extra};
        natural = fmin(natural, LABEL_MOST);
        return (struct widths){.least = fmin(natural, fmax(headed, TEXT_LEAST)) + extra,
                               .natural = natural + extra};
}

void grid_measure(struct pen *pen, const struct document *d, const struct table *t, double *ret_least,
                  double *ret_natural)
{
        struct widths label = label_widths(pen, t);

        *ret_least = label.least;
        *ret_natural = label.natural;
        for (size_t c = 0; c < t->column_count; c++) {
                struct widths column = column_widths(pen, d, t, c);

                *ret_least += column.least;
                *ret_natural += column.natural;
        }
}

/* Gives columns what there is between the narrowest and the natural width, then shares out what is left, but
 * no more than keeps a row together for the eye. */
static void share_out(struct grid *grid, const struct widths *label, const struct widths columns[],
                      double width)
{
        const struct table *t = grid->table;
        double least = label->least, natural = label->natural, part, rest;

        for (size_t c = 0; c < t->column_count; c++) {
                least += columns[c].least;
                natural += columns[c].natural;
        }
        part = natural > least ? fmin(fmax((width / grid->unit - least) / (natural - least), 0), 1) : 1;
        rest = fmax(width / grid->unit - natural, 0);
        grid->label_width = label->least + part * (label->natural - label->least);
        grid->label_width += fmin(rest * 0.25, 90);
        rest -= fmin(rest * 0.25, 90);
        for (size_t c = 0; c < t->column_count; c++) {
                grid->widths[c] = columns[c].least + part * (columns[c].natural - columns[c].least);
                grid->widths[c] = (grid->widths[c] + fmin(rest / (double)t->column_count, 120)) * grid->unit;
        }
        grid->label_width *= grid->unit;
}

static double inner_width(const struct grid *grid, size_t c)
{
        return grid->widths[c] - (2 * PAD_X + (grid->table->columns[c].apart ? APART : 0)) * grid->unit;
}

static double header_height(const struct grid *grid, struct pen *pen)
{
        struct pen_style style = heading_style(grid->unit);
        double height;

        style.width = grid->label_width - 2 * PAD_X * grid->unit;
        height = pen_measure(pen, &style, grid->table->label_heading).height;
        for (size_t c = 0; c < grid->table->column_count; c++) {
                style.width = inner_width(grid, c) + 0.1;
                height = fmax(height, pen_measure(pen, &style, grid->table->columns[c].heading).height);
        }
        return height + 5 * grid->unit;
}

bool grid_lay_out(struct pen *pen, const struct document *d, const struct table *t, double width, double unit,
                  struct grid *ret_grid)
{
        struct widths label = label_widths(pen, t), columns[DOCUMENT_COLUMNS_MAX];
        double least = label.least;

        for (size_t c = 0; c < t->column_count; c++) {
                columns[c] = column_widths(pen, d, t, c);
                least += columns[c].least;
        }
        *ret_grid = (struct grid){.document = d, .table = t, .unit = fmin(unit, width / least)};
        if (ret_grid->unit < unit * GRID_LEAST)
                return false;
        share_out(ret_grid, &label, columns, width);
        ret_grid->width = ret_grid->label_width;
        for (size_t c = 0; c < t->column_count; c++)
                ret_grid->width += ret_grid->widths[c];
        ret_grid->header_height = header_height(ret_grid, pen);
        return true;
}

/* The tint behind columns that are set apart. */
static void draw_tint(const struct grid *grid, struct pen *pen, double x, double y, double height)
{
        x += grid->label_width;
        for (size_t c = 0; c < grid->table->column_count; c++) {
                double gap = grid->table->columns[c].apart ? APART * grid->unit : 0;

                if (grid->table->columns[c].strong)
                        pen_box(pen, PEN_TINT, x + gap, y, grid->widths[c] - gap, height);
                x += grid->widths[c];
        }
}

void grid_draw_header(const struct grid *grid, struct pen *pen, double x, double y)
{
        const struct table *t = grid->table;
        struct pen_style style = heading_style(grid->unit);
        double pad = PAD_X * grid->unit, bottom = y + grid->header_height, cell_x = x + grid->label_width;

        draw_tint(grid, pen, x, y, grid->header_height);
        style.width = grid->label_width - 2 * pad;
        pen_text(pen, &style, x + pad,
                 bottom - 3 * grid->unit - pen_measure(pen, &style, t->label_heading).height,
                 t->label_heading);
        for (size_t c = 0; c < t->column_count; c++) {
                double inner = inner_width(grid, c), height;

                style.width = inner + 0.1;
                style.align = t->columns[c].align;
                height = pen_measure(pen, &style, t->columns[c].heading).height;
                pen_text(pen, &style, cell_x + grid->widths[c] - pad - inner - 0.1,
                         bottom - 3 * grid->unit - height, t->columns[c].heading);
                cell_x += grid->widths[c];
        }
        pen_line(pen, PEN_INK, 1.1 * grid->unit, x, bottom - 0.55 * grid->unit, x + grid->width,
                 bottom - 0.55 * grid->unit);
}

static double cell_width(const struct grid *grid, size_t c)
{
        return grid->table->columns[c].align == DOCUMENT_RIGHT ? 0 : inner_width(grid, c) + 0.1;
}

static double label_width(const struct grid *grid, const struct table_row *row)
{
        double width = row->style == DOCUMENT_SECTION ? grid->width : grid->label_width;

        return width - 2 * PAD_X * grid->unit - indent_of(row, grid->unit) + 0.1;
}

double grid_row_height(const struct grid *grid, struct pen *pen, size_t number)
{
        const struct table_row *row = &grid->table->rows[number];
        struct pen_style style = cell_style(row, grid->unit);
        double height;

        style.width = label_width(grid, row);
        height = pen_measure(pen, &style, row->label).height;
        for (size_t c = 0; row->cells && c < grid->table->column_count; c++) {
                style.width = cell_width(grid, c);
                if (style.width > 0)
                        height = fmax(height,
                                      pen_measure(pen, &style, document_cell(grid->document, row, c)).height);
        }
        return height + 2 * PAD_Y * grid->unit + (row->style == DOCUMENT_SECTION ? 5 * grid->unit : 0);
}

void grid_draw_row(const struct grid *grid, struct pen *pen, size_t number, double x, double y, double height)
{
        const struct table_row *row = &grid->table->rows[number];
        struct pen_style style = cell_style(row, grid->unit);
        double pad = PAD_X * grid->unit, cell_x = x + grid->label_width;
        double top = y + PAD_Y * grid->unit + (row->style == DOCUMENT_SECTION ? 5 * grid->unit : 0);

        draw_tint(grid, pen, x, y, height);
        style.width = label_width(grid, row);
        pen_text(pen, &style, x + pad + indent_of(row, grid->unit), top, row->label);
        for (size_t c = 0; row->cells && c < grid->table->column_count; c++) {
                double right = cell_x + grid->widths[c] - pad;

                style.align = grid->table->columns[c].align;
                style.width = cell_width(grid, c);
                pen_text(pen, &style, style.width > 0 ? right - style.width : right, top,
                         document_cell(grid->document, row, c));
                cell_x += grid->widths[c];
        }
        if (row->style == DOCUMENT_TOTAL)
                pen_line(pen, PEN_RULE, 0.8 * grid->unit, x, y, x + grid->width, y);
        pen_line(pen, PEN_HAIR, 0.5 * grid->unit, x, y + height - 0.25 * grid->unit, x + grid->width,
                 y + height - 0.25 * grid->unit);
}
