/* Protects what backoffice/books/{fleet,statement}.c compute of their rows: quotients, and who owes whom; and how the names in
 * them are joined. */
#include <check.h>
#include <stdlib.h>

#include "backoffice/books/fleet.h"
#include "backoffice/books/statement.h"
#include "backoffice/pages/statement_text.h"
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

START_TEST(an_atm_that_earned_without_a_contract_is_counted_once_and_not_for_what_is_late)
{
        struct statement_line lines[] = {
            {.kind = STATEMENT_BASE_FEE, .terminal = "T0000001"},
            {.kind = STATEMENT_SHARE, .terminal = "T0000001", .commission_yen = {500, true}},
            {.kind = STATEMENT_SHARE, .terminal = "T0000002", .commission_yen = {300, true}},
            {.kind = STATEMENT_SHARE, .terminal = "T0000002", .commission_yen = {200, true}},
            {.kind = STATEMENT_SHARE,
             .terminal = "T0000003",
             .commission_yen = {-200, true},
             .earlier_yen = {-200, true}},
        };
        const struct statement statement = {.line = lines, .lines = LENGTH(lines)};

        ck_assert_int_eq(statement_strays(&statement), 1);
}
END_TEST

START_TEST(a_balance_is_what_is_owed_less_what_was_earned)
{
        struct statement_line lines[] = {
            {.kind = STATEMENT_BASE_FEE,
             .tax_rate_bp = {800, true},
             .amount_yen = 60000,
             .tax_yen = {4800, true},
             .total_yen = 64800},
            {.kind = STATEMENT_BASE_FEE,
             .tax_rate_bp = {800, true},
             .amount_yen = 10000,
             .tax_yen = {800, true},
             .total_yen = 10800},
            {.kind = STATEMENT_SHARE,
             .tax_rate_bp = {1000, true},
             .amount_yen = 80000,
             .tax_yen = {8000, true},
             .total_yen = -88000,
             .earlier_yen = {-300, true}},
            {.kind = STATEMENT_SHARE, /* more was taken back than earned */
             .tax_rate_bp = {800, true},
             .amount_yen = -20,
             .tax_yen = {-1, true},
             .total_yen = 21,
             .earlier_yen = {100, true}},
        };
        struct statement_tax tax[LENGTH(lines)];
        struct statement statement = {.line = lines, .lines = LENGTH(lines), .tax = tax};

        statement_sum(&statement);
        ck_assert_int_eq(statement.owed_yen, 75600);
        ck_assert_int_eq(statement.earned_yen, 87979);
        ck_assert_int_eq(statement.balance_yen, -12379);
        ck_assert_int_eq(statement.earlier_yen, -200);
        ck_assert_uint_eq(statement.taxes, 3); /* our sale and our purchase at 8 % are not one */
        ck_assert_int_eq(statement_taxed_yen(&tax[0]), 75600);
        ck_assert_int_eq(statement_taxed_yen(&tax[1]), -88000);
        ck_assert_int_eq(statement_taxed_yen(&tax[2]), 21);
}
END_TEST

static struct statement_question question_of(const char *hall, const char *month)
{
        struct statement_question question = {.hall = hall};

        period_of_month(month, &question.month);
        return question;
}

START_TEST(an_invoice_s_number_is_of_hall_and_month)
{
        const struct statement_question question = question_of("H-00000000000-1", "2016-12");
        char number[STATEMENT_NUMBER_MAX];

        statement_number(&question, number);
        ck_assert_str_eq(number, "201612-H-00000000000-1");
}
END_TEST

/* What is said of a month with base fees and shares: how many notes are about what is missing. */
static size_t missing_of(const char *month, const struct statement_issuer *issuer,
                         const char *hall_registration)
{
        const struct statement_question question = question_of("H1", month);
        struct statement_tax tax[] = {{STATEMENT_BASE_FEE, {1000, true}, 100, 10},
                                      {STATEMENT_SHARE, {1000, true}, 100, 10}};
        const struct statement statement = {
            .hall_name = "一号店", .hall_registration = hall_registration, .tax = tax, .taxes = LENGTH(tax)};
        struct statement_notes notes;

        ck_assert_str_eq(statement_title(&statement, READER_JAPANESE), "請求書兼仕入明細書");
        statement_notes(&question, &statement, issuer, READER_ENGLISH, &notes);
        return notes.count - 1; /* how shares are rounded */
}

START_TEST(a_qualified_invoice_has_the_seller_s_number)
{
        static const struct statement_issuer whole = {"Us", "T1234567890123"}, nameless = {"", ""},
                                             unregistered = {"Us", ""};

        ck_assert_uint_eq(missing_of("2023-10", &whole, "T9876543210987"), 0);
        ck_assert_uint_eq(missing_of("2023-10", &unregistered, "T9876543210987"), 1);
        ck_assert_uint_eq(missing_of("2023-10", &whole, NULL), 1);
        ck_assert_uint_eq(missing_of("2023-10", &nameless, NULL), 3);
        ck_assert_uint_eq(missing_of("2023-09", &unregistered, NULL), 0); /* there were no such numbers */
        ck_assert_uint_eq(missing_of("2023-09", &nameless, NULL), 1);
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
        tcase_add_test(tests, an_atm_that_earned_without_a_contract_is_counted_once_and_not_for_what_is_late);
        tcase_add_test(tests, a_balance_is_what_is_owed_less_what_was_earned);
        tcase_add_test(tests, an_invoice_s_number_is_of_hall_and_month);
        tcase_add_test(tests, a_qualified_invoice_has_the_seller_s_number);
        tcase_add_test(tests, names_are_joined_as_the_reader_s_language_does);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
