/* Title, subtitle and status; tables and charts in their order, charts that follow one another side by side;
 * footnotes. Further pages begin with the title in small, and a table that goes on with its headings. A page
 * break comes neither after a section's heading nor among the first or the last rows of a table, so that no row is alone on a page. */
#include "lib/documents/sheet.h"

#include <math.h>
#include <string.h>

#include "lib/documents/chart.h"
#include "lib/documents/grid.h"

#define ROWS_TOGETHER 3     /* of a table's beginning, and of its end */
#define CHART_GAP     22.0  /* between charts that stand side by side */
#define WIDE_SHEET    640.0 /* from here on three charts may */

static double inner(const struct sheet *s)
{
        return s->width - 2 * s->margin;
}

static double footer_height(const struct sheet *s)
{
        return 16 * s->unit;
}

static void draw_footer(struct sheet *s, double y)
{
        struct pen_style style = {.size = 7 * s->unit, .colour = PEN_GREY};
        char number[32];
        double room = inner(s);

        pen_line(s->pen, PEN_HAIR, 0.6, s->margin, y, s->width - s->margin, y);
        y += 4 * s->unit;
        if (s->height > 0) {
                snprintf(number, sizeof(number), "%u / %u", s->page, s->pages);
                style.align = DOCUMENT_RIGHT;
                room -= pen_text(s->pen, &style, s->width - s->margin, y, number).width + 12;
        }
        style.align = DOCUMENT_LEFT;
        style.width = room;
        style.cut = true;
        pen_text(s->pen, &style, s->margin, y, s->document->footer);
}

static void end_page(struct sheet *s)
{
        draw_footer(s, s->height - s->margin - footer_height(s) + 6 * s->unit);
        if (s->pen->cr)
                cairo_show_page(s->pen->cr);
}

static void begin_further_page(struct sheet *s)
{
        struct pen_style style = {.size = 8 * s->unit, .colour = PEN_GREY, .width = inner(s), .cut = true};

        s->page++;
        s->y = s->margin;
        s->y += pen_text(s->pen, &style, s->margin, s->y, s->document->title).height + 6 * s->unit;
}

static double bottom(const struct sheet *s)
{
        return s->height - s->margin - footer_height(s);
}

/* Goes to a new page if so much does not fit on this one; true: it did. */
static bool make_room(struct sheet *s, double height)
{
        if (s->height <= 0 || s->y + height <= bottom(s))
                return false;
        end_page(s);
        begin_further_page(s);
        return true;
}

static void draw_status(struct sheet *s)
{
        struct pen_style style = {.size = 9 * s->unit, .bold = true, .colour = PEN_INK};
        double pad = 5 * s->unit, edge = 3.5 * s->unit, height;

        if (!s->document->status[0])
                return;
        style.width = inner(s) - edge - 2 * pad - 2 * s->unit;
        height = pen_measure(s->pen, &style, s->document->status).height + 2 * pad;
        s->y += 5 * s->unit;
        pen_box(s->pen, PEN_NOTICE, s->margin, s->y, inner(s), height);
        pen_box(s->pen, PEN_NOTICE_EDGE, s->margin, s->y, edge, height);
        pen_text(s->pen, &style, s->margin + edge + pad + 2 * s->unit, s->y + pad, s->document->status);
        s->y += height;
}

static void draw_head(struct sheet *s)
{
        struct pen_style title = {.size = 17 * s->unit, .bold = true, .colour = PEN_INK, .width = inner(s)};
        struct pen_style subtitle = {.size = 9.5 * s->unit, .colour = PEN_GREY, .width = inner(s)};

        s->page = 1;
        s->y = s->margin;
        if (s->document->title[0])
                s->y += pen_text(s->pen, &title, s->margin, s->y, s->document->title).height;
        if (s->document->subtitle[0])
                s->y += pen_text(s->pen, &subtitle, s->margin, s->y, s->document->subtitle).height;
        draw_status(s);
        s->y += 10 * s->unit;
}

/* ---- tables ---- */

/* Of a row and those behind it that stay with it: what a section's heading is of, and the rest of a table that is nearly over. */
static double height_together(struct sheet *s, const struct grid *grid, size_t row)
{
        size_t count = grid->table->row_count, with = 1;
        double height = 0;

        if (count - row == ROWS_TOGETHER)
                with = ROWS_TOGETHER;
        else if (grid->table->rows[row].style == DOCUMENT_SECTION && row + 1 < count)
                with = 2;
        for (size_t i = row; i < row + with; i++)
                height += grid_row_height(grid, s->pen, i);
        return height;
}

static void draw_rows(struct sheet *s, const struct grid *grid)
{
        for (size_t i = 0; i < grid->table->row_count; i++) {
                double height = grid_row_height(grid, s->pen, i);

                if (make_room(s, height_together(s, grid, i))) {
                        grid_draw_header(grid, s->pen, s->margin, s->y);
                        s->y += grid->header_height;
                }
                grid_draw_row(grid, s->pen, i, s->margin, s->y, height);
                s->y += height;
        }
}

static void draw_table(struct sheet *s, const struct table *table)
{
        struct pen_style caption = {
            .size = 10.5 * s->unit, .bold = true, .colour = PEN_INK, .width = inner(s)};
        struct grid grid;
        double head = 0, together;

        if (!grid_lay_out(s->pen, s->document, table, inner(s), s->unit, &grid)) {
                if (!s->pen->problem[0])
                        snprintf(
                            s->pen->problem, sizeof(s->pen->problem),
                            "table \"%.60s\": %zu columns are too wide for a page; html has no such limit",
                            table->caption, table->column_count);
                return;
        }
        if (table->caption[0])
                head = pen_measure(s->pen, &caption, table->caption).height + 3 * s->unit;
        together = head + grid.header_height;
        for (size_t i = 0; i < table->row_count && i < ROWS_TOGETHER; i++)
                together += grid_row_height(&grid, s->pen, i);
        make_room(s, together);
        if (table->caption[0])
                pen_text(s->pen, &caption, s->margin, s->y, table->caption);
        s->y += head;
        grid_draw_header(&grid, s->pen, s->margin, s->y);
        s->y += grid.header_height;
        draw_rows(s, &grid);
        s->y += 14 * s->unit;
}

/* ---- charts ---- */

/* How many charts from this block on stand in one row. */
static size_t side_by_side(const struct sheet *s, size_t from)
{
        const struct document *d = s->document;
        size_t run = 0, most;

        if (d->blocks[from].chart.wide)
                return 1;
        while (from + run < d->block_count && d->blocks[from + run].is_chart &&
               !d->blocks[from + run].chart.wide)
                run++;
        most = run % 3 == 0 && inner(s) / s->unit >= WIDE_SHEET ? 3 : 2;
        return run < most ? run : most;
}

static void draw_charts(struct sheet *s, size_t from, size_t count)
{
        double gap = CHART_GAP * s->unit;
        double width = (inner(s) - gap * (double)(count - 1)) / (double)count, height = 0;

        for (size_t i = 0; i < count; i++)
                height =
                    fmax(height, chart_height(s->pen, &s->document->blocks[from + i].chart, width, s->unit));
        make_room(s, height);
        for (size_t i = 0; i < count; i++)
                chart_draw(s->pen, &s->document->blocks[from + i].chart,
                           s->margin + (width + gap) * (double)i, s->y, width, s->unit);
        s->y += height + 14 * s->unit;
}

/* ---- the whole ---- */

static void draw_footnotes(struct sheet *s)
{
        struct pen_style style = {.size = 7.5 * s->unit, .colour = PEN_GREY, .width = inner(s)};

        for (size_t i = 0; i < s->document->footnote_count; i++) {
                double height = pen_measure(s->pen, &style, s->document->footnotes[i]).height;

                make_room(s, height);
                pen_text(s->pen, &style, s->margin, s->y, s->document->footnotes[i]);
                s->y += height + 1 * s->unit;
        }
}

struct sheet_size sheet_run(struct sheet *s)
{
        const struct document *d = s->document;

        draw_head(s);
        for (size_t i = 0; i < d->block_count; i++) {
                size_t count;

                if (!d->blocks[i].is_chart) {
                        draw_table(s, &d->blocks[i].table);
                        continue;
                }
                count = side_by_side(s, i);
                draw_charts(s, i, count);
                i += count - 1;
        }
        draw_footnotes(s);
        if (s->height > 0) {
                end_page(s);
                return (struct sheet_size){.pages = s->page, .height = s->height};
        }
        if (d->footer[0]) {
                s->y += 8 * s->unit;
                draw_footer(s, s->y);
                s->y += footer_height(s);
        }
        return (struct sheet_size){.pages = 1, .height = s->y + s->margin};
}

void sheet_table_widths(struct pen *pen, const struct document *d, double *ret_least, double *ret_natural)
{
        *ret_least = *ret_natural = 0;
        for (size_t i = 0; i < d->block_count; i++) {
                double least, natural;

                if (d->blocks[i].is_chart)
                        continue;
                grid_measure(pen, d, &d->blocks[i].table, &least, &natural);
                *ret_least = fmax(*ret_least, least);
                *ret_natural = fmax(*ret_natural, natural);
        }
}
