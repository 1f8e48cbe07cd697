/*
 * Protects backoffice/journals/journal.c and dispenser.c: what was written is read again, every change of a byte
 * and every cut is noticed, counters survive a torn copy.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backoffice/journals/dispenser.h"
#include "backoffice/journals/journal.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char folder[64];

static void make_folder(void)
{
        strcpy(folder, "/tmp/atmsim-test.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
        static const char *const names[] = {"lock", "dispensers", "atmsim-000001.journal",
                                            "atmsim-000002.journal"};

        for (size_t i = 0; i < COUNT(names); i++) {
                char path[128];

                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                unlink(path);
        }
        ck_assert_int_eq(rmdir(folder), 0);
}

#define IDENTITY .terminal = "T0000001", .stan = 123, .transmitted_ms = 1483056000000

static const struct {
        struct journal_record record;
        const char *text; /* without its checksum */
} lines[] = {
    {{.kind = JOURNAL_REQUEST,
      IDENTITY,
      .amount_yen = 30000,
      .token = {0x1f, 0, 0xff},
      .mask = "990001******1234",
      .charge_yen = -1},
     "Q T0000001 000123 20161230000000 30000 1f00ff00000000000000000000000000 990001******1234"},
    {{.kind = JOURNAL_INQUIRY, IDENTITY, .token = {1}, .mask = "990001******1234", .charge_yen = -1},
     "B T0000001 000123 20161230000000 01000000000000000000000000000000 990001******1234"},
    {{.kind = JOURNAL_ANSWER,
      IDENTITY,
      .de39 = "00",
      .charge_yen = 108,
      .rrn = "636509000123",
      .approval = "ABC234"},
     "A T0000001 000123 20161230000000 00 108 636509000123 ABC234"},
    {{.kind = JOURNAL_ANSWER, IDENTITY, .de39 = "61", .charge_yen = -1},
     "A T0000001 000123 20161230000000 61 - - -"},
    {{.kind = JOURNAL_ADVICE,
      IDENTITY,
      .dispensed_yen = 30000,
      .original_stan = 122,
      .original_ms = 1483055999000,
      .charge_yen = -1},
     "V T0000001 000123 20161230000000 0220 - 30000 000122 20161229235959"},
    {{.kind = JOURNAL_ADVICE,
      IDENTITY,
      .reversal = true,
      .why = "68",
      .original_stan = 122,
      .original_ms = 1483055999000,
      .charge_yen = -1},
     "V T0000001 000123 20161230000000 0420 68 0 000122 20161229235959"},
    {{.kind = JOURNAL_ACKNOWLEDGED,
      IDENTITY,
      .original_stan = 122,
      .original_ms = 1483055999000,
      .charge_yen = -1},
     "K T0000001 000123 20161230000000 000122 20161229235959"},
};

START_TEST(each_kind_of_record_has_its_line)
{
        char buffer[JOURNAL_LINE_MAX];
        size_t length = journal_print(&lines[_i].record, buffer);
        struct journal_record again;

        ck_assert_uint_eq(length, strlen(lines[_i].text) + 9);
        ck_assert_mem_eq(buffer, lines[_i].text, strlen(lines[_i].text));
        ck_assert_ptr_null(journal_parse(buffer, length, &again));
        ck_assert_int_eq(again.kind, lines[_i].record.kind);
        ck_assert_str_eq(again.terminal, lines[_i].record.terminal);
        ck_assert_int_eq(again.stan, lines[_i].record.stan);
        ck_assert_int_eq(again.transmitted_ms, lines[_i].record.transmitted_ms);
        ck_assert_int_eq(again.amount_yen, lines[_i].record.amount_yen);
        ck_assert_mem_eq(again.token, lines[_i].record.token, TOKEN_LENGTH);
        ck_assert_str_eq(again.mask, lines[_i].record.mask);
        ck_assert_str_eq(again.de39, lines[_i].record.de39);
        ck_assert_int_eq(again.charge_yen, lines[_i].record.charge_yen);
        ck_assert_str_eq(again.rrn, lines[_i].record.rrn);
        ck_assert_str_eq(again.approval, lines[_i].record.approval);
        ck_assert_int_eq(again.reversal, lines[_i].record.reversal);
        ck_assert_str_eq(again.why, lines[_i].record.why);
        ck_assert_int_eq(again.dispensed_yen, lines[_i].record.dispensed_yen);
        ck_assert_int_eq(again.original_stan, lines[_i].record.original_stan);
        ck_assert_int_eq(again.original_ms, lines[_i].record.original_ms);
}
END_TEST

START_TEST(every_changed_byte_and_every_cut_is_noticed)
{
        char buffer[JOURNAL_LINE_MAX];
        size_t length = journal_print(&lines[_i].record, buffer);
        struct journal_record again;

        for (size_t at = 0; at < length; at++) {
                for (int bit = 0; bit < 8; bit++) {
                        buffer[at] = (char)(buffer[at] ^ (1 << bit));
                        ck_assert_ptr_nonnull(journal_parse(buffer, length, &again));
                        buffer[at] = (char)(buffer[at] ^ (1 << bit));
                }
                ck_assert_ptr_nonnull(journal_parse(buffer, at, &again));
        }
}
END_TEST

/* CRC-32 of ISO 3309, bit by bit: the other implementation. */
static uint32_t plain_crc(const char *text)
{
        uint32_t crc = 0xffffffffu;

        for (; *text; text++) {
                crc ^= (uint8_t)*text;
                for (int i = 0; i < 8; i++)
                        crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
        }
        return ~crc;
}

/* Lines whose checksum is right, but that no ATM would write. */
static const char *const nonsense[] = {
    "",
    "Q",
    "Z T0000001 000123 20161230000000 30000",
    "K T000001 000123 20161230000000 000122 20161229235959",
    "K T0000001 0123 20161230000000 000122 20161229235959",
    "K T0000001 00012x 20161230000000 000122 20161229235959",
    "K T0000001 000123 20161330000000 000122 20161229235959",
    "K T0000001 000123 20161230240000 000122 20161229235959",
    "K T0000001 000123 20161230000000 000122",
    "K T0000001 000123 20161230000000 000122 20161229235959 more",
    "V T0000001 000123 20161230000000 0200 - 30000 000122 20161229235959",
    "V T0000001 000123 20161230000000 0220 - -5 000122 20161229235959",
    "V T0000001 000123 20161230000000 0220 688 5 000122 20161229235959",
    "Q T0000001 000123 20161230000000 - 1f00ff00000000000000000000000000 990001******1234",
    "Q T0000001 000123 20161230000000 30000 1f00ff0000000000000000000000000g 990001******1234",
    "Q T0000001 000123 20161230000000 30000 1f00ff 990001******1234",
    "Q T0000001 000123 20161230000000 30000 1f00ff00000000000000000000000000 990001************1234",
    "A T0000001 000123 20161230000000 000 108 636509000123 ABC234",
    "A T0000001 000123 20161230000000 00 99999999999999999999 636509000123 ABC234",
};

START_TEST(a_line_that_is_no_record_is_refused_in_spite_of_its_checksum)
{
        char line[JOURNAL_LINE_MAX];
        struct journal_record record;

        snprintf(line, sizeof(line), "%s %08x", nonsense[_i], plain_crc(nonsense[_i]));
        ck_assert_ptr_nonnull(journal_parse(line, strlen(line), &record));
}
END_TEST

START_TEST(the_checksum_is_that_of_iso_3309)
{
        char buffer[JOURNAL_LINE_MAX + 1], expected[16];
        size_t length = journal_print(&lines[_i].record, buffer);

        buffer[length] = '\0';
        snprintf(expected, sizeof(expected), "%08x", plain_crc(lines[_i].text));
        ck_assert_str_eq(buffer + length - 8, expected);
}
END_TEST

struct seen {
        int records, damages;
        uint64_t damaged_line;
        int32_t last_stan;
};

static void on_record(const struct journal_record *record, void *context)
{
        ((struct seen *)context)->records++;
        ((struct seen *)context)->last_stan = record->stan;
}

static void on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        (void)path;
        ck_assert_ptr_nonnull(why);
        ((struct seen *)context)->damages++;
        ((struct seen *)context)->damaged_line = line;
}

static struct seen read_file(int number, int64_t offset, const char *terminal)
{
        struct seen seen = {0};
        struct journal_reader reader = {
            .on_record = on_record, .on_damage = on_damage, .context = &seen, .only_terminal = terminal};
        char path[JOURNAL_PATH_MAX], error[JOURNAL_ERROR_MAX];

        journal_path(folder, number, path);
        ck_assert_msg(journal_read(path, offset, &reader, error), "%s", error);
        return seen;
}

/* A journal of `count` records of two ATMs in turn; the offset of the record at `mark`. */
static int64_t write_file(int count, int mark)
{
        char error[JOURNAL_ERROR_MAX];
        struct journal journal;
        int64_t marked = 0;

        ck_assert_msg(journal_open(&journal, folder, error), "%s", error);
        for (int i = 0; i < count; i++) {
                struct journal_record record = lines[0].record;
                int64_t at;

                record.stan = i + 1;
                record.terminal[7] = i % 2 ? '1' : '2';
                at = journal_append(&journal, &record);
                if (i == mark)
                        marked = at;
                if (i % 100 == 0)
                        ck_assert(journal_flush(&journal, i % 200 == 0));
        }
        ck_assert(journal_close(&journal));
        return marked;
}

START_TEST(a_journal_is_read_whole_from_an_offset_and_for_one_atm)
{
        int64_t offset = write_file(10000, 7000); /* several buffers long */
        struct seen all = read_file(1, 0, NULL), later = read_file(1, offset, NULL),
                    one = read_file(1, offset, "T0000001");

        ck_assert_int_eq(all.records, 10000);
        ck_assert_int_eq(all.last_stan, 10000);
        ck_assert_int_eq(later.records, 3000);
        ck_assert_int_eq(one.records, 1500);
        ck_assert_int_eq(all.damages + later.damages + one.damages, 0);
}
END_TEST

START_TEST(each_process_writes_a_file_of_its_own)
{
        write_file(3, 0);
        write_file(5, 0);
        ck_assert_int_eq(journal_last(folder), 2);
        ck_assert_int_eq(read_file(1, 0, NULL).records, 3);
        ck_assert_int_eq(read_file(2, 0, NULL).records, 5);
        ck_assert_int_eq(read_file(3, 0, NULL).records, 0); /* not there: empty */
}
END_TEST

START_TEST(a_torn_last_line_is_no_damage_wherever_it_was_torn)
{
        char path[JOURNAL_PATH_MAX];
        struct stat status;
        off_t line = 17 + 97 * 2; /* the header and two lines */

        write_file(3, 0);
        journal_path(folder, 1, path);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_gt(status.st_size, line);
        for (off_t size = status.st_size - 1; size >= 0; size--) {
                struct seen seen;

                ck_assert_int_eq(truncate(path, size), 0);
                seen = read_file(1, 0, NULL);
                ck_assert_int_eq(seen.damages, 0);
                ck_assert_int_lt(seen.records, 3);
        }
}
END_TEST

START_TEST(an_altered_line_is_named_by_its_number)
{
        char path[JOURNAL_PATH_MAX];
        struct seen seen;
        FILE *file;

        write_file(3, 0);
        journal_path(folder, 1, path);
        file = fopen(path, "r+");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, 17 + 35, SEEK_SET), 0);
        fputc('9', file);
        fclose(file);
        seen = read_file(1, 0, NULL);
        ck_assert_int_eq(seen.damages, 1);
        ck_assert_uint_eq(seen.damaged_line, 2); /* the header is line 1 */
        ck_assert_int_eq(seen.records, 2);
}
END_TEST

START_TEST(a_file_of_another_kind_is_refused)
{
        struct journal_reader reader = {.on_record = on_record, .on_damage = on_damage};
        char path[JOURNAL_PATH_MAX], error[JOURNAL_ERROR_MAX] = "";
        FILE *file;

        journal_path(folder, 1, path);
        file = fopen(path, "w");
        fputs("terminal,stan\nT0000001,000123\n", file);
        fclose(file);
        ck_assert(!journal_read(path, 0, &reader, error));
        ck_assert_ptr_nonnull(strstr(error, ":1: 'atmsim journal 1' is expected"));
}
END_TEST

START_TEST(one_writer_at_a_time_uses_a_folder)
{
        char error[JOURNAL_ERROR_MAX];
        int first = journal_lock(folder, true, error), readers;

        ck_assert_int_ge(first, 0);
        ck_assert_int_eq(journal_lock(folder, true, error), -1);
        ck_assert_ptr_nonnull(strstr(error, "another atmsim"));
        ck_assert_int_eq(journal_lock(folder, false, error), -1);
        close(first);
        readers = journal_lock(folder, false, error);
        first = journal_lock(folder, false, error);
        ck_assert_int_ge(readers, 0);
        ck_assert_int_ge(first, 0);
        close(readers);
        close(first);
}
END_TEST

/* dispensers ----------------------------------------------------------------------------------------- */

static struct dispensers *open_dispensers(void)
{
        char error[DISPENSER_ERROR_MAX];
        struct dispensers *d = dispensers_open(folder, true, error);

        ck_assert_msg(d != NULL, "%s", error);
        return d;
}

START_TEST(counters_are_there_after_a_restart)
{
        struct dispensers *d = open_dispensers();
        const struct dispenser_counters *c;
        int slot = -1;

        for (int i = 0; i < 600; i++) { /* the file grows */
                char name[16];

                snprintf(name, sizeof(name), "T%07d", i);
                slot = dispensers_find_or_add(d, name);
                ck_assert_int_eq(slot, i);
        }
        dispensers_pay(d, 599, 41, 8000, 13000);
        dispensers_pay(d, 599, 43, 9000, 5000);
        ck_assert(dispensers_sync(d));
        dispensers_close(d);
        d = open_dispensers();
        ck_assert_uint_eq(dispensers_count(d), 600);
        slot = dispensers_find_or_add(d, "T0000599");
        ck_assert_int_eq(slot, 599);
        c = dispensers_counters(d, slot);
        ck_assert_int_eq(c->total_yen, 18000);
        ck_assert_int_eq(c->withdrawals, 2);
        ck_assert_int_eq(c->dispensed[NOTE_10000], 1);
        ck_assert_int_eq(c->dispensed[NOTE_1000], 8);
        ck_assert_int_eq(c->loaded[NOTE_1000], DISPENSER_CASSETTE_NOTES - 8);
        ck_assert_int_eq(dispensers_paid_yen(d, slot, 43, 9000), 5000);
        ck_assert_int_eq(dispensers_paid_yen(d, slot, 41, 8000), -1); /* it knows its last */
        ck_assert_int_eq(dispensers_paid_yen(d, slot, 43, 8000), -1);
        dispensers_take_back(d, slot, 3000);
        ck_assert_int_eq(dispensers_paid_yen(d, slot, 43, 9000), 2000);
        ck_assert_int_eq(dispensers_counters(d, slot)->total_yen, 15000);
        dispensers_take_back(d, slot, 2000);
        ck_assert_int_eq(dispensers_paid_yen(d, slot, 43, 9000), 0);
        dispensers_close(d);
}
END_TEST

START_TEST(a_torn_copy_leaves_the_counters_before_it)
{
        struct dispensers *d = open_dispensers();
        char path[128];
        int fd, slot = dispensers_find_or_add(d, "T0000001");

        dispensers_pay(d, slot, 1, 1000, 10000);
        dispensers_pay(d, slot, 2, 2000, 20000);
        dispensers_close(d);
        snprintf(path, sizeof(path), "%s/dispensers", folder);
        fd = open(path, O_RDWR);
        ck_assert_int_ge(fd, 0);
        for (int copy = 0; copy < 2; copy++) {
                struct dispenser_counters c;
                off_t at = 256 + copy * (off_t)sizeof(c);

                ck_assert_int_eq(pread(fd, &c, sizeof(c), at), sizeof(c));
                if (c.last_stan != 2)
                        continue;
                c.total_yen++; /* half written */
                ck_assert_int_eq(pwrite(fd, &c, sizeof(c), at), sizeof(c));
        }
        close(fd);
        d = open_dispensers();
        ck_assert_int_eq(dispensers_counters(d, slot)->total_yen, 10000);
        ck_assert_int_eq(dispensers_counters(d, slot)->last_stan, 1);
        dispensers_close(d);
}
END_TEST

START_TEST(an_empty_cassette_is_replenished)
{
        struct dispensers *d = open_dispensers();
        int slot = dispensers_find_or_add(d, "T0000001");

        for (int i = 0; i < DISPENSER_CASSETTE_NOTES / 9; i++)
                dispensers_pay(d, slot, i + 1, 1000 * i, 9000);
        ck_assert_int_eq(dispensers_counters(d, slot)->replenished, 0);
        dispensers_pay(d, slot, 999, 999, 9000);
        ck_assert_int_eq(dispensers_counters(d, slot)->replenished, 1);
        ck_assert_int_eq(dispensers_counters(d, slot)->loaded[NOTE_1000], DISPENSER_CASSETTE_NOTES - 9);
        ck_assert_int_eq(dispensers_counters(d, slot)->total_yen, (DISPENSER_CASSETTE_NOTES / 9 + 1) * 9000);
        dispensers_close(d);
}
END_TEST

START_TEST(a_file_that_is_no_dispensers_is_refused)
{
        char path[128], error[DISPENSER_ERROR_MAX] = "";
        FILE *file;

        snprintf(path, sizeof(path), "%s/dispensers", folder);
        file = fopen(path, "w");
        fputs("hello", file);
        fclose(file);
        ck_assert_ptr_null(dispensers_open(folder, true, error));
        ck_assert_ptr_nonnull(strstr(error, "not a file of dispenser counters"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("journal");
        TCase *line = tcase_create("line"), *file = tcase_create("file");

        tcase_add_loop_test(line, each_kind_of_record_has_its_line, 0, (int)COUNT(lines));
        tcase_add_loop_test(line, every_changed_byte_and_every_cut_is_noticed, 0, (int)COUNT(lines));
        tcase_add_loop_test(line, a_line_that_is_no_record_is_refused_in_spite_of_its_checksum, 0,
                            (int)COUNT(nonsense));
        tcase_add_loop_test(line, the_checksum_is_that_of_iso_3309, 0, (int)COUNT(lines));
        suite_add_tcase(suite, line);
        tcase_add_checked_fixture(file, make_folder, remove_folder);
        tcase_add_test(file, a_journal_is_read_whole_from_an_offset_and_for_one_atm);
        tcase_add_test(file, each_process_writes_a_file_of_its_own);
        tcase_add_test(file, a_torn_last_line_is_no_damage_wherever_it_was_torn);
        tcase_add_test(file, an_altered_line_is_named_by_its_number);
        tcase_add_test(file, a_file_of_another_kind_is_refused);
        tcase_add_test(file, one_writer_at_a_time_uses_a_folder);
        tcase_add_test(file, counters_are_there_after_a_restart);
        tcase_add_test(file, a_torn_copy_leaves_the_counters_before_it);
        tcase_add_test(file, an_empty_cassette_is_replenished);
        tcase_add_test(file, a_file_that_is_no_dispensers_is_refused);
        suite_add_tcase(suite, file);
        return suite_run(suite);
}
