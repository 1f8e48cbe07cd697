/* Protects what backoffice/books/{fleet,statement}.c compute of their rows: quotients, and who owes whom; and how the names in
 * them are joined. */
#include <check.h>
#include <stdlib.h>

#include "backoffice/books/fleet.h"
#include "backoffice/books/statement.h"
#include "backoffice/pages/words.h"
#include "lib/base/array.h"
#include "tests/suite.h"

START_TEST(an_atm_s_quotients_are_by_its_days_and_its_revenue)
{
        struct fleet_row row = {.withdrawals = figure_known(1000),
                                .days = figure_known(92),
                                .revenue_yen = figure_known(312345),
                                .profit_yen = figure_known(-15617)};

        fleet_derive(&row);
        ck_assert_int_eq(row.withdrawals_per_day_tenths.value, 109); /* 10.87 */
        ck_assert_int_eq(row.revenue_per_day_tenths.value, 33951);
        ck_assert_int_eq(row.profit_tenths.value, -50);
}
END_TEST

START_TEST(without_days_or_costs_quotients_are_missing)
{
        struct fleet_row row = {
            .withdrawals = figure_known(1000), .revenue_yen = figure_known(0), .profit_yen = figure_known(5)};

        fleet_derive(&row);
        ck_assert(!row.withdrawals_per_day_tenths.known);
        ck_assert(!row.revenue_per_day_tenths.known);
        ck_assert(!row.profit_tenths.known);
        row.revenue_yen = figure_known(100);
        row.profit_yen = figure_missing;
        fleet_derive(&row);
        ck_assert(!row.profit_tenths.known);
}
END_TEST

START_TEST(a_balance_is_what_is_owed_less_what_was_earned)
{
        struct statement_line lines[] = {
            {.kind = STATEMENT_BASE_FEE, .total_yen = 64800},
            {.kind = STATEMENT_BASE_FEE, .total_yen = 10800},
            {.kind = STATEMENT_SHARE, .total_yen = -80000, .earlier_yen = {-300, true}},
            {.kind = STATEMENT_SHARE,
             .total_yen = 20,
             .earlier_yen = {100, true}}, /* more was taken back than earned */
        };
        struct statement statement = {.line = lines, .lines = LENGTH(lines)};

        statement_sum(&statement);
        ck_assert_int_eq(statement.owed_yen, 75600);
        ck_assert_int_eq(statement.earned_yen, 79980);
        ck_assert_int_eq(statement.balance_yen, -4380);
        ck_assert_int_eq(statement.earlier_yen, -200);
}
END_TEST

START_TEST(names_are_joined_as_the_reader_s_language_does)
{
        static const struct {
                const char *names, *english, *japanese;
        } rows[] = {{"", "", ""}, {"A", "A", "A"}, {"A\nB\nC", "A, B, C", "A、B、C"}};

        for (size_t i = 0; i < LENGTH(rows); i++) {
                char *english = words_join(rows[i].names, false), *japanese = words_join(rows[i].names, true);

                ck_assert_str_eq(english, rows[i].english);
                ck_assert_str_eq(japanese, rows[i].japanese);
                free(english);
                free(japanese);
        }
        ck_assert_ptr_null(words_join(NULL, true));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("sums");
        TCase *tests = tcase_create("sums");

        tcase_add_test(tests, an_atm_s_quotients_are_by_its_days_and_its_revenue);
        tcase_add_test(tests, without_days_or_costs_quotients_are_missing);
        tcase_add_test(tests, a_balance_is_what_is_owed_less_what_was_earned);
        tcase_add_test(tests, names_are_joined_as_the_reader_s_language_does);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
