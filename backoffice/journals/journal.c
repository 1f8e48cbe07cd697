/*
 * Lines are formatted and parsed by hand: a record costs well under a microsecond, and the simulator shares
 * its processors with what it measures.
 */
#include "backoffice/journals/journal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backoffice/journals/seal.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"
#include "rules/calendar.h"

#define FILE_HEADER "atmsim journal 1\n"
#define NUMBER_MOST INT64_C(999999999999999999) /* a sum of some still has room */

enum { BUFFER_ROOM = 1 << 20, READ_ROOM = 1 << 18 };

/* writing a line ---------------------------------------------------------------------------------- */

struct pen {
        char *at;
};

static void put_text(struct pen *pen, const char *text)
{
        size_t length = strlen(text);

        *pen->at++ = ' ';
        if (length == 0) {
                *pen->at++ = '-';
                return;
        }
        memcpy(pen->at, text, length);
        pen->at += length;
}

static void put_digits(struct pen *pen, int64_t value, int digits)
{
        for (int i = digits - 1; i >= 0; i--) {
                pen->at[i] = (char)('0' + value % 10);
                value /= 10;
        }
        pen->at += digits;
}

static void put_number(struct pen *pen, int64_t value)
{
        int digits = 1;

        *pen->at++ = ' ';
        if (value < 0) {
                *pen->at++ = '-';
                return;
        }
        for (int64_t rest = value; rest >= 10; rest /= 10)
                digits++;
        put_digits(pen, value, digits);
}

static void put_identity(struct pen *pen, int32_t stan, int64_t moment_ms)
{
        struct civil utc;

        calendar_utc(moment_ms, &utc);
        *pen->at++ = ' ';
        put_digits(pen, stan, 6);
        *pen->at++ = ' ';
        put_digits(pen, utc.year, 4);
        put_digits(pen, utc.month, 2);
        put_digits(pen, utc.day, 2);
        put_digits(pen, utc.hour, 2);
        put_digits(pen, utc.minute, 2);
        put_digits(pen, utc.second, 2);
}

static void put_token(struct pen *pen, const uint8_t token[TOKEN_LENGTH])
{
        *pen->at++ = ' ';
        pen->at = hex_put(pen->at, token, TOKEN_LENGTH);
}

static void put_body(struct pen *pen, const struct journal_record *record)
{
        switch (record->kind) {
        case JOURNAL_REQUEST:
                put_number(pen, record->amount_yen);
                put_token(pen, record->token);
                put_text(pen, record->mask);
                return;
        case JOURNAL_INQUIRY:
                put_token(pen, record->token);
                put_text(pen, record->mask);
                return;
        case JOURNAL_ANSWER:
                put_text(pen, record->de39);
                put_number(pen, record->charge_yen);
                put_text(pen, record->rrn);
                put_text(pen, record->approval);
                return;
        case JOURNAL_ADVICE:
                put_text(pen, record->reversal ? "0420" : "0220");
                put_text(pen, record->why);
                put_number(pen, record->dispensed_yen);
                put_identity(pen, record->original_stan, record->original_ms);
                return;
        case JOURNAL_ACKNOWLEDGED:
                put_identity(pen, record->original_stan, record->original_ms);
                return;
        }
}

size_t journal_print(const struct journal_record *record, char buffer[JOURNAL_LINE_MAX])
{
        struct pen pen = {.at = buffer};

        *pen.at++ = (char)record->kind;
        put_text(&pen, record->terminal);
        put_identity(&pen, record->stan, record->transmitted_ms);
        put_body(&pen, record);
        pen.at = buffer + seal_put(buffer, (size_t)(pen.at - buffer));
        assert(pen.at - buffer < JOURNAL_LINE_MAX);
        return (size_t)(pen.at - buffer);
}

/* reading a line ---------------------------------------------------------------------------------- */

struct eye {
        const char *at, *end;
};

/* The next word, up to a blank or the line's end; 0 where there is none. */
static size_t take_word(struct eye *eye, const char **ret_word)
{
        const char *start = eye->at, *stop;

        if (start >= eye->end)
                return 0;
        stop = memchr(start, ' ', (size_t)(eye->end - start));
        if (!stop)
                stop = eye->end;
        *ret_word = start;
        eye->at = stop < eye->end ? stop + 1 : stop;
        return (size_t)(stop - start);
}

/* '-' is the empty text. */
static bool take_text(struct eye *eye, char *buffer, size_t size)
{
        const char *word;
        size_t length = take_word(eye, &word);

        if (length == 0 || length >= size)
                return false;
        if (length == 1 && *word == '-')
                length = 0;
        memcpy(buffer, word, length);
        buffer[length] = '\0';
        return true;
}

/* '-' is -1. */
static bool take_number(struct eye *eye, int64_t *ret_value)
{
        const char *word = "";
        size_t length = take_word(eye, &word);

        if (length == 1 && *word == '-') {
                *ret_value = -1;
                return true;
        }
        return number_parse_bytes(word, length, 0, NUMBER_MOST, ret_value);
}

static bool take_identity(struct eye *eye, int32_t *ret_stan, int64_t *ret_ms)
{
        const char *word;
        int64_t stan, part[6];
        static const int width[6] = {4, 2, 2, 2, 2, 2};

        if (take_word(eye, &word) != 6 || !number_parse_bytes(word, 6, 0, NUMBER_MOST, &stan) ||
            take_word(eye, &word) != 14)
                return false;
        for (int i = 0; i < 6; word += width[i], i++)
                if (!number_parse_bytes(word, (size_t)width[i], 0, NUMBER_MOST, &part[i]))
                        return false;
        if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 ||
            part[5] > 59)
                return false;
        *ret_stan = (int32_t)stan;
        *ret_ms = calendar_from_utc((int)part[0], (int)part[1], (int)part[2], (int)part[3], (int)part[4],
                                    (int)part[5]);
        return true;
}

static bool take_token(struct eye *eye, uint8_t token[TOKEN_LENGTH])
{
        const char *word;

        return take_word(eye, &word) == 2 * TOKEN_LENGTH && hex_parse(word, token, TOKEN_LENGTH);
}

static bool take_body(struct eye *eye, struct journal_record *record)
{
        char mti[5];

        switch (record->kind) {
        case JOURNAL_REQUEST:
                return take_number(eye, &record->amount_yen) && record->amount_yen >= 0 &&
                       take_token(eye, record->token) && take_text(eye, record->mask, sizeof(record->mask));
        case JOURNAL_INQUIRY:
                return take_token(eye, record->token) && take_text(eye, record->mask, sizeof(record->mask));
        case JOURNAL_ANSWER:
                return take_text(eye, record->de39, sizeof(record->de39)) &&
                       take_number(eye, &record->charge_yen) &&
                       take_text(eye, record->rrn, sizeof(record->rrn)) &&
                       take_text(eye, record->approval, sizeof(record->approval));
        case JOURNAL_ADVICE:
                if (!take_text(eye, mti, sizeof(mti)) || (strcmp(mti, "0220") && strcmp(mti, "0420")))
                        return false;
                record->reversal = mti[1] == '4';
                return take_text(eye, record->why, sizeof(record->why)) &&
                       take_number(eye, &record->dispensed_yen) && record->dispensed_yen >= 0 &&
                       take_identity(eye, &record->original_stan, &record->original_ms);
        case JOURNAL_ACKNOWLEDGED:
                return take_identity(eye, &record->original_stan, &record->original_ms);
        }
        return false;
}

const char *journal_parse(const char *line, size_t length, struct journal_record *ret_record)
{
        struct journal_record record = {.charge_yen = -1};
        struct eye eye;
        const char *word, *why = seal_check(line, length, &length);

        if (why)
                return why;
        eye = (struct eye){.at = line, .end = line + length};
        if (take_word(&eye, &word) != 1 || !strchr("QBAVK", *word))
                return "no kind of record: Q, B, A, V or K is expected";
        record.kind = (enum journal_kind) * word;
        if (take_word(&eye, &word) != 8)
                return "a terminal of 8 characters is expected in column 2";
        memcpy(record.terminal, word, 8);
        if (!take_identity(&eye, &record.stan, &record.transmitted_ms))
                return "a STAN and a moment are expected in columns 3 and 4";
        if (!take_body(&eye, &record))
                return "a value from column 5 on is malformed";
        if (eye.at != eye.end)
                return "there is more than its kind of record holds";
        *ret_record = record;
        return NULL;
}

/* the folder -------------------------------------------------------------------------------------- */

static bool make_folder(const char *dir, char error[JOURNAL_ERROR_MAX])
{
        if (mkdir(dir, 0700) == 0 || errno == EEXIST)
                return true;
        snprintf(error, JOURNAL_ERROR_MAX, "journal folder %s: %s", dir, strerror(errno));
        return false;
}

int journal_lock(const char *dir, bool write, char error[JOURNAL_ERROR_MAX])
{
        char path[JOURNAL_PATH_MAX + 8];
        int fd;

        if (write && !make_folder(dir, error))
                return -1;
        if (snprintf(path, sizeof(path), "%s/lock", dir) >= JOURNAL_PATH_MAX - 64) {
                snprintf(error, JOURNAL_ERROR_MAX, "journal folder: a path of at most %d bytes is expected",
                         JOURNAL_PATH_MAX - 70);
                return -1;
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
                snprintf(error, JOURNAL_ERROR_MAX, "journal folder %.200s: %s", dir, strerror(errno));
                return -1;
        }
        if (flock(fd, (write ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
                if (errno == EWOULDBLOCK)
                        snprintf(error, JOURNAL_ERROR_MAX,
                                 "journal folder %.200s: another atmsim is using it; wait for "
                                 "its end, or give this one a folder of its own with --journal",
                                 dir);
                else
                        snprintf(error, JOURNAL_ERROR_MAX, "journal folder %.200s: lock: %s", dir,
                                 strerror(errno));
                close(fd);
                return -1;
        }
        return fd;
}

void journal_path(const char *dir, int number, char buffer[JOURNAL_PATH_MAX])
{
        snprintf(buffer, JOURNAL_PATH_MAX, "%s/atmsim-%06d.journal", dir, number);
}

int journal_last(const char *dir)
{
        DIR *folder = opendir(dir);
        struct dirent *entry;
        int last = 0;

        if (!folder)
                return errno == ENOENT ? 0 : -1;
        while ((entry = readdir(folder))) {
                int number, end = 0;

                if (sscanf(entry->d_name, "atmsim-%6d.journal%n", &number, &end) == 1 && end > 0 &&
                    entry->d_name[end] == '\0' && number > last)
                        last = number;
        }
        closedir(folder);
        return last;
}

/* appending --------------------------------------------------------------------------------------- */

/* The file's name must be durable too, or a power cut could lose the whole file. */
static bool sync_folder(const char *dir)
{
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool good = fd >= 0 && fsync(fd) == 0;

        if (fd >= 0)
                close(fd);
        return good;
}

bool journal_open(struct journal *ret_journal, const char *dir, char error[JOURNAL_ERROR_MAX])
{
        struct journal journal = {.room = BUFFER_ROOM};
        char path[JOURNAL_PATH_MAX];
        int last;

        if (!make_folder(dir, error))
                return false;
        last = journal_last(dir);
        journal.number = last + 1;
        journal_path(dir, journal.number, path);
        journal.fd = last < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (journal.fd < 0) {
                snprintf(error, JOURNAL_ERROR_MAX, "journal %.400s: %s", path, strerror(errno));
                return false;
        }
        journal.buffer = malloc(journal.room);
        if (!journal.buffer || !sync_folder(dir)) {
                snprintf(error, JOURNAL_ERROR_MAX, "journal %.400s: %s", path, strerror(errno));
                free(journal.buffer);
                close(journal.fd);
                return false;
        }
        journal.length = strlen(FILE_HEADER);
        memcpy(journal.buffer, FILE_HEADER, journal.length);
        journal.offset = (int64_t)journal.length;
        *ret_journal = journal;
        return true;
}

int64_t journal_append(struct journal *journal, const struct journal_record *record)
{
        int64_t at = journal->offset;
        size_t length;

        if (journal->length + JOURNAL_LINE_MAX > journal->room) {
                char *grown = realloc(journal->buffer, journal->room * 2);

                if (!grown) {
                        journal->incomplete = true;
                        return at;
                }
                journal->buffer = grown;
                journal->room *= 2;
        }
        length = journal_print(record, journal->buffer + journal->length);
        journal->buffer[journal->length + length++] = '\n';
        journal->length += length;
        journal->offset += (int64_t)length;
        return at;
}

bool journal_flush(struct journal *journal, bool sync)
{
        size_t done = 0;

        if (journal->incomplete) {
                errno = ENOMEM;
                return false;
        }
        while (done < journal->length) {
                ssize_t n = write(journal->fd, journal->buffer + done, journal->length - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                done += (size_t)n;
        }
        journal->unsynced |= done > 0;
        journal->length = 0;
        if (sync && journal->unsynced) {
                if (fdatasync(journal->fd) < 0)
                        return false;
                journal->unsynced = false;
        }
        return true;
}

bool journal_close(struct journal *journal)
{
        bool flushed = true;
        int why = 0;

        if (!journal->buffer)
                return true;
        if (!journal_flush(journal, true)) {
                flushed = false;
                why = errno;
        }
        close(journal->fd);
        free(journal->buffer);
        journal->buffer = NULL;
        if (!flushed)
                errno = why;
        return flushed;
}

/* reading ----------------------------------------------------------------------------------------- */

/*
 * A bad line is damage where a good one follows, or where it has its line end; at the very end and without
 * one it was torn by a crash: each flush is one write, and lines reach the disk in order.
 */
static void read_line(const struct journal_reader *reader, const char *path, uint64_t number,
                      const char *line, size_t length)
{
        struct journal_record record;
        const char *why;

        if (reader->only_terminal && (length < 10 || memcmp(line + 2, reader->only_terminal, 8)))
                return;
        why = journal_parse(line, length, &record);
        if (why)
                reader->on_damage(path, number, why, reader->context);
        else
                reader->on_record(&record, reader->context);
}

/* Hand out the whole lines of a buffer, which begins at `offset`; bytes used. */
static size_t read_lines(const struct journal_reader *reader, const char *path, uint64_t *number,
                         int64_t offset, const char *buffer, size_t length)
{
        const char *at = buffer, *end = buffer + length, *stop;

        while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
                ++*number;
                if (reader->on_line)
                        reader->on_line(offset + (stop + 1 - buffer), reader->context);
                read_line(reader, path, *number, at, (size_t)(stop - at));
                at = stop + 1;
        }
        return (size_t)(at - buffer);
}

static ssize_t read_some(int fd, char *buffer, size_t size)
{
        ssize_t n;

        do
                n = read(fd, buffer, size);
        while (n < 0 && errno == EINTR);
        return n;
}

static bool skip_header(int fd, const char *path, char error[JOURNAL_ERROR_MAX])
{
        char header[sizeof(FILE_HEADER)] = "";
        ssize_t n = read_some(fd, header, strlen(FILE_HEADER));

        if (n >= 0 && (size_t)n <= strlen(FILE_HEADER) && !memcmp(header, FILE_HEADER, (size_t)n))
                return true; /* shorter: the process ended before its first flush */
        snprintf(error, JOURNAL_ERROR_MAX,
                 "%.300s:1: 'atmsim journal 1' is expected: not a journal, or of another version", path);
        return false;
}

bool journal_read(const char *path, int64_t offset, const struct journal_reader *reader,
                  char error[JOURNAL_ERROR_MAX])
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char *buffer = malloc(READ_ROOM);
        uint64_t number = offset == 0; /* the header is line 1 */
        size_t kept = 0;
        bool good = false;
        ssize_t n = -1;

        if (fd < 0 && errno == ENOENT) {
                good = true;
                goto done;
        }
        if (fd < 0 || !buffer || lseek(fd, offset, SEEK_SET) < 0) {
                snprintf(error, JOURNAL_ERROR_MAX, "%.300s: %s", path, strerror(errno));
                goto done;
        }
        if (offset == 0 && !skip_header(fd, path, error))
                goto done;
        offset = lseek(fd, 0, SEEK_CUR); /* of the buffer's first byte */
        while ((n = read_some(fd, buffer + kept, READ_ROOM - kept)) > 0) {
                size_t used = read_lines(reader, path, &number, offset, buffer, kept + (size_t)n);

                offset += (int64_t)used;
                kept += (size_t)n - used;
                memmove(buffer, buffer + used, kept);
                if (kept == READ_ROOM) {
                        snprintf(error, JOURNAL_ERROR_MAX, "%.300s: line %llu has no end", path,
                                 (unsigned long long)number + 1);
                        goto done;
                }
        }
        good = n == 0;
        if (!good)
                snprintf(error, JOURNAL_ERROR_MAX, "%.300s: %s", path, strerror(errno));
done:
        free(buffer);
        if (fd >= 0)
                close(fd);
        return good;
}
