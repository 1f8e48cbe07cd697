/* From top to bottom: title and unit, legend, plot, categories. Whatever is missing leaves its place empty.
 *
 * Labels don't collide: categories are thinned out until they fit, figures on columns are there for all of a
 * series or none, and each figure on a line is left out where another label already stands. */
#include "lib/documents/chart.h"

#include <math.h>
#include <string.h>

#include "lib/documents/ticks.h"

#define LABELS_MAX      (DOCUMENT_SERIES_MAX * DOCUMENT_CATEGORIES_MAX)
#define CATEGORY_HEIGHT 12 /* of their labels, at unit 1 */

struct rectangle {
        double x0, y0, x1, y1;
};

/* A chart while it is drawn. Lengths in points; value axis: y grows downwards. */
struct drawing {
        struct pen *pen;
        const struct document_chart *chart;
        double unit;
        struct rectangle outer, plot;
        struct ticks ticks;
        struct pen_style figure, category, legend;
        double slot; /* width of a category */
        struct rectangle labels[LABELS_MAX];
        size_t label_count;
};

static const enum pen_colour series_colours[DOCUMENT_SERIES_MAX] = {PEN_FIRST, PEN_SECOND};

static bool is_line(const struct document_chart *chart, size_t series)
{
        return chart->kind == DOCUMENT_LINE ||
               (chart->kind == DOCUMENT_COLUMNS && chart->series[series].line);
}

static size_t column_series(const struct document_chart *chart)
{
        size_t count = 0;

        for (size_t i = 0; i < chart->series_count; i++)
                count += !is_line(chart, i);
        return count;
}

/* ---- heading ---- */

static double draw_title(struct drawing *d)
{
        struct pen_style title = {.size = 10 * d->unit, .bold = true, .colour = PEN_INK};
        struct pen_style unit = {.size = 7.5 * d->unit, .colour = PEN_GREY};
        double width = d->outer.x1 - d->outer.x0, y = d->outer.y0;
        double title_width = pen_measure(d->pen, &title, d->chart->title).width;
        double unit_width = pen_measure(d->pen, &unit, d->chart->unit).width;
        double gap = 6 * d->unit;

        title.width = title_width > width ? width : 0;
        title.cut = true;
        y += pen_text(d->pen, &title, d->outer.x0, y, d->chart->title).height;
        if (!d->chart->unit[0])
                return y;
        if (title_width + gap + unit_width <= width) {
                pen_text(d->pen, &unit, d->outer.x0 + title_width + gap, d->outer.y0 + 2.9 * d->unit,
                         d->chart->unit);
                return y;
        }
        unit.width = width;
        unit.cut = true;
        return y + pen_text(d->pen, &unit, d->outer.x0, y, d->chart->unit).height;
}

/* A key and a name for each series, one after the other; below one another where they don't fit. */
static double draw_legend(struct drawing *d, double y)
{
        double x = d->outer.x0, key = 12 * d->unit, line = pen_measure(d->pen, &d->legend, "0").height;

        if (d->chart->series_count < 2)
                return y;
        y += 2 * d->unit;
        for (size_t i = 0; i < d->chart->series_count; i++) {
                struct pen_style style = d->legend;
                double width = pen_measure(d->pen, &style, d->chart->series[i].name).width;
                double middle;

                if (x > d->outer.x0 && x + key + 4 * d->unit + width > d->outer.x1) {
                        x = d->outer.x0;
                        y += line;
                }
                if (x + key + 4 * d->unit + width > d->outer.x1) {
                        style.width = d->outer.x1 - x - key - 4 * d->unit;
                        style.cut = true;
                }
                middle = y + line / 2;
                if (is_line(d->chart, i)) {
                        pen_line(d->pen, series_colours[i], 2 * d->unit, x, middle, x + key, middle);
                        pen_dot(d->pen, series_colours[i], x + key / 2, middle, 2.6 * d->unit);
                } else {
                        pen_box(d->pen, series_colours[i], x, middle - 3.5 * d->unit, key, 7 * d->unit);
                }
                pen_text(d->pen, &style, x + key + 4 * d->unit, y, d->chart->series[i].name);
                x += key + 4 * d->unit + width + 14 * d->unit;
        }
        return y + line;
}

/* ---- axes ---- */

/* The least and the greatest amount; false: all are missing. */
static bool find_range(const struct document_chart *chart, int64_t *ret_low, int64_t *ret_high)
{
        bool any = false;

        for (size_t s = 0; s < chart->series_count; s++) {
                for (size_t i = 0; i < chart->category_count; i++) {
                        const struct document_value *value = &chart->series[s].values[i];

                        if (value->missing)
                                continue;
                        if (!any || value->amount < *ret_low)
                                *ret_low = value->amount;
                        if (!any || value->amount > *ret_high)
                                *ret_high = value->amount;
                        any = true;
                }
        }
        return any;
}

/* An axis with columns begins at zero. That of lines does so unless they would be flat up there. */
static void choose_axis(struct drawing *d, double height)
{
        const struct document_chart *chart = d->chart;
        int64_t low = 0, high = 0, least = chart->scale;
        double room = height / (13.5 * d->unit);
        unsigned most = room < 4 ? 4 : room > 7 ? 7 : (unsigned)room;

        find_range(chart, &low, &high);
        if (column_series(chart) || high - low > (high > -low ? high : -low) / 3) {
                low = low > 0 ? 0 : low;
                high = high < 0 ? 0 : high;
        }
        for (unsigned i = 0; i < chart->decimals && least > 1; i++)
                least /= 10;
        ticks_choose(low, high, most, least, &d->ticks);
}

static double y_of(const struct drawing *d, int64_t amount)
{
        double share = ((double)amount - (double)d->ticks.first) /
                       ((double)ticks_last(&d->ticks) - (double)d->ticks.first);

        return d->plot.y1 - share * (d->plot.y1 - d->plot.y0);
}

/* Where columns stand: zero, or the edge nearest to it. */
static double base_line(const struct drawing *d)
{
        int64_t last = ticks_last(&d->ticks);

        return y_of(d, d->ticks.first > 0 ? d->ticks.first : last < 0 ? last : 0);
}

static double middle_of(const struct drawing *d, size_t category)
{
        return d->plot.x0 + d->slot * ((double)category + 0.5);
}

static void tick_text(const struct drawing *d, unsigned tick, char text[AMOUNT_TEXT_SIZE])
{
        amount_text(text, d->ticks.first + d->ticks.step * (int64_t)tick, d->chart->scale,
                    ticks_decimals(d->ticks.step, d->chart->scale, d->chart->decimals), d->chart->minus);
}

static double widest_tick(struct drawing *d)
{
        char text[AMOUNT_TEXT_SIZE];
        double widest = 0;

        for (unsigned i = 0; i < d->ticks.count; i++) {
                tick_text(d, i, text);
                widest = fmax(widest, pen_measure(d->pen, &d->figure, text).width);
        }
        return widest;
}

static void draw_grid(struct drawing *d)
{
        struct pen_style style = d->figure;
        double half = pen_measure(d->pen, &style, "0").height / 2;
        char text[AMOUNT_TEXT_SIZE];

        style.align = DOCUMENT_RIGHT;
        style.colour = PEN_GREY;
        for (unsigned i = 0; i < d->ticks.count; i++) {
                int64_t amount = d->ticks.first + d->ticks.step * (int64_t)i;
                double y = y_of(d, amount);

                pen_line(d->pen, PEN_HAIR, 0.6 * d->unit, d->plot.x0, y, d->plot.x1, y);
                tick_text(d, i, text);
                pen_text(d->pen, &style, d->plot.x0 - 5 * d->unit, y - half, text);
        }
}

static double widest_category(struct drawing *d)
{
        double widest = 0;

        for (size_t i = 0; i < d->chart->category_count; i++)
                widest = fmax(widest, pen_measure(d->pen, &d->category, d->chart->categories[i]).width);
        return widest;
}

/* Every nth, counted from the last, which is the newest; hours from the first. One that would reach below the
 * ticks' figures is left out, and only the last may be cut off. */
static void draw_categories(struct drawing *d)
{
        struct pen_style style = d->category;
        double gap = 4 * d->unit;
        size_t count = d->chart->category_count;
        size_t nth = (size_t)ceil((widest_category(d) + gap) / d->slot);

        if (nth < 1)
                nth = 1;
        style.align = DOCUMENT_CENTRE;
        style.cut = true;
        for (size_t i = 0; i < count; i++) {
                double middle = middle_of(d, i);
                double sides = fmin(d->outer.x1 - middle, middle - d->plot.x0 + 2 * d->unit);

                if ((d->chart->kind == DOCUMENT_HOURS ? i : count - 1 - i) % nth)
                        continue;
                style.width = 2 * fmin((double)nth * d->slot / 2 - gap / 4, sides);
                if (i + 1 < count &&
                    pen_measure(d->pen, &d->category, d->chart->categories[i]).width > style.width)
                        continue;
                pen_text(d->pen, &style, middle - style.width / 2, d->outer.y1 - CATEGORY_HEIGHT * d->unit,
                         d->chart->categories[i]);
        }
}

/* ---- series ---- */

static bool is_free(const struct drawing *d, const struct rectangle *r)
{
        for (size_t i = 0; i < d->label_count; i++) {
                const struct rectangle *o = &d->labels[i];

                if (r->x0 < o->x1 && o->x0 < r->x1 && r->y0 < o->y1 && o->y0 < r->y1)
                        return false;
        }
        return true;
}

/* Sets a figure with its middle at x, or as near as the plot's sides let it, and its top at y if nothing
 * stands there. */
static bool place_label(struct drawing *d, const struct pen_style *style, double x, double y,
                        const char *text)
{
        struct pen_extent extent = pen_measure(d->pen, style, text);
        double trim = extent.height * 0.2; /* the line's height has air above and below the figures */
        struct rectangle r;

        x = fmin(fmax(x, d->plot.x0 + extent.width / 2), d->outer.x1 - extent.width / 2);
        r = (struct rectangle){x - extent.width / 2, y + trim, x + extent.width / 2,
                               y + extent.height - trim};
        if (d->label_count == LABELS_MAX || r.y1 > d->outer.y1 - CATEGORY_HEIGHT * d->unit + trim ||
            !is_free(d, &r))
                return false;
        d->labels[d->label_count++] = r;
        pen_text(d->pen, style, x, y, text);
        return true;
}

static bool columns_have_room(struct drawing *d, const struct document_series *series, double width)
{
        char text[AMOUNT_TEXT_SIZE];

        for (size_t i = 0; i < d->chart->category_count; i++) {
                if (series->values[i].missing)
                        continue;
                amount_text(text, series->values[i].amount, d->chart->scale, d->chart->decimals,
                            d->chart->minus);
                if (pen_measure(d->pen, &d->figure, text).width > width)
                        return false;
        }
        return true;
}

/* The first of the highest; category_count: all are missing. */
static size_t highest(const struct document_chart *chart, const struct document_series *series)
{
        size_t found = chart->category_count;

        for (size_t i = 0; i < chart->category_count; i++)
                if (!series->values[i].missing && (found == chart->category_count ||
                                                   series->values[i].amount > series->values[found].amount))
                        found = i;
        return found;
}

static void draw_columns(struct drawing *d, size_t which, size_t nth, size_t of)
{
        const struct document_series *series = &d->chart->series[which];
        double group = d->slot * (d->chart->kind == DOCUMENT_HOURS ? 0.78 : of > 1 ? 0.80 : 0.62);
        double width = fmin(group / (double)of, 46 * d->unit), base = base_line(d);
        struct pen_style style = d->figure;
        double label_height = pen_measure(d->pen, &style, "0").height;
        bool all = d->chart->kind == DOCUMENT_COLUMNS &&
                   columns_have_room(d, series, (of > 1 ? d->slot / (double)of : d->slot) - 2 * d->unit);
        size_t only = highest(d->chart, series);
        char text[AMOUNT_TEXT_SIZE];

        style.align = DOCUMENT_CENTRE;
        style.halo = true;
        for (size_t i = 0; i < d->chart->category_count; i++) {
                int64_t amount = series->values[i].amount;
                double x = middle_of(d, i) + ((double)nth - (double)of / 2) * width, y;

                if (series->values[i].missing)
                        continue;
                y = y_of(d, amount);
                pen_box(d->pen, series_colours[which], x, fmin(y, base), width - (of > 1 ? d->unit : 0),
                        fabs(base - y));
                if (!all && !(d->chart->kind == DOCUMENT_HOURS && i == only))
                        continue;
                amount_text(text, amount, d->chart->scale, d->chart->decimals, d->chart->minus);
                place_label(d, &style, x + width / 2,
                            amount < 0 ? y + 0.5 * d->unit : y - label_height - 0.5 * d->unit, text);
        }
}

static void draw_segments(struct drawing *d, const struct document_series *series, enum pen_colour colour,
                          double thickness)
{
        for (size_t i = 1; i < d->chart->category_count; i++)
                if (!series->values[i - 1].missing && !series->values[i].missing)
                        pen_line(d->pen, colour, thickness, middle_of(d, i - 1),
                                 y_of(d, series->values[i - 1].amount), middle_of(d, i),
                                 y_of(d, series->values[i].amount));
}

/* No segment leads to it or from it. */
static bool stands_alone(const struct drawing *d, const struct document_series *series, size_t i)
{
        return (i == 0 || series->values[i - 1].missing) &&
               (i + 1 == d->chart->category_count || series->values[i + 1].missing);
}

/* A dot on each value, where they are not too close to be told apart. */
static void draw_line(struct drawing *d, size_t which)
{
        const struct document_series *series = &d->chart->series[which];
        struct pen_style style = d->figure;
        double label_height = pen_measure(d->pen, &style, "0").height;
        double radius = 2.6 * d->unit;
        char text[AMOUNT_TEXT_SIZE];

        draw_segments(d, series, PEN_PAPER, 4 * d->unit);
        draw_segments(d, series, series_colours[which], 2 * d->unit);
        for (size_t i = 0; i < d->chart->category_count; i++) {
                if (series->values[i].missing)
                        continue;
                if (d->slot < 4 * radius && !stands_alone(d, series, i))
                        continue;
                pen_dot(d->pen, PEN_PAPER, middle_of(d, i), y_of(d, series->values[i].amount),
                        radius + d->unit);
                pen_dot(d->pen, series_colours[which], middle_of(d, i), y_of(d, series->values[i].amount),
                        radius);
        }
        style.align = DOCUMENT_CENTRE;
        style.halo = true;
        for (size_t i = d->chart->category_count; i-- > 0;) {
                double y, above, below;

                if (series->values[i].missing)
                        continue;
                y = y_of(d, series->values[i].amount);
                amount_text(text, series->values[i].amount, d->chart->scale, d->chart->decimals,
                            d->chart->minus);
                if (!columns_have_room(d, series, d->slot - 2 * d->unit) && i != d->chart->category_count - 1)
                        continue;
                above = y - label_height - 3 * d->unit;
                below = y + 3 * d->unit;
                if (!place_label(d, &style, middle_of(d, i), series->values[i].amount < 0 ? below : above,
                                 text))
                        place_label(d, &style, middle_of(d, i), series->values[i].amount < 0 ? above : below,
                                    text);
        }
}

/* The plot's rectangle: room for ticks at the left, for categories below, for figures above, and below too if
 * one would reach out there. */
static void lay_out(struct drawing *d, double top)
{
        const struct document_chart *chart = d->chart;
        double line = pen_measure(d->pen, &d->figure, "0").height;
        int64_t low = 0, high = 0;
        double overhang;

        find_range(chart, &low, &high);
        d->plot = d->outer;
        d->plot.y0 = top + line + 1 * d->unit;
        d->plot.y1 = d->outer.y1 - (CATEGORY_HEIGHT + 2) * d->unit;
        choose_axis(d, d->plot.y1 - d->plot.y0);
        if (low < 0 && y_of(d, low) + line + 3 * d->unit > d->plot.y1 + 2 * d->unit) {
                d->plot.y1 -= line;
                choose_axis(d, d->plot.y1 - d->plot.y0);
        }
        d->plot.x0 += widest_tick(d) + 7 * d->unit;
        d->slot = (d->plot.x1 - d->plot.x0) / (double)chart->category_count;
        overhang = (fmin(widest_category(d), d->plot.x1 - d->plot.x0) - d->slot) / 2;
        if (chart->category_count > 1 && overhang > 0) {
                overhang += 2 * d->unit;
                d->plot.x1 -= fmin(overhang, (d->plot.x1 - d->plot.x0) / 4);
                d->slot = (d->plot.x1 - d->plot.x0) / (double)chart->category_count;
        }
}

static void draw_plot(struct drawing *d, double top)
{
        size_t columns = column_series(d->chart), nth = 0;
        double base;

        lay_out(d, top);
        draw_grid(d);
        for (size_t i = 0; i < d->chart->series_count; i++)
                if (!is_line(d->chart, i))
                        draw_columns(d, i, nth++, columns);
        base = base_line(d);
        pen_line(d->pen, PEN_RULE, 0.9 * d->unit, d->plot.x0, base, d->plot.x1, base);
        for (size_t i = 0; i < d->chart->series_count; i++)
                if (is_line(d->chart, i))
                        draw_line(d, i);
        draw_categories(d);
}

/* ---- shares ---- */

/* Widest figure and percentage. */
static void measure_shares(struct drawing *d, int64_t sum, double *ret_figure, double *ret_percent)
{
        const struct document_value *values = d->chart->series[0].values;
        char text[AMOUNT_TEXT_SIZE];

        *ret_figure = *ret_percent = 0;
        for (size_t i = 0; i < d->chart->category_count; i++) {
                if (values[i].missing)
                        continue;
                amount_text(text, values[i].amount, d->chart->scale, d->chart->decimals, d->chart->minus);
                *ret_figure = fmax(*ret_figure, pen_measure(d->pen, &d->category, text).width);
                percent_text(text, values[i].amount, sum);
                *ret_percent = fmax(*ret_percent, pen_measure(d->pen, &d->category, text).width);
        }
}

static void draw_shares(struct drawing *d, double top)
{
        const struct document_value *values = d->chart->series[0].values;
        double row = 15 * d->unit, width = d->outer.x1 - d->outer.x0, gap = 6 * d->unit;
        double line = pen_measure(d->pen, &d->category, "0").height;
        double names = fmin(widest_category(d), width * 0.36), figures, percents, bar_x, bar_room;
        struct pen_style name = d->category, figure = d->category;
        int64_t sum = 0, most = 0;
        char text[AMOUNT_TEXT_SIZE];

        for (size_t i = 0; i < d->chart->category_count; i++) {
                if (values[i].missing)
                        continue;
                sum += values[i].amount;
                most = values[i].amount > most ? values[i].amount : most;
        }
        measure_shares(d, sum, &figures, &percents);
        bar_x = d->outer.x0 + names + gap;
        bar_room = fmax(d->outer.x1 - percents - gap * 1.5 - figures - gap - bar_x, 10 * d->unit);
        name.width = names;
        name.cut = true;
        name.colour = PEN_INK;
        figure.align = DOCUMENT_RIGHT;
        figure.colour = PEN_INK;
        for (size_t i = 0; i < d->chart->category_count; i++) {
                double y = top + 4 * d->unit + row * (double)i, text_y = y + (row - line) / 2;

                pen_text(d->pen, &name, d->outer.x0, text_y, d->chart->categories[i]);
                figure.bold = !values[i].missing;
                if (values[i].missing) {
                        pen_text(d->pen, &figure, d->outer.x1, text_y, "\u2013");
                        continue;
                }
                if (most > 0)
                        pen_box(d->pen, PEN_FIRST, bar_x, y + row * 0.16,
                                fmax(bar_room * ((double)values[i].amount / (double)most), 0), row * 0.68);
                amount_text(text, values[i].amount, d->chart->scale, d->chart->decimals, d->chart->minus);
                figure.bold = false;
                pen_text(d->pen, &figure, d->outer.x1 - percents - gap * 1.5, text_y, text);
                percent_text(text, values[i].amount, sum);
                figure.bold = true;
                pen_text(d->pen, &figure, d->outer.x1, text_y, text);
        }
        pen_line(d->pen, PEN_RULE, 0.9 * d->unit, bar_x, top + 4 * d->unit, bar_x,
                 top + 4 * d->unit + row * (double)d->chart->category_count);
}

/* ---- the whole ---- */

static double plot_height(const struct document_chart *chart, double width, double unit)
{
        if (chart->kind == DOCUMENT_SHARES)
                return 15 * unit * (double)chart->category_count + 6 * unit;
        return fmin(fmax(width * 0.34, 105 * unit), (width > 480 * unit ? 160 : 124) * unit);
}

static struct drawing begin(struct pen *pen, const struct document_chart *chart, double width, double unit)
{
        return (struct drawing){
            .pen = pen,
            .chart = chart,
            .unit = unit,
            .outer = {.x1 = width},
            .figure = {.size = 7.5 * unit, .colour = PEN_INK},
            .category = {.size = 8 * unit, .colour = PEN_GREY},
            .legend = {.size = 8 * unit, .colour = PEN_INK},
        };
}

double chart_height(struct pen *pen, const struct document_chart *chart, double width, double unit)
{
        struct drawing d = begin(pen, chart, width, unit);
        cairo_t *cr = pen->cr;
        double top;

        pen->cr = NULL;
        top = draw_legend(&d, draw_title(&d));
        pen->cr = cr;
        return top + plot_height(chart, width, unit);
}

void chart_draw(struct pen *pen, const struct document_chart *chart, double x, double y, double width,
                double unit)
{
        struct drawing d = begin(pen, chart, width, unit);
        double top;

        d.outer = (struct rectangle){x, y, x + width, y + chart_height(pen, chart, width, unit)};
        top = draw_legend(&d, draw_title(&d));
        if (chart->kind == DOCUMENT_SHARES)
                draw_shares(&d, top);
        else
                draw_plot(&d, top);
}
