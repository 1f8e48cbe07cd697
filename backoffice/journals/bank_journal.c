/* Lines of a bank's journal and the way back: see bank_journal.h. */
#include "backoffice/journals/bank_journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/journals/seal.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"
#include "rules/calendar.h"

#define HEADER "banksim journal 1 "

enum { READ_ROOM = 1 << 18, WORDS = 18 };

const char *const bank_kind_name[BANK_KIND_COUNT] = {
    [BANK_WITHDRAWAL] = "withdrawal", [BANK_INQUIRY] = "inquiry",   [BANK_COMPLETION] = "completion",
    [BANK_PARTIAL] = "partial",       [BANK_REVERSAL] = "reversal", [BANK_CUTOVER] = "cutover",
};

/* ---- printing ------------------------------------------------------------------------------------------ */

static size_t seal(char *line, size_t length)
{
        length = seal_put(line, length);
        line[length] = '\0';
        return length;
}

static const char *or_dash(const char *text)
{
        return *text ? text : "-";
}

static void print_moment(int64_t moment_ms, char buffer[32])
{
        struct civil utc;
        calendar_utc(moment_ms, &utc);
        snprintf(buffer, 32, "%04d%02d%02d%02d%02d%02d", utc.year % 10000, utc.month, utc.day, utc.hour,
                 utc.minute, utc.second);
}

static const char *note_of(const struct bank_record *record)
{
        static const char *const notes[2][3] = {{"-", "exception", "refused"},
                                                {"script", "exception+script", "refused+script"}};
        return notes[record->reported][record->refused ? 2 : record->exception];
}

static void print_token(const struct bank_record *record, char buffer[2 * TOKEN_LENGTH + 1])
{
        if (!record->has_card) {
                strcpy(buffer, "-");
                return;
        }
        hex_print(record->token, TOKEN_LENGTH, buffer);
}

size_t bank_journal_print(const char *bank, const struct bank_record *record,
                          char buffer[BANK_JOURNAL_LINE_MAX])
{
        char moment[32], day[11], token[2 * TOKEN_LENGTH + 1], balance[24] = "-";
        print_moment(record->identity.transmitted_ms, moment);
        calendar_print_day(record->settlement_day, day);
        print_token(record, token);
        if (record->balance_yen >= 0)
                snprintf(balance, sizeof(balance), "%" PRId64, record->balance_yen);
        int length = snprintf(buffer, BANK_JOURNAL_LINE_MAX,
                              "%s %s %s %06" PRId32 " %s %s %06" PRId32 " %" PRId64 " %" PRId64 " %" PRId64
                              " %s %s %s %" PRId64 " %s %s %s %s",
                              bank_kind_name[record->kind], bank, or_dash(record->identity.terminal),
                              record->identity.stan, moment, or_dash(record->rrn), record->processing_code,
                              record->amount_yen, record->charge_yen, record->dispensed_yen,
                              or_dash(record->de39), or_dash(record->approval), day, record->moved_yen,
                              balance, note_of(record), token, or_dash(record->mask));
        assert(length > 0 && length < BANK_JOURNAL_LINE_MAX - SEAL_LENGTH - 1);
        return seal(buffer, (size_t)length);
}

size_t bank_journal_print_header(const char *bank, const char *mark, char buffer[BANK_JOURNAL_LINE_MAX])
{
        int length = snprintf(buffer, BANK_JOURNAL_LINE_MAX, HEADER "%s %s", bank, mark);

        assert(length > 0 && length < BANK_JOURNAL_LINE_MAX - SEAL_LENGTH - 1);
        return seal(buffer, (size_t)length);
}

/* ---- parsing ------------------------------------------------------------------------------------------- */

/* Words of a line, each NUL-terminated in a copy. False: not so many. */
static bool split(char *line, char *word[WORDS])
{
        for (int i = 0; i < WORDS; i++) {
                char *blank = strchr(line, ' ');
                if (*line == '\0' || *line == ' ' || !blank != (i == WORDS - 1))
                        return false;
                word[i] = line;
                if (blank)
                        *blank = '\0';
                line = blank ? blank + 1 : line;
        }
        return true;
}

static bool text_of(const char *word, char *buffer, size_t size)
{
        if (strcmp(word, "-") == 0)
                word = "";
        if (strlen(word) >= size)
                return false;
        strcpy(buffer, word);
        return true;
}

static bool digits_of(const char *word, size_t least, size_t most, int64_t *ret_value)
{
        size_t length = strlen(word);
        return length >= least && length <= most && number_parse_bytes(word, length, 0, INT64_MAX, ret_value);
}

static bool yen_of(const char *word, int64_t *ret_yen)
{
        return digits_of(word, 1, 13, ret_yen) && *ret_yen <= 2 * BANK_YEN_MAX;
}

static bool signed_yen_of(const char *word, int64_t *ret_yen)
{
        int64_t yen;
        if (!yen_of(word + (*word == '-'), &yen))
                return false;
        *ret_yen = *word == '-' ? -yen : yen;
        return true;
}

static bool kind_of(const char *word, enum bank_kind *ret_kind)
{
        for (int i = 0; i < BANK_KIND_COUNT; i++) {
                if (strcmp(word, bank_kind_name[i]) == 0) {
                        *ret_kind = (enum bank_kind)i;
                        return true;
                }
        }
        return false;
}

static bool moment_of(const char *word, int64_t *ret_ms)
{
        static const size_t width[] = {4, 2, 2, 2, 2, 2};
        int part[6];
        char again[32];
        const char *at = word;
        if (strlen(word) != 14 || strspn(word, "0123456789") != 14)
                return false;
        for (int i = 0; i < 6; at += width[i++])
                part[i] = (int)number_known_bytes(at, width[i]);
        if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31)
                return false;
        int64_t ms = calendar_from_utc(part[0], part[1], part[2], part[3], part[4], part[5]);
        print_moment(ms, again);
        if (strcmp(again, word) != 0)
                return false;
        *ret_ms = ms;
        return true;
}

static bool token_of(const char *word, struct bank_record *record)
{
        record->has_card = strcmp(word, "-") != 0;
        if (!record->has_card)
                return true;
        return strlen(word) == 2 * TOKEN_LENGTH && hex_parse(word, record->token, TOKEN_LENGTH);
}

static const char *take_words(char *word[WORDS], struct bank_record *record)
{
        int64_t stan, code;
        if (!kind_of(word[0], &record->kind))
                return "column 1 is no kind of record";
        if (!text_of(word[2], record->identity.terminal, sizeof(record->identity.terminal)))
                return "column 3 is no terminal";
        if (!digits_of(word[3], 6, 6, &stan))
                return "column 4 is no STAN";
        if (!moment_of(word[4], &record->identity.transmitted_ms))
                return "column 5 is no moment";
        if (!text_of(word[5], record->rrn, sizeof(record->rrn)))
                return "column 6 is no RRN";
        if (!digits_of(word[6], 6, 6, &code))
                return "column 7 is no processing code";
        if (!yen_of(word[7], &record->amount_yen) || !yen_of(word[8], &record->charge_yen) ||
            !yen_of(word[9], &record->dispensed_yen))
                return "columns 8 to 10 are not amounts";
        if (!text_of(word[10], record->de39, sizeof(record->de39)) ||
            !text_of(word[11], record->approval, sizeof(record->approval)))
                return "columns 11 and 12 are no answer";
        if (!calendar_parse_day(word[12], &record->settlement_day))
                return "column 13 is no date";
        record->balance_yen = -1;
        if (!signed_yen_of(word[13], &record->moved_yen) ||
            (strcmp(word[14], "-") != 0 && !yen_of(word[14], &record->balance_yen)))
                return "columns 14 and 15 are not amounts";
        record->exception = strncmp(word[15], "exception", 9) == 0;
        record->refused = strncmp(word[15], "refused", 7) == 0;
        record->reported = strstr(word[15], "script");
        if (strcmp(word[15], note_of(record)) != 0)
                return "column 16 is no note";
        if (!token_of(word[16], record) || !text_of(word[17], record->mask, sizeof(record->mask)))
                return "columns 17 and 18 are no card";
        record->identity.stan = (int32_t)stan;
        record->processing_code = (int32_t)code;
        return NULL;
}

const char *bank_journal_parse(const char *line, size_t length, char ret_bank[BANK_NAME_MAX + 1],
                               struct bank_record *ret_record)
{
        char copy[BANK_JOURNAL_LINE_MAX], *word[WORDS];
        struct bank_record record = {0};
        size_t body;
        const char *why = seal_check(line, length, &body);
        if (why)
                return why;
        if (body >= sizeof(copy) || memchr(line, '\0', body))
                return "longer than any record";
        memcpy(copy, line, body);
        copy[body] = '\0';
        if (!split(copy, word))
                return "not the 18 columns of a record";
        if (strlen(word[1]) > BANK_NAME_MAX)
                return "column 2 is no bank";
        why = take_words(word, &record);
        if (why)
                return why;
        strcpy(ret_bank, word[1]);
        *ret_record = record;
        return NULL;
}

/* ---- reading a file ------------------------------------------------------------------------------------ */

bool bank_journal_fail(char error[BANK_JOURNAL_ERROR_MAX], const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error, BANK_JOURNAL_ERROR_MAX, format, arguments);
        va_end(arguments);
        return false;
}

/* "banksim journal 1 BANKA 0123abcd CRC" */
static bool take_header(const char *line, size_t length, struct bank_journal_found *found)
{
        size_t body, start = sizeof(HEADER) - 1;
        char copy[64], extra;
        if (seal_check(line, length, &body) || body <= start || body - start >= sizeof(copy) ||
            memcmp(line, HEADER, start) != 0)
                return false;
        memcpy(copy, line + start, body - start);
        copy[body - start] = '\0';
        return sscanf(copy, "%11s %8s%c", found->bank, found->mark, &extra) == 2 &&
               strlen(found->mark) == BANK_JOURNAL_MARK_LENGTH;
}

struct scan {
        const char *path;
        const struct bank_journal_reader *reader;
        struct bank_journal_found *found;
        uint64_t line;
        bool at_tail; /* zero bytes: blocks that the file system had not written when the power went */
        char *error;
};

static bool take_first_line(struct scan *scan, const char *line, size_t length)
{
        const struct bank_journal_reader *reader = scan->reader;
        if (!take_header(line, length, scan->found))
                return bank_journal_fail(
                    scan->error,
                    "%.400s:1: no journal of banksim, or one of another version; expected '%s...'",
                    scan->path, HEADER);
        const char *why = reader->on_header ? reader->on_header(scan->found, reader->context) : NULL;
        return !why || bank_journal_fail(scan->error, "%.400s:1: %s", scan->path, why);
}

/* False: no more of it. */
static bool take_line(struct scan *scan, const char *line, size_t length)
{
        const struct bank_journal_reader *reader = scan->reader;
        struct bank_record record;
        char bank[BANK_NAME_MAX + 1];
        if (++scan->line == 1)
                return take_first_line(scan, line, length);
        const char *why = bank_journal_parse(line, length, bank, &record);
        if (!why && strcmp(bank, scan->found->bank) != 0)
                why = "a record of another bank than the first line's";
        if (!why)
                why = reader->on_record(bank, &record, reader->context);
        if (!why)
                scan->found->records++;
        else if (!reader->on_damage(scan->path, scan->line, why, reader->context))
                return bank_journal_fail(scan->error, "%.400s:%" PRIu64 ": %s", scan->path, scan->line, why);
        return true;
}

/* The whole lines among these bytes; false: no more of them. */
static bool take_lines(struct scan *scan, const char *bytes, size_t length, size_t *ret_used)
{
        size_t used = 0;
        const char *end;
        while (used < length && (end = memchr(bytes + used, '\n', length - used))) {
                size_t size = (size_t)(end - (bytes + used));
                if (memchr(bytes + used, '\0', size))
                        break;
                if (scan->reader->on_line)
                        scan->reader->on_line(scan->found->whole_bytes + (int64_t)size + 1,
                                              scan->reader->context);
                if (!take_line(scan, bytes + used, size))
                        return false;
                used += size + 1;
                scan->found->whole_bytes += (int64_t)size + 1;
        }
        scan->at_tail = memchr(bytes + used, '\0', length - used);
        *ret_used = used;
        return true;
}

static ssize_t read_some(int fd, char *buffer, size_t room)
{
        ssize_t n;
        do
                n = read(fd, buffer, room);
        while (n < 0 && errno == EINTR);
        return n;
}

static bool scan_bytes(struct scan *scan, int fd, char *buffer)
{
        size_t kept = 0, used;
        ssize_t n = 0;
        while (!scan->at_tail && (n = read_some(fd, buffer + kept, READ_ROOM - kept)) > 0) {
                kept += (size_t)n;
                if (!take_lines(scan, buffer, kept, &used))
                        return false;
                kept -= used;
                memmove(buffer, buffer + used, kept);
                if (kept >= BANK_JOURNAL_LINE_MAX && !scan->at_tail)
                        return bank_journal_fail(scan->error, "%.400s:%" PRIu64 ": longer than any record",
                                                 scan->path, scan->line + 1);
        }
        off_t end = lseek(fd, 0, SEEK_END);
        if (n < 0 || end < 0)
                return bank_journal_fail(scan->error, "%.400s: %s", scan->path, strerror(errno));
        scan->found->torn_bytes = end - scan->found->whole_bytes;
        return true;
}

bool bank_journal_scan(const char *path, int fd, const struct bank_journal_reader *reader,
                       struct bank_journal_found *ret_found, char error[BANK_JOURNAL_ERROR_MAX])
{
        struct bank_journal_found found = {.records = 0};
        struct scan scan = {.path = path, .reader = reader, .found = &found, .error = error};
        char *buffer = malloc(READ_ROOM);
        bool good =
            buffer ? scan_bytes(&scan, fd, buffer) : bank_journal_fail(error, "%.400s: out of memory", path);
        free(buffer);
        if (good)
                *ret_found = found;
        return good;
}

bool bank_journal_read(const char *path, const struct bank_journal_reader *reader,
                       struct bank_journal_found *ret_found, char error[BANK_JOURNAL_ERROR_MAX])
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return bank_journal_fail(error, "%.400s: %s; expected a journal of banksim", path,
                                         strerror(errno));
        bool good = bank_journal_scan(path, fd, reader, ret_found, error);
        close(fd);
        return good;
}

int bank_journal_is(const struct dirent *file)
{
        size_t length = strlen(file->d_name), suffix = strlen(".journal");

        return file->d_name[0] != '.' && length > suffix &&
               !strcmp(file->d_name + length - suffix, ".journal");
}
