/* The scenario's file: what is shipped can be read and says what was published; what is wrong is named with its line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/generation/scenario.h"
#include "rules/calendar.h"
#include "tests/suite.h"

#define SHIPPED SOURCE_DIR "/etc/scenarios/fy2015-fy2016"

static struct scenario scenario;
static char error[SCENARIO_ERROR_MAX];

START_TEST(the_shipped_scenario_has_the_published_fleet)
{
        static const struct {
                int year, month, day, atms;
        } published[] = {{2007, 11, 30, 10},
                         {2009, 3, 31, 150},
                         {2015, 1, 31, 950},
                         {2016, 12, 31, 1066},
                         {2017, 3, 31, 1066}};

        ck_assert_msg(scenario_load(SHIPPED, &scenario, error), "%s", error);
        for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++)
                ck_assert_int_eq(
                    scenario_placed_on(&scenario,
                                       calendar_day(published[i].year, published[i].month, published[i].day)),
                    published[i].atms);
        ck_assert_int_eq(scenario_placed_on(&scenario, calendar_day(2007, 11, 29)), 0);
        ck_assert_int_eq(scenario_fleet(&scenario), 1066);
        ck_assert_int_eq(scenario.from_day, calendar_day(2015, 4, 1));
        ck_assert_int_eq(scenario.to_day, calendar_day(2017, 3, 31));
        ck_assert_int_eq(strlen(scenario.digest), 64);
}
END_TEST

START_TEST(published_sga_is_entered_as_published)
{
        static const char *const sga[][2] = {{"1Q15", "44900000"}, {"2Q15", "45100000"}, {"3Q15", "41300000"},
                                             {"4Q15", "46900000"}, {"1Q16", "43500000"}, {"2Q16", "51100000"},
                                             {"3Q16", "42900000"}};

        ck_assert_msg(scenario_load(SHIPPED, &scenario, error), "%s", error);
        for (size_t i = 0; i < sizeof(sga) / sizeof(*sga); i++) {
                int found = 0;

                for (size_t e = 0; e < scenario.entry_count; e++) {
                        const struct scenario_entry *entry = &scenario.entry[e];

                        if (!strcmp(entry->name, "sga") && !strcmp(entry->key[0], sga[i][0])) {
                                ck_assert_str_eq(entry->value, sga[i][1]);
                                ck_assert_str_ne(entry->source, "");
                                found++;
                        }
                }
                ck_assert_int_eq(found, 2); /* as a cost and as a published figure */
        }
}
END_TEST

/* The shipped file with the first line that begins with `old` replaced by `new` (both may be lines of their own). */
static void alter(const char *old, const char *new, char path[64])
{
        FILE *in = fopen(SHIPPED, "r"), *out;
        char line[512];
        bool replaced = false;
        int descriptor;

        strcpy(path, "/tmp/atm-scenario.XXXXXX");
        descriptor = mkstemp(path);
        ck_assert(in && descriptor >= 0);
        out = fdopen(descriptor, "w");
        while (fgets(line, sizeof(line), in)) {
                bool here = !replaced && !strncmp(line, old, strlen(old));

                fputs(here ? new : line, out);
                replaced = replaced || here;
        }
        fclose(in);
        fclose(out);
        ck_assert_msg(replaced, "%s", old);
}

static const struct {
        const char *old, *new, *text;
} bad[] = {
    {"from = ", "from = 2015-02-30\n", "[period] from: '2015-02-30': expected a date as 2015-04-01"},
    {"from = ", "", "[period] from is missing"},
    {"to = ", "to = 2015-03-31\n", "[period] to: expected the day of 'from' or a later one"},
    {"to = ", "to = 2017-04-30\n", "[demand quarter] the quarter of 2017-04-01 is missing"},
    {"2015-01-31 = 950", "2015-01-31 = 50\n",
     "[placed] 2015-01-31: 50: expected as many ATMs as before, or more"},
    {"2015-01-31 = 950", "2009-01-31 = 950\n",
     "[placed] 2009-01-31: expected a later day than the one before"},
    {"2015-01-31 = 950", "January = 950\n", "[placed] January: expected a date as 2016-12-31"},
    {"base_fee_low_yen", "base_fee_low_yen = 80000\n",
     "[fleet] base_fee_high_yen: expected base_fee_low_yen or more"},
    {"hundredths", "hundredths = many\n",
     "[demand] hundredths: 'many': expected a whole number from 1 to 100000"},
    {"hundredths", "hundredths = 0\n", "[demand] hundredths: '0': expected a whole number from 1 to 100000"},
    {"spread_permille", "spread = 3\n", "[demand] spread: no such key"},
    {"spread_permille", "hundredths = 1\nhundredths = 2\n", "[demand] hundredths: given twice"},
    {"1Q15 = 1205", "5Q15 = 1000\n", "[demand quarter] 5Q15: expected a quarter as 1Q15"},
    {"22 = 10", "24 = 10\n", "[hours] hour: '24': expected a whole number from 0 to 23"},
    {"3000 = 6", "3500 = 6\n", "[amounts] 3500: expected a multiple of 1000 yen"},
    {"HOUSE = 400", "HOUSE = 300\n", "[issuers] the banks' shares add up to 900: expected 1000"},
    {"none_bp", "none_bp = 9999\n", "[ends] more than 10000 basis points in all"},
    {"[parlors]", "[pachinko]\n", "[pachinko] no such section"},
    {"[cost 1Q15]", "[cost]\n", "[cost] no such section"},
    {"[cards]", "cards\n", "not understood; expected [section], key = value, or a comment after # or ;"},
};

START_TEST(what_is_wrong_is_named_with_its_line)
{
        char path[64];

        alter(bad[_i].old, bad[_i].new, path);
        ck_assert_msg(!scenario_load(path, &scenario, error), "'%s' was taken", bad[_i].new);
        unlink(path);
        ck_assert_msg(strstr(error, bad[_i].text) && !strncmp(error, path, strlen(path)) &&
                          error[strlen(path)] == ':',
                      "wanted '%s', got '%s'", bad[_i].text, error);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
        ck_assert(!scenario_load("/no/such/scenario", &scenario, error));
        ck_assert_str_eq(error, "/no/such/scenario: No such file or directory; expected a scenario, as "
                                "etc/scenarios/fy2015-fy2016");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("scenario");
        TCase *tcase = tcase_create("scenario");

        tcase_add_test(tcase, the_shipped_scenario_has_the_published_fleet);
        tcase_add_test(tcase, published_sga_is_entered_as_published);
        tcase_add_loop_test(tcase, what_is_wrong_is_named_with_its_line, 0,
                            (int)(sizeof(bad) / sizeof(*bad)));
        tcase_add_test(tcase, a_file_that_is_not_there_is_named);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
