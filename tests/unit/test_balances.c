/* Protects protocol/balances.c: what an ATM is told of balances is in the form and length that it reads. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/balances.h"
#include "tests/suite.h"

#define AVAILABLE "1002392C000000000001"
#define LEDGER    "1001392D000000000002"
#define OTHER     "1040392C000000000003"

static struct iso_message from, to;

static const char *told(void)
{
        static char text[200];
        ck_assert(iso_copy(&to, 54, text, sizeof(text)));
        return text;
}

static void echo(const char *groups)
{
        iso_init(&from, "0210");
        iso_init(&to, "0210");
        iso_set_string(&from, 54, groups);
        ck_assert(balances_are_whole(&from));
        balances_echo(&to, &from);
}

START_TEST(what_an_atm_has_room_for_is_passed_on_as_it_is)
{
        echo(OTHER LEDGER AVAILABLE OTHER OTHER OTHER);
        ck_assert_str_eq(told(), OTHER LEDGER AVAILABLE OTHER OTHER OTHER);
}
END_TEST

START_TEST(of_more_the_available_and_ledger_balances_come_first)
{
        echo(OTHER OTHER OTHER OTHER OTHER LEDGER AVAILABLE);
        ck_assert_str_eq(told(), LEDGER AVAILABLE OTHER OTHER OTHER OTHER);
        echo(LEDGER LEDGER LEDGER LEDGER LEDGER LEDGER AVAILABLE);
        ck_assert_str_eq(told(), LEDGER LEDGER LEDGER LEDGER LEDGER LEDGER);
}
END_TEST

START_TEST(what_twelve_digits_do_not_say_is_said_to_be_their_most)
{
        static const struct {
                int64_t yen;
                const char *told;
        } rows[] = {
            {0, "1002392C0000000000001001392C000000000000"},
            {-5, "1002392D0000000000051001392D000000000005"},
            {BALANCE_MAX_YEN, "1002392C9999999999991001392C999999999999"},
            {BALANCE_MAX_YEN + 1, "1002392C9999999999991001392C999999999999"},
            {INT64_MAX, "1002392C9999999999991001392C999999999999"},
            {INT64_MIN, "1002392D9999999999991001392D999999999999"},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                iso_init(&to, "0210");
                balances_set(&to, 10, rows[i].yen);
                ck_assert_str_eq(told(), rows[i].told);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("balances");
        TCase *tcase = tcase_create("balances");
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, what_an_atm_has_room_for_is_passed_on_as_it_is);
        tcase_add_test(tcase, of_more_the_available_and_ledger_balances_come_first);
        tcase_add_test(tcase, what_twelve_digits_do_not_say_is_said_to_be_their_most);
        return suite_run(suite);
}
