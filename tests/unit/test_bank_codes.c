/* Protects config/bank_codes.c: what a bank's DE 39 means where its dialect says nothing, and where it does. */
#include <check.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "config/bank_codes.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct bank_codes codes;

static void setup(void)
{
        bank_codes_init(&codes);
}

static const struct {
        const char *code;
        enum reason reason;
        enum notice_verdict verdict;
} usual[] = {
    {"00", REASON_APPROVED, NOTICE_DONE},
    {"05", REASON_DECLINED, NOTICE_CASE},
    {"12", REASON_INVALID_TRANSACTION, NOTICE_CASE},
    {"14", REASON_INVALID_CARD, NOTICE_CASE},
    {"21", REASON_DECLINED, NOTICE_REPEATED},
    {"25", REASON_DECLINED, NOTICE_MISSING},
    {"51", REASON_NOT_COVERED, NOTICE_CASE},
    {"55", REASON_PIN_WRONG, NOTICE_CASE},
    {"75", REASON_PIN_TRIES, NOTICE_CASE},
    {"91", REASON_ISSUER_UNAVAILABLE, NOTICE_AGAIN},
    {"94", REASON_DECLINED, NOTICE_REPEATED},
    {"96", REASON_ISSUER_UNAVAILABLE, NOTICE_AGAIN},
    /* what nobody has listed, and what is no code */
    {"01", REASON_DECLINED, NOTICE_CASE},
    {"ZZ", REASON_DECLINED, NOTICE_CASE},
    {"e1", REASON_DECLINED, NOTICE_CASE},
    {"  ", REASON_DECLINED, NOTICE_CASE},
    {"0", REASON_DECLINED, NOTICE_CASE},
    {"000", REASON_DECLINED, NOTICE_CASE},
    {"", REASON_DECLINED, NOTICE_CASE},
    {"-1", REASON_DECLINED, NOTICE_CASE},
};

START_TEST(a_code_means_the_usual_where_a_dialect_says_nothing)
{
        ck_assert_int_eq(bank_codes_reason(&codes, usual[_i].code), usual[_i].reason);
        ck_assert_int_eq(bank_codes_verdict(&codes, usual[_i].code), usual[_i].verdict);
}
END_TEST

/* Whatever a bank sends ends a withdrawal with a reason that is durable, and approves it with 00 alone. */
START_TEST(every_code_has_a_durable_reason_and_one_approves)
{
        static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ abcxyz!~";
        int approvals = 0;
        for (const char *a = characters; *a; a++)
                for (const char *b = characters; *b; b++) {
                        enum reason reason = bank_codes_reason(&codes, (char[]){*a, *b, '\0'});
                        ck_assert(reason == REASON_APPROVED ||
                                  (bank_codes_allow(reason) && reason_rows[reason].kept));
                        approvals += reason == REASON_APPROVED;
                }
        ck_assert_int_eq(approvals, 1);
}
END_TEST

START_TEST(a_row_replaces_the_usual_and_no_other)
{
        char error[BANK_CODES_ERROR_MAX];
        ck_assert(bank_codes_set_reason(&codes, "E1", "NOT_COVERED", error));
        ck_assert(bank_codes_set_verdict(&codes, "25", "case", error));
        ck_assert_int_eq(bank_codes_reason(&codes, "E1"), REASON_NOT_COVERED);
        ck_assert_int_eq(bank_codes_verdict(&codes, "E1"), NOTICE_CASE);
        ck_assert_int_eq(bank_codes_verdict(&codes, "25"), NOTICE_CASE);
        ck_assert_int_eq(bank_codes_reason(&codes, "E2"), REASON_DECLINED);
}
END_TEST

START_TEST(other_is_all_that_no_row_names)
{
        char error[BANK_CODES_ERROR_MAX];
        ck_assert(bank_codes_set_reason(&codes, "other", "ISSUER_UNAVAILABLE", error));
        ck_assert(bank_codes_set_verdict(&codes, "other", "again", error));
        ck_assert_int_eq(bank_codes_reason(&codes, "Z9"), REASON_ISSUER_UNAVAILABLE);
        ck_assert_int_eq(bank_codes_reason(&codes, "05"), REASON_DECLINED);
        ck_assert_int_eq(bank_codes_verdict(&codes, "z9"), NOTICE_AGAIN);
        ck_assert_int_eq(bank_codes_verdict(&codes, "00"), NOTICE_DONE);
}
END_TEST

/* All codes that choose() gives, in their order, with blanks between them. */
static const char *all_of(bool of_request, enum notice_verdict verdict)
{
        static char text[400];
        size_t count = 1;
        char code[BANK_CODE_LENGTH + 1] = "";
        text[0] = '\0';
        for (size_t i = 0; i < count; i++) {
                size_t used = strlen(text);
                count = of_request ? bank_codes_choose_refusal(&codes, i, code)
                                   : bank_codes_choose_answer(&codes, verdict, i, code);
                if (count > 0)
                        snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", code);
        }
        return text;
}

START_TEST(who_plays_a_bank_finds_every_code_of_a_meaning)
{
        char error[BANK_CODES_ERROR_MAX], code[BANK_CODE_LENGTH + 1];
        ck_assert_str_eq(all_of(true, NOTICE_DONE), "05 12 13 14 41 43 51 54 55 57 61 62 65 75 91 92 96");
        ck_assert_str_eq(all_of(false, NOTICE_DONE), "00");
        ck_assert_str_eq(all_of(false, NOTICE_REPEATED), "21 94");
        ck_assert_str_eq(all_of(false, NOTICE_MISSING), "25");
        ck_assert_str_eq(all_of(false, NOTICE_AGAIN), "68 91 96");
        ck_assert_str_eq(all_of(false, NOTICE_CASE), "05 12 13 14 41 43 51 54 55 57 61 62 65 75 92");
        ck_assert(bank_codes_set_reason(&codes, "A7", "CARD_LOST", error));
        ck_assert(bank_codes_set_verdict(&codes, "other", "again", error));
        ck_assert(bank_codes_set_verdict(&codes, "Z9", "case", error));
        ck_assert_str_eq(all_of(true, NOTICE_DONE), "05 12 13 14 41 43 51 54 55 57 61 62 65 75 91 92 96 A7");
        ck_assert_str_eq(all_of(false, NOTICE_CASE), "Z9");
        ck_assert_uint_eq(bank_codes_choose_answer(&codes, NOTICE_REPEATED, 5, code), 2);
        ck_assert_str_eq(code, "94"); /* counted round */
}
END_TEST

static const struct {
        bool of_request;
        const char *code, *value, *error;
} faults[] = {
    {true, "00", "NOT_COVERED", "00 is the approval everywhere; expected another code"},
    {false, "00", "case", "00 is the approval everywhere; expected another code"},
    {true, "5", "DECLINED", "expected a code of two digits or capital letters, or other"},
    {true, "051", "DECLINED", "expected a code of two digits or capital letters, or other"},
    {false, "e1", "done", "expected a code of two digits or capital letters, or other"},
    {false, "21", "twice", "expected done, repeated, missing, case or again"},
};

START_TEST(a_row_that_makes_no_sense_is_refused_with_what_was_expected)
{
        char error[BANK_CODES_ERROR_MAX] = "";
        struct bank_codes before = codes;
        ck_assert(!(faults[_i].of_request ? bank_codes_set_reason : bank_codes_set_verdict)(
            &codes, faults[_i].code, faults[_i].value, error));
        ck_assert_str_eq(error, faults[_i].error);
        ck_assert_mem_eq(&codes, &before, sizeof(codes));
}
END_TEST

/* Ours alone, or nothing that a commit keeps. */
START_TEST(no_row_approves_or_says_what_only_we_can_find)
{
        static const char *const names[] = {"APPROVED",    "BLOCKED",  "CANNOT_DECIDE",
                                            "CONTRADICTS", "declined", ""};
        for (size_t i = 0; i < COUNT(names); i++) {
                char error[BANK_CODES_ERROR_MAX] = "";
                ck_assert_msg(!bank_codes_set_reason(&codes, "05", names[i], error), "%s was taken",
                              names[i]);
                ck_assert_msg(strstr(error, "DECLINED") != NULL, "%s", error);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_codes");
        TCase *t = tcase_create("codes");
        tcase_add_checked_fixture(t, setup, NULL);
        tcase_add_loop_test(t, a_code_means_the_usual_where_a_dialect_says_nothing, 0, (int)COUNT(usual));
        tcase_add_test(t, every_code_has_a_durable_reason_and_one_approves);
        tcase_add_test(t, a_row_replaces_the_usual_and_no_other);
        tcase_add_test(t, other_is_all_that_no_row_names);
        tcase_add_test(t, who_plays_a_bank_finds_every_code_of_a_meaning);
        tcase_add_loop_test(t, a_row_that_makes_no_sense_is_refused_with_what_was_expected, 0,
                            (int)COUNT(faults));
        tcase_add_test(t, no_row_approves_or_says_what_only_we_can_find);
        suite_add_tcase(suite, t);
        return suite_run(suite);
}
