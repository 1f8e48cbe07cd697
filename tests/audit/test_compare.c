/* Protects backoffice/audit/compare.c: which answers of the two sides agree, and what each difference is called. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/compare.h"
#include "backoffice/journals/bank_record.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char told[256];

static void tell(const char *what, const struct fact *fact, void *context)
{
        (void)context;
        ck_assert(fact_is_complete(fact));
        if (told[0])
                strcat(told, " ");
        strcat(told, what);
}

static void explain(const char *what, const struct fact *fact, void *context)
{
        ck_assert(!strcmp(what, "explained") || !strcmp(what, "settled"));
        tell(what, fact, context);
}

/* An ATM's side and a database's side that agree, and what may be changed in them. */
enum side { COMPLETED, PARTIAL, EMPTY, UNANSWERED, DECLINED, OPEN, UNACKNOWLEDGED };

static const struct atm_entry entries[] = {
    [COMPLETED] = {.amount_yen = 13000,
                   .paid_yen = 13000,
                   .charge_yen = 108,
                   .end = ATM_ADVISED,
                   .approved = true,
                   .advised = true,
                   .de39 = "00",
                   .token = {7}},
    [PARTIAL] = {.amount_yen = 13000,
                 .paid_yen = 10000,
                 .charge_yen = 108,
                 .end = ATM_ADVISED,
                 .approved = true,
                 .advised = true,
                 .de39 = "00",
                 .token = {7}},
    [EMPTY] = {.amount_yen = 13000,
               .charge_yen = 108,
               .end = ATM_ADVISED,
               .approved = true,
               .advised = true,
               .de39 = "00",
               .token = {7}},
    [UNANSWERED] = {.amount_yen = 13000, .charge_yen = -1, .end = ATM_ADVISED, .advised = true, .token = {7}},
    [DECLINED] = {.amount_yen = 13000, .charge_yen = -1, .end = ATM_DECLINED, .de39 = "61", .token = {7}},
    [OPEN] = {.amount_yen = 13000, .charge_yen = -1, .end = ATM_OPEN, .token = {7}},
    [UNACKNOWLEDGED] = {.amount_yen = 13000,
                        .paid_yen = 13000,
                        .charge_yen = 108,
                        .end = ATM_OPEN,
                        .approved = true,
                        .advised = true,
                        .token = {7}},
};

#define ROW(...)                                                                                             \
        {                                                                                                    \
                .amount_yen = 13000, .has_token = true, .token = {7}, __VA_ARGS__                            \
        }
#define FEES .customer_fee_yen = 100, .customer_tax_yen = 8, .interbank_fee_yen = 100, .tax_yen = 16

static const struct {
        enum side side;
        struct database_row row;
        const char *told;
} pairs[] = {
    {COMPLETED, ROW(.dispensed_yen = 13000, FEES, .state = "completed", .de39 = "00"), ""},
    {COMPLETED, ROW(.dispensed_yen = 13000, .interbank_fee_yen = 100, .tax_yen = 8, .state = "completed"),
     "fee"},
    {COMPLETED, ROW(.dispensed_yen = 13000, FEES, .state = "approved"), "state"},
    {COMPLETED, ROW(.state = "approved"), "state dispensed fee"},
    {COMPLETED, ROW(.state = "reversed"), "state dispensed fee"},
    {COMPLETED, ROW(.state = "declined", .de39 = "61"), "state dispensed fee"},
    {COMPLETED,
     {.amount_yen = 13000,
      .dispensed_yen = 13000,
      FEES,
      .state = "completed",
      .has_token = true,
      .token = {8}},
     "card"},
    {COMPLETED,
     {.amount_yen = 14000,
      .dispensed_yen = 13000,
      FEES,
      .state = "completed",
      .has_token = true,
      .token = {7}},
     "amount"},
    {COMPLETED, ROW(.dispensed_yen = 12000, FEES, .state = "completed"), "dispensed"},
    {COMPLETED,
     ROW(.dispensed_yen = 13000, .customer_fee_yen = 100, .customer_tax_yen = 8, .tax_yen = 7,
         .state = "completed"),
     "fee"},
    {PARTIAL, ROW(.dispensed_yen = 10000, FEES, .state = "completed"), ""},
    {PARTIAL, ROW(.dispensed_yen = 13000, FEES, .state = "completed"), "dispensed"},
    {EMPTY, ROW(.state = "reversed"), ""},
    {EMPTY, ROW(.state = "reversed", FEES), "fee"},
    {EMPTY, ROW(.state = "declined"), "state"},
    {EMPTY, ROW(.state = "approved"), "state"},
    {EMPTY, ROW(.dispensed_yen = 13000, FEES, .state = "completed"), "state dispensed fee"},
    {UNANSWERED, ROW(.state = "reversed"), ""},
    {UNANSWERED, ROW(.state = "declined", .de39 = "61"), ""},
    {UNANSWERED, {.state = "blocked", .de39 = "94"}, ""}, /* no amount, no card: its 0200 never came */
    {UNANSWERED, ROW(.state = "approved"), "state"},
    {DECLINED, ROW(.state = "declined", .de39 = "61"), ""},
    {DECLINED, ROW(.state = "declined", .de39 = "51"), "de39"},
    {DECLINED, ROW(.state = "approved", .de39 = "00"), "state"},
    {DECLINED, ROW(.state = "blocked", .de39 = "94"), "state"},
    {DECLINED, ROW(.state = "blocked", .de39 = "61", .link = "BANKA"), ""}, /* its bank said 94 */
};

START_TEST(each_difference_has_its_name)
{
        told[0] = '\0';
        reconcile_compare(&entries[pairs[_i].side], &pairs[_i].row, tell, explain, NULL);
        ck_assert_msg(!strcmp(told, pairs[_i].told), "pair %d: '%s' instead of '%s'", _i, told,
                      pairs[_i].told);
}
END_TEST

/* An ATM's last word, and what exceptions say of words that were not followed. */
static const struct {
        enum side side;
        struct database_row row;
        const char *told;
} heard[] = {
#define BOOKED .dispensed_yen = 13000, FEES, .state = "completed"
    {PARTIAL, ROW(BOOKED, .words = "10000 settled open|"), "explained"},
    {PARTIAL, ROW(BOOKED, .words = "0 settled open|10000 decided open|"), "explained"},
    {PARTIAL, ROW(BOOKED, .words = "10000 settled dealt|"), "settled"}, /* elsewhere */
    {PARTIAL, ROW(BOOKED, .words = "10000 settled open|10000 settled dealt|"), "explained"},
    {PARTIAL, ROW(BOOKED, .words = "9000 settled open|"), "dispensed"},
    {PARTIAL, ROW(BOOKED, .words = "10000 settled"), "dispensed"},
    {PARTIAL, ROW(.dispensed_yen = 10000, FEES, .state = "completed", .words = "10000 settled dealt|"), ""},
    {EMPTY, ROW(BOOKED, .words = "0 settled open|"), "explained"},
    {EMPTY,
     ROW(.dispensed_yen = 13000, .interbank_fee_yen = 100, .tax_yen = 8, .state = "completed",
         .words = "0 settled open|"),
     "explained fee"},
    {COMPLETED, ROW(.state = "reversed", .words = "13000 reversed open|"), "explained"},
    {COMPLETED, ROW(.state = "declined", .words = "13000 declined open|"), "explained"},
    {DECLINED, ROW(BOOKED, .words = "0 settled open|"), "state dispensed fee"}, /* it has said nothing */
};

START_TEST(an_atm_s_word_that_was_not_followed_is_known_by_its_exception)
{
        told[0] = '\0';
        reconcile_compare(&entries[heard[_i].side], &heard[_i].row, tell, explain, NULL);
        ck_assert_msg(!strcmp(told, heard[_i].told), "row %d: '%s' instead of '%s'", _i, told,
                      heard[_i].told);
}
END_TEST

START_TEST(a_charge_that_the_journal_does_not_know_is_not_compared)
{
        struct atm_entry entry = entries[COMPLETED];

        entry.charge_yen = -1; /* the power failed before it was recorded */
        told[0] = '\0';
        reconcile_compare(&entry, &pairs[0].row, tell, explain, NULL);
        ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(only_refusals_that_are_not_kept_may_be_missing)
{
        static const struct {
                enum side side;
                const char *de39, *told;
        } rows[] = {
            {COMPLETED, "00", "only-in-journal"},
            {EMPTY, "00", "only-in-journal"},
            {UNANSWERED, "", "only-in-journal"},
            {DECLINED, "61", "only-in-journal"},
            {DECLINED, "96", ""},
            {DECLINED, "58", ""},
            {DECLINED, "94", "only-in-journal"},
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct atm_entry entry = entries[rows[i].side];

                strcpy(entry.de39, rows[i].de39);
                told[0] = '\0';
                reconcile_missing(&entry, tell, NULL);
                ck_assert_str_eq(told, rows[i].told);
        }
}
END_TEST

START_TEST(what_is_under_way_has_its_reason)
{
        static const struct database_row asked = ROW(.state = "asked", .link = "BANKA"),
                                         waiting = ROW(.state = "completed", .link = "BANKA", .waiting = 1),
                                         done = ROW(.state = "completed");

        ck_assert_int_eq(reconcile_unfinished(&entries[COMPLETED], &done, true), FACT_NONE);
        ck_assert_int_eq(reconcile_unfinished(&entries[COMPLETED], &waiting, false), FACT_NONE);
        ck_assert_int_eq(reconcile_unfinished(NULL, &done, true), FACT_NONE);
        ck_assert_int_eq(reconcile_unfinished(&entries[DECLINED], NULL, true), FACT_NONE);
        ck_assert_int_eq(reconcile_unfinished(&entries[COMPLETED], &waiting, true), FACT_BANK_WAITING);
        ck_assert_int_eq(reconcile_unfinished(NULL, &asked, false), FACT_UNDECIDED);
        ck_assert_int_eq(reconcile_unfinished(&entries[OPEN], &done, true), FACT_UNENDED);
        ck_assert_int_eq(reconcile_unfinished(&entries[UNACKNOWLEDGED], &done, true), FACT_UNACKNOWLEDGED);
}
END_TEST

/* A database's row and a bank's entry that agree, and what may be changed in them. */
#define LINKED(...)                                                                                          \
        {                                                                                                    \
                .amount_yen = 13000, .charge_yen = 108, .link = "BANKA", .rrn = "703210000123",              \
                .approval = "471108", .has_token = true, .token = {7}, __VA_ARGS__                           \
        }
#define HELD(...)                                                                                            \
        {                                                                                                    \
                .amount_yen = 13000, .charge_yen = 108, .rrn = "703210000123", .approval = "471108",         \
                .asked = true, .has_card = true, .token = {7}, __VA_ARGS__                                   \
        }
#define APPROVED .cause = "answer", .bank_de39 = "00"
#define DONE     .state = "completed", .dispensed_yen = 13000, APPROVED
#define BACK     .state = "reversed", APPROVED
#define PART     .state = "completed", .dispensed_yen = 10000, APPROVED
#define REFUSES(kind, yen, code)                                                                             \
        .refused = true, .refused_kind = (kind), .refused_yen = (yen), .refused_de39 = code
#define LATE .state = "declined", .cause = "timeout"

static const struct {
        struct database_row row;
        struct bank_entry entry;
        bool absent; /* the bank has nothing of it */
        const char *told;
} banked[] = {
    {LINKED(DONE), HELD(.de39 = "00", .told = true, .dispensed_yen = 13000, .held_yen = 13108), false, ""},
    {LINKED(DONE), HELD(.de39 = "00", .held_yen = 13108), false, "bank-untold"},
    {LINKED(DONE), HELD(.de39 = "00", .told = true), false, "bank-held bank-dispensed"},
    {LINKED(DONE), HELD(.de39 = "00", .told = true, .dispensed_yen = 13000, .held_yen = 13107), false,
     "bank-held"},
    {LINKED(DONE), HELD(.de39 = "51", .told = true, .dispensed_yen = 13000, .held_yen = 13108), false,
     "bank-de39"},
    {LINKED(DONE),
     HELD(.de39 = "00", .told = true, .dispensed_yen = 13000, .held_yen = 13108, .exception = true), false,
     "bank-exception"},
    {LINKED(DONE), {0}, true, "not-at-bank"},
    {LINKED(DONE),
     {.told = true, .exception = true},
     false,
     "not-at-bank bank-held bank-dispensed bank-exception"},
    {LINKED(.state = "completed", .dispensed_yen = 10000, APPROVED),
     HELD(.de39 = "00", .told = true, .dispensed_yen = 10000, .held_yen = 10108), false, ""},
    {LINKED(BACK), HELD(.de39 = "00", .told = true), false, ""},
    {LINKED(BACK), HELD(.de39 = "00", .held_yen = 13108), false, "bank-held bank-untold"},
    {LINKED(.state = "declined", .cause = "answer", .bank_de39 = "51"), HELD(.de39 = "51"), false, ""},
    {LINKED(.state = "declined", .cause = "answer", .bank_de39 = "51"), HELD(.de39 = "00", .held_yen = 13108),
     false, "bank-de39 bank-held"},
    {LINKED(.state = "declined", .cause = "answer", .bank_de39 = "51"), {0}, true, "not-at-bank"},
    {LINKED(.state = "declined", .cause = "answer", .bank_de39 = "96"), {0}, true, ""}, /* kept by no bank */
    {LINKED(LATE), HELD(.de39 = "00", .told = true), false, ""},
    {LINKED(LATE), HELD(.de39 = "51", .told = true), false, ""},
    {LINKED(LATE), {.told = true}, false, ""}, /* its 0200 never came */
    {LINKED(LATE), {0}, true, "not-at-bank"},
    {LINKED(LATE), HELD(.de39 = "00", .held_yen = 13108), false, "bank-held bank-untold"},
    {LINKED(.state = "reversed", .cause = "reversal"), HELD(.de39 = "00", .told = true), false, ""},
    {LINKED(DONE, .cases = "completion answered 12|", .open_cases = 1),
     HELD(.de39 = "00", REFUSES(BANK_COMPLETION, 13000, "12"), .held_yen = 13108), false, "explained"},
    {LINKED(DONE, .cases = "completion answered 12|"),
     HELD(.de39 = "00", REFUSES(BANK_COMPLETION, 13000, "12"), .held_yen = 13108), false, "settled"},
    {LINKED(DONE), HELD(.de39 = "00", REFUSES(BANK_COMPLETION, 13000, "12"), .held_yen = 13108), false,
     "bank-refused bank-untold"},
    {LINKED(DONE, .cases = "completion answered 12|"), HELD(.de39 = "00", .held_yen = 13108), false,
     "bank-untold"},
    {LINKED(DONE, .cases = "completion answered 12|"),
     HELD(.de39 = "00", REFUSES(BANK_COMPLETION, 13000, "05"), .held_yen = 13108), false,
     "bank-refused bank-untold"},
    {LINKED(DONE, .cases = "completion answered 12|"),
     HELD(.de39 = "00", REFUSES(BANK_COMPLETION, 13000, "12"), .held_yen = 13107), false,
     "bank-refused bank-held bank-untold"},
    {LINKED(BACK, .cases = "reversal answered 05|", .open_cases = 1),
     HELD(.de39 = "00", REFUSES(BANK_REVERSAL, 0, "05"), .held_yen = 13108), false, "explained"},
    {LINKED(LATE, .cases = "reversal answered 05|", .open_cases = 1),
     HELD(.de39 = "00", REFUSES(BANK_REVERSAL, 0, "05"), .held_yen = 13108), false, "explained"},
    {LINKED(LATE, .cases = "reversal answered 05|", .open_cases = 1),
     {REFUSES(BANK_REVERSAL, 0, "05")},
     false,
     "explained"},
    {LINKED(PART, .cases = "completion answered 12|partial answered 05|", .open_cases = 1),
     HELD(.de39 = "00", REFUSES(BANK_PARTIAL, 10000, "05"), .held_yen = 13108), false, "explained"},
    {LINKED(PART, .cases = "partial answered 05|", .open_cases = 1),
     HELD(.de39 = "00", .told = true, .dispensed_yen = 13000, REFUSES(BANK_PARTIAL, 10000, "05"),
          .held_yen = 13108),
     false, "explained"}, /* a correction that it would not book */
    {LINKED(PART, .cases = "completion answered 05|"),
     HELD(.de39 = "00", .told = true, .dispensed_yen = 10000, REFUSES(BANK_COMPLETION, 13000, "05"),
          .held_yen = 10108),
     false, ""}, /* the correction of what it had not booked */
    {LINKED(.state = "reversed", .cause = "operator"), HELD(.de39 = "00", .told = true), false, ""},
    {LINKED(.state = "approved", APPROVED), HELD(.de39 = "00", .held_yen = 13108), false, ""},
    {LINKED(DONE),
     {.amount_yen = 14000,
      .charge_yen = 110,
      .rrn = "703210000124",
      .approval = "471109",
      .asked = true,
      .has_card = true,
      .token = {8},
      .de39 = "00",
      .told = true,
      .dispensed_yen = 13000,
      .held_yen = 13108},
     false,
     "bank-amount bank-charge bank-card bank-rrn bank-approval"},
};

START_TEST(each_difference_with_a_bank_has_its_name)
{
        told[0] = '\0';
        reconcile_bank(&banked[_i].row, banked[_i].absent ? NULL : &banked[_i].entry, tell, explain, NULL);
        ck_assert_msg(!strcmp(told, banked[_i].told), "pair %d: '%s' instead of '%s'", _i, told,
                      banked[_i].told);
}
END_TEST

START_TEST(a_row_is_read_from_copy_s_text)
{
        char line[] = "T0000001\t1483056000000\t123\t13000\t10000\t100\t8\t90\t15\tcompleted\t00\t"
                      "1f0dc9bb-7344-1a97-90af-"
                      "e90237f37c72\t108\t2\tBANKA\tanswer\t00\t636510000123\t471108\tpartial answered 12|"
                      "\t1\t9000 settled open|\tH00001\n";
        char blocked[] = "T0000001\t1483056000000\t123\t0\t0\t0\t0\t0\t0\tblocked\t94\t\\N\t0\t0\t\t\t\t63651"
                         "0000123\t\t\t0\t\t\n";
        struct database_row row;

        ck_assert(reconcile_parse(line, &row));
        ck_assert_str_eq(row.terminal, "T0000001");
        ck_assert_int_eq(row.transmitted_ms, 1483056000000);
        ck_assert_int_eq(row.stan, 123);
        ck_assert_int_eq(row.amount_yen, 13000);
        ck_assert_int_eq(row.dispensed_yen, 10000);
        ck_assert_int_eq(row.customer_fee_yen, 100);
        ck_assert_int_eq(row.customer_tax_yen, 8);
        ck_assert_int_eq(row.interbank_fee_yen, 90);
        ck_assert_int_eq(row.tax_yen, 15);
        ck_assert_str_eq(row.state, "completed");
        ck_assert_str_eq(row.de39, "00");
        ck_assert(row.has_token && row.token[0] == 0x1f && row.token[15] == 0x72);
        ck_assert_int_eq(row.charge_yen, 108);
        ck_assert_int_eq(row.waiting, 2);
        ck_assert_str_eq(row.link, "BANKA");
        ck_assert_str_eq(row.cause, "answer");
        ck_assert_str_eq(row.bank_de39, "00");
        ck_assert_str_eq(row.rrn, "636510000123");
        ck_assert_str_eq(row.approval, "471108");
        ck_assert_str_eq(row.cases, "partial answered 12|");
        ck_assert_int_eq(row.open_cases, 1);
        ck_assert_str_eq(row.words, "9000 settled open|");
        ck_assert_str_eq(row.hall, "H00001");
        ck_assert(reconcile_parse(blocked, &row));
        ck_assert(!row.has_token);
        ck_assert_str_eq(row.link, "");
}
END_TEST

START_TEST(a_row_of_another_form_is_refused)
{
        static const char *const lines[] = {
            "",
            "T0000001\n",
            "T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\n",
            "T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t1f\t1\t0\t\t\t\t1\t\t\t0\t\t\n",
            "T0000001\tx\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t1\t0\t\t\t\t1\t\t\t0\t\t\n",
            "T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t\t0\t\t\t\t1\t\t\t0\t\t\n",
            "T001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t1\t0\t\t\t\t1\t\t\t0\t\t\n",
            "T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t1\t0\tBANKBANKBANK\t\t\t1\t\t\t0\t\t\n",
            "T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t1\t0\t\t\t\t1\t\t\tx\t\t\n",
            "T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t1\t0\t\t\t\t1\t\t\t0\t\t\tmore\n",
            ("T0000001\t1\t1\t1\t1\t1\t1\t1\t1\tcompleted\t00\t\\N\t1\t0\t\t\t\t1\t\t\t0\t\tH2345678901234567"
             "\n"),
        };
        char line[200];
        struct database_row row;

        strcpy(line, lines[_i]);
        ck_assert(!reconcile_parse(line, &row));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("reconcile");
        TCase *all = tcase_create("all");

        tcase_add_loop_test(all, each_difference_has_its_name, 0, (int)COUNT(pairs));
        tcase_add_loop_test(all, an_atm_s_word_that_was_not_followed_is_known_by_its_exception, 0,
                            (int)COUNT(heard));
        tcase_add_test(all, a_charge_that_the_journal_does_not_know_is_not_compared);
        tcase_add_test(all, only_refusals_that_are_not_kept_may_be_missing);
        tcase_add_test(all, what_is_under_way_has_its_reason);
        tcase_add_loop_test(all, each_difference_with_a_bank_has_its_name, 0, (int)COUNT(banked));
        tcase_add_test(all, a_row_is_read_from_copy_s_text);
        tcase_add_loop_test(all, a_row_of_another_form_is_refused, 0, 10);
        suite_add_tcase(suite, all);
        return suite_run(suite);
}
