/*
 * Protects backoffice/journals/bank_journal.c: a record is the same after its line, a changed line is noticed, and
 * whatever moment a crash comes at, what was flushed is there again and what was cut off is not.
 */
#include "tools/banksim/journal_writer.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/calendar.h"
#include "tests/suite.h"

enum { OPENING_YEN = 100000 };
static const char mark[] = "0123abcd";

static char folder[64], path[128];

static void setup(void)
{
        strcpy(folder, "/tmp/test_bank_journal.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/journal/BANKA.journal", folder);
}

static void teardown(void)
{
        char inner[128];
        unlink(path);
        snprintf(inner, sizeof(inner), "%s/journal", folder);
        rmdir(inner);
        rmdir(folder);
}

static struct bank *bank_with_money(const char *name)
{
        uint8_t token[TOKEN_LENGTH];
        struct bank *bank = bank_new(name);
        memset(token, 1, sizeof(token));
        ck_assert(bank_add_account(bank, token, "2912", OPENING_YEN));
        return bank;
}

static int64_t balance_of(const struct bank *bank)
{
        uint8_t token[TOKEN_LENGTH];
        int64_t yen = -1;
        memset(token, 1, sizeof(token));
        ck_assert(bank_balance(bank, token, &yen));
        return yen;
}

static struct bank_request request_of(int stan)
{
        struct bank_request request = {
            .identity = {.terminal = "T0000001",
                         .stan = stan,
                         .transmitted_ms = calendar_from_utc(2016, 12, 31, 15, 0, 0)},
            .processing = PROCESSING_WITHDRAWAL,
            .processing_code = 10000,
            .amount_yen = 1000,
            .charge_yen = 216,
            .rrn = "636600000001",
            .mask = "990011******0001",
            .expiry_yymm = "2912",
        };
        memset(request.token, 1, TOKEN_LENGTH);
        return request;
}

static void open_journal(struct bank_journal *journal, struct bank *bank)
{
        char error[BANK_JOURNAL_ERROR_MAX] = "";
        ck_assert_msg(bank_journal_open(journal, path, bank, mark, error), "%s", error);
}

/* Withdrawals `from`..`to`, each with a reversal where its STAN is even. */
static void do_business(struct bank *bank, struct bank_journal *journal, int from, int to)
{
        for (int stan = from; stan <= to; stan++) {
                struct bank_request request = request_of(stan);
                struct bank_advice advice = {
                    .original = request.identity, .reversal = true, .amount_yen = 1000};
                struct bank_record record;
                ck_assert_int_eq(bank_request(bank, &request, &record), BANK_NEW);
                bank_journal_append(journal, &record);
                if (stan % 2 == 0) {
                        ck_assert_int_eq(bank_advise(bank, &advice, &record), BANK_NEW);
                        bank_journal_append(journal, &record);
                }
        }
        ck_assert(bank_journal_waits(journal));
        ck_assert(bank_journal_flush(journal));
        ck_assert(!bank_journal_waits(journal));
}

static size_t file_read(char *buffer, size_t size)
{
        int fd = open(path, O_RDONLY);
        ck_assert_int_ge(fd, 0);
        ssize_t n = read(fd, buffer, size);
        ck_assert_int_ge(n, 0);
        close(fd);
        return (size_t)n;
}

static void file_write(const char *bytes, size_t length)
{
        char inner[128];
        snprintf(inner, sizeof(inner), "%s/journal", folder);
        mkdir(inner, 0700);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
        close(fd);
}

/* ---- lines --------------------------------------------------------------------------------------------- */

static const struct bank_record samples[] = {
    {.kind = BANK_WITHDRAWAL,
     .identity = {"T0000001", 123456, INT64_C(1483110000000)},
     .rrn = "636512123456",
     .processing_code = 10000,
     .amount_yen = 30000,
     .charge_yen = 108,
     .de39 = "00",
     .approval = "004711",
     .settlement_day = 17165,
     .moved_yen = -30108,
     .balance_yen = 969892,
     .has_card = true,
     .token = {0, 1, 2, 0xff, 0x80},
     .mask = "990011******1234"},
    {.kind = BANK_COMPLETION, .de39 = "00", .balance_yen = -1, .reported = true},
    {.kind = BANK_COMPLETION, .de39 = "05", .balance_yen = -1, .reported = true, .refused = true},
    {.kind = BANK_PARTIAL, .de39 = "00", .balance_yen = -1, .reported = true, .exception = true},
    {.kind = BANK_WITHDRAWAL,
     .identity = {"T1", 1, 0},
     .de39 = "14",
     .amount_yen = BANK_YEN_MAX,
     .charge_yen = 99999999,
     .balance_yen = -1,
     .has_card = true,
     .mask = "************"},
    {.kind = BANK_INQUIRY,
     .identity = {"T0000001", 999999, INT64_C(1483110000000)},
     .processing_code = 310000,
     .de39 = "00",
     .settlement_day = 17165,
     .balance_yen = 0,
     .has_card = true,
     .mask = "990011******1234"},
    {.kind = BANK_COMPLETION,
     .identity = {"T0000001", 7, INT64_C(1483110000000)},
     .amount_yen = 30000,
     .dispensed_yen = 30000,
     .de39 = "00",
     .settlement_day = 17165,
     .balance_yen = -1,
     .exception = true},
    {.kind = BANK_PARTIAL,
     .identity = {"T0000001", 7, INT64_C(1483110000000)},
     .amount_yen = 30000,
     .charge_yen = 108,
     .dispensed_yen = 12000,
     .de39 = "00",
     .settlement_day = 17165,
     .moved_yen = 18000,
     .balance_yen = 100,
     .has_card = true,
     .mask = "990011******1234"},
    {.kind = BANK_REVERSAL, .identity = {"T0000001", 7, 0}, .de39 = "00", .balance_yen = -1},
    {.kind = BANK_REVERSAL, .identity = {"T0000001", 8, 0}, .de39 = "N5", .balance_yen = -1, .refused = true},
    {.kind = BANK_CUTOVER,
     .identity = {"HOST", 1, 0},
     .de39 = "00",
     .settlement_day = 17166,
     .balance_yen = -1},
};

START_TEST(a_record_is_the_same_after_its_line)
{
        char line[BANK_JOURNAL_LINE_MAX], again[BANK_JOURNAL_LINE_MAX], bank[BANK_NAME_MAX + 1];
        struct bank_record record;
        size_t length = bank_journal_print("BANKA", &samples[_i], line);
        const char *why = bank_journal_parse(line, length, bank, &record);
        ck_assert_msg(!why, "%s: %s", line, why);
        ck_assert_str_eq(bank, "BANKA");
        ck_assert_uint_eq(bank_journal_print("BANKA", &record, again), length);
        ck_assert_str_eq(line, again);
        ck_assert_int_eq(record.kind, samples[_i].kind);
        ck_assert_int_eq(record.moved_yen, samples[_i].moved_yen);
        ck_assert_int_eq(record.balance_yen, samples[_i].balance_yen);
        ck_assert_int_eq(record.exception, samples[_i].exception);
        ck_assert_int_eq(record.refused, samples[_i].refused);
        ck_assert_int_eq(record.reported, samples[_i].reported);
        ck_assert_int_eq(record.has_card, samples[_i].has_card);
        ck_assert_mem_eq(record.token, samples[_i].token, TOKEN_LENGTH);
        ck_assert_str_eq(record.mask, samples[_i].mask);
        ck_assert_mem_eq(&record.identity, &samples[_i].identity, sizeof(record.identity));
}
END_TEST

START_TEST(a_line_that_is_documented_is_what_is_written)
{
        char line[BANK_JOURNAL_LINE_MAX];
        bank_journal_print("BANKA", &samples[0], line);
        ck_assert_str_eq(line,
                         "withdrawal BANKA T0000001 123456 20161230150000 636512123456 010000 30000 108 0 00 "
                         "004711 2016-12-30 -30108 969892 - 000102ff800000000000000000000000 "
                         "990011******1234 8093a39e");
}
END_TEST

START_TEST(every_changed_byte_of_a_line_is_noticed)
{
        char line[BANK_JOURNAL_LINE_MAX], bank[BANK_NAME_MAX + 1];
        struct bank_record record;
        size_t length = bank_journal_print("BANKA", &samples[0], line);
        for (size_t i = 0; i < length; i++) {
                char was = line[i];
                line[i] = was == '1' ? '2' : '1';
                ck_assert_msg(bank_journal_parse(line, length, bank, &record), "byte %zu", i);
                line[i] = was;
        }
        for (size_t cut = 0; cut < length; cut++)
                ck_assert_msg(bank_journal_parse(line, cut, bank, &record), "cut at %zu", cut);
        ck_assert_ptr_null(bank_journal_parse(line, length, bank, &record));
}
END_TEST

/* ---- files --------------------------------------------------------------------------------------------- */

START_TEST(what_was_flushed_is_there_after_a_kill)
{
        struct bank_journal journal, again;
        struct bank *bank = bank_with_money("BANKA"), *reborn = bank_with_money("BANKA");
        open_journal(&journal, bank);
        do_business(bank, &journal, 1, 9);
        int64_t yen = balance_of(bank);
        ck_assert_int_eq(yen, OPENING_YEN - 5 * 1216);
        struct bank_request request = request_of(10); /* decided, appended, never flushed: never answered */
        struct bank_record record;
        bank_request(bank, &request, &record);
        bank_journal_append(&journal, &record);
        bank_journal_close(&journal);

        open_journal(&again, reborn);
        ck_assert_uint_eq(again.records, 13);
        ck_assert_int_eq(again.torn_bytes, 0);
        ck_assert_int_eq(balance_of(reborn), yen);
        request = request_of(3);
        ck_assert_int_eq(bank_request(reborn, &request, &record), BANK_REPEAT);
        request = request_of(10);
        ck_assert_int_eq(bank_request(reborn, &request, &record), BANK_NEW);
        bank_journal_append(&again, &record);
        ck_assert(bank_journal_flush(&again));
        bank_journal_close(&again);
        bank_free(bank);
        bank_free(reborn);
}
END_TEST

START_TEST(a_journal_cut_anywhere_keeps_its_whole_lines_and_goes_on)
{
        static char whole[16384];
        struct bank_journal journal;
        struct bank *bank = bank_with_money("BANKA");
        open_journal(&journal, bank);
        do_business(bank, &journal, 1, 4);
        bank_journal_close(&journal);
        bank_free(bank);
        size_t length = file_read(whole, sizeof(whole));
        for (size_t cut = 0; cut <= length; cut++) {
                size_t lines = 0, kept = 0;
                for (size_t i = 0; i < cut; i++) {
                        if (whole[i] == '\n') {
                                lines++;
                                kept = i + 1;
                        }
                }
                file_write(whole, cut);
                bank = bank_with_money("BANKA");
                open_journal(&journal, bank);
                ck_assert_uint_eq(journal.records, lines > 0 ? lines - 1 : 0);
                ck_assert_int_eq(journal.torn_bytes, (int64_t)(cut - kept));
                do_business(bank, &journal, 100, 101);
                int64_t yen = balance_of(bank);
                bank_journal_close(&journal);
                bank_free(bank);
                bank = bank_with_money("BANKA");
                open_journal(&journal, bank);
                ck_assert_int_eq(journal.torn_bytes, 0);
                ck_assert_int_eq(balance_of(bank), yen);
                bank_journal_close(&journal);
                bank_free(bank);
        }
}
END_TEST

START_TEST(blocks_that_were_never_written_are_a_torn_end)
{
        static char bytes[16384];
        struct bank_journal journal;
        struct bank *bank = bank_with_money("BANKA");
        open_journal(&journal, bank);
        do_business(bank, &journal, 1, 4);
        int64_t yen = balance_of(bank);
        bank_journal_close(&journal);
        bank_free(bank);
        size_t length = file_read(bytes, sizeof(bytes));
        memset(bytes + length, 0, 5000);
        memcpy(bytes + length + 5000, "end of a line\n", 14);
        file_write(bytes, length + 5014);
        bank = bank_with_money("BANKA");
        open_journal(&journal, bank);
        ck_assert_int_eq(journal.torn_bytes, 5014);
        ck_assert_int_eq(balance_of(bank), yen);
        bank_journal_close(&journal);
        bank_free(bank);
}
END_TEST

static void refuses(const char *name, const char *with_mark, const char *why)
{
        struct bank_journal journal;
        char error[BANK_JOURNAL_ERROR_MAX] = "";
        struct bank *bank = bank_with_money(name);
        ck_assert(!bank_journal_open(&journal, path, bank, with_mark, error));
        ck_assert_msg(strstr(error, why), "wanted \"%s\", got \"%s\"", why, error);
        bank_free(bank);
}

START_TEST(damage_before_the_end_is_named_and_nothing_starts)
{
        static char whole[16384], bytes[16384];
        struct bank_journal journal;
        struct bank *bank = bank_with_money("BANKA");
        open_journal(&journal, bank);
        do_business(bank, &journal, 1, 4);
        bank_journal_close(&journal);
        bank_free(bank);
        size_t length = file_read(whole, sizeof(whole));
        const char *second = strchr(whole, '\n') + 1, *third = strchr(second, '\n') + 1;

        memcpy(bytes, whole, length);
        *strstr(bytes, " 1000 ") = '1'; /* line 2 */
        file_write(bytes, length);
        refuses("BANKA", mark, "BANKA.journal:2: the checksum is");

        size_t head = (size_t)(second - whole), gone = (size_t)(third - second); /* line 2 taken out */
        memcpy(bytes, whole, head);
        memcpy(bytes + head, third, length - head - gone);
        file_write(bytes, length - gone);
        refuses("BANKA", mark, "BANKA.journal:2: the balance is not");

        memcpy(bytes, whole, length); /* line 2 twice */
        memcpy(bytes + length, second, gone);
        file_write(bytes, length + gone);
        refuses("BANKA", mark, "an earlier line");

        file_write("hello\n", 6);
        refuses("BANKA", mark, "BANKA.journal:1: no journal of banksim");

        memset(bytes, 'x', 4096);
        memcpy(bytes, whole, head);
        file_write(bytes, 4096);
        refuses("BANKA", mark, "BANKA.journal:2: longer than any record");

        file_write(whole, length);
        refuses("BANKB", mark, "the journal of another bank");
        refuses("BANKA", "ffffffff", "another token key");
}
END_TEST

START_TEST(two_do_not_write_one_journal)
{
        struct bank_journal journal;
        struct bank *bank = bank_with_money("BANKA");
        open_journal(&journal, bank);
        refuses("BANKA", mark, "another banksim writes it");
        bank_journal_close(&journal);
        bank_free(bank);
}
END_TEST

START_TEST(a_journal_that_can_not_be_is_named)
{
        snprintf(path, sizeof(path), "%s/no/such/folder/BANKA.journal", folder);
        refuses("BANKA", mark, "No such file or directory");
}
END_TEST

static const char *count_record(const char *bank, const struct bank_record *record, void *context)
{
        (void)bank, (void)record;
        ++*(int *)context;
        return NULL;
}

static int damaged;

static bool note_damage(const char *file, uint64_t line, const char *why, void *context)
{
        (void)context;
        ck_assert_str_eq(file, path);
        ck_assert_uint_eq(line, 3);
        ck_assert_msg(strstr(why, "checksum"), "%s", why);
        damaged++;
        return true;
}

START_TEST(a_reader_hears_of_damage_and_goes_on)
{
        static char bytes[16384];
        struct bank_journal journal;
        struct bank_journal_found found;
        char error[BANK_JOURNAL_ERROR_MAX] = "";
        struct bank *bank = bank_with_money("BANKA");
        int count = 0;
        const struct bank_journal_reader reader = {
            .on_record = count_record, .on_damage = note_damage, .context = &count};
        open_journal(&journal, bank);
        do_business(bank, &journal, 1, 4);
        bank_journal_close(&journal);
        bank_free(bank);
        size_t length = file_read(bytes, sizeof(bytes));
        char *third = strchr(strchr(bytes, '\n') + 1, '\n') + 1;
        third[20] ^= 1;
        file_write(bytes, length);
        damaged = 0;
        ck_assert_msg(bank_journal_read(path, &reader, &found, error), "%s", error);
        ck_assert_int_eq(count, 5);
        ck_assert_int_eq(damaged, 1);
        ck_assert_str_eq(found.bank, "BANKA");
        ck_assert_str_eq(found.mark, mark);
        ck_assert_uint_eq(found.records, 5);
        unlink(path);
        ck_assert(!bank_journal_read(path, &reader, &found, error));
        ck_assert_msg(strstr(error, path), "%s", error);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_journal");
        TCase *tcase = tcase_create("bank_journal");
        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, a_record_is_the_same_after_its_line, 0,
                            (int)(sizeof(samples) / sizeof(samples[0])));
        tcase_add_test(tcase, a_line_that_is_documented_is_what_is_written);
        tcase_add_test(tcase, every_changed_byte_of_a_line_is_noticed);
        tcase_add_test(tcase, what_was_flushed_is_there_after_a_kill);
        tcase_add_test(tcase, a_journal_cut_anywhere_keeps_its_whole_lines_and_goes_on);
        tcase_add_test(tcase, blocks_that_were_never_written_are_a_torn_end);
        tcase_add_test(tcase, damage_before_the_end_is_named_and_nothing_starts);
        tcase_add_test(tcase, two_do_not_write_one_journal);
        tcase_add_test(tcase, a_journal_that_can_not_be_is_named);
        tcase_add_test(tcase, a_reader_hears_of_damage_and_goes_on);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
