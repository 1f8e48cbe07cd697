/*
 * Protects backoffice/books/results.c and backoffice/pages/results_text.c: a page of results from figures given by hand,
 * column by column, and how its figures are rounded when they are printed.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/results.h"
#include "backoffice/pages/results_text.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tests/suite.h"

#define EXPECT(column, item, expected) expect_figure(__LINE__, column, RESULT_##item, expected)
#define EXPECT_MISSING(column, item)                                                                         \
        ck_assert_msg(!column_named(column)->figure[RESULT_##item].known, column ": " #item)

static struct results results;
static struct results_entered entered;

/* Base figures of a quarter: fees, base fees, hall share, four costs of 10,000 each, SG&A, ATMs and their days. */
static void fill(size_t q, int64_t customer_fee, int64_t base_fee, int64_t hall_share, int64_t sga,
                 int64_t atms)
{
        struct results_quarter *quarter = &results.quarter[q];
        struct figure *f = quarter->figure;
        static const enum result_item costs[] = {RESULT_cash_in_transit, RESULT_network, RESULT_maintenance,
                                                 RESULT_depreciation};

        f[RESULT_customer_fee] = figure_known(customer_fee);
        f[RESULT_interbank_fee] = figure_known(100000);
        f[RESULT_base_fee] = figure_known(base_fee);
        f[RESULT_hall_share] = figure_known(hall_share);
        for (size_t i = 0; i < LENGTH(costs); i++)
                f[costs[i]] = figure_known(10000);
        f[RESULT_sga] = figure_known(sga);
        f[RESULT_atms] = figure_known(atms);
        f[RESULT_withdrawals] = figure_known(1000);
        quarter->atm_days = atms * 90;
        results_derive(quarter, figure_known(3000), figure_known(2050));
}

static const struct results_column *column_named(const char *name)
{
        for (size_t i = 0; i < results.columns; i++) {
                char text[RESULTS_TEXT_MAX];

                results_column_name(&results.column[i], text);
                if (!strcmp(text, name))
                        return &results.column[i];
        }
        ck_abort_msg("there is no column %s", name);
        return NULL;
}

static void expect_columns(const char *const *names, size_t count)
{
        ck_assert_uint_eq(results.columns, count);
        for (size_t i = 0; i < count; i++)
                ck_assert_ptr_eq(column_named(names[i]), &results.column[i]);
}

static void expect_figure(int line, const char *column, enum result_item item, int64_t expected)
{
        struct figure figure = column_named(column)->figure[item];

        ck_assert_msg(figure.known, "line %d: %s of %s is missing", line, result_rows[item].name, column);
        ck_assert_msg(figure.value == expected, "line %d: %s of %s is %lld", line, result_rows[item].name,
                      column, (long long)figure.value);
}

/* 3Q16 of two years: quarters 1Q15 to 4Q15 and 1Q16 to 3Q16. */
static void set_up(void)
{
        memset(&entered, 0, sizeof(entered));
        results_begin("3Q16", &results);
        for (size_t q = 0; q < results.quarters; q++)
                fill(q, 200000 + 10000 * (int64_t)q, 50000, 20000, 60000, 10 + (int64_t)q);
}

START_TEST(a_page_has_the_quarters_of_two_years)
{
        static const char *const names[] = {"1Q15", "2Q15", "3Q15", "4Q15", "1Q16", "2Q16", "3Q16"};
        static const char *const columns[] = {"1Q16", "2Q16", "3Q16",     "1Q-3Q16", "1Q-3Q15",
                                              "YoY",  "3Q15", "YoY 3Q16", "QoQ"};

        ck_assert_uint_eq(results.quarters, LENGTH(names));
        for (size_t q = 0; q < LENGTH(names); q++)
                ck_assert_str_eq(results.quarter[q].name, names[q]);
        results_compose(&results, &entered);
        expect_columns(columns, LENGTH(columns));
}
END_TEST

START_TEST(the_first_quarter_is_no_sum_of_several)
{
        static const char *const columns[] = {"1Q16", "1Q15", "YoY", "QoQ"};

        results_begin("1Q16", &results);
        ck_assert_str_eq(results.period, "1Q16");
        results_compose(&results, &entered);
        expect_columns(columns, LENGTH(columns));
}
END_TEST

START_TEST(every_item_follows_from_what_is_known)
{
        results_compose(&results, &entered);
        EXPECT("3Q16", revenue, 410000); /* 260,000 + 100,000 + 50,000 */
        EXPECT("3Q16", cost_of_revenue, 60000);
        EXPECT("3Q16", gross_margin, 350000);
        EXPECT("3Q16", gross_margin_ratio, 854); /* 85.37 % */
        EXPECT("3Q16", operating_income, 290000);
        EXPECT("3Q16", operating_margin, 707);
        EXPECT("3Q16", ebitda, 300000);
        EXPECT("3Q16", net_income, 203000);
        EXPECT("3Q16", non_controlling_interests, 41615);
        EXPECT("3Q16", revenue_per_atm_day, 285); /* 410,000 / 1,440 = 284.7 */
        EXPECT_MISSING("3Q16", capex);
}
END_TEST

START_TEST(several_quarters_are_sums_ends_or_computed_anew)
{
        results_compose(&results, &entered);
        EXPECT("1Q-3Q16", revenue, 390000 + 400000 + 410000);
        EXPECT("1Q-3Q16", withdrawals, 3000);
        EXPECT("1Q-3Q16", atms, 16); /* those of the end */
        EXPECT("1Q-3Q16", gross_margin_ratio, 850);
        EXPECT("1Q-3Q16", revenue_per_atm_day, 296); /* 1,200,000 / 4,050 */
        EXPECT("1Q-3Q15", revenue, 350000 + 360000 + 370000);
}
END_TEST

START_TEST(changes_are_percentages_and_of_percentages_points)
{
        results_compose(&results, &entered);
        EXPECT("YoY", revenue, 111);      /* 1,200 of 1,080 */
        EXPECT("YoY 3Q16", revenue, 108); /* 410 of 370 */
        EXPECT("QoQ", revenue, 25);       /* 410 of 400 */
        EXPECT("YoY 3Q16", atms, 333);
        EXPECT("QoQ", gross_margin_ratio, 854 - 850);
        EXPECT("QoQ", sga, 0);
}
END_TEST

START_TEST(a_change_against_nothing_or_a_loss_is_missing)
{
        fill(2, 0, 0, 20000, 160000, 0); /* 3Q15: a loss, and no ATMs */
        results_compose(&results, &entered);
        EXPECT("3Q15", operating_income, 100000 - 60000 - 160000);
        EXPECT_MISSING("YoY 3Q16", operating_income);
        EXPECT_MISSING("YoY 3Q16", atms);
        EXPECT("QoQ", operating_income, 36);
        EXPECT_MISSING("3Q15", revenue_per_atm_day);
}
END_TEST

START_TEST(the_parts_of_a_loss_are_rounded_down_too)
{
        fill(6, 0, 1, 20000, 160000, 10);
        results_compose(&results, &entered);
        EXPECT("3Q16", operating_income, -119999);
        EXPECT("3Q16", net_income, -119999 + 36000);       /* the tax: 35,999.7 */
        EXPECT("3Q16", non_controlling_interests, -17220); /* 17,219.795 */
}
END_TEST

START_TEST(what_was_not_entered_is_missing_and_so_is_what_needs_it)
{
        struct results_quarter *quarter = &results.quarter[5]; /* 2Q16 */

        quarter->figure[RESULT_network] = figure_missing;
        results_derive(quarter, figure_known(3000), figure_known(2050));
        results_compose(&results, &entered);
        EXPECT("2Q16", revenue, 400000);
        EXPECT_MISSING("2Q16", cost_of_revenue);
        EXPECT_MISSING("2Q16", gross_margin_ratio);
        EXPECT_MISSING("2Q16", net_income);
        EXPECT_MISSING("1Q-3Q16", network);
        EXPECT_MISSING("1Q-3Q16", operating_margin);
        EXPECT_MISSING("YoY", ebitda);
        EXPECT_MISSING("QoQ", gross_margin);
        EXPECT("1Q-3Q16", maintenance, 30000);
        EXPECT("3Q16", gross_margin, 350000);
}
END_TEST

START_TEST(without_a_rate_there_is_no_net_income)
{
        results_derive(&results.quarter[6], figure_missing, figure_known(2050));
        results_compose(&results, &entered);
        EXPECT("3Q16", operating_income, 290000);
        EXPECT_MISSING("3Q16", net_income);
        EXPECT_MISSING("3Q16", non_controlling_interests);
}
END_TEST

START_TEST(without_contracts_revenue_is_missing)
{
        results.quarter[6].figure[RESULT_base_fee] = figure_missing;
        results_derive(&results.quarter[6], figure_known(3000), figure_known(2050));
        results_compose(&results, &entered);
        ck_assert(results.base_fees_missing);
        EXPECT_MISSING("3Q16", revenue);
        EXPECT_MISSING("1Q-3Q16", revenue);
        EXPECT_MISSING("YoY", revenue);
        EXPECT("3Q16", customer_fee, 260000);
}
END_TEST

static int32_t day_of(const char *text)
{
        int32_t day;

        ck_assert(calendar_parse_day(text, &day));
        return day;
}

START_TEST(what_the_books_began_within_is_compared_with_nothing)
{
        struct standing standing = {.begun_day = day_of("2015-10-02")};

        results_restrict(&results, &standing, &entered);
        results_compose(&results, &entered);
        ck_assert(results.is_cut);
        EXPECT_MISSING("3Q15", revenue); /* from the second day on */
        EXPECT_MISSING("1Q-3Q15", revenue);
        EXPECT_MISSING("YoY", revenue);
        EXPECT_MISSING("YoY 3Q16", revenue);
        EXPECT_MISSING("YoY 3Q16", operating_income);
        EXPECT("QoQ", revenue, 25);
        EXPECT("3Q15", sga, 60000); /* finance has entered it */
}
END_TEST

static bool is_noted_of(enum results_figures figures, const char *part)
{
        struct results_notes notes;
        bool found = false;

        results_notes(&results, figures, READER_ENGLISH, &notes);
        for (size_t i = 0; i < notes.count; i++)
                found = found || strstr(notes.text[i], part);
        return found;
}

static bool is_noted(const char *part)
{
        return is_noted_of(RESULTS_IN_MILLIONS, part);
}

START_TEST(an_atm_that_earned_without_a_contract_is_told_with_its_quarter)
{
        results.quarter[6].figure[RESULT_base_fee] = figure_missing;
        results.quarter[6].without_contract = 2;
        results_derive(&results.quarter[6], figure_known(3000), figure_known(2050));
        results_compose(&results, &entered);
        ck_assert(!results.base_fees_missing);
        EXPECT_MISSING("3Q16", revenue);
        ck_assert(is_noted("base fees and revenue are missing: 3Q16: 2."));
        results.quarter[6].without_contract = 0;
}
END_TEST

START_TEST(a_quarter_that_was_over_when_the_books_began_is_missing_and_so_is_each_sum_with_it)
{
        struct standing standing = {.begun_day = day_of("2016-07-15")};

        results_restrict(&results, &standing, &entered);
        results_compose(&results, &entered);
        EXPECT_MISSING("1Q16", revenue);
        EXPECT("2Q16", revenue, 400000); /* a part, which is said */
        EXPECT("3Q16", revenue, 410000);
        EXPECT_MISSING("1Q-3Q16", revenue);
        EXPECT_MISSING("1Q-3Q16", withdrawals);
        ck_assert(results.is_cut);
        EXPECT_MISSING("QoQ", revenue); /* with a part of 2Q16 */
        EXPECT("QoQ", sga, 0);
}
END_TEST

START_TEST(what_was_published_of_the_whole_is_no_measure_of_a_part)
{
        struct standing standing = {.begun_day = day_of("2010-01-01"), .is_part = true};

        entered.published[RESULT_revenue] = figure_known(1000000);
        entered.published_quarter[2][RESULT_atms] = figure_known(1066);
        results_restrict(&results, &standing, &entered);
        results_compose(&results, &entered);
        ck_assert(results.is_unpublished);
        for (size_t i = 0; i < results.columns; i++)
                ck_assert(results.column[i].kind != COLUMN_PUBLISHED &&
                          results.column[i].kind != COLUMN_DIFFERENCE);
}
END_TEST

START_TEST(progress_is_the_share_of_the_year_s_target)
{
        entered.target[RESULT_revenue] = figure_known(1600000);
        entered.target[RESULT_capex] = figure_known(10);
        results_compose(&results, &entered);
        EXPECT("FY16 target", revenue, 1600000);
        EXPECT("progress", revenue, 750);
        EXPECT_MISSING("progress", capex);
        EXPECT_MISSING("progress", sga);
}
END_TEST

START_TEST(published_figures_are_the_period_s_or_the_sum_of_its_quarters)
{
        entered.published[RESULT_revenue] = figure_known(1000000);
        for (size_t q = 0; q < 3; q++) {
                entered.published_quarter[q][RESULT_revenue] =
                    figure_known(1); /* the period's own goes before */
                entered.published_quarter[q][RESULT_sga] = figure_known(59000 + (int64_t)q);
        }
        entered.published_quarter[2][RESULT_atms] = figure_known(20);
        entered.published_quarter[0][RESULT_network] = figure_known(5); /* of one quarter alone */
        entered.published_quarter[2][RESULT_operating_margin] = figure_known(700);
        results_compose(&results, &entered);
        EXPECT("published", revenue, 1000000);
        EXPECT("difference", revenue, 200000);
        EXPECT("published", sga, 177003);
        EXPECT("difference", sga, 180000 - 177003);
        EXPECT("published", atms, 20);
        EXPECT("difference", atms, -4);
        EXPECT_MISSING("published", network);
        EXPECT_MISSING("difference", network);
        EXPECT_MISSING("published", operating_margin);
}
END_TEST

/* printed ---------------------------------------------------------------------------------------------------- */

static const struct {
        enum results_column_kind kind;
        enum result_item item;
        int64_t value;
        const char *text, *japanese;
} printed[] = {
    {COLUMN_PERIOD, RESULT_revenue, INT64_C(3056149999), "3,056.1", "3,056.1"},
    {COLUMN_PERIOD, RESULT_revenue, INT64_C(3056150000), "3,056.2", "3,056.2"},
    {COLUMN_PERIOD, RESULT_revenue, 49999, "0.0", "0.0"},
    {COLUMN_PERIOD, RESULT_revenue, 50000, "0.1", "0.1"},
    {COLUMN_PERIOD, RESULT_operating_income, -49999, "0.0", "0.0"},
    {COLUMN_PERIOD, RESULT_operating_income, -50000, "-0.1", "△0.1"},
    {COLUMN_PERIOD, RESULT_operating_income, INT64_C(-1234567890), "-1,234.6", "△1,234.6"},
    {COLUMN_PERIOD, RESULT_gross_margin_ratio, 854, "85.4%", "85.4%"},
    {COLUMN_PERIOD, RESULT_atms, 1066, "1,066", "1,066"},
    {COLUMN_PERIOD, RESULT_revenue_per_atm_day, 31234, "31,234", "31,234"},
    {COLUMN_YEAR_ON_YEAR, RESULT_revenue, 51, "+5.1%", "5.1%"},
    {COLUMN_YEAR_ON_YEAR, RESULT_revenue, -51, "-5.1%", "△5.1%"},
    {COLUMN_YEAR_ON_YEAR, RESULT_revenue, 0, "+0.0%", "0.0%"},
    {COLUMN_YEAR_ON_YEAR, RESULT_operating_margin, 4, "+0.4pt", "0.4ポイント"},
    {COLUMN_PROGRESS, RESULT_revenue, 750, "75.0%", "75.0%"},
    {COLUMN_DIFFERENCE, RESULT_revenue, 200000, "+0.2", "0.2"},
    {COLUMN_DIFFERENCE, RESULT_operating_margin, -12, "-1.2pt", "△1.2ポイント"},
    {COLUMN_DIFFERENCE, RESULT_atms, -4, "-4", "△4"},
};

START_TEST(figures_are_printed_in_millions_each_rounded_by_itself)
{
        struct results_column column = {.kind = printed[_i].kind};
        char text[RESULTS_TEXT_MAX];

        column.figure[printed[_i].item] = figure_known(printed[_i].value);
        ck_assert(results_print(&column, printed[_i].item, READER_ENGLISH, text));
        ck_assert_str_eq(text, printed[_i].text);
        ck_assert(results_print(&column, printed[_i].item, READER_JAPANESE, text));
        ck_assert_str_eq(text, printed[_i].japanese);
        column.figure[printed[_i].item] = figure_missing;
        ck_assert(!results_print(&column, printed[_i].item, READER_ENGLISH, text));
}
END_TEST

START_TEST(what_does_not_add_up_as_printed_is_said)
{
        static const char remark[] = "do not all add up";

        for (size_t q = 0; q < results.quarters; q++)
                fill(q, 400000, 500000, 100000, 100000,
                     10); /* all but the four costs of 0.01 are whole tenths */
        for (size_t q = 0; q < results.quarters; q++) {
                for (size_t i = RESULT_cash_in_transit; i <= RESULT_depreciation; i++)
                        results.quarter[q].figure[i] = figure_known(100000);
                results_derive(&results.quarter[q], figure_known(0), figure_known(0));
        }
        results_compose(&results, &entered);
        ck_assert(!is_noted(remark));
        results.quarter[6].figure[RESULT_customer_fee] =
            figure_known(450000); /* 0.5 and 1.05, which is 1.1 */
        results_derive(&results.quarter[6], figure_known(0), figure_known(0));
        results_compose(&results, &entered);
        ck_assert(!is_noted(remark));                                      /* 0.5 + 0.1 + 0.5 */
        results.quarter[6].figure[RESULT_base_fee] = figure_known(450000); /* 0.5 + 0.1 + 0.5 is not 1.0 */
        results_derive(&results.quarter[6], figure_known(0), figure_known(0));
        results_compose(&results, &entered);
        ck_assert(is_noted(remark));
        ck_assert(!is_noted_of(RESULTS_WHOLE, remark)); /* whole yen do */
}
END_TEST

START_TEST(a_reader_is_told_what_is_missing)
{
        results_compose(&results, &entered);
        ck_assert(is_noted("1Q16: CAPEX; 2Q16: CAPEX; 3Q16: CAPEX"));
}
END_TEST

START_TEST(headings_are_in_the_reader_s_language)
{
        static const struct {
                struct results_column column;
                const char *name, *english, *japanese;
        } rows[] = {
            {{.kind = COLUMN_PERIOD, .of = "3Q16"}, "3Q16", "3Q16", "2017年3月期第3四半期"},
            {{.kind = COLUMN_YEAR_ON_YEAR}, "YoY", "YoY", "前年同期比"},
            {{.kind = COLUMN_YEAR_ON_YEAR, .of = "3Q16"},
             "YoY 3Q16",
             "YoY 3Q16",
             "前年同期比 2017年3月期第3四半期"},
            {{.kind = COLUMN_QUARTER_ON_QUARTER}, "QoQ", "QoQ", "前四半期比"},
            {{.kind = COLUMN_TARGET, .of = "FY16"}, "FY16 target", "FY16 target", "2017年3月期 目標"},
            {{.kind = COLUMN_PROGRESS}, "progress", "Progress", "進捗率"},
            {{.kind = COLUMN_PUBLISHED}, "published", "Published", "公表値"},
            {{.kind = COLUMN_DIFFERENCE}, "difference", "Difference", "差異"},
        };
        char text[RESULTS_TEXT_MAX];

        for (size_t i = 0; i < LENGTH(rows); i++) {
                results_column_name(&rows[i].column, text);
                ck_assert_str_eq(text, rows[i].name);
                results_heading(&rows[i].column, false, text);
                ck_assert_str_eq(text, rows[i].english);
                results_heading(&rows[i].column, true, text);
                ck_assert_str_eq(text, rows[i].japanese);
        }
}
END_TEST

START_TEST(net_income_is_a_quarter_s_or_the_year_s)
{
        ck_assert_str_eq(results_label(&results, RESULT_net_income, READER_JAPANESE), "四半期純利益");
        results.of_year = 4;
        ck_assert_str_eq(results_label(&results, RESULT_net_income, READER_JAPANESE), "当期純利益");
}
END_TEST

START_TEST(each_item_has_a_word)
{
        for (int item = 0; item < RESULT_ITEM_COUNT; item++)
                ck_assert_str_ne(results_label(&results, (enum result_item)item, READER_JAPANESE),
                                 result_rows[item].name);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("results");
        TCase *tests = tcase_create("results");

        tcase_add_checked_fixture(tests, set_up, NULL);
        tcase_add_test(tests, a_page_has_the_quarters_of_two_years);
        tcase_add_test(tests, the_first_quarter_is_no_sum_of_several);
        tcase_add_test(tests, every_item_follows_from_what_is_known);
        tcase_add_test(tests, several_quarters_are_sums_ends_or_computed_anew);
        tcase_add_test(tests, changes_are_percentages_and_of_percentages_points);
        tcase_add_test(tests, a_change_against_nothing_or_a_loss_is_missing);
        tcase_add_test(tests, the_parts_of_a_loss_are_rounded_down_too);
        tcase_add_test(tests, what_was_not_entered_is_missing_and_so_is_what_needs_it);
        tcase_add_test(tests, without_a_rate_there_is_no_net_income);
        tcase_add_test(tests, without_contracts_revenue_is_missing);
        tcase_add_test(tests, an_atm_that_earned_without_a_contract_is_told_with_its_quarter);
        tcase_add_test(tests, what_the_books_began_within_is_compared_with_nothing);
        tcase_add_test(tests,
                       a_quarter_that_was_over_when_the_books_began_is_missing_and_so_is_each_sum_with_it);
        tcase_add_test(tests, what_was_published_of_the_whole_is_no_measure_of_a_part);
        tcase_add_test(tests, progress_is_the_share_of_the_year_s_target);
        tcase_add_test(tests, published_figures_are_the_period_s_or_the_sum_of_its_quarters);
        tcase_add_loop_test(tests, figures_are_printed_in_millions_each_rounded_by_itself, 0,
                            LENGTH(printed));
        tcase_add_test(tests, what_does_not_add_up_as_printed_is_said);
        tcase_add_test(tests, a_reader_is_told_what_is_missing);
        tcase_add_test(tests, headings_are_in_the_reader_s_language);
        tcase_add_test(tests, net_income_is_a_quarter_s_or_the_year_s);
        tcase_add_test(tests, each_item_has_a_word);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
