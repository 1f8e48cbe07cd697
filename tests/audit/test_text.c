/* Protects backoffice/audit/facts.def and backoffice/pages/audit_text.c: each kind of fact has its words, with all its values. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/pages/audit_text.h"
#include "backoffice/pages/case_text.h"
#include "lib/base/array.h"
#include "tests/suite.h"

START_TEST(each_kind_says_all_its_values)
{
        struct fact fact;
        char value[24], text[AUDIT_TEXT_MAX];

        fact_begin(&fact, (enum fact_kind)_i);
        ck_assert(fact_values_of(fact.kind) == 0 || !fact_is_complete(&fact));
        for (size_t i = 0; i < fact_values_of(fact.kind); i++) {
                snprintf(value, sizeof(value), "<%zu>", i);
                fact_text(&fact, value);
        }
        ck_assert(fact_is_complete(&fact));
        audit_text(fact.kind, fact.values, text);
        ck_assert(*text);
        ck_assert_ptr_null(strpbrk(text, "{}"));
        for (size_t i = 0; i < fact_values_of(fact.kind); i++) {
                snprintf(value, sizeof(value), "<%zu>", i);
                ck_assert_msg(strstr(text, value), "'%s' lacks %s", text, value);
        }
}
END_TEST

START_TEST(each_exception_says_what_it_is)
{
        static const struct {
                const char *kind, *what, *text;
        } cases[] = {
            {"", "no outcome", "its bank was asked and has not answered"},
            {"", "no end", "approved, and its ATM has not said what became of it"},
            {"bank", "partial answered 12", "its bank would not book how it ended: partial answered 12"},
            {"recovery", "no-price", "lost by a restore, and journals could not bring it back: no-price"},
            {"claim", "claim 7", "claim 7: what somebody says and no book does"},
            {"reversal", "corrected", "its ATM took back cash that was completed, and the books followed"},
            {"completion", "settled",
             "its ATM says otherwise: completed, and no correction any more: too late, not the first of its "
             "card and day, or the ATM disabled"},
            {"completion", "reversed", "its ATM says otherwise: to us it was reversed"},
            {"operator", "declined", "its ATM says otherwise: to us it was declined"},
        };
        char text[CASE_TEXT_MAX];

        for (size_t i = 0; i < LENGTH(cases); i++) {
                case_text(cases[i].kind, cases[i].what, text);
                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

START_TEST(an_age_has_two_units)
{
        static const struct {
                int64_t minutes;
                const char *text;
        } ages[] = {{0, "0 min"},          {59, "59 min"},    {60, "1 h 0 min"},
                    {1439, "23 h 59 min"}, {1440, "1 d 0 h"}, {10000, "6 d 22 h"}};
        char text[CASE_AGE_MAX];

        for (size_t i = 0; i < LENGTH(ages); i++) {
                case_age(ages[i].minutes, text);
                ck_assert_str_eq(text, ages[i].text);
        }
}
END_TEST

START_TEST(no_two_kinds_without_values_say_the_same)
{
        char text[AUDIT_TEXT_MAX], other[AUDIT_TEXT_MAX];

        audit_text((enum fact_kind)_i, "", text);
        for (int kind = 0; kind < _i; kind++) {
                audit_text((enum fact_kind)kind, "", other);
                ck_assert(fact_values_of((enum fact_kind)kind) || fact_values_of((enum fact_kind)_i) ||
                          strcmp(text, other));
        }
}
END_TEST

START_TEST(values_stand_where_the_words_want_them)
{
        static const int64_t yen[] = {13000, -1};
        struct fact fact;
        char text[AUDIT_TEXT_MAX];

        fact_begin(&fact, FACT_ATM_DISPENSED);
        fact_numbers(&fact, yen, LENGTH(yen));
        audit_text(fact.kind, fact.values, text);
        ck_assert_str_eq(text, "the ATM dispensed 13000 yen, the database has -1");
        fact_begin(&fact, FACT_BANK_RRN);
        fact_text(&fact, "");
        fact_text(&fact, "{0}");
        audit_text(fact.kind, fact.values, text);
        ck_assert_str_eq(text, "the bank has the reference number '', the database '{0}'");
}
END_TEST

START_TEST(what_is_too_long_is_cut)
{
        struct fact fact;
        char longer[2 * FACT_ROOM], text[AUDIT_TEXT_MAX];

        memset(longer, 'x', sizeof(longer));
        longer[sizeof(longer) - 1] = '\0';
        fact_begin(&fact, FACT_BANK_RRN);
        fact_text(&fact, longer);
        fact_text(&fact, longer);
        ck_assert(fact_is_complete(&fact));
        ck_assert_uint_eq(strlen(fact.values), FACT_ROOM - 1);
        audit_text(fact.kind, fact.values, text);
        ck_assert_uint_lt(strlen(text), AUDIT_TEXT_MAX);
}
END_TEST

START_TEST(each_check_says_what_holds)
{
        ck_assert_ptr_nonnull(audit_check_text((enum verify_check)_i));
        ck_assert_ptr_nonnull(verify_check_name[_i]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("audit text");
        TCase *tests = tcase_create("audit text");

        tcase_add_test(tests, each_exception_says_what_it_is);
        tcase_add_test(tests, an_age_has_two_units);
        tcase_add_loop_test(tests, each_kind_says_all_its_values, 0, FACT_KINDS);
        tcase_add_loop_test(tests, no_two_kinds_without_values_say_the_same, 0, FACT_KINDS);
        tcase_add_test(tests, values_stand_where_the_words_want_them);
        tcase_add_test(tests, what_is_too_long_is_cut);
        tcase_add_loop_test(tests, each_check_says_what_holds, 0, CHECK_COUNT);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
