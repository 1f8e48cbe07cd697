/* One ATM's clock may be wrong; most ATMs' are not. */
#include <check.h>
#include <stdio.h>

#include "daemon/atm_clocks.h"
#include "lib/base/array.h"
#include "tests/suite.h"

/* What a minute brings, one letter a request: capitals are refused, each letter is an ATM. */
static const struct {
        const char *minute;
        bool are_off; /* at its end */
} minutes[] = {
    {"abcabc", false},   {"AAAAAAAA", false},                       /* of one ATM alone */
    {"AB", false},       {"ABA", true},         {"", true},         /* nobody has asked */
    {"abAab", false},    {"abcABaBcAb", false}, {"abABAcAC", true}, /* in the midst of it */
    {"ABCabcABC", true}, {"a", false},
};

START_TEST(an_instance_says_that_most_atms_clocks_are_off_and_when_they_are_not)
{
        struct atm_clocks clocks = {0};
        for (size_t i = 0; i < LENGTH(minutes); i++) {
                for (const char *c = minutes[i].minute; *c; c++) {
                        char terminal[9];
                        snprintf(terminal, sizeof(terminal), "T000000%c", *c | 32);
                        atm_clocks_note(&clocks, terminal, -3600000 - *c, *c < 'a');
                }
                atm_clocks_look(&clocks, (int64_t)(i + 1) * ATM_CLOCKS_SPAN_MS - 1);
                ck_assert_int_ge(clocks.asked, clocks.refused);
                atm_clocks_look(&clocks, (int64_t)(i + 1) * ATM_CLOCKS_SPAN_MS);
                ck_assert_int_eq(clocks.asked, 0);
                ck_assert_msg(clocks.are_off == minutes[i].are_off, "minute %zu", i);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("atm_clocks");
        TCase *tcase = tcase_create("atm_clocks");
        tcase_add_test(tcase, an_instance_says_that_most_atms_clocks_are_off_and_when_they_are_not);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
