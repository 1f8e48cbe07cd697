/* Protects lib/documents/chart.c and lib/documents/pen.c: where ink is and where there is none, and that no two texts
 * stand on each other. */
#include <check.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#include "lib/documents/chart.h"
#include "tests/suite.h"

#define WIDTH  400
#define HEIGHT 260

/* A chart's picture. The part where columns stand is at least from PLOT_X on. */
static cairo_surface_t *surface;
static struct pen pen;

static struct pen_place places[400];
static char texts[400][64];
static size_t place_count;

static void on_text(void *context, const struct pen_place *place)
{
        (void)context;
        ck_assert_uint_lt(place_count, sizeof(places) / sizeof(places[0]));
        places[place_count] = *place;
        snprintf(texts[place_count], sizeof(texts[0]), "%s", place->text);
        places[place_count].text = texts[place_count];
        place_count++;
}

static void open_pen(void)
{
        char error[256] = "";

        ck_assert_msg(pen_open(&pen, DOCUMENT_JAPANESE, NULL, error, sizeof(error)), "%s", error);
        pen.on_text = on_text;
        surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
}

static void close_pen(void)
{
        pen_close(&pen);
        cairo_surface_destroy(surface);
}

static void draw(const struct document_chart *chart)
{
        cairo_t *cr = cairo_create(surface);

        place_count = 0;
        pen_use(&pen, cr);
        pen_box(&pen, PEN_PAPER, 0, 0, WIDTH, HEIGHT);
        ck_assert_double_le(chart_height(&pen, chart, WIDTH, 1), HEIGHT);
        chart_draw(&pen, chart, 0, 0, WIDTH, 1);
        ck_assert_int_eq(cairo_status(cr), CAIRO_STATUS_SUCCESS);
        pen_use(&pen, NULL);
        cairo_destroy(cr);
        ck_assert_str_eq(pen.problem, "");
        cairo_surface_flush(surface);
}

static bool has_colour(int x, int y, enum pen_colour colour)
{
        const unsigned char *row =
            cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
        uint32_t pixel;

        memcpy(&pixel, row + 4 * x, 4);
        return (pixel & 0xffffff) == strtoul(pen_colour_code(colour) + 1, NULL, 16);
}

/* First and last row of a colour between two columns of pixels; false: there is none. */
static bool find_colour(int from, int to, enum pen_colour colour, int *ret_top, int *ret_bottom)
{
        bool found = false;

        *ret_top = *ret_bottom = -1;
        for (int y = 0; y < HEIGHT; y++) {
                for (int x = from; x < to; x++) {
                        if (!has_colour(x, y, colour))
                                continue;
                        if (!found)
                                *ret_top = y;
                        *ret_bottom = y;
                        found = true;
                }
        }
        return found;
}

/* The middle of a category's label: what belongs to it is drawn above and below. */
static double middle_of(const char *category)
{
        for (size_t i = 0; i < place_count; i++)
                if (!strcmp(places[i].text, category))
                        return places[i].x + places[i].width / 2;
        ck_abort_msg("no label %s", category);
}

static bool has_text(const char *text)
{
        for (size_t i = 0; i < place_count; i++)
                if (!strcmp(places[i].text, text))
                        return true;
        return false;
}

/* What stands in a missing value must not be looked at. */
static const char *const quarters[] = {"1Q16", "2Q16", "3Q16", "4Q16"};
static const struct document_value revenue[] = {{2871, false}, {999, true}, {-1200, false}, {0, false}};
static const struct document_value income[] = {{467, false}, {531, false}, {777, true}, {564, false}};

static struct document_chart quarterly(enum document_chart_kind kind, const struct document_series *series,
                                       size_t count)
{
        return (struct document_chart){.kind = kind,
                                       .title = "売上高",
                                       .unit = "百万円",
                                       .categories = quarters,
                                       .category_count = 4,
                                       .series = series,
                                       .series_count = count,
                                       .scale = 1};
}

START_TEST(columns_stand_on_zero_hang_from_it_or_are_not_there)
{
        const struct document_series series = {.name = "s", .values = revenue};
        struct document_chart chart = quarterly((enum document_chart_kind)_i, &series, 1);
        int top, bottom, negative_top, negative_bottom, x;

        draw(&chart);
        x = (int)middle_of("1Q16");
        ck_assert(find_colour(x - 8, x + 8, PEN_FIRST, &top, &bottom));
        x = (int)middle_of("2Q16");
        ck_assert(!find_colour(x - 40, x + 40, PEN_FIRST, &negative_top, &negative_bottom));
        x = (int)middle_of("3Q16");
        ck_assert(find_colour(x - 8, x + 8, PEN_FIRST, &negative_top, &negative_bottom));
        ck_assert_int_lt(bottom, negative_top);
        ck_assert_int_lt(negative_top - bottom, 4);
        /* 2871 to 1200, in pixels */
        ck_assert_int_lt(abs((bottom - top) * 1200 / 2871 - (negative_bottom - negative_top)), 4);
        x = (int)middle_of("4Q16");
        ck_assert(!find_colour(x - 40, x + 40, PEN_FIRST, &top, &bottom));
}
END_TEST

START_TEST(a_figure_stands_on_each_column_that_is_there)
{
        const struct document_series series = {.name = "s", .values = revenue};
        struct document_chart chart = quarterly(DOCUMENT_COLUMNS, &series, 1);

        draw(&chart);
        ck_assert(has_text("2,871"));
        ck_assert(has_text("\u22121,200"));
        ck_assert(!has_text("999"));
        ck_assert(has_text("0"));
}
END_TEST

START_TEST(columns_begin_at_zero_and_levels_need_not)
{
        static const struct document_value levels[] = {
            {901, false}, {957, false}, {982, false}, {1066, false}};
        const struct document_series series = {.name = "s", .values = levels};
        struct document_chart chart = quarterly(DOCUMENT_COLUMNS, &series, 1);

        draw(&chart);
        ck_assert(has_text("0"));
        chart.kind = DOCUMENT_LINE;
        draw(&chart);
        ck_assert(!has_text("0") && has_text("900"));
}
END_TEST

START_TEST(a_line_has_a_gap_where_a_value_is_missing)
{
        const struct document_series series = {.name = "s", .values = income};
        struct document_chart chart = quarterly(DOCUMENT_LINE, &series, 1);
        int top, bottom, x;

        draw(&chart);
        x = (int)middle_of("3Q16");
        ck_assert(!find_colour(x - 40, x + 40, PEN_FIRST, &top, &bottom));
        x = (int)middle_of("2Q16");
        ck_assert(find_colour(x - 40, x - 10, PEN_FIRST, &top, &bottom));
        ck_assert(!find_colour(x + 8, x + 40, PEN_FIRST, &top, &bottom));
        x = (int)middle_of("4Q16");
        ck_assert(find_colour(x - 4, x + 4, PEN_FIRST, &top, &bottom)); /* a dot of its own */
}
END_TEST

START_TEST(two_series_have_a_legend_and_one_has_none)
{
        const struct document_series series[] = {{.name = "Revenue", .values = revenue},
                                                 {.name = "Income", .line = _i, .values = income}};
        struct document_chart chart = quarterly(DOCUMENT_COLUMNS, series, 2);
        int top, bottom;

        draw(&chart);
        ck_assert(has_text("Revenue") && has_text("Income"));
        ck_assert(find_colour(0, WIDTH, PEN_SECOND, &top, &bottom));
        chart.series_count = 1;
        draw(&chart);
        ck_assert(!has_text("Revenue"));
        ck_assert(!find_colour(0, WIDTH, PEN_SECOND, &top, &bottom));
}
END_TEST

START_TEST(shares_are_bars_of_the_sum_of_what_is_there)
{
        static const char *const areas[] = {"関東", "関西", "九州"};
        static const struct document_value values[] = {{300, false}, {555, true}, {100, false}};
        const struct document_series series = {.name = "s", .values = values};
        struct document_chart chart = quarterly(DOCUMENT_SHARES, &series, 1);

        chart.categories = areas;
        chart.category_count = 3;
        draw(&chart);
        ck_assert(has_text("関東") && has_text("300") && has_text("75.0%"));
        ck_assert(has_text("関西") && has_text("\u2013") && !has_text("0") && !has_text("0.0%"));
        ck_assert(has_text("九州") && has_text("100") && has_text("25.0%"));
}
END_TEST

START_TEST(hours_name_the_highest_alone)
{
        static const char *const hours[] = {"9", "10", "11", "12"};
        static const struct document_value values[] = {{310, false}, {790, false}, {640, false}, {888, true}};
        const struct document_series series = {.name = "s", .values = values};
        struct document_chart chart = quarterly(DOCUMENT_HOURS, &series, 1);

        chart.categories = hours;
        draw(&chart);
        ck_assert(has_text("790") && !has_text("310") && !has_text("640"));
}
END_TEST

START_TEST(a_chart_without_any_value_still_has_its_axes)
{
        for (size_t i = DOCUMENT_COLUMNS; i < DOCUMENT_HOURS + 1; i++) {
                static const struct document_value none[] = {{5, true}, {6, true}, {-7, true}, {8, true}};
                const struct document_series series = {.name = "s", .values = none};
                struct document_chart chart = quarterly((enum document_chart_kind)i, &series, 1);
                int top, bottom;

                draw(&chart);
                ck_assert(has_text("4Q16"));
                ck_assert(!find_colour(0, WIDTH, PEN_FIRST, &top, &bottom));
        }
}
END_TEST

/* ---- texts that stand on each other ---- */

static unsigned next_random(unsigned *state)
{
        *state = *state * 1103515245u + 12345u;
        return *state >> 8 & 0xffff;
}

/* The line's height has air above and below the letters. */
static bool collide(const struct pen_place *a, const struct pen_place *b)
{
        double trim = a->height * 0.2, other = b->height * 0.2, hair = 0.01;

        return a->x + hair < b->x + b->width && b->x + hair < a->x + a->width &&
               a->y + trim + hair < b->y + b->height - other && b->y + other + hair < a->y + a->height - trim;
}

static void check_places(unsigned seed)
{
        for (size_t i = 0; i < place_count; i++) {
                const struct pen_place *a = &places[i];

                ck_assert_msg(a->x > -0.5 && a->x + a->width < WIDTH + 0.5 && a->y > -0.5 &&
                                  a->y + a->height * 0.8 < HEIGHT + 0.5,
                              "seed %u: %s is outside, at %.1f %.1f, %.1f wide", seed, a->text, a->x, a->y,
                              a->width);
                for (size_t j = 0; j < i; j++)
                        ck_assert_msg(!collide(a, &places[j]), "seed %u: %s stands on %s", seed, a->text,
                                      places[j].text);
        }
}

static int64_t random_amount(unsigned *state, unsigned digits)
{
        int64_t amount = 0;

        for (unsigned i = 0; i < digits; i++)
                amount = amount * 10 + next_random(state) % 10;
        return amount;
}

/* A chart of this kind with random values, draws it and looks at its texts. */
static void play(enum document_chart_kind kind, unsigned seed)
{
        static const char *const names[] = {"1Q16", "中国・四国", "23",
                                            "A long name of a region, even a very long one"};
        unsigned state = seed * 4 + kind;
        struct document_value values[2][DOCUMENT_CATEGORIES_MAX];
        const char *categories[DOCUMENT_CATEGORIES_MAX];
        const struct document_series series[] = {
            {.name = "Revenue", .values = values[0]},
            {.name = "Operating income", .line = next_random(&state) % 2, .values = values[1]}};
        struct document_chart chart = quarterly(kind, series, 1);
        unsigned digits = 1 + next_random(&state) % 11, name = next_random(&state) % 4,
                 sign = next_random(&state) % 3;

        chart.category_count =
            1 + next_random(&state) % (kind == DOCUMENT_SHARES ? 12 : DOCUMENT_CATEGORIES_MAX);
        if (kind == DOCUMENT_COLUMNS || kind == DOCUMENT_LINE)
                chart.series_count = 1 + next_random(&state) % 2;
        if (next_random(&state) % 2 && chart.category_count > 12)
                chart.category_count /= 5; /* few enough for figures on them */
        chart.scale = next_random(&state) % 2 ? 1000 : 1;
        chart.decimals = next_random(&state) % 3;
        for (size_t i = 0; i < chart.category_count; i++) {
                categories[i] = names[name];
                for (size_t s = 0; s < 2; s++) {
                        values[s][i].missing = next_random(&state) % 8 == 0;
                        values[s][i].amount = random_amount(&state, digits);
                        if (kind != DOCUMENT_SHARES && (sign == 1 || (sign == 2 && next_random(&state) % 2)))
                                values[s][i].amount *= -1;
                }
        }
        chart.categories = categories;
        draw(&chart);
        check_places(seed);
}

START_TEST(no_two_texts_of_a_chart_stand_on_each_other)
{
        for (unsigned seed = 0; seed < 80; seed++)
                play((enum document_chart_kind)_i, seed);
}
END_TEST

START_TEST(every_digit_is_as_wide_as_every_other)
{
        struct pen_style style = {.size = 8.5, .bold = _i};
        double width = pen_measure(&pen, &style, "0000000000").width;

        for (char digit = '1'; digit <= '9'; digit++) {
                char text[11] = "";

                memset(text, digit, 10);
                ck_assert_double_eq_tol(pen_measure(&pen, &style, text).width, width, 0.01);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("documents/chart");
        TCase *cases = tcase_create("chart");

        tcase_add_checked_fixture(cases, open_pen, close_pen);
        tcase_add_test(cases, columns_stand_on_zero_hang_from_it_or_are_not_there);
        tcase_add_test(cases, a_figure_stands_on_each_column_that_is_there);
        tcase_add_test(cases, columns_begin_at_zero_and_levels_need_not);
        tcase_add_test(cases, a_line_has_a_gap_where_a_value_is_missing);
        tcase_add_loop_test(cases, two_series_have_a_legend_and_one_has_none, 0, 2);
        tcase_add_test(cases, shares_are_bars_of_the_sum_of_what_is_there);
        tcase_add_test(cases, hours_name_the_highest_alone);
        tcase_add_test(cases, a_chart_without_any_value_still_has_its_axes);
        tcase_add_loop_test(cases, no_two_texts_of_a_chart_stand_on_each_other, DOCUMENT_COLUMNS,
                            DOCUMENT_HOURS + 1);
        tcase_add_loop_test(cases, every_digit_is_as_wide_as_every_other, 0, 2);
        tcase_set_timeout(cases, 60);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
