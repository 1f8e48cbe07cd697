/* Opening, appending, flushing: see journal_writer.h. */
#include "tools/banksim/journal_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/hex.h"

enum { BUFFER_ROOM = 1 << 16 };

/* ---- opening ------------------------------------------------------------------------------------------- */

struct rebuild {
        struct bank *bank;
        const char *mark;
};

/* Before the records: their tokens mean nothing under another key. */
static const char *on_header(const struct bank_journal_found *found, void *context)
{
        const struct rebuild *target = context;
        if (strcmp(found->bank, bank_name(target->bank)) != 0)
                return "the journal of another bank";
        if (strcmp(found->mark, target->mark) != 0)
                return "written under another token key";
        return NULL;
}

static const char *on_record(const char *name, const struct bank_record *record, void *context)
{
        const struct rebuild *target = context;
        (void)name;
        return bank_replay(target->bank, record);
}

static bool on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        (void)path, (void)line, (void)why, (void)context;
        return false; /* a bank that has forgotten something must not answer */
}

/* A new file's name must be on disk as well. */
static bool sync_folder(const char *path)
{
        char folder[4096];
        const char *slash = strrchr(path, '/');
        snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        bool good = fsync(fd) == 0;
        close(fd);
        return good;
}

static int open_file(const char *path)
{
        int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        char folder[4096];
        const char *slash = strrchr(path, '/');
        if (fd >= 0 || errno != ENOENT || !slash || slash == path)
                return fd;
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        if (mkdir(folder, 0700) < 0)
                return -1;
        return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static bool write_all(int fd, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t n = write(fd, bytes, length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                bytes += n;
                length -= (size_t)n;
        }
        return true;
}

static bool write_header(struct bank_journal *journal, const char *mark, char error[BANK_JOURNAL_ERROR_MAX])
{
        char line[BANK_JOURNAL_LINE_MAX];
        size_t length = bank_journal_print_header(journal->bank, mark, line);
        line[length++] = '\n';
        if (write_all(journal->fd, line, length) && fdatasync(journal->fd) == 0 && sync_folder(journal->path))
                return true;
        return bank_journal_fail(error, "%.400s: %s", journal->path, strerror(errno));
}

/* What a crash cut off was never answered: away with it, before anything is appended to it. */
static bool cut_tail(struct bank_journal *journal, const struct bank_journal_found *found,
                     char error[BANK_JOURNAL_ERROR_MAX])
{
        if (found->torn_bytes == 0)
                return true;
        if (ftruncate(journal->fd, (off_t)found->whole_bytes) == 0 && fsync(journal->fd) == 0)
                return true;
        return bank_journal_fail(error, "%.400s: the end that a crash cut off can't be cut away: %s",
                                 journal->path, strerror(errno));
}

static bool rebuild(struct bank_journal *journal, struct bank *bank, const char *mark,
                    char error[BANK_JOURNAL_ERROR_MAX])
{
        struct rebuild target = {bank, mark};
        const struct bank_journal_reader reader = {
            .on_header = on_header, .on_record = on_record, .on_damage = on_damage, .context = &target};
        struct bank_journal_found found;
        if (!bank_journal_scan(journal->path, journal->fd, &reader, &found, error) ||
            !cut_tail(journal, &found, error))
                return false;
        journal->records = found.records;
        journal->torn_bytes = found.torn_bytes;
        return found.whole_bytes > 0 || write_header(journal, mark, error);
}

bool bank_journal_open(struct bank_journal *ret_journal, const char *path, struct bank *bank,
                       const char mark[BANK_JOURNAL_MARK_LENGTH + 1], char error[BANK_JOURNAL_ERROR_MAX])
{
        struct bank_journal journal = {.path = path, .bank = bank_name(bank), .room = BUFFER_ROOM};
        journal.fd = open_file(path);
        if (journal.fd < 0)
                return bank_journal_fail(error, "%.400s: %s; expected a place for the bank's journal", path,
                                         strerror(errno));
        if (flock(journal.fd, LOCK_EX | LOCK_NB) < 0) {
                bank_journal_fail(error, "%.400s: %s", path,
                                  errno == EWOULDBLOCK ? "another banksim writes it" : strerror(errno));
                goto failed;
        }
        journal.buffer = malloc(journal.room);
        if (!journal.buffer) {
                bank_journal_fail(error, "%.400s: out of memory", path);
                goto failed;
        }
        if (!rebuild(&journal, bank, mark, error))
                goto failed;
        *ret_journal = journal;
        return true;
failed:
        free(journal.buffer);
        close(journal.fd);
        return false;
}

void bank_journal_close(struct bank_journal *journal)
{
        free(journal->buffer);
        journal->buffer = NULL;
        close(journal->fd); /* and with it the lock */
        journal->fd = -1;
}

/* ---- appending ----------------------------------------------------------------------------------------- */

void bank_journal_append(struct bank_journal *journal, const struct bank_record *record)
{
        if (journal->room - journal->length < BANK_JOURNAL_LINE_MAX) {
                char *grown = realloc(journal->buffer, journal->room * 2);
                if (!grown) {
                        fputs("banksim: out of memory\n", stderr);
                        abort(); /* the bank has decided what it can't write down */
                }
                journal->buffer = grown;
                journal->room *= 2;
        }
        journal->length += bank_journal_print(journal->bank, record, journal->buffer + journal->length);
        journal->buffer[journal->length++] = '\n';
        journal->records++;
}

bool bank_journal_waits(const struct bank_journal *journal)
{
        return journal->length > 0;
}

bool bank_journal_flush(struct bank_journal *journal)
{
        if (journal->length == 0)
                return true;
        if (!write_all(journal->fd, journal->buffer, journal->length) || fdatasync(journal->fd) < 0)
                return false;
        journal->length = 0;
        journal->syncs++;
        return true;
}

void bank_journal_mark(struct token_key *key, char buffer[BANK_JOURNAL_MARK_LENGTH + 1])
{
        uint8_t token[TOKEN_LENGTH];
        token_of_pan(key, "banksim journal", token);
        hex_print(token, BANK_JOURNAL_MARK_LENGTH / 2, buffer);
}
