/* Protects backoffice/journals/records.c: of the withdrawals that are wanted, and of no others, all that ATMs and banks wrote, in order. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backoffice/journals/bank_journal.h"
#include "backoffice/journals/records.h"
#include "tests/suite.h"

enum { WITHDRAWALS = 4, MOMENT_S = 1483056000 };

static int64_t moment_ms(int number)
{
        return (MOMENT_S + 60 * (int64_t)number) * 1000;
}

static void write_atm(struct journal *journal, int number)
{
        struct journal_record record = {.kind = JOURNAL_REQUEST,
                                        .terminal = "T0000001",
                                        .stan = number,
                                        .transmitted_ms = moment_ms(number),
                                        .amount_yen = 10000,
                                        .mask = "990001******1234"};

        (void)journal_append(journal, &record);
        record.original_stan = number;
        record.original_ms = moment_ms(number);
        for (int advice = 1; advice <= 2; advice++) {
                record.kind = JOURNAL_ADVICE;
                record.stan = 100 * advice + number;
                record.transmitted_ms = moment_ms(number) + 1000 * advice;
                record.dispensed_yen = 10000 / advice;
                record.reversal = advice == 2;
                strcpy(record.why, record.reversal ? "22" : "");
                (void)journal_append(journal, &record);
                record.kind = JOURNAL_ACKNOWLEDGED;
                if (advice == 1)
                        (void)journal_append(journal, &record);
        }
}

static void write_bank(FILE *out, int number, enum bank_kind kind)
{
        struct bank_record record = {
            .kind = kind,
            .identity = {.terminal = "T0000001", .stan = number, .transmitted_ms = moment_ms(number)},
            .processing_code = 10000,
            .amount_yen = 10000,
            .de39 = "00",
            .settlement_day = 17000,
            .balance_yen = -1,
            .has_card = true,
            .mask = "990004******1234"};
        char line[BANK_JOURNAL_LINE_MAX];

        fprintf(out, "%.*s\n", (int)bank_journal_print("BANKA", &record, line), line);
}

static void write_journals(const char *atms, const char *banks)
{
        char path[256], line[BANK_JOURNAL_LINE_MAX], error[JOURNAL_ERROR_MAX];
        struct journal journal;
        FILE *out;

        ck_assert_msg(journal_open(&journal, atms, error), "%s", error);
        for (int number = 0; number < WITHDRAWALS; number++)
                write_atm(&journal, number);
        ck_assert(journal_close(&journal));
        ck_assert_int_eq(mkdir(banks, 0700), 0);
        snprintf(path, sizeof(path), "%s/BANKA.journal", banks);
        out = fopen(path, "w");
        ck_assert_ptr_nonnull(out);
        fprintf(out, "%.*s\n", (int)bank_journal_print_header("BANKA", "00000000", line), line);
        for (int number = 0; number < WITHDRAWALS; number++)
                write_bank(out, number, BANK_WITHDRAWAL);
        for (int number = 0; number < WITHDRAWALS; number++)
                write_bank(out, number, BANK_COMPLETION);
        ck_assert_int_eq(fclose(out), 0);
}

static void check_atm(const struct records *records, size_t of, int number)
{
        const struct atm_word *word;

        ck_assert_uint_eq(records_atm(records, of, &word), 3);
        ck_assert_int_eq(word[0].record.kind, JOURNAL_REQUEST);
        ck_assert_int_eq(word[0].record.stan, number);
        ck_assert_int_eq(word[1].record.stan, 100 + number);
        ck_assert(word[1].is_acknowledged);
        ck_assert_int_eq(word[2].record.stan, 200 + number);
        ck_assert(word[2].record.reversal && !word[2].is_acknowledged);
}

static void check_bank(const struct records *records, size_t of, int number)
{
        const struct bank_word *word;

        ck_assert_uint_eq(records_bank(records, of, &word), 2);
        ck_assert_str_eq(word[0].bank, "BANKA");
        ck_assert_int_eq(word[0].record.kind, BANK_WITHDRAWAL);
        ck_assert_int_eq(word[1].record.kind, BANK_COMPLETION);
        ck_assert_int_eq(word[1].record.identity.stan, number);
}

START_TEST(what_was_written_of_the_wanted_ones_is_found_in_order)
{
        static const int wanted[] = {0, 2, 9};
        char folder[] = "/tmp/records-XXXXXX", atms[64], banks[64], command[128];
        const char *atm_folder[] = {atms}, *bank_folder[] = {banks};
        struct records records = {.count = 0};
        const struct atm_word *atm;
        const struct bank_word *bank;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(atms, sizeof(atms), "%s/atm", folder);
        snprintf(banks, sizeof(banks), "%s/banks", folder);
        write_journals(atms, banks);
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
                ck_assert(records_want(&records,
                                       &(struct record_key){"T0000001", wanted[i], moment_ms(wanted[i])}));
        ck_assert_msg(records_read(&records, atm_folder, 1, bank_folder, 1), "%s", records.error);
        for (size_t i = 0; i < 2; i++) {
                check_atm(&records, i, wanted[i]);
                check_bank(&records, i, wanted[i]);
        }
        ck_assert_uint_eq(records_atm(&records, 2, &atm), 0);
        ck_assert_uint_eq(records_bank(&records, 2, &bank), 0);
        records_free(&records);
        snprintf(command, sizeof(command), "rm -r '%s'", folder);
        ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("records");
        TCase *tests = tcase_create("records");

        tcase_add_test(tests, what_was_written_of_the_wanted_ones_is_found_in_order);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
